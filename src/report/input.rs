//! What a report is made of.

use crate::diagnostics::SummaryInput;
use crate::io::{ChainRun, CsvChains};

/// Draws, and what is known of the run that gave them.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// The page's title; by default it should say what was sampled.
    pub title: &'a str,
    /// The draws after warm-up.
    pub draws: SummaryInput<'a>,
    /// How many draws each chain had before all were cut to one length; empty: none was cut.
    pub lengths: &'a [usize],
    /// What is known of each chain's run; empty: nothing.
    pub runs: &'a [ChainRun],
    /// The options of the run, names and values; may be empty.
    pub settings: &'a [(String, String)],
    /// What else is to be said of the draws before all: a sentence each.
    pub notes: &'a [String],
}

impl<'a> ReportInput<'a> {
    /// Of the draws alone.
    pub fn new(title: &'a str, draws: SummaryInput<'a>) -> Self {
        Self { title, draws, lengths: &[], runs: &[], settings: &[], notes: &[] }
    }

    /// Of files.
    pub fn of_files(title: &'a str, files: &'a CsvChains) -> Self {
        let (lengths, runs, settings) = (files.lengths(), files.runs(), files.settings());
        Self { lengths, runs, settings, ..Self::new(title, files.summary_input()) }
    }
}
