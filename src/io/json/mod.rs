//! Initial values from JSON, by the conventions of Stan's data files.

mod array;
mod bare;
mod object;

use crate::error::{Code, Error};
use crate::model::{InitContext, Variable};
use object::Variables;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Initial values from a JSON text: an object of variables, on the constrained scale, as in Stan's data files.
///
/// A value is a number or a nested array of numbers, outermost index first, all parts of equal length; an empty array has
/// shape `[0]`. `NaN`, `Inf`, `Infinity` and their negatives are numbers, as bare words and as strings (`"NaN"`).
/// An object inside the object is a tuple: `{"a": {"1": 2.5}}` gives the variable `a.1`. Arrays of tuples, booleans, null,
/// other strings and names given twice are errors, with line and column (both from 1; columns count bytes).
#[derive(Debug)]
pub struct JsonInit {
    variables: Variables,
    asked: Vec<AtomicBool>,
}

impl JsonInit {
    /// Reads a JSON text.
    ///
    /// # Errors
    /// [`Code::Io`] with line, column and variable when the text is not what the type's description says.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::parse(text, "init JSON")
    }

    /// Reads a JSON file.
    ///
    /// # Errors
    /// As [`JsonInit::from_text`], and when the file cannot be read or is not UTF-8.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let origin = format!("init file '{}'", path.as_ref().display());
        let fail = |why: String| Error::new(Code::Io, format!("{origin}: {why}"));
        let bytes = std::fs::read(&path).map_err(|e| fail(e.to_string()))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|e| fail(format!("expected UTF-8 text, got another byte at offset {}", e.valid_up_to())))?;
        Self::parse(text, &origin)
    }

    fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let quoted = bare::quote(text);
        let variables = object::read(quoted.text()).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            let shown = e.to_string();
            let place = format!(" at line {line} column {column}");
            let what = shown.strip_suffix(place.as_str()).unwrap_or(&shown);
            // The reader's column is 0 when it stopped before the first byte of a line.
            let column = quoted.original_column(line, column).max(1);
            Error::new(Code::Io, format!("{origin}, line {line}, column {column}: {what}"))
        })?;
        let asked = (0..variables.len()).map(|_| AtomicBool::new(false)).collect();
        Ok(Self { variables, asked })
    }

    /// Names of all variables, in the order of the text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.names()
    }
}

impl InitContext for JsonInit {
    fn variable(&self, name: &str) -> Result<Option<Variable>, Error> {
        Ok(self.variables.find(name).map(|(at, variable)| {
            // Only the flag itself is shared, so no ordering with other memory is needed.
            self.asked[at].store(true, Ordering::Relaxed);
            variable.clone()
        }))
    }

    fn unused(&self) -> Vec<String> {
        let names = self.variables.names().zip(&self.asked);
        names.filter(|(_, asked)| !asked.load(Ordering::Relaxed)).map(|(name, _)| name.to_owned()).collect()
    }
}
