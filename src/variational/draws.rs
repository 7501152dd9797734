//! Draws of an approximation, asked for as one block, and what they tell of it.

use crate::model::Block;
use serde::{Deserialize, Serialize};

/// log 2π
pub const LOG_2_PI: f64 = 1.837_877_066_409_345_3;

/// Positions drawn from a normalised density q, with log q there and, once the block is answered, log p.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draws {
    /// To be answered.
    pub block: Block,
    dim: usize,
    log_q: Vec<f64>,
}

/// An estimate of the evidence lower bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// E log p - log q; -inf where no draw has a finite log p.
    pub elbo: f64,
    /// Draws without a finite log p.
    pub dropped: usize,
}

impl Bound {
    /// The bound of a normalised density q as far as it lies where log p is finite, from log p - log q at draws from it: with q
    /// restricted to a set of probability c, the bound is E[log p - log q] + log c, both estimated.
    pub fn of(ratios: impl IntoIterator<Item = f64>) -> Self {
        let (mut all, mut count, mut sum) = (0usize, 0usize, 0.0);
        for ratio in ratios {
            all += 1;
            if ratio.is_finite() {
                (count, sum) = (count + 1, sum + ratio);
            }
        }
        Self::from_sum(all, count, sum)
    }

    /// As [`Bound::of`], from `all` draws, of which `count` have finite ratios with this sum.
    pub(super) fn from_sum(all: usize, count: usize, sum: f64) -> Self {
        let dropped = all - count;
        let elbo = match count {
            0 => f64::NEG_INFINITY,
            _ => sum / count as f64 + libm::log(count as f64 / all as f64),
        };
        Self { elbo, dropped }
    }
}

impl Draws {
    /// Room for `rows` draws of `dim` coordinates, with gradients of log p or without.
    pub fn new(rows: usize, dim: usize, gradients: bool) -> Self {
        Self { block: Block::new(rows, dim, gradients, true), dim, log_q: vec![0.0; rows] }
    }

    /// Draws all rows anew: `draw` writes a row's position and returns log q there. The block is then to be answered.
    pub fn redraw(&mut self, mut draw: impl FnMut(usize, &mut [f64]) -> f64) {
        let dim = self.dim;
        let positions = self.block.positions_mut();
        for (row, log_q) in self.log_q.iter_mut().enumerate() {
            *log_q = draw(row, &mut positions[row * dim..(row + 1) * dim]);
        }
        self.block.ask();
    }

    /// Number of draws.
    pub fn rows(&self) -> usize {
        self.log_q.len()
    }

    /// The position of draw `row`.
    pub fn position(&self, row: usize) -> &[f64] {
        self.block.position(row)
    }

    /// log q at draw `row`.
    pub fn log_q(&self, row: usize) -> f64 {
        self.log_q[row]
    }

    /// log p at draw `row`: -inf where the model refused it, and NaN where that is what it said.
    pub fn log_p(&self, row: usize) -> f64 {
        self.block.log_density(row).unwrap_or(f64::NEG_INFINITY)
    }

    /// log p - log q at draw `row`.
    pub fn log_ratio(&self, row: usize) -> f64 {
        self.log_p(row) - self.log_q(row)
    }

    /// The bound of q, by these draws.
    pub fn bound(&self) -> Bound {
        Bound::of((0..self.rows()).map(|row| self.log_ratio(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_without_a_density_are_dropped_and_counted() {
        let mut draws = Draws::new(4, 1, false);
        draws.redraw(|row, x| {
            x[0] = row as f64;
            -1.0
        });
        [Some(2.0), None, Some(f64::NAN), Some(4.0)].into_iter().for_each(|answer| draws.block.answer(answer));
        // The mean of 3 and 5, and half of the draws.
        assert_eq!(draws.bound(), Bound { elbo: 4.0 + 0.5f64.ln(), dropped: 2 });
        assert_eq!((draws.position(2)[0], draws.log_ratio(0), draws.log_p(1)), (2.0, 3.0, f64::NEG_INFINITY));
        draws.block.ask();
        (0..4).for_each(|_| draws.block.answer(None));
        assert_eq!(draws.bound(), Bound { elbo: f64::NEG_INFINITY, dropped: 4 });
    }
}
