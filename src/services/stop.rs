//! Why a slice's work ended.

use super::Outcome;
use crate::drive::Slice;
use crate::error::Error;

/// See the module's words.
pub enum Stop {
    /// The machine is over.
    Over(Outcome),
    /// The slice's time is up, or the machine waits for what is done elsewhere.
    Pause(Slice),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Over(Outcome::Failed(error))
    }
}
