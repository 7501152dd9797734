//! What is done to one chunk of particles at one time.

use super::layout::rows_of;
use super::{Bench, Benches, Kind, Layout, moments};
use crate::error::{Code, Error};
use crate::model::{Logger, SerialReducer, StateSpace, Task};
use crate::particles::BLOCK;
use crate::particles::blocks::Lent;
use crate::particles::weights::{Sums, first_invalid, weigh_block};
use crate::random::{BlockLanes, ParticlePurpose, ParticleStreams};

/// Generations from this one on belong to auxiliary weights, so that what they draw is not what transitions draw.
const AUXILIARY: u64 = 1 << 63;

/// What all chunks of a set share at one time.
pub struct Moment<'a, M: StateSpace> {
    pub model: &'a M,
    pub logger: &'a dyn Logger,
    pub streams: ParticleStreams,
    pub layout: Layout,
    pub set: u64,
    pub time: usize,
    pub kind: Kind,
    /// The states of the time before, all of them; empty at time 0.
    pub before: &'a [f64],
    /// Where each particle came from; empty where each came from its own number.
    pub ancestors: &'a [u32],
    /// First-stage log weights that ancestors were drawn by, one per particle of the time before; empty if there are none.
    pub promised: &'a [f64],
    /// The state that the first particle is given.
    pub retained: Option<&'a [f64]>,
    pub moments: bool,
}

/// One chunk of a set: what is to be written.
pub struct Chunk<'a> {
    pub index: usize,
    pub states: &'a mut [f64],
    pub log_weights: &'a mut [f64],
    pub sums: &'a mut [Sums],
    /// One pair per block and coordinate; empty if not wanted.
    pub moments: &'a mut [(f64, f64)],
}

