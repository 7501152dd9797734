//! Draws as one page for a browser: the verdict in words, a table, pictures.
//!
//! The page is one HTML file that needs nothing else: no network, no other file. Numbers are worked out here; the pictures are
//! drawn by the page's script from small sketches of the draws ([`Sketch`]), so that thousands of variables fit.

mod advice;
mod energy;
mod growth;
mod input;
mod page;
mod pairs;
mod payload;
mod scale;
mod sketch;
mod warmup;

pub use input::ReportInput;
pub use sketch::{Shape, Sketch};

use crate::diagnostics::{Summary, SummaryOptions};
use crate::error::Error;
use crate::particles::blocks::Blocks;
use payload::Payload;

/// The page about these draws. The text depends on neither the time nor the threads that `blocks` has.
///
/// # Errors
/// Those of [`Summary::with`].
pub fn report(input: &ReportInput<'_>, blocks: &impl Blocks) -> Result<String, Error> {
    let draws = &input.draws;
    let options = SummaryOptions { lengths: input.lengths.to_vec(), ..SummaryOptions::default() };
    let count = crate::diagnostics::select_columns(draws.names, &[], "variables")?.len();
    let shape = Shape::new(count, draws.chains, draws.draws);
    let (summary, sketches) = Summary::with_more(draws, &options, blocks, |bench| Sketch::new(bench, &shape))?;
    let payload = Payload::new(input, &summary, &sketches, &shape, blocks)?;
    page::page(input, &summary, &payload)
}
