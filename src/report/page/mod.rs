//! The page's frame; its style and its script stand beside it.

use super::ReportInput;
use super::advice::Advice;
use super::payload::Payload;
use crate::diagnostics::Summary;
use crate::error::{Code, Error};
use crate::report::warmup::Warmup;
use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde::Serialize;

const FRAME: &str = include_str!("frame.html");
const STYLE: &str = include_str!("style.css");
const SCRIPTS: [&str; 4] =
    [include_str!("draw.js"), include_str!("variables.js"), include_str!("sections.js"), include_str!("table.js")];
/// The name tells what is to be escaped, and how.
const NAME: &str = "frame.html";

/// What the frame is filled with.
#[derive(Serialize)]
struct Filling<'a> {
    title: &'a str,
    chains: usize,
    draws: usize,
    variables: usize,
    advice: Advice,
    notes: &'a [String],
    settings: &'a [(String, String)],
    has_pairs: bool,
    has_energy: bool,
    has_growth: bool,
    warmup: &'a Warmup,
    style: &'static str,
    script: String,
    data: String,
    version: &'static str,
}

/// The whole page.
pub fn page(input: &ReportInput<'_>, summary: &Summary, payload: &Payload) -> Result<String, Error> {
    let draws = &input.draws;
    let filling = Filling {
        title: input.title,
        chains: draws.chains,
        draws: draws.draws,
        variables: summary.rows().len(),
        advice: Advice::on(summary, draws.chains, draws.draws),
        notes: input.notes,
        settings: input.settings,
        has_pairs: payload.pairs.is_some(),
        has_energy: payload.energy.is_some(),
        has_growth: payload.growth.iter().any(|g| g.draws.len() > 1),
        warmup: &payload.warmup,
        style: STYLE,
        script: SCRIPTS.concat(),
        data: payload.json()?,
        version: env!("CARGO_PKG_VERSION"),
    };
    let fail = |e: minijinja::Error| Error::new(Code::Internal, format!("the report's frame: {e:#}"));
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(fail)?;
    let mut frames = Environment::new();
    frames.set_syntax(syntax);
    frames.add_template(NAME, FRAME).map_err(fail)?;
    frames.get_template(NAME).and_then(|frame| frame.render(Serde(filling))).map_err(fail)
}
