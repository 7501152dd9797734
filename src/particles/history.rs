//! What was done to all sets since they were begun, so that more sets can be made alike.

use super::resample::Scheme;
use crate::model::Operation;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What is done to every set alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// The host's operation on each trace; increments are added.
    Apply(Operation),
    /// Each trace is made consistent with its observations; increments are added.
    Incorporate,
    /// Weights are set to the traces' likelihood weights.
    LikelihoodWeight,
    /// Resampled within each set.
    Resample(Resampling),
    /// Resampled, weights 1, every trace reset to the prior.
    Reset(Resampling),
    /// Each trace becomes several.
    Diversify(Operation),
    /// Traces of equal fingerprints merge.
    Collapse {
        /// What they have in common.
        scope: i64,
        /// The best trace is kept with its weight, where else one is drawn and the weights are summed.
        best: bool,
    },
    /// Something was done to some sets or traces only: no other set can be made alike.
    Single,
}

/// How a set is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Resampling {
    /// Number of traces afterwards; `None`: as many as before.
    pub count: Option<usize>,
    /// How parents are drawn.
    pub scheme: Scheme,
    /// Only sets with an effective sample size below this share of their traces are resampled; infinity: all.
    pub ess_below: f64,
}

/// Steps in their order. Equal ones in a row take the memory of one, equal operations that of one wherever they stand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Steps done before the history was cleared.
    forgotten: u64,
    runs: Vec<Run>,
    operations: Vec<Operation>,
    #[serde(skip)]
    places: HashMap<Operation, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Run {
    step: Short,
    times: u64,
}

/// A step whose operation is a place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Short {
    Apply(u32),
    Diversify(u32),
    Incorporate,
    LikelihoodWeight,
    Resample(Resampling),
    Reset(Resampling),
    Collapse { scope: i64, best: bool },
    Single,
}

impl History {
    /// Number of steps, forgotten ones included.
    pub fn len(&self) -> u64 {
        self.forgotten + self.runs.iter().map(|run| run.times).sum::<u64>()
    }

    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a step.
    pub fn push(&mut self, step: &Step) {
        let step = match step {
            Step::Apply(operation) => Short::Apply(self.place(operation)),
            Step::Diversify(operation) => Short::Diversify(self.place(operation)),
            Step::Incorporate => Short::Incorporate,
            Step::LikelihoodWeight => Short::LikelihoodWeight,
            Step::Resample(how) => Short::Resample(*how),
            Step::Reset(how) => Short::Reset(*how),
            Step::Collapse { scope, best } => Short::Collapse { scope: *scope, best: *best },
            Step::Single => Short::Single,
        };
        match self.runs.last_mut() {
            Some(run) if run.step == step => run.times += 1,
            _ => self.runs.push(Run { step, times: 1 }),
        }
    }

    fn place(&mut self, operation: &Operation) -> u32 {
        if self.places.len() < self.operations.len() {
            // Just read back.
            self.places = self.operations.iter().cloned().zip(0..).collect();
        }
        if let Some(&place) = self.places.get(operation) {
            return place;
        }
        let place = u32::try_from(self.operations.len()).expect("fewer than 2^32 different operations");
        self.operations.push(operation.clone());
        self.places.insert(operation.clone(), place);
        place
    }

    /// Forgets all steps; their number stays.
    pub fn clear(&mut self) {
        *self = Self { forgotten: self.len(), ..Self::default() };
    }

    /// Number of steps that were forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The number, from 1, of the first step that was not for all sets alike.
    pub fn first_single(&self) -> Option<u64> {
        let mut number = self.forgotten + 1;
        for run in &self.runs {
            if run.step == Short::Single {
                return Some(number);
            }
            number += run.times;
        }
        None
    }

    /// All steps that are remembered, each with its number from 1.
    pub fn steps(&self) -> impl Iterator<Item = (u64, Step)> + '_ {
        let all = self.runs.iter().flat_map(|run| (0..run.times).map(|_| run.step));
        (self.forgotten + 1..).zip(all.map(|step| match step {
            Short::Apply(place) => Step::Apply(self.operations[place as usize].clone()),
            Short::Diversify(place) => Step::Diversify(self.operations[place as usize].clone()),
            Short::Incorporate => Step::Incorporate,
            Short::LikelihoodWeight => Step::LikelihoodWeight,
            Short::Resample(how) => Step::Resample(how),
            Short::Reset(how) => Step::Reset(how),
            Short::Collapse { scope, best } => Step::Collapse { scope, best },
            Short::Single => Step::Single,
        }))
    }

    /// Whether what was read back names only operations that are there.
    pub fn is_whole(&self) -> bool {
        self.runs.iter().all(|run| match run.step {
            Short::Apply(place) | Short::Diversify(place) => (place as usize) < self.operations.len(),
            _ => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_steps_are_kept_once() {
        let observe = |x: u8| Step::Apply(Operation::with(1, vec![x; 1000]));
        let infer = Step::Apply(Operation::new(2));
        let mut history = History::default();
        let mut all = Vec::new();
        for i in 0..100 {
            all.push(observe(i % 3));
            all.extend(vec![infer.clone(); 1000]);
        }
        all.iter().for_each(|step| history.push(step));
        assert!(history.steps().map(|(_, step)| step).eq(all.iter().cloned()));
        assert!(history.steps().map(|(number, _)| number).eq(1..=100_100));
        assert_eq!((history.operations.len(), history.runs.len(), history.len()), (4, 200, 100_100));

        let mut again: History = postcard::from_bytes(&postcard::to_stdvec(&history).unwrap()).unwrap();
        assert!(again.is_whole());
        again.push(&observe(0));
        history.push(&observe(0));
        assert_eq!(again.operations, history.operations);
        history.clear();
        history.push(&Step::Incorporate);
        history.push(&Step::Single);
        assert_eq!((history.len(), history.forgotten(), history.first_single()), (100_103, 100_101, Some(100_103)));
    }
}
