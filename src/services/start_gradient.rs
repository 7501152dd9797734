//! A look at the gradient where a chain starts: the model's derivatives against differences of its log density.

use super::service::Here;
use super::service::model_stopped;
use crate::error::{Code, Error};
use crate::io::significant;
use crate::model::{Density, Refusal};
use crate::random::{Purpose, Stream};
use std::ops::Range;
use std::sync::atomic::Ordering;

/// Most directions of a look: up to so many coordinates are looked at one by one, more of them in so many groups.
pub const GRADIENT_DIRECTIONS: usize = 64;
/// Largest difference, relative to the larger of the two derivatives, that is no mistake.
pub const GRADIENT_TOLERANCE: f64 = 1e-3;

/// The first step, about the cube root of the rounding unit, which is best for central differences of what varies over 1.
const STEP: f64 = 6e-6;
/// Each step is so much longer than the one before: what is computed with noise wants long ones.
const LONGER: f64 = 8.0;
const STEPS: i32 = 6;
/// So many differences in a row have to agree among themselves before they are believed rather than the model.
const WITNESSES: usize = 3;
/// How far they may differ, as a share of their distance from the model's derivative.
const AGREEMENT: f64 = 0.1;
const DIGITS: u32 = 6;

/// What is wrong along the coordinates of `range`.
struct Mistake {
    range: Range<usize>,
    model: f64,
    difference: f64,
}

/// Compares the `gradient` at `position`, where a chain starts, with central differences of the log density: for each
/// coordinate, or for [`GRADIENT_DIRECTIONS`] groups of them, two evaluations where all is well. Random numbers of the
/// chain are left alone.
///
/// A derivative is wrong when it is further than [`GRADIENT_TOLERANCE`] from the differences of all steps, and those of three
/// steps in a row agree much better among themselves than with it. Where they don't (kinks, noise, a point that the model
/// refuses) nothing is said.
///
/// # Errors
/// A derivative that is wrong, by its coordinate's name; a model that stops.
pub fn check_start<D: Density>(position: &[f64], gradient: &[f64], here: &mut Here<'_, D>) -> Result<(), Error> {
    let mut look = Look { gradient, point: position.to_vec(), position };
    let size = position.len().div_ceil(GRADIENT_DIRECTIONS).max(1);
    let mut first = None;
    let mut wrong = 0;
    for start in (0..position.len()).step_by(size) {
        // Who ends the run does not wait for the look.
        if here.run.control.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        if let Some(mistake) = look.along(start..(start + size).min(position.len()), here)? {
            wrong += 1;
            if first.is_none() {
                first = Some(look.narrowed(mistake, here)?);
            }
        }
    }
    let Some(mistake) = first else { return Ok(()) };
    let names = here.run.density.names();
    let name = |i: usize| names.get(i).map_or(String::new(), |name| format!("'{name}'"));
    let Range { start, end } = mistake.range;
    let (what, by) = match end - start {
        1 => (format!("by {}", name(start)), String::new()),
        _ => (format!("along {} to {}", name(start), name(end - 1)), " in that direction".to_string()),
    };
    let more = match (wrong, size) {
        (1, _) => String::new(),
        (_, 1) => format!("; so it is with {wrong} of {} coordinates", position.len()),
        _ => format!("; so it is in {wrong} groups of coordinates"),
    };
    // A coordinate by itself has a derivative of its own, however far it was moved.
    let unit = if end - start == 1 { position[start].abs().max(1.0) } else { 1.0 };
    let [model, difference] = [mistake.model, mistake.difference].map(|x| significant(x / unit, DIGITS));
    let words = format!(
        "the model's derivative {what} at the initial point is {model}, but differences of its log density{by} give \
         {difference}{more} (check_gradient=false goes on without this look)"
    );
    Err(Error::new(Code::Initialization, words))
}

struct Look<'a> {
    position: &'a [f64],
    gradient: &'a [f64],
    /// The position with some coordinates moved.
    point: Vec<f64>,
}

