//! Draws as an Arrow IPC file.

mod earlier;
mod frames;
mod read;
mod table;

use super::stan_csv::{STEP_SIZE, WARMUP_ROWS};
use super::{Mark, OutputFile, Writer, aside};
use crate::error::{Code, Error};
use crate::model::{check_chain_ids, open, seal};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Instant;
use table::{INDEX, Table};

pub use read::read;

/// The key of the file's metadata that holds the messages (adaptation, elapsed times), one per line.
const MESSAGES: &str = "catena.messages";

/// Writes one chain's rows to an Arrow IPC file ("Feather version 2"), as the run goes, a record batch at a time: of 1, 1, 2,
/// 4, ... rows up to 1024, or fewer where rows are long, so that the same draws are the same bytes. A batch is one write. Rows that have waited for more than
/// a second ([`Writer::look`]) stand behind the batches until their own batch takes their place: a run that is killed has left them.
///
/// The columns `chain` (the id given) and `draw` (from 1, 64-bit integers) come first, then the run's: counts
/// (`treedepth__`, `n_leapfrog__`) as 64-bit integers, `divergent__` as booleans, all others as doubles. The messages stand
/// in the footer's metadata under `catena.messages`, with a line more that counts the rows of warm-up where there are any; those
/// that came before the names (the command line's settings) in the schema's, under `catena.head`. A file that was never finished (the process was killed) is read as an
/// IPC stream from its ninth byte on. A resumed chain writes a new file, which goes on counting draws, or goes on with the
/// one there is ([`ArrowWriter::resume`]).
pub struct ArrowWriter {
    path: PathBuf,
    chain: i64,
    stage: Stage,
    /// Messages before the names.
    head: Vec<String>,
    messages: Vec<String>,
}

enum Stage {
    /// The names are to come.
    New(OutputFile),
    /// A chain that goes on is to come, and what of its output is not in the file; which is held open, so that no other
    /// run has it.
    Earlier(Rest, OutputFile),
    Writing(Table),
    /// As `Writing`, in the file aside until what it has of the chain is no less than what the earlier one has, which is held.
    Aside(Table, OutputFile),
    Ended,
}

/// What a writer has taken and not written.
#[derive(Default, Serialize, Deserialize)]
struct Rest {
    rows: Vec<f64>,
    /// `None`: those in the foot of the file.
    messages: Option<Vec<String>>,
}

impl ArrowWriter {
    /// A writer of the chain `chain_id` to a file at `path`; one that is there is emptied when the names of the columns
    /// come, see [`OutputFile`].
    ///
    /// # Errors
    /// The id is none of a chain, or the file cannot be made.
    pub fn new(path: impl AsRef<Path>, chain_id: u64) -> Result<Self, Error> {
        check_chain_ids("chain_id", chain_id, 1)?;
        let path = path.as_ref().to_owned();
        let file = OutputFile::create(&path)?.in_pieces();
        Ok(Self { path, chain: chain_id as i64, stage: Stage::New(file), head: Vec::new(), messages: Vec::new() })
    }

    /// Goes on with the file that an earlier run of the chain left at `path`, whether it was finished, stopped or killed: rows
    /// after the checkpoint's are left out, and the file ends byte for byte as that of a run that nothing disturbed. `rest` is
    /// that of the [`Mark`] that was made with the checkpoint, or empty for a run that was stopped and whose writer was
    /// finished.
    ///
    /// The file is copied beside, and put in place as soon as all that it had of the chain is written: whenever the machine
    /// stops, one of both is there whole. What does not fit is found when the run begins.
    ///
    /// # Errors
    /// The id is none of a chain, there is no file, another writer has it, or `rest` is none.
    pub fn resume(path: impl AsRef<Path>, chain_id: u64, rest: &[u8]) -> Result<Self, Error> {
        let rest = if rest.is_empty() { Rest::default() } else { open(rest)? };
        let path = path.as_ref();
        // Where links lead.
        let path = path
            .canonicalize()
            .map_err(|e| Error::new(Code::Io, format!("file '{}' cannot be opened: {e}", path.display())))?;
        check_chain_ids("chain_id", chain_id, 1)?;
        let stage = Stage::Earlier(rest, OutputFile::create(&path)?);
        Ok(Self { path, chain: chain_id as i64, stage, head: Vec::new(), messages: Vec::new() })
    }

    fn table(&self, file: OutputFile, names: &[String], before: usize) -> Result<Table, Error> {
        if let Some(taken) = names.iter().find(|name| INDEX.contains(&name.as_str())) {
            let got = format!("an output named '{taken}'");
            return Err(Error::argument("names", "names other than 'chain' and 'draw'", got));
        }
        Table::new(file, names, &self.head, self.chain, before).map_err(|e| self.failed(&e))
    }

