use crate::error::Error;
pub use crate::model::{Level, Logger};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Receives one chain's output. Used by one thread at a time; distinct writers are used concurrently.
///
/// Calls come in this order: `names` once, then `row` and `message` as the run goes, `finish` once at the end, also
/// when the chain failed or was interrupted. An error from any of them fails the chain. A resumed chain gets
/// `resumed` instead of `names`.
pub trait Writer: Send {
    /// Names of the columns, before the first row.
    fn names(&mut self, names: &[String]) -> Result<(), Error>;
    /// Instead of `names`, for a chain that goes on from a checkpoint after `rows` rows were written elsewhere. A writer
    /// that goes on after what it wrote before has nothing to do.
    fn resumed(&mut self, _names: &[String], _rows: usize) -> Result<(), Error> {
        Ok(())
    }
    /// One row, as long as the names.
    fn row(&mut self, values: &[f64]) -> Result<(), Error>;
    /// One line of text without a newline (adaptation results, elapsed times); a comment in a CSV file.
    fn message(&mut self, line: &str) -> Result<(), Error>;
    /// Called every now and then while a run goes on, between rows, with the time it is: a writer that gathers rows writes
    /// those that have waited for long. Never later than a millisecond or one evaluation of the model after a row.
    fn look(&mut self, _now: Instant) -> Result<(), Error> {
        Ok(())
    }
    /// Writes what can be written of what has been gathered so far, so that it lasts, and tells where a chain that goes on from
    /// now finds its output ([`CsvWriter::resume`](super::CsvWriter::resume)).
    fn mark(&mut self) -> Result<Mark, Error> {
        Ok(Mark::default())
    }
    /// Nothing more comes: flush and close.
    fn finish(&mut self) -> Result<(), Error>;
    /// All rows that it has taken, one after the other; `None` of a writer that does not hold them. In a run over several
    /// processes one that does gets the rows of a chain of another process when that has ended.
    fn held(&self) -> Option<Vec<f64>> {
        None
    }
}

/// Where a writer stands at one moment of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where what it has written ends, in bytes; 0 where that cannot be said.
    pub place: u64,
    /// What it has taken and not written, in a form of its own; empty where it has written all.
    pub rest: Vec<u8>,
}

/// A chain as it was at one moment of a run, from which it can go on.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// Its state, for [`SampleIo::checkpoints`](crate::services::SampleIo::checkpoints).
    pub checkpoint: Vec<u8>,
    /// Where its sample writer stood ([`Writer::mark`]).
    pub sample: Mark,
    /// Where its diagnostic writer stood.
    pub diagnostic: Mark,
}

/// Keeps chains while they run, so that a run that is killed can go on. Called from any thread, for one chain at a time, for
/// several at once.
pub trait Keeper: Sync {
    /// Time between two moments of a chain.
    fn period(&self) -> Duration;
    /// Keeps this moment of chain number `place` of the run, counted from 0, in the stead of the one before.
    ///
    /// # Errors
    /// It could not be kept. The chain goes on; the user is told, once.
    fn keep(&self, place: usize, moment: &Moment) -> Result<(), Error>;
}

/// Asks whether the run should end. Called only on the thread that called into the library, at least every 10 ms.
pub trait Interrupt {
    /// True to end the run; what was written stays intact.
    fn requested(&self) -> bool;
}

/// The interrupt that never asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Never;

impl Interrupt for Never {
    fn requested(&self) -> bool {
        false
    }
}

/// The logger that drops every line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Logger for Silent {
    fn log(&self, _level: Level, _chain: Option<u64>, _line: &str) {}
}
