//! BridgeStan's return code does not tell a point outside the support from a program that can never be evaluated. A
//! chain that meets nothing but refusals with one and the same message is ended with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Refusals in a row, all with the same message, that end a chain.
pub(super) const MOST_IN_A_ROW: usize = 1000;

/// Refusals in a row, for each chain whose last evaluation was refused. Chains move between threads and workers, so they
/// are told apart by their ids; runs that use one model at the same time with equal ids share a count.
#[derive(Default)]
pub(super) struct Refusals {
    rows: Mutex<HashMap<u64, Row>>,
    /// Number of chains in `rows`, so that a success takes no lock while there are none.
    chains: AtomicUsize,
    /// Workers alive; when the last one goes, all runs are over.
    workers: AtomicUsize,
}

struct Row {
    message: String,
    length: usize,
}

impl Refusals {
    /// Counts a refusal of `chain`; true when it must end.
    #[cold]
    pub fn refused(&self, chain: u64, message: &str) -> bool {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry(chain).or_insert_with(|| Row { message: message.to_string(), length: 0 });
        if row.message != message {
            *row = Row { message: message.to_string(), length: 0 };
        }
        row.length += 1;
        let over = row.length >= MOST_IN_A_ROW;
        if over {
            rows.remove(&chain);
        }
        self.chains.store(rows.len(), Ordering::Relaxed);
        over
    }

    /// A chain was evaluated.
    #[inline]
    pub fn done(&self, chain: u64) {
        // A chain sees its own refusals: it moves between threads through a lock.
        if self.chains.load(Ordering::Relaxed) > 0 {
            self.forget(chain);
        }
    }

    #[cold]
    fn forget(&self, chain: u64) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.remove(&chain);
        self.chains.store(rows.len(), Ordering::Relaxed);
    }

    pub fn worker_made(&self) {
        self.workers.fetch_add(1, Ordering::Relaxed);
    }

    /// What one run leaves behind must not count in the next.
    pub fn worker_freed(&self) {
        if self.workers.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.rows.lock().unwrap_or_else(PoisonError::into_inner).clear();
            self.chains.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unbroken_row_of_one_message_ends_a_chain() {
        let refusals = Refusals::default();
        let refuse = |chain, message| (1..MOST_IN_A_ROW).all(|_| !refusals.refused(chain, message));
        assert!(refuse(1, "a") && refuse(2, "b"));
        assert!(refusals.refused(1, "a"), "the chain's {MOST_IN_A_ROW}th refusal");
        refusals.done(2);
        assert!(!refusals.refused(2, "b"), "a success broke the row");
        assert!(refuse(3, "a") && !refusals.refused(3, "c"), "another message broke the row");
        assert!(refuse(4, "a"));
        refusals.worker_made();
        refusals.worker_freed();
        assert!(!refusals.refused(4, "a"), "the run was over");
    }
}
