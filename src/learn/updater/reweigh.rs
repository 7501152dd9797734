//! A datum: weights times likelihoods.

use super::resample::Made;
use super::{Draws, Record, Updater, token};
use crate::error::{Code, Error};
use crate::learn::call::{Asked, Bench, Calls, For, With, no_likelihood, shown};
use crate::learn::options::ZeroWeights;
use crate::learn::parts::{blocks_of, filled, models_of};
use crate::learn::set::ModelSet;
use crate::learn::weights::{Held, OF_BLOCK, add_logs, update_block};
use crate::model::{Experiments, Level, Likelihood, Number};
use crate::particles::BLOCK;
use crate::particles::blocks::Blocks;
use crate::particles::weights::Sums;
use std::borrow::Cow;
use std::ops::Range;

/// One chunk of one set: its models and weights, and where the next weights go.
struct Chunk<'a> {
    set: u64,
    first: usize,
    /// All models in one call.
    joined: bool,
    models: Cow<'a, [f64]>,
    values: &'a [f64],
    held: &'a [Held],
    out: &'a mut [f64],
    out_held: &'a mut [Held],
}

/// The chunks of some blocks of a set, or all of these in one where a call is to cover all; the set's next weights have their room.
fn chunks_of<'a>(set: &'a mut ModelSet, blocks: &Range<usize>, joined: bool) -> Vec<Chunk<'a>> {
    set.spare.make_room(&set.weights);
    let (id, rows) = (set.id, models_of(set.len(), blocks));
    let (layout, models) = blocks_of(set.layout, &set.models, blocks);
    let ((values, held), (out, out_held)) = (set.weights.parts(), set.spare.parts_mut());
    let chunk = if joined { rows.len().max(1) } else { layout.chunk.max(1) };
    let (blocks_each, size) = (chunk.div_ceil(BLOCK), chunk * layout.dim);
    let models: Vec<Cow<'a, [f64]>> = match models {
        Cow::Borrowed(models) => models.chunks(size).map(Cow::Borrowed).collect(),
        // Copied where one call covers all: one chunk.
        owned => vec![owned],
    };
    let old = values[rows.clone()].chunks(chunk).zip(held[blocks.clone()].chunks(blocks_each));
    let new = out[rows.clone()].chunks_mut(chunk).zip(out_held[blocks.clone()].chunks_mut(blocks_each));
    let chunks = models.into_iter().zip(old).zip(new).enumerate();
    let made = |(c, ((models, (values, held)), (out, out_held)))| Chunk {
        set: id,
        joined,
        first: rows.start + c * chunk,
        models,
        values,
        held,
        out,
        out_held,
    };
    chunks.map(made).collect()
}

/// The blocks of each of `sets` among blocks `all` of the row of them all.
fn among(sets: &[ModelSet], all: &Range<usize>) -> Vec<Range<usize>> {
    let starts = sets.iter().scan(0, |end, set| {
        let start = *end;
        *end += set.blocks();
        Some((start, set.blocks()))
    });
    let within = |place: usize, start: usize, count: usize| place.saturating_sub(start).min(count);
    starts.map(|(start, count)| within(all.start, start, count)..within(all.end, start, count)).collect()
}

/// What a set is to do with a datum.
enum Verdict {
    Takes,
    LeavesOut,
    BeginsAnew,
}

/// What a set was before a datum, beside the weights, which are in `spare`.
struct Undo {
    total: Sums,
    /// The models, if others are in their place.
    models: Option<Vec<f64>>,
}

