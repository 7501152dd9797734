//! Named values from JSON, by the conventions of Stan's data files.

mod array;
mod bare;
mod object;

use super::Values;
use crate::error::{Code, Error};
use serde::de::IgnoredAny;

/// Reads a text that errors call `origin`.
pub(super) fn parse(text: &str, origin: &str) -> Result<Values, Error> {
    read(text, origin, object::read)
}

/// Checks that a text, which errors call `origin`, is JSON of any structure by Stan's conventions: not-a-number and infinities may
/// be bare words.
///
/// # Errors
/// [`Code::Io`] with line and column.
pub fn check_json(text: &str, origin: &str) -> Result<(), Error> {
    read(text, origin, |text| serde_json::from_str(text).map(|IgnoredAny| ()))
}

fn read<T>(text: &str, origin: &str, reader: fn(&str) -> Result<T, serde_json::Error>) -> Result<T, Error> {
    let quoted = bare::quote(text);
    reader(quoted.text()).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        let shown = e.to_string();
        let place = format!(" at line {line} column {column}");
        let what = shown.strip_suffix(place.as_str()).unwrap_or(&shown);
        // The reader's column is 0 when it stopped before the first byte of a line.
        let column = quoted.original_column(line, column).max(1);
        Error::new(Code::Io, format!("{origin}, line {line}, column {column}: {what}"))
    })
}
