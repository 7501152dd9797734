//! Autocovariances of several chains: few lags by sums, the rest by one transform.

use super::transform::{self, Point, SIDE_BY_SIDE, roots, transform};
use pulp::Arch;

/// Lags below this are summed directly: as many take about as long as the transform that gives all of them. A chain worth
/// having needs no more.
const DIRECT: usize = 64;
/// Lags that are summed in one pass.
const TOGETHER: usize = 4;
/// Chains that stand side by side: a complex sequence holds two.
const ABREAST: usize = 2 * SIDE_BY_SIDE;

/// Memory of transforms, for one user at a time.
#[derive(Default)]
pub(super) struct Transform {
    roots: Vec<(f64, f64)>,
    values: Vec<Point>,
    spare: Vec<Point>,
    power: Vec<f64>,
}

impl Transform {
    /// For every lag the products of each chain's numbers and those so many places later, summed over all chains. Two chains
    /// go through one complex transform, since the real part of the inverse of |F(x + iy)|² is the sum of what x and y give.
    fn products(&mut self, chains: &Abreast) -> Vec<f64> {
        // The inverse goes through in as many parts as there are lanes.
        let size = transform::size((2 * chains.length - 1).max(2 * SIDE_BY_SIDE));
        if self.roots.len() != size {
            self.roots = roots(size);
        }
        Arch::new().dispatch(
            #[inline(always)]
            || self.run(chains, size),
        )
    }

    #[inline(always)]
    fn run(&mut self, chains: &Abreast, size: usize) -> Vec<f64> {
        let Self { roots, values, spare, power } = self;
        power.clear();
        power.resize(size, 0.0);
        for group in chains.groups() {
            values.clear();
            values.extend_from_slice(&group[..chains.length]);
            values.resize(size, Point::default());
            spare.resize(size, Point::default());
            transform(values, spare, roots);
            for (sum, z) in power.iter_mut().zip(&*values) {
                let mut squares = [0.0; SIDE_BY_SIDE];
                for i in 0..SIDE_BY_SIDE {
                    squares[i] = z.re[i] * z.re[i] + z.im[i] * z.im[i];
                }
                let [a, b, c, d] = squares;
                *sum += (a + c) + (b + d);
            }
        }
        // Frequencies that leave the same rest by the number of lanes are a lane; what they give is put together for each lag.
        // The power being real, the inverse is the transform's conjugate, of which the real part is wanted.
        values.clear();
        let lanes = power.as_chunks::<SIDE_BY_SIDE>().0;
        values.extend(lanes.iter().map(|&re| Point { re, im: Default::default() }));
        let part = lanes.len();
        spare.resize(part, Point::default());
        transform(values, spare, roots);
        let at = |lag: usize| {
            let z = &values[lag % part];
            let parts = (0..SIDE_BY_SIDE).map(|b| (z.re[b], z.im[b], roots[b * lag % size]));
            parts.map(|(re, im, (cos, sin))| re * cos - im * sin).sum::<f64>() / size as f64
        };
        (0..chains.length).map(at).collect()
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
        Arch::new().dispatch(
            #[inline(always)]
            || {
                let mut out = [0.0; TOGETHER];
                for group in self.groups() {
                    for (out, sum) in out.iter_mut().zip(sums(group, self.length - first, first)) {
                        *out += sum;
                    }
                }
                out
            },
        )
    }
}

/// The products of the first `count` points and those at lags from `first` on.
#[inline(always)]
fn sums(points: &[Point], count: usize, first: usize) -> [f64; TOGETHER] {
    let mut sums = [Point::default(); TOGETHER];
    for (z, later) in points[..count].iter().zip(points[first..].windows(TOGETHER)) {
        for (sum, y) in sums.iter_mut().zip(later) {
            for i in 0..SIDE_BY_SIDE {
                sum.re[i] += z.re[i] * y.re[i];
                sum.im[i] += z.im[i] * y.im[i];
            }
        }
    }
    sums.map(|Point { re: [a, b, c, d], im: [e, f, g, h] }| ((a + e) + (c + g)) + ((b + f) + (d + h)))
}

/// Mean autocovariances of chains of equal length, each about its own mean, by lag.
pub(super) struct Autocovariances<'a> {
    chains: &'a Abreast,
    transform: &'a mut Transform,
    near: Vec<f64>,
    far: Vec<f64>,
}

impl<'a> Autocovariances<'a> {
    /// Of these chains.
    pub fn new(chains: &'a Abreast, transform: &'a mut Transform) -> Self {
        Self { chains, transform, near: Vec::with_capacity(DIRECT), far: Vec::new() }
    }

    /// That of `lag`, below the length: products divided by the length whatever the lag.
    pub fn at(&mut self, lag: usize) -> f64 {
        let sum = if lag < DIRECT {
            while self.near.len() <= lag {
                self.near.extend(self.chains.sums(self.near.len()));
            }
            self.near[lag]
        } else {
            if self.far.is_empty() {
                self.far = self.transform.products(self.chains);
            }
            self.far[lag]
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
            let found = transform.products(&abreast);
            assert_eq!(found.len(), length);
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
}
