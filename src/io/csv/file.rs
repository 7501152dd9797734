use crate::error::{Code, Error};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that takes each piece whole or not at all: when a write fails half way (a full disk), what it left is cut off,
/// so that the file still ends where the piece before ended.
#[derive(Debug)]
pub struct CsvFile {
    file: File,
    path: PathBuf,
    length: u64,
}

impl CsvFile {
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(|e| failed(path, "cannot be made", &e))?;
        Ok(Self { file, path: path.to_owned(), length: 0 })
    }

    /// Opens a file to go on with, and reads its line of column names if it has one.
    pub(super) fn append(path: &Path) -> Result<(Self, Option<String>), Error> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = file.map_err(|e| failed(path, "cannot be opened", &e))?;
        let (length, complete) = end_of(&mut file).map_err(|e| failed(path, "cannot be read", &e))?;
        if !complete {
            let what = "its last line is not complete; remove that line to append to the file";
            return Err(Error::new(Code::Io, format!("CSV file '{}': {what}", path.display())));
        }
        let header = header_of(&mut file).map_err(|e| failed(path, "cannot be read", &e))?;
        Ok((Self { file, path: path.to_owned(), length }, header))
    }
}

impl Write for CsvFile {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_all(piece) {
            // Where cutting fails too (a pipe), the first failure is the one to report.
            let _ = self.file.set_len(self.length);
            return Err(io::Error::new(error.kind(), format!("file '{}': {error}", self.path.display())));
        }
        self.length += piece.len() as u64;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn failed(path: &Path, what: &str, why: &io::Error) -> Error {
    Error::new(Code::Io, format!("CSV file '{}' {what}: {why}", path.display()))
}

/// Length of the file, and whether it is empty or ends with a newline.
fn end_of(file: &mut File) -> io::Result<(u64, bool)> {
    let length = file.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok((0, true));
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok((length, last == *b"\n"))
}

/// The first line that is not a comment.
fn header_of(file: &mut File) -> io::Result<Option<String>> {
    file.rewind()?;
    for line in BufReader::new(file).lines() {
        let line = line?;
        if !line.starts_with('#') {
            return Ok(Some(line));
        }
    }
    Ok(None)
}
