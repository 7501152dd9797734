//! The state as bytes.

use super::{Record, Updater};
use crate::error::{Code, Error};
use crate::learn::options::UpdaterOptions;
use crate::learn::priors::Prior;
use crate::learn::set::{ModelSet, Notes};
use crate::learn::weights::Weights;
use crate::model::{Likelihood, open, seal};
use crate::particles::filter::Layout;
use serde::{Deserialize, Serialize};

/// So that no other checkpoint is taken for an updater's.
const KIND: &str = "updater";

#[derive(Serialize, Deserialize)]
struct Saved {
    kind: String,
    options: UpdaterOptions,
    names: Vec<String>,
    prior: Prior,
    step: u64,
    questions: u64,
    records: Vec<Record>,
    sets: Vec<SavedSet>,
}

#[derive(Serialize, Deserialize)]
struct SavedSet {
    id: u64,
    /// n x d, column by column, however they lay in memory.
    models: Vec<f64>,
    weights: Weights,
    log_base: f64,
    carried: f64,
    notes: Notes,
}

impl Updater {
    /// The whole state as bytes, but for a resampler of one's own. What is done after [`Updater::load`] has the bits of what
    /// would have been done without.
    pub fn save(&self) -> Vec<u8> {
        let sets = self.sets.iter().map(|set| SavedSet {
            id: set.id,
            models: set.models(),
            weights: set.weights.clone(),
            log_base: set.log_base,
            carried: set.carried,
            notes: set.notes.clone(),
        });
        seal(&Saved {
            kind: KIND.into(),
            options: self.options.clone(),
            names: self.names.clone(),
            prior: self.prior.clone(),
            step: self.step,
            questions: self.questions,
            records: self.records.clone(),
            sets: sets.collect(),
        })
    }

    /// The state of bytes that [`Updater::save`] gave, for the same likelihood.
    ///
    /// # Errors
    /// Bytes that are damaged or those of something else; a likelihood of other parameters.
    pub fn load<M: Likelihood>(model: &M, bytes: &[u8]) -> Result<Self, Error> {
        let foreign = |why: &str| Error::new(Code::Checkpoint, format!("expected a saved updater: {why}"));
        let saved: Saved = open(bytes)?;
        if saved.kind != KIND {
            return Err(foreign("the bytes are those of something else"));
        }
        let dim = saved.names.len();
        let fits = |set: &SavedSet| {
            let n = set.weights.len();
            n > 0 && set.models.len() == n * dim && set.weights.is_whole()
        };
        if dim == 0 || saved.sets.is_empty() || !saved.sets.iter().all(fits) {
            return Err(foreign("its parts don't fit each other"));
        }
        let names = model.parameters();
        if names != saved.names {
            let (saved, own) = (saved.names.join(", "), names.join(", "));
            return Err(foreign(&format!("it has the parameters {saved}, the likelihood {own}")));
        }
        let set = |set: SavedSet| {
            let n = set.weights.len();
            let layout = Layout::new(n, dim, model.whole());
            let mut models = vec![0.0; n * dim];
            layout.scatter(&set.models, &mut models);
            let mut new = ModelSet::new(set.id, layout, models);
            new.total = set.weights.total();
            (new.weights, new.log_base, new.carried, new.notes) = (set.weights, set.log_base, set.carried, set.notes);
            new
        };
        Ok(Self {
            options: saved.options,
            names,
            prior: saved.prior,
            sets: saved.sets.into_iter().map(set).collect(),
            step: saved.step,
            questions: saved.questions,
            records: saved.records,
            custom: None,
        })
    }
}
