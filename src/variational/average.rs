//! The average of the ascent's last iterates, and how well it is known.

use serde::{Deserialize, Serialize};

/// Batches that the error of an average is told from.
pub(super) const BATCHES: usize = 20;
/// Halves whose averages differ by more than so many standard errors are not those of an ascent at rest.
const AT_REST: f64 = 6.0;

/// Largest correlation of two successive batches that is taken for one.
const MOST_LAG: f64 = 0.9;

/// A larger correlation of two successive batches tells of steps that are too short.
const SLOW: f64 = 0.5;

/// What a look at the average says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// The largest error: the standard error, by batches that follow each other as an autoregression of order one, or half
    /// the difference of the averages of the two halves, whichever is larger.
    pub error: f64,
    /// Some difference of halves is far beyond what standard errors explain.
    pub drifts: bool,
    /// Some parameter moves so little that batches resemble the one before.
    pub slow: bool,
}

/// Averages the parameters of iterates, by batches.
///
/// The iterates of a stochastic ascent go on moving about the optimum with a spread that is that of the step size; their
/// average is nearer to it (Polyak and Juditsky 1992; Dhaka, Catalina, Andersen, Magnusson, Huggins and Vehtari 2020).
/// Batches are merged in pairs once there are too many, so that memory is bounded whatever the length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Average {
    parameters: usize,
    /// Iterates of a full batch.
    size: usize,
    /// Means of full batches, one after the other.
    batches: Vec<f64>,
    /// Sum over the batch that is being filled.
    open: Vec<f64>,
    filled: usize,
}

impl Average {
    /// With batches of `size` iterates at first.
    pub fn new(parameters: usize, size: usize) -> Self {
        Self { parameters, size: size.max(1), batches: Vec::new(), open: vec![0.0; parameters], filled: 0 }
    }

    fn count(&self) -> usize {
        self.batches.len() / self.parameters
    }

    fn batch(&self, k: usize) -> &[f64] {
        &self.batches[k * self.parameters..(k + 1) * self.parameters]
    }

    /// One more iterate; true when it is time to look.
    pub fn add(&mut self, iterate: &[f64]) -> bool {
        self.open.iter_mut().zip(iterate).for_each(|(sum, x)| *sum += x);
        self.filled += 1;
        if self.filled < self.size {
            return false;
        }
        let size = self.size as f64;
        self.batches.extend(self.open.iter().map(|sum| sum / size));
        self.open.fill(0.0);
        self.filled = 0;
        self.count() == BATCHES
    }

    /// The average of all full batches.
    fn mean(&self) -> impl Iterator<Item = f64> + '_ {
        let count = self.count() as f64;
        (0..self.parameters).map(move |i| (0..self.count()).map(|k| self.batch(k)[i]).sum::<f64>() / count)
    }

    /// How well the average is known, each parameter's in units of its `scale`.
    pub fn look(&self, scale: &[f64]) -> Look {
        let (count, half) = (self.count(), self.count() / 2);
        let mut look = Look { error: 0.0, drifts: false, slow: false };
        for ((i, mean), scale) in self.mean().enumerate().zip(scale) {
            let of = |from: usize, to: usize| (from..to).map(|k| self.batch(k)[i]);
            // The standard error of the mean of some batches, and how much each resembles the one before.
            let error_of = |from: usize, mean: f64| {
                let n = (count - from) as f64;
                let squares: f64 = of(from, count).map(|x| (x - mean) * (x - mean)).sum();
                let pairs = of(from, count - 1).zip(of(from + 1, count));
                let products: f64 = pairs.map(|(x, y)| (x - mean) * (y - mean)).sum();
                let lag = if squares > 0.0 { (products / squares).clamp(0.0, MOST_LAG) } else { 0.0 };
                ((squares / (n * (n - 1.0)) * (1.0 + lag) / (1.0 - lag)).sqrt() / scale, lag)
            };
            let (error, lag) = error_of(0, mean);
            let mean_of = |from: usize, to: usize| of(from, to).sum::<f64>() / (to - from) as f64;
            let last = mean_of(half, count);
            let drift = 0.5 * (mean_of(0, half) - last).abs() / scale;
            // By the last half alone: a way to rest in the first one would hide itself in the error.
            look.drifts |= drift > std::f64::consts::FRAC_1_SQRT_2 * AT_REST * error_of(half, last).0;
            look.slow |= lag > SLOW;
            look.error = look.error.max(error).max(drift);
        }
        look
    }

    /// The average of the batches that are full, into `parameters`; false where there are none.
    pub fn put(&self, parameters: &mut [f64]) -> bool {
        parameters.iter_mut().zip(self.mean()).for_each(|(x, mean)| *x = if mean.is_nan() { *x } else { mean });
        self.count() > 0
    }

    /// Goes on after a look: the oldest half is forgotten where the ascent `drifts`, and batches are merged.
    pub fn go_on(&mut self, drifts: bool) {
        let (width, half) = (self.parameters, BATCHES / 2);
        if drifts {
            self.batches.drain(..half * width);
        }
        let count = self.count();
        for k in 0..count / 2 {
            for i in 0..width {
                self.batches[k * width + i] =
                    0.5 * (self.batches[2 * k * width + i] + self.batches[(2 * k + 1) * width + i]);
            }
        }
        self.batches.truncate(count / 2 * width);
        self.size *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// Looks until the error is below `tolerance`; the average and the iterates it took.
    fn averaged(mut iterate: impl FnMut(usize) -> f64, tolerance: f64) -> (f64, usize) {
        let mut average = Average::new(1, 10);
        for i in 0..1_000_000 {
            if average.add(&[iterate(i)]) {
                let look = average.look(&[1.0]);
                if look.error < tolerance {
                    return (average.mean().next().unwrap(), i + 1);
                }
                average.go_on(look.drifts);
            }
        }
        panic!("never known");
    }

    #[test]
    fn the_error_is_that_of_correlated_iterates() {
        for seed in 0..20 {
            let mut stream = Stream::new(seed, 1, Purpose::Sampler);
            let mut x = 0.0;
            let (mean, taken) = averaged(
                |_| {
                    x = 0.95 * x + 0.3 * stream.normal();
                    1.0 + x
                },
                0.1,
            );
            // The standard error of n iterates is about 6 / √n.
            assert!((mean - 1.0).abs() < 0.4, "{mean}");
            assert!((800..40_000).contains(&taken), "{taken}");
        }
    }

    #[test]
    fn the_way_to_rest_is_forgotten() {
        let mut stream = Stream::new(3, 1, Purpose::Sampler);
        let (mean, _) = averaged(|i| 100.0 * (-(i as f64) / 200.0).exp() + 0.1 * stream.normal(), 0.01);
        assert!(mean.abs() < 0.05, "{mean}");
    }
}
