use super::{Level, Logger, NO_CHAIN, Refusal};
use crate::random::{BlockLanes, Stream};
use std::any::Any;
use std::ops::Range;

/// One piece of a sum inside a model: *sets* `partial`, which holds zeros on entry, to the sum of the terms in `range`.
/// Runs on any pool thread, with a worker of its own that no other call uses at the same time.
pub type Piece<'a> = dyn Fn(&mut dyn Any, Range<usize>, &mut [f64]) -> Result<(), Refusal> + Sync + 'a;

/// Sums pieces over the threads that have nothing else to do; see [`Task::reduce`].
pub trait Reducer {
    /// See [`Task::reduce`].
    fn reduce(&self, terms: usize, grain: usize, piece: &Piece<'_>, sums: &mut [f64]) -> Result<(), Refusal>;
}

/// What a model's callback gets besides its arguments: who asks, random numbers, a place for a message, the run's log, and
/// a parallel sum on the pool the chains run on.
pub struct Task<'a> {
    chain_id: u64,
    particle: Option<usize>,
    random: &'a mut Stream,
    message: &'a mut String,
    reducer: &'a dyn Reducer,
    logger: Option<&'a dyn Logger>,
    lanes: Option<&'a mut BlockLanes>,
}

impl<'a> Task<'a> {
    /// A task for chain `chain_id` ([`NO_CHAIN`]: for no one chain); `random` is the stream of the purpose at hand, `message` receives the model's words.
    pub fn new(chain_id: u64, random: &'a mut Stream, message: &'a mut String, reducer: &'a dyn Reducer) -> Self {
        Self { chain_id, particle: None, random, message, reducer, logger: None, lanes: None }
    }

    /// The same task for member `index` (from 0) of the set whose id stands for the chain's.
    pub fn with_particle(self, index: usize) -> Self {
        Self { particle: Some(index), ..self }
    }

    /// The same task inside a run: what the model logs goes to `logger`.
    pub fn with_logger(self, logger: &'a dyn Logger) -> Self {
        Self { logger: Some(logger), ..self }
    }

    /// The same task for a call that covers many particles, whose numbers come from `lanes`.
    pub fn with_lanes(self, lanes: &'a mut BlockLanes) -> Self {
        Self { lanes: Some(lanes), ..self }
    }

    /// The id of the chain (or set of traces) this call is for; [`NO_CHAIN`] (0) where it is for no one chain: a batch of several
    /// chains' points, or an evaluation outside a run.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The trace or particle of the set, from 0, that this call is for; `None` where it is for a chain.
    pub fn particle(&self) -> Option<usize> {
        self.particle
    }

    /// The generator of this purpose (initial values, outputs or evaluations); the sampler's own is never handed out.
    pub fn random(&mut self) -> &mut Stream {
        self.random
    }

    /// Fills `out` with standard normals. In a call that covers n particles, `out` is columns of n numbers, one number
    /// per particle in each, which depend on (seed, set, particle, time) alone; else they are drawn one by one from
    /// [`Task::random`].
    pub fn fill_normals(&mut self, out: &mut [f64]) -> Result<(), Refusal> {
        match self.whole_columns(out.len())? {
            Some(lanes) => lanes.fill_normals(out),
            None => out.iter_mut().for_each(|x| *x = self.random.normal()),
        }
        Ok(())
    }

    /// As [`Task::fill_normals`], uniform on (0, 1).
    pub fn fill_uniforms(&mut self, out: &mut [f64]) -> Result<(), Refusal> {
        match self.whole_columns(out.len())? {
            Some(lanes) => lanes.fill_uniforms(out),
            None => out.iter_mut().for_each(|x| *x = self.random.uniform_open()),
        }
        Ok(())
    }

    /// The lanes, if there are any; refuses when `count` is not one number or several for each particle.
    fn whole_columns(&mut self, count: usize) -> Result<Option<&mut BlockLanes>, Refusal> {
        match self.lanes.as_deref().map(BlockLanes::particles) {
            Some(n) if n == 0 || !count.is_multiple_of(n) => Err(self
                .stop(&format!("expected room for a multiple of {n} random numbers, one particle each, got {count}"))),
            _ => Ok(self.lanes.as_deref_mut()),
        }
    }

    /// Leaves a message that is reported when the callback refuses.
    pub fn set_message(&mut self, text: &str) {
        self.message.clear();
        self.message.push_str(text);
    }

    /// Leaves a message and gives the refusal that ends the chain with it.
    pub fn stop(&mut self, text: &str) -> Refusal {
        self.set_message(text);
        Refusal::Stop
    }

    /// Adds a sentence to what was left before.
    pub fn add_message(&mut self, text: &str) {
        if !self.message.is_empty() {
            self.message.push_str("; ");
        }
        self.message.push_str(text);
    }

    /// Logs each line of `text` by itself, as said by this chain, if it is one's. Dropped outside a run.
    pub fn log(&self, level: Level, text: &str) {
        let Some(logger) = self.logger else { return };
        if let Some(particle) = self.particle {
            let set = self.chain_id;
            text.lines().for_each(|line| logger.log(level, None, &format!("set {set}, trace {particle}: {line}")));
        } else {
            let chain = Some(self.chain_id).filter(|id| *id != NO_CHAIN);
            text.lines().for_each(|line| logger.log(level, chain, line));
        }
    }

    /// The run's logger; `None` for an evaluation outside a run.
    pub fn logger(&self) -> Option<&'a dyn Logger> {
        self.logger
    }

    /// The same task for a model inside another one, whose pieces go by way of `reducer`.
    pub fn through<'b>(&'b mut self, reducer: &'b dyn Reducer) -> Task<'b> {
        Task {
            chain_id: self.chain_id,
            particle: self.particle,
            random: self.random,
            message: self.message,
            reducer,
            logger: self.logger,
            lanes: self.lanes.as_deref_mut(),
        }
    }

    /// What sums pieces.
    pub fn reducer(&self) -> &'a dyn Reducer {
        self.reducer
    }

    /// Sums `terms` terms in pieces of `grain` terms (the last may be shorter) into `sums`, in parallel when threads are
    /// idle. The result depends on `grain` and not on the number of threads: each piece is summed alone and the pieces
    /// are added in order. `grain` must be at least 1. The first piece in order that refuses decides the refusal.
    pub fn reduce(&self, terms: usize, grain: usize, piece: &Piece<'_>, sums: &mut [f64]) -> Result<(), Refusal> {
        self.reducer.reduce(terms, grain, piece, sums)
    }
}

/// Runs all pieces on the calling thread, with worker `W` made by the closure; for tests and one-off evaluations.
pub struct SerialReducer<F>(pub F);

impl<W: Any, F: Fn() -> W> Reducer for SerialReducer<F> {
    fn reduce(&self, terms: usize, grain: usize, piece: &Piece<'_>, sums: &mut [f64]) -> Result<(), Refusal> {
        let mut worker = (self.0)();
        let mut partial = vec![0.0; sums.len()];
        sums.fill(0.0);
        for start in (0..terms).step_by(grain.max(1)) {
            partial.fill(0.0);
            piece(&mut worker, start..terms.min(start + grain.max(1)), &mut partial)?;
            for (sum, part) in sums.iter_mut().zip(&partial) {
                *sum += part;
            }
        }
        Ok(())
    }
}
