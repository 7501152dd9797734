//! The point to begin at.

use crate::model::{Block, judge_initial, propose_initial, tries_again};
use crate::optimize::Failure;
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
        let Self { given, radius, stream, block, .. } = self;
        let (positions, gradients) = block.rows_mut();
        propose_initial(given, *radius, stream, positions, gradients);
        self.block.ask();
    }

    /// Whether the point will do; if not, the block asks for the next one.
    pub fn judge(&mut self) -> Result<bool, Failure> {
        let Some(reason) = judge_initial(self.block.log_density(0), self.block.gradient(0)) else { return Ok(true) };
        if !tries_again(&self.given, self.radius, self.tries, &reason) {
            return Err(Failure::InitialValue { tries: self.tries, reason });
        }
        self.propose();
        Ok(false)
    }

    pub fn position(&self) -> &[f64] {
        self.block.position(0)
    }
}
