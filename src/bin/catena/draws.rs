//! A file of draws under way: Stan CSV, or Arrow where its name says so.

use catena::Error;
#[cfg(feature = "arrow")]
use catena::io::ArrowWriter;
use catena::io::{CsvWriter, Mark, Writer};
use std::path::Path;
use std::time::Instant;

/// Extension of files that are Arrow IPC files.
const ARROW_EXTENSION: &str = "arrow";

/// One chain's file.
pub struct Draws(Box<dyn Writer>);

fn is_arrow(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == ARROW_EXTENSION)
}

#[cfg(not(feature = "arrow"))]
fn without_arrow(path: &Path, chain_id: u64) -> Error {
    let what = format!("the Arrow file of chain {chain_id} wants a build with the feature 'arrow'");
    Error::new(catena::Code::Io, format!("file '{}': {what}", path.display()))
}

impl Draws {
    /// Makes a file; what is there stays until the names come. Arrow has all digits.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path, chain_id: u64, sig_figs: u32) -> Result<Self, Error> {
        match is_arrow(path) {
            #[cfg(feature = "arrow")]
            true => ArrowWriter::new(path, chain_id).map(Self::of),
            #[cfg(not(feature = "arrow"))]
            true => Err(without_arrow(path, chain_id)),
            false => CsvWriter::create(path, sig_figs).map(Self::of),
        }
    }

    /// Goes on with a file as it was when `mark` was made.
    ///
    /// # Errors
    /// There is none, or it is not what it should be.
    pub fn resume(path: &Path, chain_id: u64, sig_figs: u32, mark: &Mark) -> Result<Self, Error> {
        match is_arrow(path) {
            #[cfg(feature = "arrow")]
            true => ArrowWriter::resume(path, chain_id, &mark.rest).map(Self::of),
            #[cfg(not(feature = "arrow"))]
            true => Err(without_arrow(path, chain_id)),
            false => CsvWriter::resume(path, sig_figs, mark.place).map(Self::of),
        }
    }

    /// Writes a line about the run; before the names they tell of its settings.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn comment(&mut self, line: &str) -> Result<(), Error> {
        self.0.message(line)
    }

    fn of(writer: impl Writer + 'static) -> Self {
        Self(Box::new(writer))
    }
}

impl Writer for Draws {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        self.0.names(names)
    }

    fn resumed(&mut self, names: &[String], rows: usize) -> Result<(), Error> {
        self.0.resumed(names, rows)
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        self.0.row(values)
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        self.0.message(line)
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        self.0.look(now)
    }

    fn mark(&mut self) -> Result<Mark, Error> {
        self.0.mark()
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.0.finish()
    }
}
