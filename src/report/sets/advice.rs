//! What is to be thought of the sets, in words.

use super::course::{Course, Noun};
use super::particles::{Particles, Variable};
use super::stats::{evidence, least, lost, worst_first};
use crate::report::advice::Advice;

/// A larger error of the log evidence says that few of the sets outweigh the others; it is 1 at most, where one does.
const LARGEST_ERROR: f64 = 0.5;
/// Smaller effective sample sizes, or fewer ancestors, are too few to stand for a distribution.
const FEWEST: f64 = 50.0;
const FEWEST_ANCESTORS: f64 = 20.0;
/// As many independent draws as a mean should be worth, and from how many sets on that can be told.
const ENOUGH: f64 = 100.0;
const SETS: usize = 4;

/// On these sets.
pub fn advice(course: &Course, particles: Option<&Particles>, variables: &[Variable]) -> Advice {
    let count = course.sets.len().max(particles.map_or(0, |p| p.sets.len()));
    let mut basis = Vec::new();
    let (mut findings, mut steps) = (Vec::new(), Vec::new());
    let noun = course.noun.name();
    let (particle, more) = match course.noun {
        Noun::Datum => ("model", "More models in each set"),
        _ => ("particle", "More particles in each set"),
    };
    let lost = lost(course);
    if !lost.is_empty() {
        let ids: Vec<String> = lost.iter().map(u64::to_string).collect();
        let sets = if lost.len() == 1 { "set" } else { "sets" };
        findings.push(format!("all {particle}s of {sets} {} have lost their weight", ids.join(", ")));
        steps.push(format!("{more}, or a prior that is nearer to the data: no {particle} could explain them."));
    }
    if let Some(found) = evidence(course).filter(|e| e.log_estimate.is_finite()) {
        let (value, error) = (found.log_estimate, found.standard_error);
        basis.push(match error.is_nan() {
            true => format!("The log evidence is {value:.3}."),
            false => format!("The log evidence is {value:.3} with a standard error of {error:.2} across {count} sets."),
        });
        if error > LARGEST_ERROR {
            findings.push(format!("the sets disagree on the evidence: the error of its logarithm is {error:.2}"));
            steps.push(format!("{more}: sets that disagree have not found the same places."));
        }
    }
    if let Some(found) = least(course, |step| step.ess).filter(|found| found.value.is_finite()) {
        let (value, set, step) = (found.value, found.set, found.step);
        let of = if found.size.is_nan() { String::new() } else { format!(" of {} {particle}s", found.size) };
        let words = format!("effective sample size is {value:.0}{of}, of set {set} at {noun} {step}");
        basis.push(format!("The smallest {words}."));
        if value < FEWEST {
            findings.push(format!("the smallest {words}: too few to stand for a distribution"));
            steps.push(match course.noun {
                Noun::Datum => format!("{more}, or data that come in smaller portions."),
                Noun::Stage => "A larger ess_threshold, so that stages are shorter.".into(),
                _ => format!("{more}, or resampling before so much weight is lost."),
            });
        }
    }
    // Over many steps the ancestors in the first one are few in any population.
    let ancestors = least(course, |step| step.ancestors).filter(|_| course.noun == Noun::Stage);
    if let Some(found) = ancestors.filter(|found| found.value < FEWEST_ANCESTORS) {
        let (value, set, step) = (found.value, found.set, found.step);
        findings.push(format!("at {noun} {step} all {particle}s of set {set} stem from {value:.0} ancestors"));
        steps.push("Moves after resampling, or fewer resamplings: copies of few particles know little.".into());
    }
    let worst = worst_first(variables).first().map(|&at| (at, variables[at].ess())).filter(|(_, size)| !size.is_nan());
    if let (Some((at, size)), Some(particles)) = (worst, particles) {
        let name = &particles.names[at];
        basis.push(format!("The sets know means like {size:.0} independent draws or more; least that of {name}."));
        if size < ENOUGH && count >= SETS {
            let share = 100.0 / size.sqrt();
            findings.push(format!("the sets differ in {name}: the error of its mean is {share:.0} % of its spread"));
            steps.push(format!("{more}, or more moves; further sets make the errors smaller too."));
        }
    }
    if let Some((set, share)) = particles.and_then(Particles::sole) {
        let share = (100.0 * share).floor();
        findings.push(format!("set {set} has {share} % of all weight, so that the error of the means is not known"));
        steps.push(format!("{more}: sets that disagree have not found the same places."));
    }
    if count < 2 {
        findings.push("one set alone does not tell its error".into());
        steps.push("Several sets: eight of a thousand rather than one of eight thousand.".into());
    }
    let nothing = course.sets.is_empty() && variables.is_empty();
    let (kind, headline) = match (findings.len(), count) {
        _ if nothing => ("unknown", "There is nothing to judge these particles by."),
        (0, _) => ("good", "Nothing speaks against these particles."),
        (1, 0 | 1) => ("unknown", "Whether these particles are good is unknown."),
        _ => ("doubtful", "Do not rely on these particles yet."),
    };
    steps.dedup();
    Advice { kind, headline, basis: basis.join(" "), findings, steps }
}