impl Updater {
    /// Takes in one datum: `outcome` (its width's numbers) of experiment `at` of a table. Weights, then the model's
    /// `update_timestep`, then resampling where the effective sample size is below the threshold.
    ///
    /// # Errors
    /// An outcome that the experiment cannot have; a likelihood that is none, named by set, outcome, model and experiment;
    /// a refusal of the model's; the interrupt; [`Code::AllLost`] where no model of a set explains the datum and the
    /// options say so. The state is what it was before the call.
    pub fn update<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        outcome: &[f64],
        experiments: &Experiments,
        at: usize,
    ) -> Result<(), Error> {
        self.datum(with, outcome, experiments, at, true)
    }

    /// Takes in one datum after the other: row i of `outcomes` (n x width, column by column) is that of experiment i.
    /// Sets are looked at for resampling after every `interval` data only.
    ///
    /// # Errors
    /// Those of [`Updater::update`], with the number of the datum; the data before it are taken in.
    pub fn batch_update<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        outcomes: &[f64],
        experiments: &Experiments,
        interval: usize,
    ) -> Result<(), Error> {
        if interval == 0 {
            return Err(Error::argument("resample_interval", "at least 1", 0));
        }
        let (n, width) = (experiments.len(), with.model.outcome().width);
        if outcomes.len() != n * width {
            let expected = format!("{n} rows of {width} numbers, one per experiment");
            return Err(Error::argument("outcomes", expected, format_args!("{} numbers", outcomes.len())));
        }
        for i in 0..n {
            let outcome: Vec<f64> = (0..width).map(|k| outcomes[k * n + i]).collect();
            self.datum(with, &outcome, experiments, i, (i + 1) % interval == 0)
                .map_err(|e| e.within(&format!("datum {i} of the batch")))?;
        }
        Ok(())
    }

    fn datum<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        outcome: &[f64],
        experiments: &Experiments,
        at: usize,
        may_resample: bool,
    ) -> Result<(), Error> {
        self.check_datum(with, outcome, experiments, at)?;
        let one = experiments.rows(&[at]);
        self.reweigh(with, outcome, &one, at)?;
        let totals: Vec<_> = self.sets.iter().map(|set| set.spare.total()).collect();
        let mut verdicts = Vec::with_capacity(self.sets.len());
        for (set, total) in self.sets.iter().zip(&totals) {
            let lost = total.sum == 0.0;
            verdicts.push(if lost { self.verdict(with, set.id, outcome, at)? } else { Verdict::Takes });
        }
        let step = self.step;
        self.step += 1;
        let mut undo = Vec::with_capacity(self.sets.len());
        for ((set, total), verdict) in self.sets.iter_mut().zip(totals).zip(&verdicts) {
            undo.push(Undo { total: set.total, models: None });
            if let Verdict::Takes = verdict {
                std::mem::swap(&mut set.weights, &mut set.spare);
                set.total = total;
            }
        }
        let followed = self.follow(with, &one, &verdicts, may_resample, &mut undo);
        let seen = outcome.iter().chain(one.values()).chain(self.sets.iter().map(|set| &set.total.sum));
        match with.blocks.agree(followed, |_| token(seen.map(|x| x.to_bits()))) {
            Ok(made) => self.commit(&verdicts, &undo, made),
            Err(error) => {
                for ((set, undo), verdict) in self.sets.iter_mut().zip(undo).zip(verdicts) {
                    if let Verdict::Takes = verdict {
                        std::mem::swap(&mut set.weights, &mut set.spare);
                    }
                    set.total = undo.total;
                    set.models = undo.models.unwrap_or_else(|| std::mem::take(&mut set.models));
                }
                self.step = step;
                return Err(error);
            }
        }
        self.records.push(Record { outcome: outcome.to_vec(), experiment: one.values().to_vec() });
        Ok(())
    }

    /// What comes after the weights: time, resampling, sets that begin anew. Gives what is to be put in the sets' places.
    fn follow<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        one: &Experiments,
        verdicts: &[Verdict],
        may_resample: bool,
        undo: &mut [Undo],
    ) -> Result<Vec<Option<Made>>, Error> {
        let generation = self.generation(Draws::Timestep);
        let mut all = Vec::with_capacity(self.sets.len());
        for i in 0..self.sets.len() {
            let mut made = None;
            match verdicts[i] {
                Verdict::BeginsAnew => {
                    let (layout, models) = self.drawn(with, self.sets[i].id, self.options.num_models)?;
                    made = Some(Made::level(layout, models));
                }
                Verdict::Takes if with.model.has_timestep() => {
                    let models = timestep(with, &self.sets[i], one, generation)?;
                    undo[i].models = Some(std::mem::replace(&mut self.sets[i].models, models));
                }
                _ => {}
            }
            let set = &self.sets[i];
            if made.is_none() && may_resample && set.ess() < self.options.ess_threshold * set.len() as f64 {
                made = Some(self.resampled(with, i, set.len())?);
            }
            all.push(made);
        }
        Ok(all)
    }

    /// Writes down what became of a datum, and puts resampled sets in their places.
    fn commit(&mut self, verdicts: &[Verdict], undo: &[Undo], made: Vec<Option<Made>>) {
        for (((set, verdict), undo), made) in self.sets.iter_mut().zip(verdicts).zip(undo).zip(made) {
            if let Verdict::Takes = verdict {
                let gain = set.total.log_sum_exp() - undo.total.log_sum_exp();
                set.notes.log_normalizations.push(gain);
                set.notes.least_ess = set.notes.least_ess.min(set.ess());
            } else {
                set.notes.log_normalizations.push(f64::NEG_INFINITY);
                set.notes.lost += 1;
            }
            if let Some(made) = made {
                set.replace(made);
            }
        }
    }

    /// Writes the weights after a datum into every set's `spare`.
    fn reweigh<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        outcome: &[f64],
        one: &Experiments,
        at: usize,
    ) -> Result<(), Error> {
        let context = with.prepare(one)?;
        let count = self.sets.iter().map(ModelSet::blocks).sum();
        let own = among(&self.sets, &with.blocks.own(count));
        let mut chunks: Vec<Chunk<'_>> = Vec::new();
        for (set, blocks) in self.sets.iter_mut().zip(&own) {
            let joined = with.model.joins(models_of(set.len(), blocks).len());
            chunks.extend(chunks_of(set, blocks, joined));
        }
        let cells = chunks.iter().map(|chunk| chunk.out.len()).sum();
        let units = with.grain.units(chunks.len(), cells);
        let calls = &with.calls;
        let work = |bench: &mut Bench<M::Worker>, chunks: &mut [Chunk<'_>]| {
            let cells = chunks.iter().map(|chunk| chunk.out.len()).sum();
            calls.grain.timed(cells, || {
                chunks.iter_mut().try_for_each(|chunk| weigh(calls, bench, &context, chunk, outcome, one, at))
            })
        };
        let done =
            with.blocks.for_each(chunks.chunks_mut(units), || calls.bench(), |bench, chunks| work(bench, chunks));
        if with.blocks.processes() == 1 {
            return done;
        }
        let made = done.map(|()| {
            let mut numbers = Vec::with_capacity(with.blocks.own(count).len() * (BLOCK + OF_BLOCK));
            self.sets.iter().zip(&own).for_each(|(set, blocks)| set.spare.numbers(blocks.clone(), &mut numbers));
            numbers
        });
        with.blocks.exchange(count, made, |part, numbers| {
            let mut rest = numbers;
            for (i, blocks) in among(&self.sets, &part).into_iter().enumerate() {
                self.sets[i].spare.read_numbers(blocks, &mut rest);
            }
        })
    }

    fn verdict<M: Likelihood, B: Blocks>(
        &self,
        with: &With<'_, M, B>,
        set: u64,
        outcome: &[f64],
        at: usize,
    ) -> Result<Verdict, Error> {
        let words =
            format!("outcome {}, experiment {at}: no model explains it, all weights would be zero", shown(outcome));
        let warn = |what: &str| with.logger.log(Level::Warning, None, &format!("set {set}: {words}; {what}"));
        match self.options.zero_weights {
            ZeroWeights::Error => Err(Error::new(Code::AllLost, words).in_set(set)),
            ZeroWeights::Skip => Ok(Verdict::LeavesOut),
            ZeroWeights::Warn => {
                warn("the set leaves it out");
                Ok(Verdict::LeavesOut)
            }
            ZeroWeights::Reset => {
                warn("the set begins anew from the prior");
                Ok(Verdict::BeginsAnew)
            }
        }
    }
}

