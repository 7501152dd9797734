use super::heights::Heights;
use serde::{Deserialize, Serialize};

/// Numbers of positions, and of gradients, that a sample holds, within the bounds below: 16 MB each.
const NUMBERS: usize = 2_000_000;
/// Fewest and most draws that a sample has room for.
const DRAWS: (usize, usize) = (50, 1000);

/// Rows of `dim` numbers that differ from the one before; the first one counts.
pub(super) fn moves(rows: &[f64], dim: usize) -> usize {
    let rows = rows.chunks_exact(dim.max(1));
    rows.clone().zip(rows.clone().skip(1)).filter(|(a, b)| a != b).count() + usize::from(rows.len() > 0)
}

/// Draws with their gradients, in the order they came. Where there are more than there is room for, every second one of
/// those so far is dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    dim: usize,
    /// Most draws.
    room: usize,
    /// Rows with which other chains begin.
    starts: Vec<usize>,
    /// The iteration of each draw.
    iterations: Vec<usize>,
    /// Log density at each draw.
    heights: Vec<f64>,
    /// One row of `dim` numbers per draw.
    positions: Vec<f64>,
    /// As `positions`.
    gradients: Vec<f64>,
}

impl Sample {
    /// No draws yet. There is room for `draws` of them, or as many as 2 · 10⁶ / `dim`, but for 50 at least and 1000 at most:
    /// a chain of 10⁵ coordinates holds 80 MB.
    pub fn new(dim: usize, draws: usize) -> Self {
        let room = draws.min((NUMBERS / dim.max(1)).clamp(DRAWS.0, DRAWS.1));
        let numbers = || Vec::with_capacity(room * dim);
        Self {
            dim,
            room,
            starts: Vec::new(),
            iterations: Vec::with_capacity(room),
            heights: Vec::with_capacity(room),
            positions: numbers(),
            gradients: numbers(),
        }
    }

    /// Most draws.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Number of draws.
    pub fn len(&self) -> usize {
        self.iterations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iterations.is_empty()
    }

    /// Coordinates of a draw.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Takes the draw of iteration `iteration`, whose log density is `height`.
    pub fn add(&mut self, iteration: usize, height: f64, position: &[f64], gradient: &[f64]) {
        if self.len() >= self.room {
            self.thin();
        }
        self.iterations.push(iteration);
        self.heights.push(height);
        self.positions.extend_from_slice(position);
        self.gradients.extend_from_slice(gradient);
    }

    /// Forgets the draws of iterations before `first`.
    pub fn forget(&mut self, first: usize) {
        let count = self.iterations.partition_point(|&i| i < first);
        self.iterations.drain(..count);
        self.heights.drain(..count);
        self.positions.drain(..count * self.dim);
        self.gradients.drain(..count * self.dim);
    }

    /// Drops every second draw, the newest one not among them.
    fn thin(&mut self) {
        let (dim, rows) = (self.dim, self.len());
        let kept = rows / 2;
        for row in 0..kept {
            let from = rows - 1 - 2 * (kept - 1 - row);
            self.iterations[row] = self.iterations[from];
            self.heights[row] = self.heights[from];
            for all in [&mut self.positions, &mut self.gradients] {
                all.copy_within(from * dim..(from + 1) * dim, row * dim);
            }
        }
        self.iterations.truncate(kept);
        self.heights.truncate(kept);
        self.positions.truncate(kept * dim);
        self.gradients.truncate(kept * dim);
    }

    /// The log densities at the draws of this chain.
    pub(super) fn heights(&self) -> Heights {
        Heights::of(&self.heights)
    }

    /// Number of draws that differ from the one before; the first one counts.
    pub fn moves(&self) -> usize {
        moves(&self.positions, self.dim)
    }

    /// Appends `count` draws of another sample's numbers, every `stride`-th of them; they are centred by themselves.
    pub(super) fn append(&mut self, positions: &[f64], gradients: &[f64], stride: usize) {
        if !self.iterations.is_empty() {
            self.starts.push(self.len());
        }
        let rows = positions.chunks_exact(self.dim).zip(gradients.chunks_exact(self.dim));
        for (i, (x, g)) in rows.step_by(stride).enumerate() {
            self.iterations.push(i);
            self.positions.extend_from_slice(x);
            self.gradients.extend_from_slice(g);
        }
    }

    /// The draws of each chain, as ranges of rows.
    pub(super) fn groups(&self) -> impl Iterator<Item = std::ops::Range<usize>> + Clone {
        let first = std::iter::once(0).chain(self.starts.iter().copied());
        let last = self.starts.iter().copied().chain([self.len()]);
        first.zip(last).map(|(from, to)| from..to)
    }

    /// The positions, one row per draw.
    pub fn positions(&self) -> &[f64] {
        &self.positions
    }

    /// The gradients, one row per draw.
    pub fn gradients(&self) -> &[f64] {
        &self.gradients
    }

    /// Numbers there is room for.
    pub fn numbers(&self) -> usize {
        self.positions.capacity() + self.gradients.capacity() + self.iterations.capacity() + self.heights.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_thin_out() {
        let mut sample = Sample::new(1, 4);
        for i in 0..9 {
            sample.add(i, 0.5 * i as f64, &[i as f64], &[-(i as f64)]);
            assert!(sample.len() <= 4 && sample.iterations.last() == Some(&i));
        }
        assert_eq!(sample.positions(), [5.0, 7.0, 8.0]);
        assert_eq!(sample.gradients(), [-5.0, -7.0, -8.0]);
        let heights = sample.heights();
        assert!((heights.mean - 10.0 / 3.0).abs() < 1e-12 && (heights.sd - (7.0f64 / 18.0).sqrt()).abs() < 1e-12);
        assert_eq!((heights.rise, heights.newest), (3.75 - 2.5, 4.0));
        sample.forget(6);
        assert_eq!(sample.positions(), [7.0, 8.0]);
        assert_eq!(Sample::new(100_000, 1000).room, 50);
    }
}
