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
mod sets;
mod sketch;
mod warmup;

pub use input::ReportInput;
pub use sets::{Course, CourseStep, Noun, ParticleSet, Particles, SetCourse, SetRows, SetsInput, report_sets};
pub use sketch::{Shape, Sketch};

use crate::diagnostics::{Summary, SummaryOptions};
use crate::error::Error;
use crate::particles::blocks::Blocks;
use advice::Advice;
use page::Frame;
use payload::Payload;
use serde::Serialize;
use warmup::Warmup;

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
    filled(input, &summary, &payload)
}

/// What the frame of a page about chains is filled with.
#[derive(Serialize)]
struct Parts<'a> {
    has_pairs: bool,
    has_energy: bool,
    has_growth: bool,
    warmup: &'a Warmup,
}

fn filled(input: &ReportInput<'_>, summary: &Summary, payload: &Payload) -> Result<String, Error> {
    let (draws, variables, warmup) = (&input.draws, summary.rows().len(), &payload.warmup);
    let (chains, each) = (draws.chains, draws.draws);
    let parts = Parts {
        has_pairs: payload.pairs.is_some(),
        has_energy: payload.energy.is_some(),
        has_growth: payload.growth.iter().any(|g| g.draws.len() > 1),
        warmup,
    };
    let sections = [
        (true, "table", "Table"),
        (true, "variables", "Variables"),
        (parts.has_pairs, "pairs", "Pairs"),
        (parts.has_energy, "energy", "Energy"),
        (parts.has_growth, "growth", "Sample sizes"),
        (warmup.has_pictures(), "warmup", "Warm-up"),
        (!warmup.times.is_empty(), "times", "Time"),
        (!input.settings.is_empty(), "settings", "Settings"),
    ];
    page::filled(&Frame {
        body: page::CHAINS,
        title: input.title,
        facts: format!("{} of {each} draws each, {}", counted(chains, "chain"), counted(variables, "variable")),
        sections: page::present(&sections),
        advice: Advice::on(summary, chains, each),
        notes: input.notes,
        settings: input.settings,
        parts,
        data: payload,
    })
}

/// A number of things, in words.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
