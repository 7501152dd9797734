//! Texts and files as [`Values`].

use super::{Values, json, rdump};
use crate::error::{Code, Error};
use std::path::Path;

/// Files with this extension are R dumps, all others JSON.
const DUMP_EXTENSION: &str = "R";

impl Values {
    /// Reads a JSON text.
    ///
    /// # Errors
    /// [`Code::Io`] with line, column and variable when the text is not what the type's description says.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        json::parse(text, "init JSON")
    }

    /// Reads a JSON file.
    ///
    /// # Errors
    /// As [`Values::from_json`], and when the file cannot be read or is not UTF-8.
    pub fn from_json_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        read(path.as_ref(), json::parse)
    }

    /// Reads the text of an R dump.
    ///
    /// # Errors
    /// [`Code::Io`] with line, column and variable when the text is not what the type's description says.
    pub fn from_dump(text: &str) -> Result<Self, Error> {
        rdump::parse(text, "R dump")
    }

    /// Reads a file: an R dump when its extension is `.R`, JSON otherwise.
    ///
    /// # Errors
    /// As [`Values::from_json`] or [`Values::from_dump`], and when the file cannot be read or is not UTF-8.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let dump = path.extension().is_some_and(|e| e == DUMP_EXTENSION);
        read(path, if dump { rdump::parse } else { json::parse })
    }
}

fn read(path: &Path, parse: fn(&str, &str) -> Result<Values, Error>) -> Result<Values, Error> {
    let origin = format!("file '{}'", path.display());
    let fail = |why: String| Error::new(Code::Io, format!("{origin}: {why}"));
    let bytes = std::fs::read(path).map_err(|e| fail(e.to_string()))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|e| fail(format!("expected UTF-8 text, got another byte at offset {}", e.valid_up_to())))?;
    parse(text, &origin)
}
