//! What the page's script gets, as JSON.

use super::course::{Course, CourseStep, SetCourse};
use super::each;
use super::particles::{Particles, Variable};
use super::stats::{evidence, evidence_so_far, least, worst_first};
use crate::error::Error;
use crate::particles::blocks::Blocks;
use crate::report::pairs::{DRAWS, Pairs, VARIABLES};
use crate::report::scale::{Range, bytes_up_to, encoded, finite, shown};
use crate::report::sketch::density;
use serde::Serialize;

/// Most steps of a set that are shown.
const STEPS: usize = 300;
/// Bytes that all densities may take, and fewest and most points of one.
const BUDGET: usize = 2_000_000;
const DENSITY: [usize; 2] = [28, 96];
/// Most parameters whose course is shown.
const FOLLOWED: usize = 100;
/// The columns of the table after the name.
const COLUMNS: [&str; 7] = ["mean", "error", "sd", "q5", "median", "q95", "ess_sets"];

#[derive(Debug, Serialize)]
pub struct Payload {
    /// Sets, which the pictures know as chains.
    chains: usize,
    labels: Vec<String>,
    noun: &'static str,
    statistics: [&'static str; 7],
    names: Vec<String>,
    rows: Vec<Vec<Option<f64>>>,
    worst: Vec<usize>,
    points: usize,
    /// The ends of each variable's densities and their bytes, set after set; `null` without.
    sketches: Vec<Option<(f64, f64, String)>>,
    /// The mean of each set.
    means: Vec<Vec<Option<f64>>>,
    pub(super) pairs: Option<Pairs>,
    pub(super) steps: Vec<Steps>,
    /// Effective sample size, size, set and step where the first is the smallest.
    least: Option<(f64, Option<f64>, u64, usize)>,
    /// The same of ancestors.
    fewest: Option<(f64, Option<f64>, u64, usize)>,
    /// Way, log evidence, error.
    pub(super) evidence: Vec<(f64, Option<f64>, Option<f64>)>,
    total: Option<(Option<f64>, Option<f64>)>,
    pub(super) followed: Vec<Followed>,
}

/// The steps of one set.
#[derive(Debug, Serialize)]
pub struct Steps {
    /// Their numbers.
    number: Vec<usize>,
    way: Vec<Option<f64>>,
    size: Vec<Option<f64>>,
    pub(super) ess: Vec<Option<f64>>,
    pub(super) ancestors: Vec<Option<f64>>,
    evidence: Vec<Option<f64>>,
    pub(super) acceptance: Vec<Option<f64>>,
    stepsize: Vec<Option<f64>>,
}

/// A parameter's course.
#[derive(Debug, Serialize)]
pub struct Followed {
    name: String,
    way: Vec<Option<f64>>,
    /// Of all sets: the mean of their means, its error, the ends of the interval.
    mean: Vec<Option<f64>>,
    error: Vec<Option<f64>>,
    low: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
    truth: Option<f64>,
}

/// Evenly spread places, the last among them.
fn places(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let kept = count.min(most);
    (0..kept).map(move |k| (k + 1) * count / kept - 1)
}

impl Steps {
    fn of(course: &Course, set: &SetCourse) -> Self {
        let places: Vec<usize> = places(set.steps.len(), STEPS).collect();
        let of = |f: fn(&CourseStep) -> f64| places.iter().map(|&i| shown(f(&set.steps[i]))).collect();
        Self {
            number: places.iter().map(|&i| course.number(i, &set.steps[i])).collect(),
            way: of(|s| s.way),
            size: of(|s| s.size),
            ess: of(|s| s.ess),
            ancestors: of(|s| s.ancestors),
            evidence: of(|s| s.log_evidence),
            acceptance: of(|s| s.acceptance),
            stepsize: of(|s| s.stepsize),
        }
    }
}

impl Followed {
    fn of(course: &Course, parameter: usize, truth: Option<f64>) -> Self {
        let count = course.parameters.len();
        let sets: Vec<&SetCourse> = course.sets.iter().filter(|set| !set.estimates.is_empty()).collect();
        let steps = sets.iter().map(|set| set.estimates.len() / count).min().unwrap_or(0);
        let places: Vec<usize> = places(steps, STEPS).collect();
        let n = sets.len() as f64;
        let all = |i: usize, part: usize| sets.iter().map(move |set| set.estimates[i * count + parameter][part]);
        let mean = |i: usize, part: usize| all(i, part).sum::<f64>() / n;
        let error = |i: usize| {
            let middle = mean(i, 0);
            let squares: f64 = all(i, 0).map(|x| (x - middle) * (x - middle)).sum();
            if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { f64::NAN }
        };
        let of = |f: &dyn Fn(usize) -> f64| places.iter().map(|&i| shown(f(i))).collect();
        Self {
            name: course.parameters[parameter].clone(),
            way: sets.first().map_or_else(Vec::new, |set| places.iter().map(|&i| shown(set.steps[i].way)).collect()),
            mean: of(&|i| mean(i, 0)),
            error: of(&error),
            low: of(&|i| mean(i, 1)),
            high: of(&|i| mean(i, 2)),
            truth: truth.filter(|x| x.is_finite()),
        }
    }
}

impl Payload {
    pub fn new(
        course: &Course,
        particles: Option<&Particles>,
        variables: &[Variable],
        truth: &[f64],
        blocks: &impl Blocks,
    ) -> Result<Self, Error> {
        let ids: Vec<u64> = match particles {
            Some(particles) if course.sets.is_empty() => particles.sets.iter().map(|set| set.id).collect(),
            _ => course.sets.iter().map(|set| set.id).collect(),
        };
        let worst = worst_first(variables);
        let count = particles.map_or(0, |p| p.sets.len());
        let points = (BUDGET / (count * variables.len()).max(1)).clamp(DENSITY[0], DENSITY[1]);
        let mut kept = vec![false; variables.len()];
        worst.iter().take((BUDGET / (points * count.max(1))).max(1)).for_each(|&i| kept[i] = true);
        let row = |v: &Variable| [v.mean, v.error, v.sd, v.quantiles[0], v.quantiles[1], v.quantiles[2], v.ess()];
        let found = |f: fn(&CourseStep) -> f64| {
            let found = least(course, f).filter(|found| found.value.is_finite())?;
            Some((found.value, shown(found.size), found.set, found.step))
        };
        let so_far = evidence_so_far(course);
        let total = evidence(course).map(|e| (shown(e.log_estimate), shown(e.standard_error)));
        let sketches = match particles {
            Some(p) => each(p, blocks, |at| kept[at].then(|| sketch(p, at, points)))?,
            None => Vec::new(),
        };
        Ok(Self {
            chains: ids.len(),
            labels: ids.iter().map(|id| format!("set {id}")).collect(),
            noun: course.noun.name(),
            statistics: COLUMNS,
            names: particles.map_or_else(Vec::new, |p| p.names.clone()),
            rows: variables.iter().map(|v| row(v).map(shown).to_vec()).collect(),
            points,
            sketches,
            means: variables.iter().map(|v| v.means.iter().map(|m| shown(*m)).collect()).collect(),
            pairs: particles.and_then(|p| pairs(p, &worst)),
            steps: course.sets.iter().map(|set| Steps::of(course, set)).collect(),
            least: found(|step| step.ess),
            fewest: found(|step| step.ancestors),
            evidence: so_far.iter().map(|(way, e)| (*way, shown(e.log_estimate), shown(e.standard_error))).collect(),
            total,
            followed: (0..course.parameters.len().min(FOLLOWED))
                .map(|at| Followed::of(course, at, truth.get(at).copied()))
                .collect(),
            worst,
        })
    }
}

/// The densities of a variable's sets, each of the same area.
fn sketch(particles: &Particles, at: usize, points: usize) -> (f64, f64, String) {
    let weighted = |set: usize| {
        let set = &particles.sets[set];
        set.columns[at].iter().zip(&set.weights).filter(|(_, w)| **w > 0.0).map(|(x, _)| *x)
    };
    let range = Range::of((0..particles.sets.len()).flat_map(weighted));
    let densities: Vec<Vec<f64>> = particles
        .sets
        .iter()
        .map(|set| {
            let total: f64 = set.weights.iter().sum();
            density(&set.columns[at], |i| if total > 0.0 { set.weights[i] / total } else { 0.0 }, &range, points)
        })
        .collect();
    let top = densities.iter().flatten().fold(0.0, |top: f64, x| top.max(*x));
    let bytes: Vec<u8> = densities.iter().flat_map(|density| bytes_up_to(density, top).collect::<Vec<_>>()).collect();
    (finite(range.low), finite(range.high), encoded(&bytes))
}

/// Particles of all sets by their weights, of the worst variables.
fn pairs(particles: &Particles, worst: &[usize]) -> Option<Pairs> {
    let weights = || {
        particles
            .sets
            .iter()
            .enumerate()
            .flat_map(|(s, set)| set.weights.iter().enumerate().map(move |(i, w)| (s, i, *w)))
    };
    let total: f64 = weights().map(|(.., w)| w).sum();
    let count = weights().count().min(DRAWS);
    // Systematic resampling from the middle of each part.
    let (mut chosen, mut sum) = (Vec::with_capacity(count), 0.0);
    for (set, i, weight) in weights() {
        sum += weight;
        while chosen.len() < count && (chosen.len() as f64 + 0.5) * total < sum * count as f64 {
            chosen.push((set, i));
        }
    }
    let column = |&at: &usize| {
        (&particles.names[at], chosen.iter().map(|&(set, i)| particles.sets[set].columns[at][i]).collect())
    };
    Pairs::new(worst.iter().take(VARIABLES).map(column).collect(), 0, None)
}
