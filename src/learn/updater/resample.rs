//! Resampling: by the options' way, or by one's own.

use super::{Draws, Updater};
use crate::error::{Code, Error};
use crate::learn::call::With;
use crate::learn::estimates;
use crate::learn::liu_west::{ancestors, moved, warn_stuck};
use crate::learn::options::{Resampler, check_count};
use crate::learn::set::ModelSet;
use crate::learn::weights::Weights;
use crate::model::Likelihood;
use crate::particles::blocks::Blocks;
use crate::particles::filter::Layout;
use crate::particles::weights::first_invalid;
use crate::random::{ParticlePurpose, ParticleStreams, Stream};

/// What a resampler of one's own is given.
pub struct Resampled<'a> {
    /// Id of the set.
    pub set: u64,
    /// How many models are wanted.
    pub count: usize,
    /// The models, n x d, column by column.
    pub models: &'a [f64],
    /// Their normalised weights.
    pub weights: &'a [f64],
    /// Random numbers of this set and step.
    pub random: &'a mut Stream,
}

/// A resampler of one's own: other models (n' x d, column by column) and their weights, which are kept as they are. n' is
/// [`Resampled::count`] or any other number from 1 on.
pub type CustomResampler = dyn FnMut(Resampled<'_>) -> Result<(Vec<f64>, Vec<f64>), Error> + Send;

/// Models and weights that are to be put in a set's place.
pub(super) struct Made {
    layout: Layout,
    models: Vec<f64>,
    weights: Weights,
    resampled: bool,
    stuck: u64,
    divergence: Option<f64>,
}

impl Made {
    /// Of weights 1, not by resampling.
    pub fn level(layout: Layout, models: Vec<f64>) -> Self {
        let weights = Weights::level(layout.particles);
        Self { layout, models, weights, resampled: false, stuck: 0, divergence: None }
    }
}

/// Models and weights that somebody gave.
pub(super) fn given(whole: bool, dim: usize, models: &[f64], weights: &[f64]) -> Result<Made, Error> {
    let n = weights.len();
    check_count("models", n)?;
    if models.len() != n * dim {
        let expected = format!("{} numbers, {dim} for each of {n} weights", n * dim);
        return Err(Error::argument("models", expected, models.len()));
    }
    if let Some(i) = models.iter().position(|x| !x.is_finite()) {
        let expected = format!("a finite number for parameter {} of model {}", i / n, i % n);
        return Err(Error::argument("models", expected, models[i]));
    }
    if let Some(i) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
        return Err(Error::argument(format!("weights[{i}]"), "a finite number that is not negative", weights[i]));
    }
    let sum: f64 = weights.iter().sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return Err(Error::argument("weights", "a positive, finite sum", sum));
    }
    let layout = Layout::new(n, dim, whole);
    let mut own = vec![0.0; models.len()];
    layout.scatter(models, &mut own);
    Ok(Made {
        layout,
        models: own,
        weights: Weights::of_values(weights.to_vec()),
        resampled: false,
        stuck: 0,
        divergence: None,
    })
}

impl ModelSet {
    pub(super) fn replace(&mut self, made: Made) {
        let Made { layout, models, weights, resampled, stuck, divergence } = made;
        let log_base = weights.total().log_sum_exp();
        self.begin_weights(weights, log_base);
        (self.layout, self.models) = (layout, models);
        self.notes.resamples += u64::from(resampled);
        self.notes.stuck += stuck;
        self.notes.divergences.extend(divergence);
    }

    /// Weights of these logs, and the log of their sum.
    pub(super) fn of_logs(&self, log_weights: &[f64]) -> Result<(Weights, f64), Error> {
        if log_weights.len() != self.len() {
            return Err(Error::argument("log_weights", format_args!("{} numbers", self.len()), log_weights.len()));
        }
        if let Some(i) = first_invalid(log_weights) {
            let expected = "a number or -inf";
            return Err(Error::argument(format!("log_weights[{i}]"), expected, log_weights[i]));
        }
        let weights = Weights::of_logs(log_weights.to_vec());
        let log_base = weights.total().log_sum_exp();
        if log_base == f64::NEG_INFINITY {
            return Err(Error::argument("log_weights", "at least one above -inf", "none"));
        }
        Ok((weights, log_base))
    }
}

impl Updater {
    /// Resamples every set, to `count` models each (`None`: as many as it has), whatever its effective sample size.
    ///
    /// # Errors
    /// A count of 0; a set whose weights are all zero; a refusal. The state is what it was before the call.
    pub fn resample<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        count: Option<usize>,
    ) -> Result<(), Error> {
        count.map_or(Ok(()), |count| check_count("num_models", count))?;
        let step = self.step;
        self.step += 1;
        let all: Result<Vec<_>, Error> = (0..self.sets.len())
            .map(|i| self.resampled(with, i, count.unwrap_or_else(|| self.sets[i].len())))
            .collect();
        let all = with.blocks.agree(all, |_| step).inspect_err(|_| self.step = step)?;
        self.sets.iter_mut().zip(all).for_each(|(set, made)| set.replace(made));
        Ok(())
    }

    /// Has sets resampled by `custom` from here on, in the place of the options' way; `None`: by the options' way again. It is
    /// no part of what is saved.
    pub fn resample_by(&mut self, custom: Option<Box<CustomResampler>>) {
        self.custom = custom;
    }

    /// What set `i` becomes by resampling.
    pub(super) fn resampled<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        i: usize,
        count: usize,
    ) -> Result<Made, Error> {
        let generation = self.generation(Draws::Resampling);
        let set = &self.sets[i];
        if set.total.sum == 0.0 {
            return Err(Error::new(Code::AllLost, "all weights are zero; there is nothing to resample").in_set(set.id));
        }
        let made = match (&mut self.custom, self.options.resampler) {
            (Some(custom), _) => {
                let streams = ParticleStreams::new(self.options.seed);
                let random = &mut streams.at(set.id, 0, generation, ParticlePurpose::Choice);
                let (models, weights) = (set.models(), set.weights());
                let ask = Resampled { set: set.id, count, models: &models, weights: &weights, random };
                let (models, weights) = custom(ask).map_err(|e| e.in_set(set.id))?;
                given(with.model.whole(), set.dim(), &models, &weights)
                    .map_err(|e| e.within("of the resampler").in_set(set.id))?
            }
            (None, Resampler::LiuWest(how)) => {
                let (layout, models, stuck) = moved(with, set, how, count, generation)?;
                warn_stuck(with.logger, set.id, stuck, how.max_tries);
                Made { stuck, ..Made::level(layout, models) }
            }
            (None, Resampler::Scheme(scheme)) => {
                let drawn = ancestors(set, scheme, count, self.options.seed, generation)?;
                let layout = Layout::new(count, set.dim(), with.model.whole());
                let mut models = vec![0.0; count * set.dim()];
                let chunks = models.chunks_mut(layout.chunk_size()).zip(drawn.chunks(layout.chunk));
                chunks.for_each(|(out, drawn)| set.layout.gather(&set.models, drawn, out));
                Made::level(layout, models)
            }
        };
        let mut made = Made { resampled: true, ..made };
        if self.options.divergences {
            let mut new = ModelSet::new(set.id, made.layout, std::mem::take(&mut made.models));
            std::mem::swap(&mut new.weights, &mut made.weights);
            new.total = new.weights.total();
            made.divergence = Some(estimates::normal_divergence(&new, &self.sets[i]));
            (made.models, made.weights) = (new.models, new.weights);
        }
        Ok(made)
    }
}
