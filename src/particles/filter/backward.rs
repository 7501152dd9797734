//! Trajectories drawn backwards through a filter's particles.

use super::step::{bench, refused};
use super::{Bench, Benches, Cloud, Filtered};
use crate::error::{Code, Error};
use crate::model::{Logger, SerialReducer, StateSpace, Task};
use crate::particles::BLOCK;
use crate::particles::blocks::{Blocks, Lent};
use crate::particles::exp::exp;
use crate::particles::weights::{Sums, normalize, weigh_block};
use crate::random::{ParticlePurpose, ParticleStreams, Stream};

/// Trajectories of a chunk; each chunk has streams of its own.
const CHUNK: usize = 256;

/// How often a particle is proposed for a trajectory before all are looked at.
const TRIES: usize = 64;

/// Draws `count` trajectories from the smoothing distribution (Godsill, Doucet and West 2004): coordinate j of
/// trajectory m at time t is at `(t d + j) count + m`.
///
/// Where the model bounds its transition density, particles are proposed by their filtering weights and accepted (Douc,
/// Garivier, Moulines and Olsson 2011), a time per trajectory that does not grow with the number of particles; after 64
/// rejections, or without a bound, all particles are weighed. The bits depend on seed and set alone.
///
/// # Panics
/// When the particles of all times were not kept.
pub fn backward<M: StateSpace>(
    model: &M,
    filtered: &Filtered,
    count: usize,
    seed: u64,
    logger: &dyn Logger,
    blocks: &impl Blocks,
    benches: &Benches<M::Worker>,
) -> Result<Vec<f64>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let (times, dim) = (filtered.steps.len(), filtered.layout.dim);
    assert_eq!(filtered.history.len() + 1, times, "the particles of all times");
    let streams = ParticleStreams::new(seed);
    let back = Back { model, filtered, streams, logger };
    // Each chunk of trajectories by itself, time after time as a matrix; then all are put side by side.
    let mut drawn = vec![0.0; count * times * dim];
    let chunks: Vec<_> = drawn.chunks_mut(CHUNK * times * dim).enumerate().collect();
    let own = || bench(model, filtered.set, benches);
    blocks.for_each(chunks.into_iter(), own, |bench: &mut Lent<'_, _>, (chunk, out)| back.draw(bench, chunk, out))?;
    let mut all = vec![0.0; drawn.len()];
    for (chunk, drawn) in drawn.chunks(CHUNK * times * dim).enumerate() {
        let n = drawn.len() / (times * dim);
        for (column, values) in drawn.chunks(n).enumerate() {
            all[column * count + chunk * CHUNK..][..n].copy_from_slice(values);
        }
    }
    Ok(all)
}

struct Back<'a, M> {
    model: &'a M,
    filtered: &'a Filtered,
    streams: ParticleStreams,
    logger: &'a dyn Logger,
}

