//! The resampling of Liu and West (2001): a smoothed bootstrap that keeps mean and covariance.
//!
//! A model goes to a x + (1 - a) mean + h S z with S S' the covariance, z standard normal and a² + h² = 1: with a = 0.98
//! a small step, whatever the parameters' scales. Moves that lead to impossible models are drawn again (a source of the
//! draws that QInfer calls post-selection; Granade et al. 2017).

use super::call::{Bench, Calls, For, With};
use super::estimates;
use super::linear;
use super::parts::filled;
use super::set::ModelSet;
use crate::error::Error;
use crate::model::{Likelihood, Logger};
use crate::particles::BLOCK;
use crate::particles::blocks::Blocks;
use crate::particles::filter::Layout;
use crate::particles::resample::{self, Scheme};
use crate::random::{ParticlePurpose, ParticleStreams};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};

/// The variance that stands for none.
const NO_VARIANCE: f64 = 1e-10;

/// How Liu and West's resampling is done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LiuWest {
    /// How much of a model's distance from the mean is kept, from 0 to 1.
    pub a: f64,
    /// Width of the noise in standard deviations, at least 0. With sqrt(1 - a²) the covariance stays.
    pub h: f64,
    /// How often an impossible move is drawn, at most; then the model stays where it came from.
    pub max_tries: usize,
    /// How ancestors are drawn.
    pub scheme: Scheme,
}

impl Default for LiuWest {
    fn default() -> Self {
        Self::with_a(0.98)
    }
}

impl LiuWest {
    /// With the noise that keeps the covariance.
    pub fn with_a(a: f64) -> Self {
        Self { a, h: (1.0 - a * a).max(0.0).sqrt(), max_tries: 1000, scheme: Scheme::Systematic }
    }

    /// # Errors
    /// A number out of its range, by its name.
    pub fn check(&self) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&self.a) {
            return Err(Error::argument("liu_west_a", "a number from 0 to 1", self.a));
        }
        if !(self.h >= 0.0 && self.h.is_finite()) {
            return Err(Error::argument("liu_west_h", "a finite number, at least 0", self.h));
        }
        match self.max_tries {
            0 => Err(Error::argument("max_tries", "at least 1", 0)),
            _ => Ok(()),
        }
    }
}

/// Ancestors for `count` models, by the set's weights.
pub(super) fn ancestors(
    set: &ModelSet,
    scheme: Scheme,
    count: usize,
    seed: u64,
    generation: u64,
) -> Result<Vec<u32>, Error> {
    let mut stream = ParticleStreams::new(seed).at(set.id, 0, generation, ParticlePurpose::Choice);
    let mut drawn = vec![0; count];
    resample::ancestors(scheme, &set.weights(), &mut stream, &mut drawn).map_err(|e| e.in_set(set.id))?;
    Ok(drawn)
}

/// What all chunks of a resampling share.
struct Step<'a> {
    set: &'a ModelSet,
    how: LiuWest,
    drawn: Vec<u32>,
    /// (1 - a) times the mean.
    shift: Vec<f64>,
    /// h times a root of the covariance.
    root: Vec<f64>,
    generation: u64,
    stuck: AtomicU64,
}

/// `count` models of equal weight in the place of the set's, and how many of them stayed where they came from.
pub(super) fn moved<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    set: &ModelSet,
    how: LiuWest,
    count: usize,
    generation: u64,
) -> Result<(Layout, Vec<f64>, u64), Error> {
    let dim = set.dim();
    let drawn = ancestors(set, how.scheme, count, with.seed, generation)?;
    let mean = estimates::mean(set);
    let mut covariance = estimates::covariance(set, &mean);
    // What rounding makes of models that are all the same is no width either.
    let none = |j: usize| covariance[j * dim + j] <= (16.0 * f64::EPSILON * mean[j]) * (16.0 * f64::EPSILON * mean[j]);
    if (0..dim).all(none) {
        covariance.fill(0.0);
        (0..dim).for_each(|j| covariance[j * dim + j] = NO_VARIANCE);
    }
    let root = linear::root(&covariance, dim).ok_or_else(|| {
        Error::argument("covariance", "a covariance of finite models", format_args!("{covariance:?}")).in_set(set.id)
    })?;
    let step = Step {
        set,
        how,
        drawn,
        shift: mean.iter().map(|m| (1.0 - how.a) * m).collect(),
        root: root.iter().map(|x| how.h * x).collect(),
        generation,
        stuck: AtomicU64::new(0),
    };
    let layout = Layout::new(count, dim, with.model.whole());
    let mut models = vec![0.0; count * dim];
    let calls = &with.calls;
    filled(with, &mut models, layout.chunk_size(), |bench, c, out| step.chunk(calls, bench, c * layout.chunk, out))?;
    let mut stuck = 0;
    let own = step.stuck.into_inner();
    with.blocks.exchange(with.blocks.processes(), Ok(vec![own as f64]), |_, of_part| stuck += of_part[0] as u64)?;
    Ok((layout, models, stuck))
}

