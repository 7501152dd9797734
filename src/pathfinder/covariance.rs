//! The normal distribution that an optimiser's last steps imply: its covariance is their estimate of the inverse Hessian.

use crate::random::Stream;
use crate::variational::LOG_2_PI;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// A step counts where s·z > this |z|², so that its curvature is positive and not of rounding (Zhang et al. 2022,
/// algorithm 3).
const LEAST_CURVATURE: f64 = 1e-12;

/// The last steps of an optimiser: changes of the position, s, and of the gradient of -log p, z, oldest first; and the
/// diagonal α that the estimate of the inverse Hessian begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Steps {
    dim: usize,
    most: usize,
    /// Row after row.
    s: Vec<f64>,
    z: Vec<f64>,
    alpha: Vec<f64>,
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

impl Steps {
    /// None yet, of at most `most`.
    pub fn new(dim: usize, most: usize) -> Self {
        let room = || Vec::with_capacity(most.saturating_mul(dim));
        Self { dim, most, s: room(), z: room(), alpha: vec![1.0; dim] }
    }

    /// How many count.
    pub fn count(&self) -> usize {
        self.s.len() / self.dim
    }

    /// Takes a step in, unless it has no positive curvature.
    pub fn add(&mut self, s: &[f64], z: &[f64]) {
        let (curvature, squares) = (dot(s, z), dot(z, z));
        if !(curvature > LEAST_CURVATURE * squares && curvature.is_finite() && squares.is_finite()) {
            return;
        }
        if self.count() == self.most {
            self.s.drain(..self.dim);
            self.z.drain(..self.dim);
        }
        self.s.extend_from_slice(s);
        self.z.extend_from_slice(z);
        rescale(&mut self.alpha, s, z, curvature);
    }
}

/// The diagonal after one more step (Zhang et al. 2022, algorithm 3; Gilbert and Lemaréchal 1989).
fn rescale(alpha: &mut [f64], s: &[f64], z: &[f64], curvature: f64) {
    let a: f64 = alpha.iter().zip(z).map(|(d, z)| d * z * z).sum();
    let c: f64 = alpha.iter().zip(s).map(|(d, s)| s * s / d).sum();
    for ((d, s), z) in alpha.iter_mut().zip(s).zip(z) {
        let inverse = a / (curvature * *d) + z * z / curvature - a * s * s / (curvature * c * *d * *d);
        *d = 1.0 / inverse;
    }
}

/// A normal distribution with a covariance of few directions beside a diagonal: α^½ (I + Q (T Tᵀ - I) Qᵀ) α^½, with
/// orthonormal columns of Q and a lower triangle T.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathNormal {
    mean: Vec<f64>,
    /// Root of α.
    scale: Vec<f64>,
    /// Column after column, `dim` numbers each.
    directions: Vec<f64>,
    /// Row after row.
    triangle: Vec<f64>,
    log_determinant: f64,
}

impl PathNormal {
    /// The one about `position`, where the gradient of log p is `gradient`; `None` where the steps' estimate is not positive
    /// definite or not finite (Zhang et al. 2022, algorithms 3 and 4, with one factorisation for any number of coordinates).
    pub(super) fn new(steps: &Steps, position: &[f64], gradient: &[f64]) -> Option<Self> {
        let (dim, count) = (steps.dim, steps.count());
        let alpha = &steps.alpha;
        if alpha.iter().any(|d| !(*d > 0.0 && d.is_finite())) {
            return None;
        }
        let scale: Vec<f64> = alpha.iter().map(|d| d.sqrt()).collect();
        let mut normal = Self {
            log_determinant: scale.iter().map(|d| libm::log(*d)).sum(),
            mean: vec![0.0; dim],
            scale,
            directions: Vec::new(),
            triangle: Vec::new(),
        };
        if count > 0 {
            normal.bend(steps)?;
        }
        // The mean is where the quadratic with this Hessian has its mode.
        let mut whitened: Vec<f64> = gradient.iter().zip(&normal.scale).map(|(g, d)| g * d).collect();
        normal.apply_transposed(&mut whitened);
        normal.apply(&mut whitened);
        for (((mean, x), w), d) in normal.mean.iter_mut().zip(position).zip(&whitened).zip(&normal.scale) {
            *mean = x + d * w;
        }
        let finite = normal.log_determinant.is_finite() && normal.mean.iter().all(|x| x.is_finite());
        finite.then_some(normal)
    }

