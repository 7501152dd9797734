//! Autocovariances of several chains: few lags by sums, the rest by one transform.

use super::sums::dot;
use rustfft::num_complex::Complex;
use rustfft::{FftDirection, FftPlannerScalar};

/// Lags below this are summed directly: as many take about as long as the transform that gives all of them. A chain worth
/// having needs no more.
const DIRECT: usize = 32;

/// Plans of transforms and their memory, for one user at a time.
///
/// The planner is the one without vector instructions, so that bits don't depend on the processor.
pub(super) struct Transform {
    planner: FftPlannerScalar<f64>,
    buffer: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    power: Vec<f64>,
}

impl Default for Transform {
    fn default() -> Self {
        Self { planner: FftPlannerScalar::new(), buffer: Vec::new(), scratch: Vec::new(), power: Vec::new() }
    }
}

impl Transform {
    /// For every lag the products of each chain's numbers and those so many places later, summed over all chains, each of
    /// `length` numbers. Two chains go through one complex transform, since the real part of the inverse of |F(x + iy)|²
    /// is the sum of what x and y give.
    fn products(&mut self, chains: &[f64], length: usize) -> impl Iterator<Item = f64> {
        let size = transform_size(2 * length - 1);
        self.power.clear();
        self.power.resize(size, 0.0);
        let forward = self.planner.plan_fft(size, FftDirection::Forward);
        let inverse = self.planner.plan_fft(size, FftDirection::Inverse);
        let scratch = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        self.scratch.resize(scratch, Complex::default());
        for pair in chains.chunks(2 * length) {
            let (real, imaginary) = pair.split_at(length);
            self.buffer.clear();
            self.buffer.extend(real.iter().map(|&x| Complex::new(x, 0.0)));
            self.buffer.iter_mut().zip(imaginary).for_each(|(z, &y)| z.im = y);
            self.buffer.resize(size, Complex::default());
            forward.process_with_scratch(&mut self.buffer, &mut self.scratch);
            self.power.iter_mut().zip(&self.buffer).for_each(|(sum, z)| *sum += z.norm_sqr());
        }
        self.buffer.clear();
        self.buffer.extend(self.power.iter().map(|&p| Complex::new(p, 0.0)));
        inverse.process_with_scratch(&mut self.buffer, &mut self.scratch);
        self.buffer[..length].iter().map(move |z| z.re / size as f64)
    }
}

/// The smallest power of two, or three times one, that holds `least`.
fn transform_size(least: usize) -> usize {
    let power = least.next_power_of_two();
    let less = power / 4 * 3;
    if less >= least { less } else { power }
}

/// Mean autocovariances of chains of equal length, each about its own mean, by lag.
pub(super) struct Autocovariances<'a> {
    centred: &'a [f64],
    length: usize,
    transform: &'a mut Transform,
    far: Vec<f64>,
}

impl<'a> Autocovariances<'a> {
    /// Of chains that stand one after the other, each less its mean.
    pub fn new(centred: &'a [f64], length: usize, transform: &'a mut Transform) -> Self {
        Self { centred, length, transform, far: Vec::new() }
    }

    /// That of `lag`, below the length: products divided by the length whatever the lag.
    pub fn at(&mut self, lag: usize) -> f64 {
        let sum = if lag < DIRECT {
            self.centred.chunks_exact(self.length).map(|c| dot(&c[..self.length - lag], &c[lag..])).sum::<f64>()
        } else {
            if self.far.is_empty() {
                self.far.extend(self.transform.products(self.centred, self.length));
            }
            self.far[lag]
        };
        sum / self.centred.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn the_transform_gives_the_sums() {
        let mut stream = Stream::new(5, 1, Purpose::Model);
        let mut transform = Transform::default();
        for (chains, length) in [(1, 3), (2, 100), (3, 500), (8, 257)] {
            let values: Vec<f64> = (0..chains * length).map(|_| stream.normal()).collect();
            let found: Vec<f64> = transform.products(&values, length).collect();
            assert_eq!(found.len(), length);
            for (lag, found) in found.iter().enumerate() {
                let sum: f64 = values.chunks(length).map(|c| dot(&c[..length - lag], &c[lag..])).sum();
                assert!((found - sum).abs() < 1e-14 * values.len() as f64, "{lag} of {length}: {found} and {sum}");
            }
        }
    }

    #[test]
    fn sizes_hold_what_they_must() {
        for (least, size) in [(1, 1), (2, 2), (3, 3), (5, 6), (7, 8), (1999, 2048), (1500, 1536), (99_999, 131_072)] {
            assert_eq!(transform_size(least), size);
        }
    }
}
