//! What the chains of a run decide together: whether they have enough.

use crate::adapt::Enough;
use crate::diagnostics::Worst;
use crate::model::{Fold, Member};

/// The fold of a run's looks. It is one thread's work: those that would help wait for it, but may have other runs to serve.
pub struct Looks {
    pub enough: Enough,
    /// Columns that are looked at.
    pub columns: usize,
}

impl Fold for Looks {
    fn fold(&self, _: u64, members: &[Member]) -> Vec<Vec<f64>> {
        let shortest = members.iter().map(|m| m.brings.len()).min().unwrap_or(0);
        let rows: Vec<f64> = members.iter().flat_map(|m| &m.brings[..shortest]).copied().collect();
        let draws = shortest / self.columns.max(1);
        let Worst { ess, rhat } = Worst::of(&rows, self.columns, draws);
        let reached = self.enough.is_reached(ess.0, rhat.0);
        let answer = [f64::from(u8::from(reached)), draws as f64, ess.0, ess.1 as f64, rhat.0, rhat.1 as f64];
        vec![answer.to_vec(); members.len()]
    }
}
