//! Normal scores of ranks.

use super::special::normal_quantile;

/// Blom's offset.
const OFFSET: f64 = 3.0 / 8.0;

/// The normal scores of the ranks among `size` draws, halves of ranks included, for ties share their mean rank. They are the
/// same for all columns of a size, and computed when first asked for.
#[derive(Default)]
pub(super) struct Scores {
    size: usize,
    /// At 2 r - 2 that of rank r; NaN: not yet known.
    known: Vec<f64>,
}

impl Scores {
    /// Of ranks among `size` draws from now on.
    pub fn of(&mut self, size: usize) -> &mut Self {
        if self.size != size {
            self.size = size;
            self.known.clear();
            self.known.resize(2 * size, f64::NAN);
        }
        self
    }

    /// That of `ties` equal draws with `below` smaller ones.
    fn tied(&mut self, below: usize, ties: usize) -> f64 {
        let place = 2 * below + ties - 1;
        if self.known[place].is_nan() {
            let rank = below as f64 + (ties as f64 + 1.0) / 2.0;
            self.known[place] = normal_quantile((rank - OFFSET) / (self.size as f64 - 2.0 * OFFSET + 1.0));
        }
        self.known[place]
    }

    /// Writes to `out` at each index of `rising`, which come with their draws from the smallest on, the score of its rank
    /// (Vehtari et al. 2021, equation 14).
    pub fn write(&mut self, rising: &[(f64, usize)], out: &mut [f64]) {
        let mut below = 0;
        for ties in rising.chunk_by(|a, b| a.0 == b.0) {
            let score = self.tied(below, ties.len());
            ties.iter().for_each(|&(_, index)| out[index] = score);
            below += ties.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_score_of_their_mean_rank() {
        let mut out = [0.0; 4];
        let mut scores = Scores::default();
        scores.of(4).write(&[(-1.0, 2), (0.5, 0), (0.5, 3), (7.0, 1)], &mut out);
        let expected = [2.5, 4.0, 1.0, 2.5].map(|rank: f64| normal_quantile((rank - 0.375) / 4.25));
        assert_eq!(out, expected);
        assert_eq!(out[0], 0.0);
    }
}