    /// Directions and triangle from the steps: the compact form of the inverse update, β γ βᵀ beside α.
    fn bend(&mut self, steps: &Steps) -> Option<()> {
        let (dim, count) = (steps.dim, steps.count());
        let s = DMatrix::from_column_slice(dim, count, &steps.s);
        let z = DMatrix::from_column_slice(dim, count, &steps.z);
        let products = s.transpose() * &z;
        let curvature = DMatrix::from_diagonal(&products.diagonal());
        let inverse = products.upper_triangle().solve_upper_triangular(&DMatrix::identity(count, count))?;
        let mut scaled_z = z;
        for (mut row, d) in scaled_z.row_iter_mut().zip(&self.scale) {
            row *= *d;
        }
        let corner = inverse.transpose() * (curvature + scaled_z.transpose() * &scaled_z) * &inverse;
        let mut gamma = DMatrix::zeros(2 * count, 2 * count);
        gamma.view_mut((0, count), (count, count)).copy_from(&-&inverse);
        gamma.view_mut((count, 0), (count, count)).copy_from(&-inverse.transpose());
        gamma.view_mut((count, count), (count, count)).copy_from(&corner);
        // α^-½ β has the columns α^½ z and α^-½ s.
        let mut beta = DMatrix::zeros(dim, 2 * count);
        beta.view_mut((0, 0), (dim, count)).copy_from(&scaled_z);
        let mut scaled_s = s;
        for (mut row, d) in scaled_s.row_iter_mut().zip(&self.scale) {
            row /= *d;
        }
        beta.view_mut((0, count), (dim, count)).copy_from(&scaled_s);
        let qr = beta.qr();
        let (q, r) = (qr.q(), qr.r());
        let inner = DMatrix::identity(r.nrows(), r.nrows()) + &r * gamma * r.transpose();
        let symmetric = (&inner + inner.transpose()) * 0.5;
        let triangle = symmetric.cholesky()?.l();
        self.log_determinant += triangle.diagonal().iter().map(|x| libm::log(*x)).sum::<f64>();
        self.directions = q.as_slice().to_vec();
        self.triangle = triangle.transpose().as_slice().to_vec();
        Some(())
    }

    fn rank(&self) -> usize {
        self.directions.len() / self.mean.len()
    }

    /// u ← u + Q (M Qᵀu - Qᵀu), where `product` makes M v of v.
    fn along(&self, u: &mut [f64], product: impl Fn(&[f64], usize) -> f64) {
        let (dim, rank) = (self.mean.len(), self.rank());
        let column = |k: usize| &self.directions[k * dim..(k + 1) * dim];
        let v: Vec<f64> = (0..rank).map(|k| dot(column(k), u)).collect();
        for k in 0..rank {
            let change = product(&v, k) - v[k];
            u.iter_mut().zip(column(k)).for_each(|(u, q)| *u += change * q);
        }
    }

    /// u ← (I + Q (T - I) Qᵀ) u.
    fn apply(&self, u: &mut [f64]) {
        let rank = self.rank();
        self.along(u, |v, k| dot(&self.triangle[k * rank..=k * rank + k], &v[..=k]));
    }

    /// u ← (I + Q (Tᵀ - I) Qᵀ) u.
    fn apply_transposed(&self, u: &mut [f64]) {
        let rank = self.rank();
        self.along(u, |v, k| (k..rank).map(|j| self.triangle[j * rank + k] * v[j]).sum());
    }

    /// The mean.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Variance of each coordinate.
    pub fn variances(&self) -> Vec<f64> {
        let (dim, rank) = (self.mean.len(), self.rank());
        // Row i of the root of the covariance is α^½ (eᵢ + (T - I)ᵀ's share), so that its square needs Q's row alone:
        // eᵢᵀ (I + Q (T Tᵀ - I) Qᵀ) eᵢ.
        let variance = |i: usize| {
            let q: Vec<f64> = (0..rank).map(|k| self.directions[k * dim + i]).collect();
            let along: f64 = (0..rank)
                .map(|k| {
                    let t: f64 = (k..rank).map(|j| self.triangle[j * rank + k] * q[j]).sum();
                    t * t - q[k] * q[k]
                })
                .sum();
            self.scale[i] * self.scale[i] * (1.0 + along)
        };
        (0..dim).map(variance).collect()
    }

    /// The covariance, row by row.
    pub fn covariance(&self) -> Vec<f64> {
        let dim = self.mean.len();
        let mut all = vec![0.0; dim * dim];
        for (i, row) in all.chunks_exact_mut(dim).enumerate() {
            row[i] = self.scale[i];
            self.apply_transposed(row);
            self.apply(row);
            row.iter_mut().zip(&self.scale).for_each(|(x, d)| *x *= d);
        }
        all
    }

