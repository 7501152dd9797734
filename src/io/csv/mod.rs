//! Stan's CSV: a line of names, a line per row, comments that begin with `#`.

mod number;

pub use number::{MAX_SIG_FIGS, shortest, significant};

use super::patience::Patience;
use super::table::{check_names, check_row};
use super::{Mark, OutputFile, Writer};
use crate::error::{Code, Error};
use number::Format;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

/// Whole lines are gathered up to about this many bytes before they are written.
const CHUNK: usize = 64 * 1024;

/// Writes Stan CSV: the names, the rows, and messages as comments (`# line`).
///
/// Numbers are the shortest text that reads back to the same bits, or as C's `%.{n}g` writes them; not-a-number is `nan`,
/// infinities are `inf` and `-inf`. `out` gets whole lines only: what comes up to the names at once, then pieces of about
/// 64 KiB, or less where rows would wait for more than a second ([`Writer::look`]); the rest comes with [`Writer::finish`] or
/// when the writer is dropped. A writer that got nothing but comments and is dropped writes nothing. After a failed write nothing more is written and each later call
/// returns the same error.
#[derive(Debug)]
pub struct CsvWriter<W: Write + Send> {
    out: W,
    format: Format,
    /// Names that `out` already held.
    header: Option<String>,
    columns: Option<usize>,
    rows: usize,
    buffer: Vec<u8>,
    patience: Patience,
    failed: Option<Error>,
    /// Makes what was written last, and tells where it ends.
    settle: fn(&mut W) -> io::Result<u64>,
}

impl CsvWriter<OutputFile> {
    /// Writes to a file; one that is there is emptied when the names come, see [`OutputFile`]. `sig_figs` as in [`CsvWriter::new`].
    ///
    /// # Errors
    /// `sig_figs` is out of range, or the file cannot be made.
    pub fn create(path: impl AsRef<Path>, sig_figs: u32) -> Result<Self, Error> {
        let format = Format::new(sig_figs)?;
        Ok(Self::to_file(OutputFile::create(path.as_ref())?, format))
    }

    /// Goes on with a file that an earlier run wrote, for a resumed chain; a missing file is made. Names that come again
    /// must be the file's and are not repeated. `sig_figs` as in [`CsvWriter::new`].
    ///
    /// # Errors
    /// `sig_figs` is out of range, the file cannot be opened, or its last line is not complete.
    pub fn append(path: impl AsRef<Path>, sig_figs: u32) -> Result<Self, Error> {
        let format = Format::new(sig_figs)?;
        Ok(Self::going_on(OutputFile::append(path.as_ref())?, format))
    }

    /// Goes on with a file that an earlier run wrote, from byte `at` on ([`Writer::mark`]), and cuts off what follows, when it
    /// writes first; not for files at whose beginning the chain stands. `sig_figs` as in [`CsvWriter::new`].
    ///
    /// # Errors
    /// `sig_figs` is out of range, the file cannot be opened, or it has no whole lines up to there.
    pub fn resume(path: impl AsRef<Path>, sig_figs: u32, at: u64) -> Result<Self, Error> {
        let format = Format::new(sig_figs)?;
        Ok(Self::going_on(OutputFile::resume(path.as_ref(), at)?, format))
    }

    fn going_on((file, header): (OutputFile, Option<String>), format: Format) -> Self {
        let columns = header.as_ref().map(|line| line.split(',').count());
        let mut writer = Self::to_file(file, format);
        (writer.header, writer.columns) = (header, columns);
        writer
    }

    fn to_file(file: OutputFile, format: Format) -> Self {
        let mut writer = Self::with_format(file, format);
        writer.settle = OutputFile::settle;
        writer
    }
}

impl<W: Write + Send> CsvWriter<W> {
    /// Writes to `out`, with `sig_figs` significant digits: 1 to [`MAX_SIG_FIGS`], or 0 for the shortest text that reads
    /// back to the same bits.
    ///
    /// # Errors
    /// `sig_figs` is out of range.
    pub fn new(out: W, sig_figs: u32) -> Result<Self, Error> {
        Ok(Self::with_format(out, Format::new(sig_figs)?))
    }

    fn with_format(out: W, format: Format) -> Self {
        let (header, columns, buffer, patience) = (None, None, Vec::new(), Patience::default());
        let settle = |out: &mut W| out.flush().map(|()| 0);
        Self { out, format, header, columns, rows: 0, buffer, patience, failed: None, settle }
    }

    /// Number of rows received.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Writes `text` as comment lines; before the names they tell of the run's options, as CmdStan's do.
    ///
    /// # Errors
    /// [`Code::Writer`] when `out` fails, or failed before.
    pub fn comment(&mut self, text: &str) -> Result<(), Error> {
        self.usable()?;
        // Text over several lines must not end the comment.
        for line in text.split('\n') {
            self.buffer.extend_from_slice(format!("# {line}").trim_end().as_bytes());
            self.buffer.push(b'\n');
        }
        self.write_if(self.buffer.len() >= CHUNK)
    }

    fn usable(&self) -> Result<(), Error> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn write_if(&mut self, due: bool) -> Result<(), Error> {
        if !due || self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(&self.buffer);
        self.buffer.clear();
        self.patience.end();
        written.map_err(|e| self.fail(&e))
    }

    fn fail(&mut self, why: &io::Error) -> Error {
        let error = Error::new(Code::Writer, format!("CSV output failed: {why}"));
        self.failed = Some(error.clone());
        error
    }
}

impl<W: Write + Send> Writer for CsvWriter<W> {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        self.usable()?;
        if let Some(bad) = names.iter().find(|name| name.contains([',', '\n', '\r'])) {
            let what = format!("expected a column name without comma and line break, got {bad:?}");
            return Err(Error::new(Code::Writer, what));
        }
        check_names(names.len(), self.columns)?;
        let line = names.join(",");
        if let Some(header) = &self.header {
            if *header != line {
                return Err(Error::new(Code::Writer, "the file to append to has columns of other names"));
            }
            return Ok(());
        }
        self.columns = Some(names.len());
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
        self.header = Some(line);
        self.write_if(true)
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        self.usable()?;
        check_row(self.rows, values.len(), *self.columns.get_or_insert(values.len()))?;
        for (i, &value) in values.iter().enumerate() {
            if i > 0 {
                self.buffer.push(b',');
            }
            self.format.write(&mut self.buffer, value);
        }
        self.buffer.push(b'\n');
        self.rows += 1;
        self.patience.begin();
        self.write_if(self.buffer.len() >= CHUNK)
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        self.comment(line)
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        if !self.patience.is_over(now) {
            return Ok(());
        }
        self.usable()?;
        self.write_if(true)
    }

    fn mark(&mut self) -> Result<Mark, Error> {
        self.usable()?;
        self.write_if(true)?;
        let place = (self.settle)(&mut self.out).map_err(|e| self.fail(&e))?;
        Ok(Mark { place, rest: Vec::new() })
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.usable()?;
        self.write_if(true)?;
        self.out.flush().map_err(|e| self.fail(&e))
    }
}

impl<W: Write + Send> Drop for CsvWriter<W> {
    /// Writes what a run that ended without [`Writer::finish`] left behind; there is nobody to tell of a failure.
    fn drop(&mut self) {
        if self.failed.is_none() && self.columns.is_some() {
            let _ = self.out.write_all(&self.buffer).and_then(|()| self.out.flush());
        }
    }
}
