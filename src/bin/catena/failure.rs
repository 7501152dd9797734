//! What the program ends with. The codes are those of CmdStan (BSD's sysexits).

use catena::{Code, Error};
use std::fmt;

/// The words on the command line are wrong.
const USAGE: u8 = 64;
/// The model cannot be made of its data.
const DATA: u8 = 65;
/// A file cannot be read.
const NO_INPUT: u8 = 66;
/// A chain failed.
const SOFTWARE: u8 = 70;
/// Values that do not go with the model: initial values, metrics, draws.
const CONFIG: u8 = 78;
/// The reader of what is written has gone away; 128 and the number of SIGPIPE.
const BROKEN_PIPE: u8 = 141;
/// Ended by the user; 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// Why the program ends early.
#[derive(Debug)]
pub struct Failure {
    pub exit: u8,
    message: String,
}

impl Failure {
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: USAGE, message: message.into() }
    }

    pub fn no_input(message: impl Into<String>) -> Self {
        Self { exit: NO_INPUT, message: message.into() }
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self { exit: CONFIG, message: message.into() }
    }

    pub fn software(message: impl Into<String>) -> Self {
        Self { exit: SOFTWARE, message: message.into() }
    }

    /// Nobody reads any more: other programs die of that without a word.
    pub fn broken_pipe() -> Self {
        Self { exit: BROKEN_PIPE, message: String::new() }
    }

    /// Whether the user is told why.
    pub fn has_words(&self) -> bool {
        !self.message.is_empty()
    }

    /// A model that could not be loaded.
    pub fn of_model(error: &Error) -> Self {
        let exit = if error.code() == Code::Model { DATA } else { NO_INPUT };
        Self { exit, message: error.to_string() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.code() {
            Code::InvalidArgument | Code::Initialization => CONFIG,
            Code::Io => NO_INPUT,
            Code::Interrupted => INTERRUPTED,
            _ => SOFTWARE,
        };
        Self { exit, message: error.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
