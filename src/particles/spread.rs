//! Mean and spread of weighted particles, by which moves are scaled: of blocks, each for itself, and of all of them.

use super::plan::Plan;
use super::scale::Scale;
use crate::adapt::MetricKind;

/// Variances are not taken for smaller than this share of 1 + mean²: all particles may share a coordinate.
const LEAST: f64 = 1e-20;

/// How many products of coordinates are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    None,
    Diag,
    /// Of each coordinate with itself and those before it.
    Dense,
}

impl Shape {
    fn of(plan: &Plan) -> Self {
        match plan.is_dense() {
            _ if plan.kernel.has_gradient() && plan.metric == MetricKind::Unit => Self::None,
            true => Self::Dense,
            false => Self::Diag,
        }
    }

    fn len(self, dim: usize) -> usize {
        match self {
            Self::None => 0,
            Self::Diag => dim,
            Self::Dense => dim * (dim + 1) / 2,
        }
    }

    /// Adds `factor` times the products of `apart`.
    fn add(self, factor: f64, apart: &[f64], products: &mut [f64]) {
        match self {
            Self::None => {}
            Self::Diag => products.iter_mut().zip(apart).for_each(|(p, a)| *p += factor * (a * a)),
            Self::Dense => {
                let mut rest = products;
                for i in 0..apart.len() {
                    let (row, after) = rest.split_at_mut(i + 1);
                    let scaled = factor * apart[i];
                    row.iter_mut().zip(apart).for_each(|(p, a)| *p += scaled * a);
                    rest = after;
                }
            }
        }
    }

    /// Where the variance of coordinate `i` stands.
    fn diagonal(self, i: usize) -> usize {
        if self == Self::Dense { i * (i + 1) / 2 + i } else { i }
    }
}

/// Weighted moments of some particles.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    shape: Shape,
    /// Sum of the weights, and of their squares.
    weight: f64,
    squares: f64,
    mean: Vec<f64>,
    /// Weighted sums of products of distances from the mean.
    products: Vec<f64>,
}

impl Moments {
    fn none(plan: &Plan) -> Self {
        let shape = Shape::of(plan);
        let (mean, products) = (vec![0.0; plan.dim], vec![0.0; shape.len(plan.dim)]);
        Self { shape, weight: 0.0, squares: 0.0, mean, products }
    }

