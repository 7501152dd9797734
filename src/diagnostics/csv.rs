//! The draws of CSV files, to be summarised.

use super::{Layout, SummaryInput};
use crate::io::CsvChains;

impl CsvChains {
    /// What [`Summary::new`](super::Summary::new) takes.
    pub fn summary_input(&self) -> SummaryInput<'_> {
        SummaryInput {
            values: self.values(),
            chains: self.chains(),
            draws: self.draws(),
            columns: self.names().len(),
            layout: Layout::Rows,
            names: self.names(),
            max_depth: self.max_depth(),
        }
    }
}
