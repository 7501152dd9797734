//! Files that are to be text.

use crate::error::{Code, Error};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is no text shows in so many bytes; devices that never end are not read further.
const LOOK: u64 = 1 << 16;

/// The text of a file, which errors call `origin`.
///
/// # Errors
/// [`Code::Io`] when it cannot be read, or begins with a zero byte among others, as compressed files, pictures and programs do.
pub(super) fn text(path: &Path, origin: &str) -> Result<String, Error> {
    let fail = |e: std::io::Error| Error::new(Code::Io, format!("{origin}: {e}"));
    let mut file = File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    file.by_ref().take(LOOK).read_to_end(&mut bytes).map_err(fail)?;
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        return Err(Error::new(Code::Io, format!("{origin}, line {line}: expected text, got a byte of zero")));
    }
    file.read_to_end(&mut bytes).map_err(fail)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}
