//! Named values from JSON, by the conventions of Stan's data files.

mod array;
mod bare;
mod object;

use super::Values;
use crate::error::{Code, Error};

/// Reads a text that errors call `origin`.
pub(super) fn parse(text: &str, origin: &str) -> Result<Values, Error> {
    let quoted = bare::quote(text);
    object::read(quoted.text()).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        let shown = e.to_string();
        let place = format!(" at line {line} column {column}");
        let what = shown.strip_suffix(place.as_str()).unwrap_or(&shown);
        // The reader's column is 0 when it stopped before the first byte of a line.
        let column = quoted.original_column(line, column).max(1);
        Error::new(Code::Io, format!("{origin}, line {line}, column {column}: {what}"))
    })
}
