//! Files that runs write: opened without touching what is there, begun with the first byte, whole pieces or nothing.

use crate::error::{Code, Error};
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A file that a run writes.
///
/// Opening it leaves what is there as it is, so that a run opens all of its files, checks all else and only then begins; an
/// opened file that was never begun is as it was, or gone if it is new. While it is open no other writer gets it, in this
/// process or another, whatever the names (a lock, where the file system has locks). Pipes and devices serve as well; a path
/// that leads to standard output writes there, after what is there.
///
/// When a write fails half way (a full disk), what it left of a last line is cut off, or for [`OutputFile::in_pieces`] all that
/// it left, so that the file still ends with a whole line or piece.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    path: PathBuf,
    state: State,
    /// Where the last whole piece ends; `None` for what cannot be cut, such as a pipe.
    end: Option<u64>,
    in_pieces: bool,
    /// There is something after the end that the next piece replaces.
    is_ahead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has been written; `new` when opening made the file.
    Opened {
        new: bool,
    },
    Begun,
}

impl OutputFile {
    /// Opens a file to be written anew.
    ///
    /// # Errors
    /// [`Code::Io`]: it cannot be opened, or another writer has it.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let failed = |e: io::Error| failed(path, "cannot be made", &e);
        if let Some(file) = standard_output(path) {
            let end = is_regular(&file).then(|| (&file).stream_position()).transpose().map_err(failed)?;
            return Ok(Self {
                file,
                path: path.to_owned(),
                state: State::Begun,
                end,
                in_pieces: false,
                is_ahead: false,
            });
        }
        let (file, new) = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => (file, true),
            // A link to nothing is there and yet to be made.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                (OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?, false)
            }
            Err(e) => return Err(failed(e)),
        };
        lock(&file, path)?;
        let end = is_regular(&file).then_some(0);
        Ok(Self { file, path: path.to_owned(), state: State::Opened { new }, end, in_pieces: false, is_ahead: false })
    }

    /// Opens a file to go on with, made if it is not there, and reads its first line that is not a comment.
    ///
    /// # Errors
    /// [`Code::Io`]: it cannot be opened or read, another writer has it, or its last line is not complete.
    pub fn append(path: &Path) -> Result<(Self, Option<String>), Error> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = file.map_err(|e| failed(path, "cannot be opened", &e))?;
        lock(&file, path)?;
        let (length, complete) = end_of(&mut file).map_err(|e| failed(path, "cannot be read", &e))?;
        if !complete {
            let what = "its last line is not complete; remove that line to append to the file";
            return Err(Error::new(Code::Io, format!("file '{}': {what}", path.display())));
        }
        let header = header_of(&mut file).map_err(|e| failed(path, "cannot be read", &e))?;
        Ok((
            Self {
                file,
                path: path.to_owned(),
                state: State::Begun,
                end: Some(length),
                in_pieces: false,
                is_ahead: false,
            },
            header,
        ))
    }

    /// Opens a file to go on with from byte `at`; what comes after that is cut off when it is begun. Returns its first line
    /// that is not a comment as well.
    ///
    /// # Errors
    /// [`Code::Io`]: it cannot be opened or read, another writer has it, or it is shorter, or has no line's end there.
    pub fn resume(path: &Path, at: u64) -> Result<(Self, Option<String>), Error> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let mut file = opened.map_err(|e| failed(path, "cannot be opened", &e))?;
        lock(&file, path)?;
        let unfit = |got: String| {
            let what =
                format!("expected the file of the run to be resumed, with whole lines up to byte {at}, got {got}");
            Err(Error::new(Code::Io, format!("file '{}': {what}", path.display())))
        };
        let length = file.metadata().map_err(|e| failed(path, "cannot be read", &e))?.len();
        if !is_regular(&file) || length < at {
            return unfit(format!("one of {length} bytes"));
        }
        let mut last = [b'\n'];
        let mut header = || {
            if at > 0 {
                file.seek(SeekFrom::Start(at - 1))?;
                file.read_exact(&mut last)?;
            }
            let header = header_of(&mut file)?;
            file.seek(SeekFrom::Start(at))?;
            Ok(header)
        };
        let header = header().map_err(|e: io::Error| failed(path, "cannot be read", &e))?;
        if last != *b"\n" {
            return unfit("one that has none there".into());
        }
        Ok((
            Self {
                file,
                path: path.to_owned(),
                state: State::Opened { new: false },
                end: Some(at),
                in_pieces: false,
                is_ahead: false,
            },
            header,
        ))
    }

    /// Waits until what was written so far lasts, and tells where it ends; 0 for what has no end, such as a pipe.
    ///
    /// # Errors
    /// The system cannot say so.
    pub fn settle(&mut self) -> io::Result<u64> {
        match self.end {
            None => Ok(0),
            Some(end) => self.begin().and_then(|()| self.file.sync_data()).map(|()| end),
        }
    }

    /// The same file, for what is no text: a piece that is not taken whole is cut off whole.
    pub fn in_pieces(mut self) -> Self {
        self.in_pieces = true;
        self
    }

    /// Writes something that the next piece, or the next thing written so, replaces: a reader who comes before finds it. Nothing
    /// for what cannot be cut.
    ///
    /// # Errors
    /// It is not taken whole, and cut off again.
    #[cfg(feature = "arrow")]
    pub(super) fn write_ahead(&mut self, piece: &[u8]) -> io::Result<()> {
        let Some(end) = self.end else { return Ok(()) };
        self.begin()?;
        self.cut_ahead(end)?;
        let written = self.file.write_all(piece);
        self.is_ahead = true;
        if written.is_err() {
            self.cut_ahead(end)?;
        }
        self.file.seek(SeekFrom::Start(end))?;
        written
    }

    /// What is half replaced could be read as what it is not: first it goes.
    fn cut_ahead(&mut self, end: u64) -> io::Result<()> {
        if std::mem::take(&mut self.is_ahead) { self.file.set_len(end) } else { Ok(()) }
    }

    /// Cuts off what is there and is not to stay, before the first piece.
    fn begin(&mut self) -> io::Result<()> {
        if self.state != State::Begun {
            self.state = State::Begun;
            if let Some(end) = self.end {
                self.file.set_len(end)?;
            }
        }
        Ok(())
    }
}

