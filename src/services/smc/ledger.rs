//! What the blocks of a run's sets have to say, gathered while they run.

use crate::drive::Council;
use crate::error::Error;
use crate::particles::course::{Action, Course};
use crate::particles::mover::StageRecord;
use crate::services::SmcOptions;
use crate::services::spread::{bytes, read};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One entry per set.
pub struct Ledger(Vec<Mutex<SetLedger>>);

/// What is known of one set.
#[derive(Default, Serialize, Deserialize)]
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

    /// What all ranks know of the sets, each of which has other blocks. Rows of sets are moved where any rank wants them.
    ///
    /// # Errors
    /// A rank is lost.
    pub fn gather(&mut self, council: &Council<'_>, wants_rows: bool) -> Result<(), Error> {
        let wanted = council.gather(&[u8::from(wants_rows)])?;
        let mut own: Vec<SetLedger> = self.0.iter_mut().map(|set| std::mem::take(inside(set))).collect();
        let kept: Vec<Vec<Vec<f64>>> = own.iter().map(|set| set.rows.clone()).collect();
        if wanted.iter().all(|wants| *wants == [0]) {
            own.iter_mut().flat_map(|set| &mut set.rows).for_each(Vec::clear);
        }
        for (set, rows) in self.0.iter_mut().zip(kept) {
            inside(set).rows = rows;
        }
        for told in council.gather(&bytes(&own))? {
            for (set, theirs) in self.0.iter_mut().zip(read::<Vec<SetLedger>>(&told)?) {
                inside(set).add(theirs);
            }
        }
        Ok(())
    }

    /// All entries, in the order of the sets.
    pub fn into_sets(self) -> impl Iterator<Item = SetLedger> {
        self.0.into_iter().map(|set| set.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

fn inside(set: &mut Mutex<SetLedger>) -> &mut SetLedger {
    set.get_mut().unwrap_or_else(PoisonError::into_inner)
}

impl SetLedger {
    /// What another rank knows of the set besides.
    fn add(&mut self, theirs: Self) {
        if !theirs.stages.is_empty() {
            self.stages = theirs.stages;
        }
        self.end = self.end.take().or(theirs.end);
        for (rows, theirs) in self.rows.iter_mut().zip(theirs.rows).filter(|(_, theirs)| !theirs.is_empty()) {
            *rows = theirs;
        }
    }
}