    /// Draws a position; its normalised log density.
    pub(super) fn draw(&self, stream: &mut Stream, position: &mut [f64]) -> f64 {
        position.iter_mut().for_each(|u| *u = stream.normal());
        let squares = dot(position, position);
        self.apply(position);
        for ((x, mean), d) in position.iter_mut().zip(&self.mean).zip(&self.scale) {
            *x = mean + d * *x;
        }
        -0.5 * (squares + self.mean.len() as f64 * LOG_2_PI) - self.log_determinant
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use nalgebra::DVector;

    /// -log p = ½ xᵀ A x with A of `dim` coordinates, positive definite.
    fn matrix(dim: usize) -> DMatrix<f64> {
        let mut stream = Stream::new(5, 1, Purpose::Model);
        let b = DMatrix::from_fn(dim, dim, |_, _| stream.normal());
        DMatrix::identity(dim, dim) + &b * b.transpose()
    }

    /// The inverse Hessian by the rank-two updates one after the other (Nocedal and Wright 2006, equation 6.17).
    fn updated(steps: &Steps, alpha: &[f64]) -> DMatrix<f64> {
        let dim = steps.dim;
        let mut h = DMatrix::from_diagonal(&DVector::from_column_slice(alpha));
        for (s, z) in steps.s.chunks(dim).zip(steps.z.chunks(dim)) {
            let (s, z) = (DVector::from_column_slice(s), DVector::from_column_slice(z));
            let rho = 1.0 / s.dot(&z);
            let v = DMatrix::identity(dim, dim) - &z * s.transpose() * rho;
            h = v.transpose() * h * v + &s * s.transpose() * rho;
        }
        h
    }

    fn steps_on(a: &DMatrix<f64>, count: usize, most: usize) -> Steps {
        let dim = a.nrows();
        let mut stream = Stream::new(6, 1, Purpose::Model);
        let mut steps = Steps::new(dim, most);
        for _ in 0..count {
            let s = DVector::from_fn(dim, |_, _| stream.normal());
            let z = a * &s;
            steps.add(s.as_slice(), z.as_slice());
        }
        steps
    }

    #[test]
    fn the_covariance_is_that_of_the_updates() {
        // More coordinates than directions, as many, and fewer.
        for (dim, count, most) in [(12, 3, 5), (6, 3, 5), (4, 9, 5), (1, 1, 5), (1, 4, 5), (30, 12, 6)] {
            let a = matrix(dim);
            let steps = steps_on(&a, count, most);
            assert_eq!(steps.count(), count.min(most));
            let position: Vec<f64> = (0..dim).map(|i| i as f64 * 0.1).collect();
            let gradient = -(&a * DVector::from_column_slice(&position));
            let normal = PathNormal::new(&steps, &position, gradient.as_slice()).unwrap();
            let expected = updated(&steps, &steps.alpha);
            let got = DMatrix::from_row_slice(dim, dim, &normal.covariance());
            let norm = expected.norm();
            assert!((&got - &expected).norm() < 1e-9 * norm, "{dim} {count}");
            let variances = DVector::from_vec(normal.variances());
            assert!((variances - expected.diagonal()).norm() < 1e-9 * norm);
            let mean = DVector::from_column_slice(&position) + &expected * gradient;
            assert!((DVector::from_column_slice(normal.mean()) - mean).norm() < 1e-9 * (1.0 + norm));
            assert!((2.0 * normal.log_determinant - expected.determinant().ln()).abs() < 1e-8);
        }
    }

    #[test]
    fn log_densities_are_those_of_the_covariance() {
        let dim = 7;
        let steps = steps_on(&matrix(dim), 2, 5);
        let normal = PathNormal::new(&steps, &vec![0.5; dim], &vec![-0.2; dim]).unwrap();
        let covariance = DMatrix::from_row_slice(dim, dim, &normal.covariance());
        let precision = covariance.clone().try_inverse().unwrap();
        let mut stream = Stream::new(1, 1, Purpose::Sampler);
        let mut x = vec![0.0; dim];
        for _ in 0..5 {
            let log_density = normal.draw(&mut stream, &mut x);
            let off = DVector::from_column_slice(&x) - DVector::from_column_slice(normal.mean());
            let expected =
                -0.5 * (off.dot(&(&precision * &off)) + dim as f64 * LOG_2_PI + covariance.determinant().ln());
            assert!((log_density - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn without_steps_it_is_a_unit_normal_about_one_gradient_step() {
        let normal = PathNormal::new(&Steps::new(2, 5), &[1.0, 2.0], &[0.5, -0.5]).unwrap();
        assert_eq!((normal.mean(), normal.covariance()), (&[1.5, 1.5][..], vec![1.0, 0.0, 0.0, 1.0]));
        assert!(PathNormal::new(&Steps::new(1, 5), &[1.0], &[f64::NAN]).is_none());
    }

    #[test]
    fn steps_without_positive_curvature_are_left_out() {
        let mut steps = Steps::new(2, 2);
        steps.add(&[1.0, 0.0], &[-1.0, 0.0]);
        steps.add(&[0.0, 0.0], &[0.0, 0.0]);
        steps.add(&[1.0, 0.0], &[f64::NAN, 0.0]);
        assert_eq!((steps.count(), &steps.alpha[..]), (0, &[1.0, 1.0][..]));
        // A flat second coordinate, whose z is 0, keeps a finite scale.
        steps.add(&[1.0, 1.0], &[4.0, 0.0]);
        assert_eq!(steps.count(), 1);
        assert!(PathNormal::new(&steps, &[0.0; 2], &[0.0; 2]).is_some());
    }
}
