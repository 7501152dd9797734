//! What the blocks of a run's sets have to say, gathered while they run.

use crate::particles::course::{Action, Course};
use crate::particles::mover::StageRecord;
use crate::services::SmcOptions;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One entry per set.
pub struct Ledger(Vec<Mutex<SetLedger>>);

/// What is known of one set.
#[derive(Default)]
pub struct SetLedger {
    /// Its stages, in order.
    pub stages: Vec<StageRecord>,
    /// How it ended, where it has come to, points refused; from its first block.
    pub end: Option<(Action, Course, f64)>,
    /// Rows of output of each block.
    pub rows: Vec<Vec<f64>>,
}

impl Ledger {
    pub fn new(smc: &SmcOptions, blocks: usize) -> Self {
        let empty = || Mutex::new(SetLedger { rows: vec![Vec::new(); blocks], ..SetLedger::default() });
        Self((0..smc.num_sets).map(|_| empty()).collect())
    }

    /// The entry of the set at `place`.
    pub fn set(&self, place: usize) -> MutexGuard<'_, SetLedger> {
        self.0[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All entries, in the order of the sets.
    pub fn into_sets(self) -> impl Iterator<Item = SetLedger> {
        self.0.into_iter().map(|set| set.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}
