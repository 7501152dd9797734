//! The point to begin at, as chains look for it.

use crate::hmc::{Failure, INIT_TRIES, InitialValueReason};
use crate::model::Block;
use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// Where to begin: given coordinates stay, others are drawn until log density and gradient are finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StartSearch {
    /// NaN where a coordinate is to be drawn.
    given: Vec<f64>,
    radius: f64,
    stream: Stream,
    tries: u32,
    /// One row.
    pub block: Block,
}

impl StartSearch {
    pub fn new(seed: u64, id: u64, radius: f64, given: Vec<f64>) -> Self {
        let block = Block::new(1, given.len(), true, true);
        Self { stream: Stream::new(seed, id, Purpose::Init), given, radius, tries: 0, block }
    }

    /// Asks for the next point.
    pub fn propose(&mut self) {
        self.tries += 1;
        for (x, given) in self.block.positions_mut().iter_mut().zip(&self.given) {
            *x = if given.is_nan() { self.stream.uniform_between(-self.radius, self.radius) } else { *given };
        }
        self.block.ask();
    }

    /// What became of it: `None`, it was found, at [`StartSearch::position`]; or the block asks again.
    pub fn judge(&mut self) -> Result<bool, Failure> {
        let gradient = self.block.gradient(0);
        let reason = match self.block.log_density(0) {
            None => InitialValueReason::Refused,
            Some(value) if !value.is_finite() => InitialValueReason::LogDensity(value),
            Some(_) => match gradient.iter().position(|g| !g.is_finite()) {
                Some(index) => InitialValueReason::Gradient { index, value: gradient[index] },
                None => return Ok(true),
            },
        };
        let random = self.radius > 0.0 && self.given.iter().any(|x| x.is_nan());
        if self.tries == INIT_TRIES || !random {
            return Err(Failure::InitialValue { tries: self.tries, reason });
        }
        self.propose();
        Ok(false)
    }

    pub fn position(&self) -> &[f64] {
        self.block.position(0)
    }
}
