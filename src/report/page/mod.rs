//! The pages' frames; their style and scripts stand beside them.

use super::advice::Advice;
use crate::error::{Code, Error};
use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde::Serialize;

const STYLE: &str = include_str!("style.css");
/// What every page begins and ends with.
const HEAD: &str = include_str!("head.html");
const FOOT: &str = include_str!("foot.html");
const FIRST: &str = include_str!("draw.js");
const LAST: [&str; 3] = [include_str!("panels.js"), include_str!("pairs.js"), include_str!("table.js")];
/// The name tells what is to be escaped, and how.
const NAME: &str = "page.html";

/// What is between head and foot, and the scripts that draw it.
pub struct Body {
    frame: &'static str,
    scripts: &'static [&'static str],
    credits: &'static str,
}

/// The page about chains.
pub const CHAINS: Body = Body {
    frame: include_str!("chains.html"),
    scripts: &[include_str!("variables.js"), include_str!("sections.js")],
    credits: "Diagnostics by Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021).",
};
/// The page about sets of particles.
pub const SETS: Body = Body {
    frame: include_str!("sets.html"),
    scripts: &[include_str!("sets.js")],
    credits: "Errors are those of means across independent sets.",
};

/// What a page is filled with.
#[derive(Serialize)]
pub struct Frame<'a, P, D> {
    #[serde(skip)]
    pub body: Body,
    pub title: &'a str,
    /// How much of what, in a sentence.
    pub facts: String,
    /// Ids and titles of the sections that there are, for the list of links.
    pub sections: Vec<(&'static str, &'static str)>,
    pub advice: Advice,
    pub notes: &'a [String],
    pub settings: &'a [(String, String)],
    /// What this frame has beside.
    #[serde(flatten)]
    pub parts: P,
    /// What the script gets.
    #[serde(skip)]
    pub data: &'a D,
}

#[derive(Serialize)]
struct Filling<'a, F> {
    #[serde(flatten)]
    frame: &'a F,
    style: &'static str,
    script: String,
    credits: &'static str,
    data: String,
    version: &'static str,
}

/// The sections that are there, of `(whether, id, title)`.
pub fn present(sections: &[(bool, &'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    sections.iter().filter(|(there, ..)| *there).map(|(_, id, title)| (*id, *title)).collect()
}

/// The whole page.
pub fn filled<P: Serialize, D: Serialize>(frame: &Frame<'_, P, D>) -> Result<String, Error> {
    let filling = Filling {
        frame,
        style: STYLE,
        script: [&[FIRST], frame.body.scripts, &LAST].concat().concat(),
        credits: frame.body.credits,
        data: json(frame.data)?,
        version: env!("CARGO_PKG_VERSION"),
    };
    let fail = |e: minijinja::Error| Error::new(Code::Internal, format!("the report's frame: {e:#}"));
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(fail)?;
    let mut frames = Environment::new();
    frames.set_syntax(syntax);
    let text = [HEAD, frame.body.frame, FOOT].concat();
    frames.add_template(NAME, &text).map_err(fail)?;
    frames.get_template(NAME).and_then(|frame| frame.render(Serde(filling))).map_err(fail)
}

/// As JSON that can stand inside an HTML script: no `</`, no `<!--`.
fn json(data: &impl Serialize) -> Result<String, Error> {
    let text =
        serde_json::to_string(data).map_err(|e| Error::new(Code::Internal, format!("the report's data: {e}")))?;
    Ok(text.replace('<', "\\u003c"))
}
