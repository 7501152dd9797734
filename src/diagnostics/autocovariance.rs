//! Autocovariances of several chains: few lags by sums, the rest by one transform.

use super::lanes::{Lanes, SIDE_BY_SIDE};
use pulp::{Arch, Simd, WithSimd};
use rustfft::algorithm::Radix4;
use rustfft::algorithm::butterflies::{Butterfly8, Butterfly12, Butterfly16, Butterfly24};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftDirection, Length};
use std::sync::Arc;

/// A complex number of each lane.
type Point = Complex<Lanes>;

/// Lags below this are summed directly: as many take about as long as the transform that gives all of them. A chain worth
/// having needs no more.
const DIRECT: usize = 64;
/// Where the autocorrelation at this lag is above [`SLOW`], more than [`DIRECT`] lags will be asked for: the transform comes at once.
const EARLY: usize = 15;
const SLOW: f64 = 0.4;
/// Lags that are summed in one pass.
const TOGETHER: usize = 4;
/// Chains that stand side by side: a complex sequence holds two.
const ABREAST: usize = 2 * SIDE_BY_SIDE;

/// The products of many lags by one transform, and its memory, for one user at a time.
///
/// The plans have no vector instructions of their own: they are in the lanes, where bits don't depend on the processor.
#[derive(Default)]
pub(super) struct Transform {
    /// One for each size that was met.
    plans: Vec<Radix4<Lanes>>,
    /// exp(-2 pi i k / size) for each k below the size.
    roots: Vec<(f64, f64)>,
    values: Vec<Point>,
    scratch: Vec<Point>,
    power: Vec<f64>,
}

impl Transform {
    /// Transforms `chains` for [`Transform::products`] at `lag` and as many more as come with it; returns below which. Two chains go through one complex transform, since the real part of the
    /// inverse of |F(x + iy)|² is the sum of what x and y give.
    fn load(&mut self, chains: &Abreast, lag: usize) -> usize {
        // A sequence is followed by so many zeros as lags are wanted: first half its length, which is mostly enough, then all.
        let lags = if lag < chains.length / 2 { chains.length / 2 } else { chains.length };
        // The inverse goes through in as many parts as there are lanes.
        let size = transform_size((chains.length + lags - 1).max(SMALLEST * SIDE_BY_SIDE));
        if self.roots.len() != size {
            let angle = |k: usize| -std::f64::consts::TAU * k as f64 / size as f64;
            self.roots = (0..size).map(|k| libm::sincos(angle(k))).map(|(sin, cos)| (cos, sin)).collect();
        }
        self.power.clear();
        self.power.resize(size, 0.0);
        for group in chains.groups() {
            self.values.clear();
            self.values.extend_from_slice(&group[..chains.length]);
            self.values.resize(size, Point::default());
            self.transform();
            for (sum, z) in self.power.iter_mut().zip(&self.values) {
                let Lanes([a, b, c, d]) = z.norm_sqr();
                *sum += (a + c) + (b + d);
            }
        }
        // Frequencies that leave the same rest by the number of lanes are a lane; what they give is put together for each lag.
        // The power being real, the inverse is the transform's conjugate, of which the real part is wanted.
        self.values.clear();
        let lanes = self.power.as_chunks::<SIDE_BY_SIDE>().0;
        self.values.extend(lanes.iter().map(|&re| Point::from(Lanes(re))));
        self.transform();
        lags
    }

    fn transform(&mut self) {
        let size = self.values.len();
        let known = self.plans.iter().position(|plan| plan.len() == size);
        let known = known.unwrap_or_else(|| {
            self.plans.push(plan(size));
            self.plans.len() - 1
        });
        let plan = &self.plans[known];
        self.scratch.resize(plan.get_inplace_scratch_len().max(self.scratch.len()), Point::default());
        plan.process_with_scratch(&mut self.values, &mut self.scratch);
    }

