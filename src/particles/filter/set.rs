//! One set from its first time to its last.

use super::step::{Chunk, Moment};
use super::{Benches, Cloud, FilterOptions, Filtered, Kind, Layout, Step, moments};
use crate::error::Error;
use crate::model::{Logger, StateSpace};
use crate::particles::BLOCK;
use crate::particles::blocks::{Blocks, Lent};
use crate::particles::resample::{self, Scheme, Spread};
use crate::particles::weights::{Sums, normalize, rescale};
use crate::random::{ParticlePurpose, ParticleStreams};

/// Filters set `set`: same options, model and id, same bits, whatever runs the blocks.
///
/// Takes 16 d + 12 bytes per particle (with auxiliary weights 16 more; with a scheme other than systematic 8 more, SSP 12,
/// while it resamples), and what [`FilterOptions::history`] asks for.
///
/// # Errors
/// What the model refuses; a log weight that is NaN or +inf, named by set, particle and time.
pub fn run<M: StateSpace>(
    model: &M,
    options: &FilterOptions,
    set: u64,
    logger: &dyn Logger,
    blocks: &impl Blocks,
    benches: &Benches<M::Worker>,
) -> Result<Filtered, Error> {
    let mut run = Run::new(model, options, set, logger);
    for time in 0..options.times {
        let drawn = if time > 0 { run.choose(blocks, benches, time)? } else { None };
        if !run.over() {
            run.step(blocks, benches, time, drawn)?;
        }
        if run.over() {
            break;
        }
    }
    Ok(run.done)
}

struct Run<'a, M: StateSpace> {
    model: &'a M,
    options: &'a FilterOptions,
    logger: &'a dyn Logger,
    streams: ParticleStreams,
    set: u64,
    /// The states of the time before, or room for the next.
    other: Vec<f64>,
    /// Sums of each block, and of all.
    sums: Vec<Sums>,
    total: Sums,
    /// A pair for each block and coordinate.
    moments: Vec<(f64, f64)>,
    /// Auxiliary log weights, and their sums with the log weights.
    promised: Vec<f64>,
    first_stage: Vec<f64>,
    /// Room for ancestors.
    spare: Vec<u32>,
    /// log of the evidence that went into the ancestors drawn so far.
    base: f64,
    done: Filtered,
}

impl<'a, M: StateSpace> Run<'a, M> {
    fn new(model: &'a M, options: &'a FilterOptions, set: u64, logger: &'a dyn Logger) -> Self {
        let (n, dim) = (options.particles, model.dim());
        let layout = Layout::new(n, dim, model.whole_sets());
        let blocks = n.div_ceil(BLOCK);
        let second = if options.kind == Kind::Auxiliary { n } else { 0 };
        let done = Filtered {
            set,
            layout,
            steps: Vec::with_capacity(options.times),
            means: Vec::new(),
            variances: Vec::new(),
            last: Cloud { states: vec![0.0; n * dim], log_weights: vec![0.0; n], ancestors: Vec::new() },
            history: Vec::new(),
            lost_at: None,
        };
        Self {
            model,
            options,
            logger,
            streams: ParticleStreams::new(options.seed),
            set,
            other: Vec::new(),
            sums: vec![Sums::NONE; blocks],
            total: Sums::NONE,
            moments: vec![(0.0, 0.0); if options.moments { blocks * dim } else { 0 }],
            promised: vec![0.0; second],
            first_stage: vec![0.0; second],
            spare: Vec::new(),
            base: 0.0,
            done,
        }
    }

    fn over(&self) -> bool {
        self.done.lost_at.is_some()
    }