    fn open(&mut self, names: &[String], before: usize) -> Result<(), Error> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::New(file) => self.stage = Stage::Writing(self.table(file, names, before)?),
            Stage::Earlier(..) => return Err(self.failed(&"expected a chain that goes on, got one that begins")),
            _ => return Err(Error::new(Code::Writer, "the names of the columns came twice")),
        }
        Ok(())
    }

    /// Writes what the earlier file and `rest` have of the chain's first `rows` rows to the file aside.
    fn go_on(&mut self, names: &[String], rows: usize, rest: Rest, held: OutputFile) -> Result<(), Error> {
        let waiting = rest.rows.len() / names.len().max(1);
        let expected = || format!("expected at most the chain's {rows} rows in its checkpoint, got {waiting}");
        let written = rows.checked_sub(waiting).ok_or_else(|| self.failed(&expected()))?;
        self.head = earlier::head(&self.path).map_err(|e| self.failed(&e))?;
        let mut table = self.table(OutputFile::create(&aside(&self.path))?.in_pieces(), names, 0)?;
        if let Err(error) = self.copy(&mut table, names, written, &rest.rows) {
            drop(table);
            // The error is the one to tell.
            let _ = std::fs::remove_file(aside(&self.path));
            return Err(error);
        }
        let has_checkpoint = rest.messages.is_some();
        self.messages = rest.messages.unwrap_or_else(|| earlier::messages(&self.path, MESSAGES));
        self.stage = Stage::Aside(table, held);
        // The rows that wait are in the checkpoint, or else in the earlier file alone.
        if has_checkpoint { self.put_in_place() } else { self.put_in_place_if_whole() }
    }

    /// Gives `table` so many rows of the earlier file, and `rest`.
    fn copy(&self, table: &mut Table, names: &[String], written: usize, rest: &[f64]) -> Result<(), Error> {
        let take = |row: &[f64]| table.push(row).map_err(|e| e.to_string());
        earlier::replay(&self.path, names, self.chain, written, take).map_err(|e| self.failed(&e))?;
        rest.chunks_exact(names.len().max(1)).try_for_each(|row| table.push(row).map_err(|e| self.failed(&e)))
    }

    fn put_in_place_if_whole(&mut self) -> Result<(), Error> {
        match &self.stage {
            Stage::Aside(table, _) if table.waiting().is_empty() => self.put_in_place(),
            _ => Ok(()),
        }
    }

    fn put_in_place(&mut self) -> Result<(), Error> {
        if let Stage::Aside(mut table, _held) = std::mem::replace(&mut self.stage, Stage::Ended) {
            table.settle().map_err(|e| self.failed(&e))?;
            std::fs::rename(aside(&self.path), &self.path).map_err(|e| self.failed(&e))?;
            self.stage = Stage::Writing(table);
        }
        Ok(())
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Error {
        Error::new(Code::Writer, format!("Arrow file '{}': {why}", self.path.display()))
    }
}

impl Writer for ArrowWriter {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        self.open(names, 0)
    }

    fn resumed(&mut self, names: &[String], rows: usize) -> Result<(), Error> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Earlier(rest, held) => self.go_on(names, rows, rest, held),
            other => {
                self.stage = other;
                self.open(names, rows)
            }
        }
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        let (Stage::Writing(table) | Stage::Aside(table, _)) = &mut self.stage else {
            return Err(Error::new(Code::Writer, "a row came before the names of its columns"));
        };
        let pushed = table.push(values);
        pushed.map_err(|e| self.failed(&e))?;
        self.put_in_place_if_whole()
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        if let Stage::New(_) = self.stage {
            self.head.push(line.to_string());
            return Ok(());
        }
        let rows = match &self.stage {
            Stage::Writing(table) | Stage::Aside(table, _) => table.rows(),
            _ => 0,
        };
        if line.starts_with(STEP_SIZE) && rows > 0 {
            self.messages.push(format!("{WARMUP_ROWS}{rows}"));
        }
        self.messages.push(line.to_string());
        Ok(())
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        // What is aside is not yet the file.
        let Stage::Writing(table) = &mut self.stage else { return Ok(()) };
        table.look(now).map_err(|e| self.failed(&e))
    }

    fn mark(&mut self) -> Result<Mark, Error> {
        let (Stage::Writing(table) | Stage::Aside(table, _)) = &mut self.stage else { return Ok(Mark::default()) };
        let place = table.settle();
        let rest = seal(&Rest { rows: table.waiting().to_vec(), messages: Some(self.messages.clone()) });
        Ok(Mark { place: place.map_err(|e| self.failed(&e))?, rest })
    }

    fn finish(&mut self) -> Result<(), Error> {
        if let Stage::Writing(table) | Stage::Aside(table, _) = &mut self.stage {
            let finished = table.finish((MESSAGES, self.messages.join("\n")));
            finished.map_err(|e| self.failed(&e))?;
        }
        self.put_in_place()?;
        self.stage = Stage::Ended;
        Ok(())
    }
}