    /// The products of each chain's numbers and those `lag` places later, summed over all chains.
    fn products(&self, lag: usize) -> f64 {
        let Self { roots, values, .. } = self;
        let z = &values[lag % values.len()];
        let parts = (0..SIDE_BY_SIDE).map(|b| (z.re.0[b], z.im.0[b], roots[b * lag % roots.len()]));
        parts.map(|(re, im, (cos, sin))| re * cos - im * sin).sum::<f64>() / roots.len() as f64
    }
}

/// The smallest size that holds `least`: a power of two, or three times one.
fn transform_size(least: usize) -> usize {
    let power = least.next_power_of_two();
    let less = power / 4 * 3;
    if less >= least { less } else { power }
}

/// The smallest size that [`plan`] has; from there on all of [`transform_size`].
const SMALLEST: usize = 8;

/// The transform of a size of [`transform_size`], from [`SMALLEST`] on, as the crate's own planner has it where chains are long. That planner
/// may choose among all that the crate has, so that all would be compiled for lanes: most of the time that this library took.
fn plan(size: usize) -> Radix4<Lanes> {
    let forward = FftDirection::Forward;
    let base: Arc<dyn Fft<Lanes>> = match (size.is_power_of_two(), size.trailing_zeros() % 2) {
        (true, 0) => Arc::new(Butterfly16::new(forward)),
        (true, _) => Arc::new(Butterfly8::new(forward)),
        (false, 0) => Arc::new(Butterfly12::new(forward)),
        (false, _) => Arc::new(Butterfly24::new(forward)),
    };
    Radix4::new_with_base((size / base.len()).trailing_zeros() / 2, base)
}

/// Chains of equal length, each less its mean, so many of them side by side: as points of one transform, and for sums whose
/// every load is a whole one.
#[derive(Default)]
pub(super) struct Abreast {
    /// Group after group, each of `length` points and of [`BEHIND`] zeros.
    points: Vec<Point>,
    chains: usize,
    length: usize,
}

/// So many zeros behind a group let sums of several lags go on to the same place.
const BEHIND: usize = TOGETHER - 1;

impl Abreast {
    /// Takes chains of `length` numbers that stand one after the other, and their means.
    pub fn load(&mut self, chains: &[f64], length: usize, means: &[f64]) {
        (self.chains, self.length) = (means.len(), length);
        self.points.clear();
        self.points.resize(means.len().div_ceil(ABREAST) * (length + BEHIND), Point::default());
        let groups = chains.chunks(ABREAST * length).zip(means.chunks(ABREAST));
        for ((group, means), points) in groups.zip(self.points.chunks_exact_mut(length + BEHIND)) {
            for (k, (chain, mean)) in group.chunks_exact(length).zip(means).enumerate() {
                let lane = k % SIDE_BY_SIDE;
                match k / SIDE_BY_SIDE {
                    0 => points.iter_mut().zip(chain).for_each(|(z, x)| z.re.0[lane] = x - mean),
                    _ => points.iter_mut().zip(chain).for_each(|(z, x)| z.im.0[lane] = x - mean),
                }
            }
        }
    }

    fn groups(&self) -> impl Iterator<Item = &[Point]> {
        self.points.chunks_exact(self.length + BEHIND)
    }

    /// The products at lags from `first` on, below the length, summed over all chains.
    fn sums(&self, first: usize) -> [f64; TOGETHER] {
        // Added up here and not where they are made, that the compiler keep each of them in its lane.
        let sums = Arch::new().dispatch(LagSums { chains: self, first });
        sums.map(|Point { re: Lanes([a, b, c, d]), im: Lanes([e, f, g, h]) }| ((a + e) + (c + g)) + ((b + f) + (d + h)))
    }
}

/// See [`Abreast::sums`].
struct LagSums<'a> {
    chains: &'a Abreast,
    first: usize,
}