impl<M: StateSpace> Back<'_, M> {
    /// Draws a chunk of trajectories: `out` has their states at one time after the other, each an n x d matrix.
    fn draw(&self, bench: &mut Bench<M::Worker>, chunk: usize, out: &mut [f64]) -> Result<(), Error> {
        let Filtered { layout, set, steps, .. } = self.filtered;
        let (dim, times) = (layout.dim, steps.len());
        let n = out.len() / (times * dim);
        let mut weights = vec![0.0; layout.particles];
        for time in (0..times).rev() {
            let Some(cloud) = self.filtered.cloud(time) else { continue };
            let mut stream = self.streams.at(*set, chunk as u64, time as u64, ParticlePurpose::Report);
            normalize(&cloud.log_weights, &mut weights);
            let cumulated = Cumulated::new(&mut weights);
            let (here, after) = out[time * n * dim..].split_at_mut(n * dim);
            let mut chosen: Vec<Option<usize>> = vec![None; n];
            if time + 1 == times {
                chosen.iter_mut().for_each(|chosen| *chosen = Some(cumulated.draw(&mut stream)));
            } else {
                let after = &after[..n * dim];
                self.propose(bench, time, cloud, &cumulated, after, &mut stream, &mut chosen)?;
            }
            for (m, chosen) in chosen.into_iter().enumerate() {
                let particle = match chosen {
                    Some(particle) => particle,
                    None => self.weigh_all(bench, time, cloud, |j| after[j * n + m], &mut stream)?,
                };
                for j in 0..dim {
                    here[j * n + m] = cloud.states[layout.place(particle, j)];
                }
            }
        }
        Ok(())
    }

    /// Chooses particles by rejection, for those trajectories where one is accepted in time.
    #[allow(clippy::too_many_arguments, reason = "the state of one time")]
    fn propose(
        &self,
        bench: &mut Bench<M::Worker>,
        time: usize,
        cloud: &Cloud,
        cumulated: &Cumulated<'_>,
        after: &[f64],
        stream: &mut Stream,
        chosen: &mut [Option<usize>],
    ) -> Result<(), Error> {
        let Some(bound) = self.model.transition_log_density_bound() else { return Ok(()) };
        let layout = &self.filtered.layout;
        let n = chosen.len();
        let mut open: Vec<usize> = (0..n).collect();
        for _ in 0..TRIES {
            if open.is_empty() {
                break;
            }
            let proposed: Vec<usize> = open.iter().map(|_| cumulated.draw(stream)).collect();
            let mut states = Vec::with_capacity(2 * open.len() * layout.dim);
            for j in 0..layout.dim {
                states.extend(proposed.iter().map(|&i| cloud.states[layout.place(i, j)]));
            }
            for j in 0..layout.dim {
                states.extend(open.iter().map(|&m| after[j * n + m]));
            }
            let (previous, next) = states.split_at(open.len() * layout.dim);
            let mut densities = vec![0.0; open.len()];
            self.density(bench, time + 1, (previous, next), stream, &mut densities)?;
            let mut left = Vec::new();
            for ((&m, &i), &density) in open.iter().zip(&proposed).zip(&densities) {
                if density > bound {
                    let words = format!(
                        "expected a transition log density of at most {bound} at time {}, got {density}",
                        time + 1
                    );
                    return Err(Error::new(Code::Model, words).in_set(self.filtered.set).of_particle(i));
                }
                if stream.uniform_open() < exp(density - bound) {
                    chosen[m] = Some(i);
                } else {
                    left.push(m);
                }
            }
            open = left;
        }
        Ok(())
    }

    /// Chooses among all particles for the trajectory that goes on to the state `after`.
    fn weigh_all(
        &self,
        bench: &mut Bench<M::Worker>,
        time: usize,
        cloud: &Cloud,
        after: impl Fn(usize) -> f64,
        stream: &mut Stream,
    ) -> Result<usize, Error> {
        let layout = &self.filtered.layout;
        let mut next = Vec::new();
        let mut log_weights = Vec::new();
        let mut weights = [0.0; BLOCK];
        let (mut total, mut chosen) = (Sums::NONE, None);
        for (chunk, states) in cloud.states.chunks(layout.chunk_size()).enumerate() {
            let n = states.len() / layout.dim;
            next.clear();
            (0..layout.dim).for_each(|j| next.extend(std::iter::repeat_n(after(j), n)));
            log_weights.resize(n, 0.0);
            self.density(bench, time + 1, (states, &next), stream, &mut log_weights)?;
            let first = chunk * layout.chunk;
            log_weights.iter_mut().zip(&cloud.log_weights[first..]).for_each(|(w, x)| *w += x);
            for (b, block) in log_weights.chunks(BLOCK).enumerate() {
                let weights = &mut weights[..block.len()];
                let sums = weigh_block(block, weights);
                total = Sums::of_blocks(&[total, sums]);
                // The block is chosen with its share of all so far; then one of it.
                let share = sums.sum * sums.scale(&total);
                if share > 0.0 && stream.uniform() * total.sum < share {
                    chosen = Some(first + b * BLOCK + Cumulated::new(weights).draw(stream));
                }
            }
        }
        let lost = || {
            let words = format!("no particle at time {time} can precede a trajectory's state at time {}", time + 1);
            Error::new(Code::Model, words).in_set(self.filtered.set)
        };
        chosen.ok_or_else(lost)
    }

    fn density(
        &self,
        bench: &mut Bench<M::Worker>,
        time: usize,
        (previous, states): (&[f64], &[f64]),
        stream: &mut Stream,
        out: &mut [f64],
    ) -> Result<(), Error> {
        let set = self.filtered.set;
        bench.message.clear();
        let reducer = SerialReducer(|| ());
        let mut task = Task::new(set, stream, &mut bench.message, &reducer).with_logger(self.logger);
        let done = self.model.transition_log_density(&mut bench.worker, &mut task, time, previous, states, out);
        done.map_err(|_| refused(set, time, &bench.message))?;
        match out.iter().position(|x| x.is_nan() || *x == f64::INFINITY) {
            None => Ok(()),
            Some(at) => {
                let words = format!(
                    "expected a transition log density that is a number or -inf at time {time}, got {}",
                    out[at]
                );
                Err(Error::new(Code::Model, words).in_set(set))
            }
        }
    }
}

/// Cumulated weights, to draw from.
struct Cumulated<'a>(&'a [f64]);

impl<'a> Cumulated<'a> {
    /// Adds the weights up in place.
    fn new(weights: &'a mut [f64]) -> Self {
        let mut sum = 0.0;
        for w in weights.iter_mut() {
            sum += *w;
            *w = sum;
        }
        Self(weights)
    }

    /// One index, by its weight; never one of weight zero.
    fn draw(&self, stream: &mut Stream) -> usize {
        let total = self.0[self.0.len() - 1];
        let point = stream.uniform() * total;
        let at = self.0.partition_point(|&sum| sum <= point);
        // A point that rounding put on the end belongs to the last one of any weight.
        if at < self.0.len() { at } else { self.0.partition_point(|&sum| sum < total) }
    }
}
