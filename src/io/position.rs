use crate::error::Error;
use crate::model::{InitContext, Variable};

/// An init context that holds one unconstrained position (a copy); its NaN entries are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionInit(Vec<f64>);

impl PositionInit {
    /// Copies `position`, one number for each unconstrained coordinate of the model.
    ///
    /// # Errors
    /// An infinite entry: no model has a finite density there.
    pub fn new(position: &[f64]) -> Result<Self, Error> {
        if let Some(at) = position.iter().position(|x| x.is_infinite()) {
            let got = format!("{} at index {at}", position[at]);
            return Err(Error::argument("position", "finite numbers, or NaN where a value shall be drawn", got));
        }
        Ok(Self(position.to_vec()))
    }
}

impl InitContext for PositionInit {
    fn variable(&self, _name: &str) -> Result<Option<Variable>, Error> {
        Ok(None)
    }

    fn position(&self) -> Option<&[f64]> {
        Some(&self.0)
    }
}