impl WithSimd for LagSums<'_> {
    type Output = [Point; TOGETHER];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [Point; TOGETHER] {
        let mut sums = [Point::default(); TOGETHER];
        for group in self.chains.groups() {
            let points = &group[..self.chains.length - self.first];
            for (z, later) in points.iter().zip(group[self.first..].windows(TOGETHER)) {
                for (sum, y) in sums.iter_mut().zip(later) {
                    for i in 0..SIDE_BY_SIDE {
                        sum.re.0[i] += z.re.0[i] * y.re.0[i];
                        sum.im.0[i] += z.im.0[i] * y.im.0[i];
                    }
                }
            }
        }
        sums
    }
}

/// Mean autocovariances of chains of equal length, each about its own mean, by lag.
pub(super) struct Autocovariances<'a> {
    chains: &'a Abreast,
    transform: &'a mut Transform,
    near: Vec<f64>,
    /// So many lags the transform has of these chains.
    loaded: Option<usize>,
}

impl<'a> Autocovariances<'a> {
    /// Of these chains.
    pub fn new(chains: &'a Abreast, transform: &'a mut Transform) -> Self {
        Self { chains, transform, near: Vec::with_capacity(DIRECT), loaded: None }
    }

    /// That of `lag`, below the length: products divided by the length whatever the lag.
    pub fn at(&mut self, lag: usize) -> f64 {
        while lag >= self.near.len() && self.loaded.is_none_or(|lags| lag >= lags) {
            if self.near.len() < DIRECT && !self.is_slow() {
                self.near.extend(self.chains.sums(self.near.len()));
            } else {
                self.loaded = Some(self.transform.load(self.chains, lag));
            }
        }
        let sum = self.near.get(lag).copied().unwrap_or_else(|| self.transform.products(lag));
        sum / (self.chains.chains * self.chains.length) as f64
    }

    /// Whether more lags will be asked for than are worth their sums.
    fn is_slow(&self) -> bool {
        self.near.get(EARLY).is_some_and(|later| *later > SLOW * self.near[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn sizes_hold_what_they_must() {
        for (least, size) in [(1, 1), (2, 2), (3, 3), (5, 6), (7, 8), (1999, 2048), (1500, 1536), (99_999, 131_072)] {
            assert_eq!(transform_size(least), size);
        }
    }

    #[test]
    fn both_ways_give_the_sums() {
        let mut stream = Stream::new(5, 1, Purpose::Model);
        let (mut transform, mut abreast) = (Transform::default(), Abreast::default());
        for (chains, length) in [(1, 3), (2, 100), (3, 500), (8, 257), (17, 70)] {
            let values: Vec<f64> = (0..chains * length).map(|_| stream.normal()).collect();
            let means: Vec<f64> = (0..chains).map(|_| stream.normal()).collect();
            abreast.load(&values, length, &means);
            let half = transform.load(&abreast, 0);
            let mut found: Vec<f64> = (0..half).map(|lag| transform.products(lag)).collect();
            assert_eq!(transform.load(&abreast, half), length);
            found.extend((half..length).map(|lag| transform.products(lag)));
            let mut both = Autocovariances::new(&abreast, &mut transform);
            for (lag, found) in found.iter().enumerate() {
                let sum_of = |(chain, m): (&[f64], &f64)| -> f64 {
                    (0..length - lag).map(|i| (chain[i] - m) * (chain[i + lag] - m)).sum()
                };
                let sum: f64 = values.chunks(length).zip(&means).map(sum_of).sum();
                for found in [*found, both.at(lag) * values.len() as f64] {
                    let bound = 1e-14 * values.len() as f64;
                    assert!((found - sum).abs() < bound, "{lag} of {chains} times {length}: {found} and {sum}");
                }
            }
        }
    }

    #[test]
    fn bits_are_the_same_without_vectors() {
        let mut stream = Stream::new(6, 1, Purpose::Model);
        let values: Vec<f64> = (0..5 * 300).map(|_| stream.normal()).collect();
        let mut chains = Abreast::default();
        chains.load(&values, 300, &[0.0; 5]);
        let plain = Arch::Scalar;
        for first in [0, 8, 296] {
            let sums = |arch: Arch| arch.dispatch(LagSums { chains: &chains, first });
            assert_eq!(sums(plain), sums(Arch::new()));
        }
    }
}