impl Write for OutputFile {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.begin()?;
        if let Some(end) = self.end {
            self.cut_ahead(end)?;
        }
        let mut done = 0;
        let written = loop {
            match self.file.write(&piece[done..]) {
                Ok(0) if done < piece.len() => break Err(ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => break Err(e),
            }
            if done == piece.len() {
                break Ok(());
            }
        };
        if written.is_err() && self.end.is_some() {
            let line = piece[..done].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            done = if self.in_pieces { 0 } else { line };
        }
        self.end = self.end.map(|end| end + done as u64);
        let Err(error) = written else { return Ok(done) };
        if let Some(end) = self.end {
            // The first failure is the one to report.
            let _ = self.file.set_len(end);
        }
        Err(io::Error::new(error.kind(), format!("file '{}': {error}", self.path.display())))
    }

    /// A file that is flushed is begun, so that one with nothing in it ends empty.
    fn flush(&mut self) -> io::Result<()> {
        self.begin()?;
        self.file.flush()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if self.state == (State::Opened { new: true }) {
            // What stays behind is an empty file.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn failed(path: &Path, what: &str, why: &io::Error) -> Error {
    Error::new(Code::Io, format!("file '{}' {what}: {why}", path.display()))
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|m| m.is_file())
}

/// Locks a regular file for as long as it is open. Locks are advisory: other programs read as they like.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match is_regular(file).then(|| file.try_lock()) {
        Some(Err(TryLockError::WouldBlock)) => {
            let what = "expected a file of its own, got one that another writer of this or another run has open";
            Err(Error::new(Code::Io, format!("file '{}': {what}", path.display())))
        }
        // A file system without locks serves as well.
        _ => Ok(()),
    }
}

/// Another handle of standard output, if that is where `path` leads.
fn standard_output(path: &Path) -> Option<File> {
    let there = FileId::of(path)?;
    // A host may have none.
    let out = io::stdout().as_fd().try_clone_to_owned().map(File::from).ok()?;
    (FileId::new(&out.metadata()) == Some(there)).then_some(out)
}

/// Where a file is written before it takes the place of the one at `path`.
pub fn aside(path: &Path) -> PathBuf {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".part");
    aside.into()
}

/// Whether `path` leads to a device that any number of writers may have, such as /dev/null.
pub(super) fn is_anyones(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.file_type().is_char_device())
}

/// What tells files apart, whatever the links and spellings that lead there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId(u64, u64);

impl FileId {
    /// Of the file or pipe where `path` leads; `None` where there is nothing, and for devices that many may have, such as
    /// /dev/null.
    pub fn of(path: &Path) -> Option<Self> {
        Self::new(&std::fs::metadata(path))
    }

    /// Whether that is where the program's standard output goes.
    pub fn is_standard_output(self) -> bool {
        io::stdout().as_fd().try_clone_to_owned().is_ok_and(|out| Self::new(&File::from(out).metadata()) == Some(self))
    }

    fn new(metadata: &io::Result<Metadata>) -> Option<Self> {
        let metadata = metadata.as_ref().ok()?;
        (!metadata.file_type().is_char_device()).then(|| Self(metadata.dev(), metadata.ino()))
    }
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