    fn moment<'s>(
        &'s self,
        time: usize,
        before: &'s [f64],
        ancestors: &'s [u32],
        promised: &'s [f64],
    ) -> Moment<'s, M> {
        let dim = self.done.layout.dim;
        Moment {
            model: self.model,
            logger: self.logger,
            streams: self.streams,
            layout: self.done.layout,
            set: self.set,
            time,
            kind: self.options.kind,
            before,
            ancestors,
            promised,
            retained: self.options.retained.as_deref().map(|path| &path[time * dim..(time + 1) * dim]),
            moments: self.options.moments,
        }
    }

    /// Moves and weighs all particles; `drawn` are their ancestors, if any were drawn.
    fn step(
        &mut self,
        blocks: &impl Blocks,
        benches: &Benches<M::Worker>,
        time: usize,
        drawn: Option<Vec<u32>>,
    ) -> Result<(), Error> {
        let resampled = drawn.is_some();
        if time > 0 {
            self.turn_page(drawn.unwrap_or_default());
        }
        let layout = self.done.layout;
        let mut last = std::mem::take(&mut self.done.last);
        let (mut sums, mut pairs) = (std::mem::take(&mut self.sums), std::mem::take(&mut self.moments));
        {
            let before = self.done.history.last().map_or(&self.other, |cloud| &cloud.states);
            let promised: &[f64] = if resampled { &self.promised } else { &[] };
            let moment = self.moment(time, before, &last.ancestors, promised);
            let per_chunk = layout.chunk.div_ceil(BLOCK);
            let mut pairs = pairs.chunks_mut(per_chunk * layout.dim);
            let states = last.states.chunks_mut(layout.chunk_size());
            let parts = states.zip(last.log_weights.chunks_mut(layout.chunk)).zip(sums.chunks_mut(per_chunk));
            let chunk = |(index, ((states, log_weights), sums))| {
                let moments = pairs.next().unwrap_or_default();
                Chunk { index, states, log_weights, sums, moments }
            };
            let chunks: Vec<Chunk<'_>> = parts.enumerate().map(chunk).collect();
            let work = |bench: &mut Lent<'_, _>, chunk: Chunk<'_>| moment.work(bench, chunk);
            blocks.for_each(chunks.into_iter(), || moment.bench(benches), work)?;
        }
        (self.done.last, self.sums, self.moments) = (last, sums, pairs);
        self.total = Sums::of_blocks(&self.sums);
        self.note(time, resampled);
        Ok(())
    }

    /// Makes room for the particles of the next time; those of the last become the ones before.
    fn turn_page(&mut self, drawn: Vec<u32>) {
        let last = &mut self.done.last;
        let size = last.states.len();
        let ancestors = std::mem::replace(&mut last.ancestors, drawn);
        if self.options.history {
            let states = std::mem::replace(&mut last.states, vec![0.0; size]);
            self.done.history.push(Cloud { states, log_weights: last.log_weights.clone(), ancestors });
        } else {
            if ancestors.capacity() > 0 {
                self.spare = ancestors;
            }
            self.other.resize(size, 0.0);
            std::mem::swap(&mut self.other, &mut last.states);
        }
    }

    /// Writes down what became of a time.
    fn note(&mut self, time: usize, resampled: bool) {
        let log_evidence = self.base + self.total.log_sum_exp() - self.log_particles();
        self.done.steps.push(Step { log_evidence, ess: self.total.ess(), resampled });
        if self.options.moments {
            let dim = self.done.layout.dim;
            let scales: Vec<f64> = self.sums.iter().map(|sums| sums.scale(&self.total)).collect();
            for j in 0..dim {
                let (mean, variance) = moments::of_set(&self.total, &scales, &self.sums, &self.moments, dim, j);
                self.done.means.push(mean);
                self.done.variances.push(variance);
            }
        }
        if self.total.sum == 0.0 {
            self.done.lost_at = Some(time);
        }
    }

    fn log_particles(&self) -> f64 {
        libm::log(self.options.particles as f64)
    }

    /// Ancestors for the particles of `time`, if they are to be drawn.
    fn choose(
        &mut self,
        blocks: &impl Blocks,
        benches: &Benches<M::Worker>,
        time: usize,
    ) -> Result<Option<Vec<u32>>, Error> {
        let auxiliary = self.options.kind == Kind::Auxiliary;
        let (sums, total) = match auxiliary {
            true => self.promise(blocks, benches, time)?,
            false => (std::mem::take(&mut self.sums), self.total),
        };
        if total.sum == 0.0 {
            // No particle may go on: the auxiliary weights see to that.
            self.sums.resize(sums.len(), Sums::NONE);
            self.total = Sums::NONE;
            self.note(time, false);
            return Ok(None);
        }
        let wanted =
            self.options.retained.is_some() || total.ess() < self.options.threshold * self.options.particles as f64;
        let mut drawn = None;
        if wanted {
            let spare = std::mem::take(&mut self.spare);
            let log_weights = if auxiliary { &self.first_stage } else { &self.done.last.log_weights };
            drawn = Some(self.draw(blocks, time, log_weights, (&sums, &total), spare)?);
            self.base += total.log_sum_exp() - self.log_particles();
        }
        self.sums.resize(sums.len(), Sums::NONE);
        Ok(drawn)
    }

    /// Asks for the auxiliary log weights; returns the sums of the first-stage weights.
    fn promise(
        &mut self,
        blocks: &impl Blocks,
        benches: &Benches<M::Worker>,
        time: usize,
    ) -> Result<(Vec<Sums>, Sums), Error> {
        let layout = self.done.layout;
        let mut promised = std::mem::take(&mut self.promised);
        let mut first_stage = std::mem::take(&mut self.first_stage);
        let mut sums = vec![Sums::NONE; self.sums.len()];
        {
            let moment = self.moment(time, &self.done.last.states, &[], &[]);
            let log_weights = self.done.last.log_weights.chunks(layout.chunk).enumerate();
            let places = promised.chunks_mut(layout.chunk).zip(first_stage.chunks_mut(layout.chunk));
            let places = places.zip(sums.chunks_mut(layout.chunk.div_ceil(BLOCK)));
            let items: Vec<_> = log_weights.zip(places.map(|((a, b), c)| (a, b, c))).collect();
            blocks.for_each(
                items.into_iter(),
                || moment.bench(benches),
                |bench, (of, to)| moment.promise(bench, of, to),
            )?;
        }
        (self.promised, self.first_stage) = (promised, first_stage);
        let total = Sums::of_blocks(&sums);
        Ok((sums, total))
    }

    fn draw(
        &self,
        blocks: &impl Blocks,
        time: usize,
        log_weights: &[f64],
        (sums, total): (&[Sums], &Sums),
        mut drawn: Vec<u32>,
    ) -> Result<Vec<u32>, Error> {
        let n = log_weights.len();
        drawn.resize(n, 0);
        let mut stream = self.streams.at(self.set, 0, time as u64, ParticlePurpose::Choice);
        if self.options.retained.is_none() && self.options.scheme == Scheme::Systematic {
            let spread = Spread::of_sums(sums.iter().map(|block| block.sum * block.scale(total)), n);
            let shift = stream.uniform();
            let slots = spread.slots(shift);
            let mut rest = &mut drawn[..];
            let mut items = Vec::with_capacity(sums.len());
            for (b, block) in log_weights.chunks(BLOCK).enumerate() {
                let (mine, others) = rest.split_at_mut(slots[b + 1] - slots[b]);
                rest = others;
                items.push((b, block, mine));
            }
            let fill = |weights: &mut [f64; BLOCK], (b, block, mine): (usize, &[f64], &mut [u32])| {
                let weights = &mut weights[..block.len()];
                rescale(block, total.largest, weights);
                spread.fill(b, weights, shift, slots[b], mine);
                Ok(())
            };
            blocks.for_each(items.into_iter(), || Ok([0.0; BLOCK]), fill)?;
            return Ok(drawn);
        }
        let mut weights = vec![0.0; n];
        normalize(log_weights, &mut weights);
        let (scheme, free) = match self.options.retained {
            // The retained particle is its own ancestor; the others' are drawn independently.
            Some(_) => {
                drawn[0] = 0;
                (Scheme::Multinomial, &mut drawn[1..])
            }
            None => (self.options.scheme, &mut drawn[..]),
        };
        resample::ancestors(scheme, &weights, &mut stream, free).map_err(|e| e.in_set(self.set))?;
        Ok(drawn)
    }
}