impl<M: StateSpace> Moment<'_, M> {
    /// A bench for this thread.
    pub fn bench<'b>(&self, benches: &'b Benches<M::Worker>) -> Result<Lent<'b, Bench<M::Worker>>, Error> {
        bench(self.model, self.set, benches)
    }

    /// Moves and weighs a chunk.
    pub fn work(&self, bench: &mut Bench<M::Worker>, chunk: Chunk<'_>) -> Result<(), Error> {
        let n = chunk.log_weights.len();
        let first = chunk.index * self.layout.chunk;
        let fresh = self.time == 0 || !self.ancestors.is_empty();
        let Bench { worker, previous, increments, lanes, message } = bench;
        let before = self.before_of(previous, first, n);
        let block = (first / BLOCK) as u64;
        lanes.restart(BlockLanes::new(self.streams, self.set, self.time as u64, block, n));
        let mut stream = self.streams.at(self.set, block, self.time as u64, ParticlePurpose::Work);
        let reducer = SerialReducer(|| ());
        message.clear();
        let mut task = Task::new(self.set, &mut stream, message, &reducer);
        task = task.with_particle(first).with_logger(self.logger).with_lanes(lanes);
        let guided = self.kind == Kind::Guided;
        let moved = match self.time {
            time if guided => self.model.propose(worker, &mut task, time, before, chunk.states),
            0 => self.model.initial(worker, &mut task, chunk.states),
            time => self.model.transition(worker, &mut task, time, before, chunk.states),
        };
        if moved.is_ok()
            && let (Some(retained), 0) = (self.retained, first)
        {
            retained.iter().enumerate().for_each(|(j, x)| chunk.states[j * n] = *x);
        }
        increments.resize(if fresh { 0 } else { n }, 0.0);
        let weights = if fresh { &mut *chunk.log_weights } else { &mut increments[..] };
        let weighed = moved.and_then(|()| {
            if guided {
                self.model.proposal_log_weight(worker, &mut task, self.time, before, chunk.states, weights)
            } else {
                self.model.log_weight(worker, &mut task, self.time, before, chunk.states, weights)
            }
        });
        weighed.map_err(|_| refused(self.set, self.time, message))?;
        self.check(weights, first, "log weight")?;
        if !fresh {
            chunk.log_weights.iter_mut().zip(&*increments).for_each(|(w, x)| *w += x);
        } else if !self.promised.is_empty() && !self.ancestors.is_empty() {
            let ancestors = &self.ancestors[first..first + n];
            chunk.log_weights.iter_mut().zip(ancestors).for_each(|(w, &a)| *w -= self.promised[a as usize]);
        }
        self.sum(chunk, n);
        Ok(())
    }

    /// Adds the auxiliary log weights of a chunk of the time before: `promised` receives them, `first_stage` their sum
    /// with the log weights.
    pub fn promise(
        &self,
        bench: &mut Bench<M::Worker>,
        (index, log_weights): (usize, &[f64]),
        (promised, first_stage, sums): (&mut [f64], &mut [f64], &mut [Sums]),
    ) -> Result<(), Error> {
        let n = log_weights.len();
        let first = index * self.layout.chunk;
        let Bench { worker, previous, lanes, message, .. } = bench;
        let before = self.before_of(previous, first, n);
        let (block, generation) = ((first / BLOCK) as u64, AUXILIARY | self.time as u64);
        lanes.restart(BlockLanes::new(self.streams, self.set, generation, block, n));
        let mut stream = self.streams.at(self.set, block, generation, ParticlePurpose::Work);
        let reducer = SerialReducer(|| ());
        message.clear();
        let mut task = Task::new(self.set, &mut stream, message, &reducer);
        task = task.with_particle(first).with_logger(self.logger).with_lanes(lanes);
        let done = self.model.auxiliary_log_weight(worker, &mut task, self.time, before, promised);
        done.map_err(|_| refused(self.set, self.time, message))?;
        self.check(promised, first, "auxiliary log weight")?;
        for ((sum, w), x) in first_stage.iter_mut().zip(log_weights).zip(&*promised) {
            *sum = w + x;
        }
        let mut weights = [0.0; BLOCK];
        for (log_weights, sums) in first_stage.chunks(BLOCK).zip(sums) {
            *sums = weigh_block(log_weights, &mut weights[..log_weights.len()]);
        }
        Ok(())
    }

    /// The states that particles `first` to `first + n` came from.
    fn before_of<'b>(&'b self, gathered: &'b mut Vec<f64>, first: usize, n: usize) -> &'b [f64] {
        if self.time == 0 {
            return &[];
        }
        let dim = self.layout.dim;
        if self.ancestors.is_empty() {
            return &self.before[first * dim..][..n * dim];
        }
        gathered.resize(n * dim, 0.0);
        self.layout.gather(self.before, &self.ancestors[first..first + n], gathered);
        gathered
    }

    fn sum(&self, chunk: Chunk<'_>, n: usize) {
        let mut weights = [0.0; BLOCK];
        let dim = self.layout.dim;
        for (b, (log_weights, sums)) in chunk.log_weights.chunks(BLOCK).zip(chunk.sums).enumerate() {
            let weights = &mut weights[..log_weights.len()];
            *sums = weigh_block(log_weights, weights);
            if self.moments {
                let rows = b * BLOCK..b * BLOCK + log_weights.len();
                for (j, out) in chunk.moments[b * dim..(b + 1) * dim].iter_mut().enumerate() {
                    *out = moments::of_block(weights, rows_of(chunk.states, n, j, rows.clone()), sums.sum);
                }
            }
        }
    }

    fn check(&self, log_weights: &[f64], first: usize, what: &str) -> Result<(), Error> {
        let Some(at) = first_invalid(log_weights) else { return Ok(()) };
        let words =
            format!("expected a {what} that is a number or -inf at time {}, got {}", self.time, log_weights[at]);
        Err(Error::new(Code::Model, words).in_set(self.set).of_particle(first + at))
    }
}

/// A bench that is free, or a new one.
pub fn bench<'b, M: StateSpace>(
    model: &M,
    set: u64,
    benches: &'b Benches<M::Worker>,
) -> Result<Lent<'b, Bench<M::Worker>>, Error> {
    benches.lend(|| {
        let failed = |e| Error::new(Code::Model, format!("a worker's memory could not be made: {e}")).in_set(set);
        let worker = model.new_worker().map_err(failed)?;
        let lanes = BlockLanes::new(ParticleStreams::new(0), set, 0, 0, 0);
        Ok(Bench { worker, previous: Vec::new(), increments: Vec::new(), lanes, message: String::new() })
    })
}

/// The error of a model that refused.
pub fn refused(set: u64, time: usize, message: &str) -> Error {
    let says = if message.is_empty() { String::new() } else { format!("; it says: {message}") };
    Error::new(Code::Model, format!("the model stopped at time {time}{says}")).in_set(set)
}
