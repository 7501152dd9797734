//! Independent sets of weighted particles as one page: evidence, effective sample sizes, ancestors and the posterior, step by
//! step, with their errors across the sets.

mod advice;
mod course;
mod files;
mod particles;
mod payload;
mod quantiles;
mod stats;

pub use course::{Course, CourseStep, Noun, SetCourse};
pub use particles::{ParticleSet, Particles, SetRows};

use super::counted;
use super::page::{self, Frame};
use crate::error::{Code, Error};
use crate::particles::blocks::Blocks;
use payload::Payload;
use serde::Serialize;

/// What a page about sets is made of.
#[derive(Debug, Clone, Copy)]
pub struct SetsInput<'a> {
    /// The page's title.
    pub title: &'a str,
    /// The sets.
    pub course: &'a Course,
    /// The true values of the parameters that are followed, in their order, where they are known; may be empty.
    pub truth: &'a [f64],
    /// The options of the run, names and values; may be empty.
    pub settings: &'a [(String, String)],
    /// What else is to be said before all: a sentence each.
    pub notes: &'a [String],
}

/// What `f` makes of each variable's place, in their order.
fn each<T: Send>(particles: &Particles, blocks: &impl Blocks, f: impl Fn(usize) -> T + Sync) -> Result<Vec<T>, Error> {
    let mut all: Vec<Option<T>> = particles.names.iter().map(|_| None).collect();
    blocks.for_each(
        all.iter_mut().enumerate(),
        || Ok(()),
        |(), (at, place)| {
            *place = Some(f(at));
            Ok(())
        },
    )?;
    Ok(all.into_iter().flatten().collect())
}

/// What the frame is filled with.
#[derive(Serialize)]
struct Parts {
    variables: usize,
    has_pairs: bool,
    has_ess: bool,
    has_ancestors: bool,
    has_evidence: bool,
    has_moves: bool,
    has_followed: bool,
}

/// The page about these sets. The text depends on neither the time nor the threads that `blocks` has.
///
/// # Errors
/// There is neither a step nor a particle.
pub fn report_sets(input: &SetsInput<'_>, blocks: &impl Blocks) -> Result<String, Error> {
    let course = input.course;
    let particles = course.particles.as_ref().filter(|p| p.sets.iter().any(|set| !set.weights.is_empty()));
    if course.sets.iter().all(|set| set.steps.is_empty()) && particles.is_none() {
        return Err(Error::new(Code::InvalidArgument, "expected steps or particles to report on, got neither"));
    }
    let variables = particles.map_or_else(|| Ok(Vec::new()), |p| each(p, blocks, |at| p.variable(at)))?;
    let advice = advice::advice(course, particles, &variables);
    let payload = Payload::new(course, particles, &variables, input.truth, blocks)?;
    let known =
        |of: fn(&payload::Steps) -> &Vec<Option<f64>>| payload.steps.iter().any(|s| of(s).iter().any(Option::is_some));
    let parts = Parts {
        variables: variables.len(),
        has_pairs: payload.pairs.is_some(),
        has_ess: known(|s| &s.ess),
        has_ancestors: known(|s| &s.ancestors),
        has_evidence: !payload.evidence.is_empty(),
        has_moves: known(|s| &s.acceptance),
        has_followed: !payload.followed.is_empty(),
    };
    let sections = [
        (parts.has_followed, "followed", "Posterior"),
        (parts.has_evidence, "evidence", "Evidence"),
        (parts.has_ess, "ess", "Sample sizes"),
        (parts.has_ancestors, "ancestors", "Ancestors"),
        (parts.has_moves, "moves", "Moves"),
        (parts.variables > 0, "table", "Table"),
        (parts.variables > 0, "variables", "Variables"),
        (parts.has_pairs, "pairs", "Pairs"),
        (!input.settings.is_empty(), "settings", "Settings"),
    ];
    let sets = course.sets.len().max(particles.map_or(0, |p| p.sets.len()));
    let rows = particles.map_or(0, |p| p.sets.iter().map(|set| set.weights.len()).sum());
    let noun = course.noun.name();
    let thing = if course.noun == Noun::Datum { "model" } else { "particle" };
    let facts = [(sets, "set"), (course.last(), noun), (rows, thing), (variables.len(), "variable")];
    let facts = facts.into_iter().filter(|(count, _)| *count > 0);
    page::filled(&Frame {
        body: page::SETS,
        title: input.title,
        facts: facts.map(|(count, what)| counted(count, what)).collect::<Vec<_>>().join(", ").replace("datums", "data"),
        sections: page::present(&sections),
        advice,
        notes: input.notes,
        settings: input.settings,
        parts,
        data: &payload,
    })
}