impl Step<'_> {
    fn chunk<M: Likelihood>(
        &self,
        calls: &Calls<'_, M>,
        bench: &mut Bench<M::Worker>,
        first: usize,
        out: &mut [f64],
    ) -> Result<(), Error> {
        let dim = self.set.dim();
        let n = out.len() / dim;
        let drawn = &self.drawn[first..first + n];
        let of = For { set: self.set.id, first, models: n, generation: self.generation };
        // The noise first: its columns are the lanes' of the block.
        calls.call(bench, of, "resample", |_, task, room| {
            room.resize(n * dim, 0.0);
            task.fill_normals(&mut room[..n * dim])
        })?;
        let mut noise = std::mem::take(&mut bench.room);
        self.set.layout.gather(&self.set.models, drawn, out);
        linear::mix(&self.root, dim, n, &mut noise[..n * dim]);
        for (j, (out, noise)) in out.chunks_mut(n).zip(noise.chunks(n)).enumerate() {
            let (a, shift) = (self.how.a, self.shift[j]);
            out.iter_mut().zip(noise).for_each(|(x, z)| *x = (a * *x + shift) + z);
        }
        bench.room = noise;
        if calls.model.has_validity() {
            self.select(calls, bench, of, out)?;
        }
        if calls.model.has_canonical() {
            calls.call(bench, of, "canonicalize", |worker, task, _| calls.model.canonicalize(worker, task, out))?;
        }
        Ok(())
    }

    /// Draws impossible models again, each from another of the ancestors that were drawn.
    fn select<M: Likelihood>(
        &self,
        calls: &Calls<'_, M>,
        bench: &mut Bench<M::Worker>,
        of: For,
        out: &mut [f64],
    ) -> Result<(), Error> {
        let (dim, n) = (self.set.dim(), of.models);
        let mut open = invalid(calls, bench, of, out)?;
        // A stream for each block, so that no cut of the set changes what is drawn.
        let blocks = (of.first / BLOCK) as u64..((of.first + n).div_ceil(BLOCK)) as u64;
        let stream_of =
            |block| ParticleStreams::new(calls.seed).at(of.set, block, self.generation, ParticlePurpose::Move);
        let mut streams: Vec<_> = if open.is_empty() { Vec::new() } else { blocks.map(stream_of).collect() };
        for _ in 1..self.how.max_tries {
            if open.is_empty() {
                return Ok(());
            }
            let m = open.len();
            let mut tried = vec![0.0; m * dim];
            for (i, place) in open.iter().enumerate() {
                let stream = &mut streams[place / BLOCK];
                let ancestor = self.drawn[(stream.uniform() * self.drawn.len() as f64) as usize] as usize;
                let z: Vec<f64> = (0..dim).map(|_| stream.normal()).collect();
                for j in 0..dim {
                    let noise: f64 = (0..=j).map(|k| self.root[j * dim + k] * z[k]).sum();
                    tried[j * m + i] = (self.how.a * self.set.coordinate(ancestor, j) + self.shift[j]) + noise;
                }
            }
            let still = invalid(calls, bench, For { models: m, ..of }, &tried)?;
            let mut left = Vec::with_capacity(still.len());
            for (i, &place) in open.iter().enumerate() {
                if still.binary_search(&i).is_ok() {
                    left.push(place);
                } else {
                    (0..dim).for_each(|j| out[j * n + place] = tried[j * m + i]);
                }
            }
            open = left;
        }
        self.stuck.fetch_add(open.len() as u64, Ordering::Relaxed);
        for place in open {
            let ancestor = self.drawn[of.first + place] as usize;
            (0..dim).for_each(|j| out[j * n + place] = self.set.coordinate(ancestor, j));
        }
        Ok(())
    }
}

/// Which of these models are impossible, in ascending order.
pub(super) fn invalid<M: Likelihood>(
    calls: &Calls<'_, M>,
    bench: &mut Bench<M::Worker>,
    of: For,
    models: &[f64],
) -> Result<Vec<usize>, Error> {
    let mut valid = vec![false; of.models];
    calls.call(bench, of, "are_valid", |worker, task, _| calls.model.are_valid(worker, task, models, &mut valid))?;
    Ok(valid.iter().enumerate().filter(|(_, valid)| !**valid).map(|(i, _)| i).collect())
}

/// Says in the log that models found no valid place.
pub(super) fn warn_stuck(logger: &dyn Logger, set: u64, stuck: u64, tries: usize) {
    if stuck > 0 {
        let words =
            format!("set {set}: {stuck} models found no valid place in {tries} tries and stayed where they came from");
        logger.log(crate::model::Level::Warning, None, &words);
    }
}