impl Look<'_> {
    /// What is wrong along these coordinates together, each moved by its size, to one side or the other.
    fn along<D: Density>(&mut self, range: Range<usize>, here: &mut Here<'_, D>) -> Result<Option<Mistake>, Error> {
        let mut differences = Vec::with_capacity(STEPS as usize);
        for k in 0..STEPS {
            let step = STEP * LONGER.powi(k);
            let [above, below] = [step, -step].map(|step| self.at(&range, step, here));
            let Some((above, below)) = above?.zip(below?) else { continue };
            // Rounding of the log density is no mistake of the gradient.
            let noise = f64::EPSILON * above.abs().max(below.abs()).max(1.0) / step;
            // The coordinates' sums are rounded too: what counts is how far they moved.
            let (model, difference) = (self.model(&range, step), (above - below) / (2.0 * step));
            let size = model.abs().max(difference.abs());
            if (model - difference).abs() <= GRADIENT_TOLERANCE * size + LONGER * noise {
                return Ok(None);
            }
            differences.push((model, difference));
        }
        // Where rounding hides a short step the difference is 0, which is a derivative only if long steps show none either.
        let flat = differences.iter().all(|(model, one)| one.abs() <= AGREEMENT * model.abs());
        let believed = differences.windows(WITNESSES).find(|three| {
            let (model, middle) = three[WITNESSES / 2];
            let agrees = |one: f64| (one - middle).abs() <= AGREEMENT * (model - middle).abs();
            three.iter().all(|(_, one)| agrees(*one) && (flat || *one != 0.0))
        });
        Ok(believed.map(|three| Mistake { range, model: three[0].0, difference: three[0].1 }))
    }

    /// The same mistake along as few coordinates as show it.
    fn narrowed<D: Density>(&mut self, mistake: Mistake, here: &mut Here<'_, D>) -> Result<Mistake, Error> {
        let Range { start, end } = mistake.range;
        if end - start < 2 {
            return Ok(mistake);
        }
        let middle = start + (end - start) / 2;
        for half in [start..middle, middle..end] {
            if let Some(found) = self.along(half, here)? {
                return self.narrowed(found, here);
            }
        }
        Ok(mistake)
    }

    /// What the model says of the direction: the change of the log density by a step, divided by the step.
    fn model(&self, range: &Range<usize>, step: f64) -> f64 {
        let moved = |i: usize| self.moved(range, i, step) - self.moved(range, i, -step);
        range.clone().map(|i| self.gradient[i] * moved(i)).sum::<f64>() / (2.0 * step)
    }

    /// Coordinate `i` after a step along the coordinates of `range`.
    fn moved(&self, range: &Range<usize>, i: usize, step: f64) -> f64 {
        let x = self.position[i];
        let side = if range.len() > 1 && is_downward(i) { -1.0 } else { 1.0 };
        // A coordinate far from 0 moves in proportion, but by itself one of 1 or less moves by the step.
        x + side * step * x.abs().max(1.0)
    }

    /// The log density after a step; `None` where the model refuses it, or has no number for it.
    fn at<D: Density>(
        &mut self,
        range: &Range<usize>,
        step: f64,
        here: &mut Here<'_, D>,
    ) -> Result<Option<f64>, Error> {
        for i in range.clone() {
            self.point[i] = self.moved(range, i, step);
        }
        // The same numbers for each evaluation, and none of a chain's.
        let mut stream = Stream::of_run(here.run.options.seed, Purpose::Model);
        let point = &self.point;
        let value = here.call(&mut stream, |density, worker, task, _| density.log_density(worker, task, point));
        self.point[range.clone()].copy_from_slice(&self.position[range.clone()]);
        match value {
            Ok(value) => Ok(Some(value).filter(|value| value.is_finite())),
            Err(Refusal::Reject) => Ok(None),
            Err(Refusal::Stop) => Err(model_stopped(&here.bench.message)),
        }
    }
}

/// To which side a coordinate of a group moves: bits without a pattern that a model's coordinates could share, so that
/// mistakes do not cancel (the mixer of SplitMix64, Steele, Lea and Flood 2014).
fn is_downward(i: usize) -> bool {
    let mut bits = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) & 1 == 1
}
