//! Autocovariances of several chains: few lags by sums, the rest by one transform.

use super::transform::{self, Point, SIDE_BY_SIDE, roots, transform};
use pulp::{Arch, Simd, WithSimd};

/// Lags below this are summed directly: as many take about as long as the transform that gives all of them. A chain worth
/// having needs no more.
const DIRECT: usize = 64;
/// Lags that are summed in one pass.
const TOGETHER: usize = 4;
/// Chains that stand side by side: a complex sequence holds two.
const ABREAST: usize = 2 * SIDE_BY_SIDE;

/// The products of many lags by one transform, and its memory, for one user at a time.
#[derive(Default)]
pub(super) struct Transform {
    roots: Vec<(f64, f64)>,
    values: Vec<Point>,
    spare: Vec<Point>,
    power: Vec<f64>,
}

impl Transform {
    /// Transforms `chains` for [`Transform::products`]. Two chains go through one complex transform, since the real part of the
    /// inverse of |F(x + iy)|² is the sum of what x and y give.
    fn load(&mut self, chains: &Abreast) {
        // The inverse goes through in as many parts as there are lanes.
        let size = transform::size((2 * chains.length - 1).max(2 * SIDE_BY_SIDE));
        if self.roots.len() != size {
            self.roots = roots(size);
        }
        arch_of_four().dispatch(Load { transform: self, chains });
    }

    /// The products of each chain's numbers and those `lag` places later, summed over all chains.
    fn products(&self, lag: usize) -> f64 {
        let Self { roots, values, .. } = self;
        let z = &values[lag % values.len()];
        let parts = (0..SIDE_BY_SIDE).map(|b| (z.re[b], z.im[b], roots[b * lag % roots.len()]));
        parts.map(|(re, im, (cos, sin))| re * cos - im * sin).sum::<f64>() / roots.len() as f64
    }
}

/// The instruction set for passes over [`SIDE_BY_SIDE`] numbers, which fill 256 bits: wider vectors would have to be put together
/// and taken apart.
fn arch_of_four() -> Arch {
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = pulp::x86::V3::try_new() {
        return Arch::V3(v3);
    }
    Arch::new()
}

/// See [`Transform::load`].
struct Load<'a> {
    transform: &'a mut Transform,
    chains: &'a Abreast,
}

impl WithSimd for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Transform { roots, values, spare, power } = self.transform;
        let size = roots.len();
        power.clear();
        power.resize(size, 0.0);
        for group in self.chains.groups() {
            values.clear();
            values.extend_from_slice(&group[..self.chains.length]);
            values.resize(size, Point::default());
            spare.resize(size, Point::default());
            transform(values, spare, roots);
            for (sum, z) in power.iter_mut().zip(&*values) {
                let [a, b, c, d] = z.squares();
                *sum += (a + c) + (b + d);
            }
        }
        // Frequencies that leave the same rest by the number of lanes are a lane; what they give is put together for each lag.
        // The power being real, the inverse is the transform's conjugate, of which the real part is wanted.
        values.clear();
        let lanes = power.as_chunks::<SIDE_BY_SIDE>().0;
        values.extend(lanes.iter().map(|&re| Point { re, im: Default::default() }));
        spare.resize(lanes.len(), Point::default());
        transform(values, spare, roots);
    }
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
                    0 => points.iter_mut().zip(chain).for_each(|(z, x)| z.re[lane] = x - mean),
                    _ => points.iter_mut().zip(chain).for_each(|(z, x)| z.im[lane] = x - mean),
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
        let sums = Arch::new().dispatch(Sums { chains: self, first });
        sums.map(|Point { re: [a, b, c, d], im: [e, f, g, h] }| ((a + e) + (c + g)) + ((b + f) + (d + h)))
    }
}

/// See [`Abreast::sums`].
struct Sums<'a> {
    chains: &'a Abreast,
    first: usize,
}

impl WithSimd for Sums<'_> {
    type Output = [Point; TOGETHER];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [Point; TOGETHER] {
        let mut sums = [Point::default(); TOGETHER];
        for group in self.chains.groups() {
            let points = &group[..self.chains.length - self.first];
            for (z, later) in points.iter().zip(group[self.first..].windows(TOGETHER)) {
                for (sum, y) in sums.iter_mut().zip(later) {
                    for i in 0..SIDE_BY_SIDE {
                        sum.re[i] += z.re[i] * y.re[i];
                        sum.im[i] += z.im[i] * y.im[i];
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
    /// Whether the transform has these chains.
    is_loaded: bool,
}

impl<'a> Autocovariances<'a> {
    /// Of these chains.
    pub fn new(chains: &'a Abreast, transform: &'a mut Transform) -> Self {
        Self { chains, transform, near: Vec::with_capacity(DIRECT), is_loaded: false }
    }

    /// That of `lag`, below the length: products divided by the length whatever the lag.
    pub fn at(&mut self, lag: usize) -> f64 {
        let sum = if lag < DIRECT {
            while self.near.len() <= lag {
                self.near.extend(self.chains.sums(self.near.len()));
            }
            self.near[lag]
        } else {
            if !std::mem::replace(&mut self.is_loaded, true) {
                self.transform.load(self.chains);
            }
            self.transform.products(lag)
        };
        sum / (self.chains.chains * self.chains.length) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn both_ways_give_the_sums() {
        let mut stream = Stream::new(5, 1, Purpose::Model);
        let (mut transform, mut abreast) = (Transform::default(), Abreast::default());
        for (chains, length) in [(1, 3), (2, 100), (3, 500), (8, 257), (17, 70)] {
            let values: Vec<f64> = (0..chains * length).map(|_| stream.normal()).collect();
            let means: Vec<f64> = (0..chains).map(|_| stream.normal()).collect();
            abreast.load(&values, length, &means);
            transform.load(&abreast);
            let found: Vec<f64> = (0..length).map(|lag| transform.products(lag)).collect();
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
            let sums = |arch: Arch| arch.dispatch(Sums { chains: &chains, first });
            assert_eq!(sums(plain), sums(Arch::new()));
        }
        let mut transform = Transform::default();
        transform.load(&chains);
        let values = transform.values.clone();
        plain.dispatch(Load { transform: &mut transform, chains: &chains });
        assert_eq!(transform.values, values);
    }
}