/// Weighs one chunk.
fn weigh<M: Likelihood>(
    calls: &Calls<'_, M>,
    bench: &mut Bench<M::Worker>,
    context: &M::Context,
    chunk: &mut Chunk<'_>,
    outcome: &[f64],
    one: &Experiments,
    at: usize,
) -> Result<(), Error> {
    let (model, shape, log) = (calls.model, calls.model.outcome(), calls.model.is_log());
    let of = For { set: chunk.set, first: chunk.first, models: chunk.out.len(), generation: 0 };
    let Chunk { joined, models, values, held, out, out_held, .. } = chunk;
    let what = Asked { of, outcomes: outcome, width: shape.width, experiments: (at, 1) };
    calls.call(bench, of, what, |worker, task, likelihoods| {
        likelihoods.resize(out.len(), 0.0);
        if *joined {
            model.likelihood_joined(worker, context, task, outcome, models, one, likelihoods)
        } else {
            model.likelihood(worker, context, task, outcome, models, one, likelihoods)
        }
    })?;
    for (b, (likelihoods, out)) in bench.room.chunks(BLOCK).zip(out.chunks_mut(BLOCK)).enumerate() {
        let (values, held) = (&values[b * BLOCK..][..out.len()], &held[b]);
        let next = if log {
            add_logs(values, held, likelihoods, out)
        } else {
            update_block(values, held, likelihoods, shape.kind == Number::Integer, out)
        };
        out_held[b] = next.map_err(|bad| {
            let place = of.first + b * BLOCK + bad.at;
            no_likelihood(shape, log, &shown(outcome), place, at, bad.value).in_set(of.set)
        })?;
    }
    Ok(())
}

/// The models of a set after an experiment.
fn timestep<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    set: &ModelSet,
    one: &Experiments,
    generation: u64,
) -> Result<Vec<f64>, Error> {
    let (layout, dim) = (set.layout, set.dim());
    let mut models = set.models.clone();
    let calls = &with.calls;
    filled(with, &mut models, layout.chunk_size(), |bench, c, models| {
        let of = For { set: set.id, first: c * layout.chunk, models: models.len() / dim, generation };
        calls.call(bench, of, "update_timestep", |worker, task, _| {
            calls.model.update_timestep(worker, task, one, models)
        })
    })?;
    Ok(models)
}