    /// Of particles with their weights; one without weight may be nowhere.
    pub fn of<'a>(plan: &Plan, particles: impl Iterator<Item = (&'a [f64], f64)> + Clone) -> Self {
        let mut all = Self::none(plan);
        let weighted = particles.filter(|(_, w)| *w > 0.0);
        for (x, w) in weighted.clone() {
            all.weight += w;
            all.squares += w * w;
            all.mean.iter_mut().zip(x).for_each(|(mean, x)| *mean += w * x);
        }
        if all.weight == 0.0 {
            return all;
        }
        all.mean.iter_mut().for_each(|mean| *mean /= all.weight);
        let mut apart = vec![0.0; plan.dim];
        for (x, w) in weighted {
            apart.iter_mut().zip(x).zip(&all.mean).for_each(|((apart, x), mean)| *apart = x - mean);
            all.shape.add(w, &apart, &mut all.products);
        }
        all
    }

    /// Of these and others together (Chan, Golub and LeVeque 1983, equation 1.5 with weights).
    fn and(mut self, other: &Self) -> Self {
        if other.weight == 0.0 {
            return self;
        }
        let weight = self.weight + other.weight;
        let apart: Vec<f64> = other.mean.iter().zip(&self.mean).map(|(theirs, mean)| theirs - mean).collect();
        self.products.iter_mut().zip(&other.products).for_each(|(p, theirs)| *p += theirs);
        self.shape.add(self.weight * other.weight / weight, &apart, &mut self.products);
        self.mean.iter_mut().zip(&apart).for_each(|(mean, apart)| *mean += apart * (other.weight / weight));
        (self.weight, self.squares) = (weight, self.squares + other.squares);
        self
    }

    /// How many numbers they are.
    pub fn len(plan: &Plan) -> usize {
        2 + plan.dim + Shape::of(plan).len(plan.dim)
    }

    /// Appends them.
    pub fn write(&self, out: &mut Vec<f64>) {
        out.extend([self.weight, self.squares]);
        out.extend_from_slice(&self.mean);
        out.extend_from_slice(&self.products);
    }

    fn read(plan: &Plan, numbers: &[f64]) -> Self {
        let (mean, products) = numbers[2..Self::len(plan)].split_at(plan.dim);
        let [weight, squares] = [numbers[0], numbers[1]];
        Self { shape: Shape::of(plan), weight, squares, mean: mean.to_vec(), products: products.to_vec() }
    }

    /// The mean of all blocks, whose moments stand in their order, and the scale of `plan`'s shape. Correlations are shrunk as by
    /// `dim` particles more that have none, so that a covariance is one however few particles carry weight.
    pub fn fitted<'a>(plan: &Plan, blocks: impl Iterator<Item = &'a [f64]>) -> (Vec<f64>, Scale) {
        let Self { shape, weight, squares, mean, products } =
            blocks.fold(Self::none(plan), |all, numbers| all.and(&Self::read(plan, numbers)));
        let dim = plan.dim;
        if shape == Shape::None {
            return (mean, Scale::identity(dim));
        }
        let variance = |i: usize| {
            let least = LEAST * (1.0 + mean[i] * mean[i]);
            let variance = products[shape.diagonal(i)] / weight;
            if variance.is_finite() && variance > least { variance } else { least }
        };
        let sds: Vec<f64> = (0..dim).map(|i| variance(i).sqrt()).collect();
        if shape == Shape::Diag {
            return (mean, Scale::Diag(sds));
        }
        let ess = weight * weight / squares;
        let kept = ess / (ess + dim as f64);
        let mut covariance = vec![0.0; dim * dim];
        let mut rest = &products[..];
        for i in 0..dim {
            let row = rest.split_off(..i + 1).expect("a row for each coordinate");
            let place = &mut covariance[i * dim..][..i];
            place.iter_mut().zip(row).for_each(|(c, p)| *c = kept * (p / weight));
            covariance[i * dim + i] = variance(i);
        }
        let scale = Scale::of_covariance(dim, &covariance).unwrap_or_else(|| Scale::dense_of(&sds));
        (mean, scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::particles::plan::Kernel;

    #[test]
    fn blocks_together_have_the_moments_of_all() {
        let plan = Plan {
            seed: 1,
            dim: 2,
            segments: 1,
            movers: 5,
            keep: 1,
            moves: 1,
            kernel: Kernel::RandomWalk,
            metric: MetricKind::Diag,
            leapfrogs: 1,
            max_depth: 1,
            max_energy_error: 1.0,
            log_step: 0.0,
        };
        let (particles, weights) =
            ([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0], [-2.0, 7.0], [4.0, 4.0]], [1.0, 2.0, 0.5, 3.0, 0.0]);
        let of = |range: std::ops::Range<usize>| {
            Moments::of(&plan, particles[range.clone()].iter().map(|x| &x[..]).zip(weights[range].iter().copied()))
        };
        let (parts, all) = (of(0..2).and(&of(2..4)).and(&of(4..5)), of(0..5));
        let numbers = |moments: &Moments| {
            let mut out = Vec::new();
            moments.write(&mut out);
            out
        };
        // By hand: the weights' sum and that of their squares, means, and squares about these.
        let mean = (1.0 + 6.0 + 0.25 - 6.0) / 6.5;
        let square = |w: f64, x: f64| w * (x - mean) * (x - mean);
        let first = [6.5, 14.25, mean];
        let about = square(1.0, 1.0) + square(2.0, 3.0) + square(0.5, 0.5) + square(3.0, -2.0);
        let (parts, all) = (numbers(&parts), numbers(&all));
        assert!(parts.iter().zip(&all).all(|(a, b)| (a - b).abs() < 1e-13 * b.abs().max(1.0)), "{parts:?} {all:?}");
        assert!(first.iter().zip(&all).all(|(a, b)| (a - b).abs() < 1e-14) && (all[4] - about).abs() < 1e-13);
    }
}
