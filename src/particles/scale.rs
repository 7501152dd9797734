//! Lower triangular or diagonal matrices: the scales of proposals, momenta and reference normals.

use crate::error::Error;
use nalgebra::{Cholesky, DMatrix};
use serde::{Deserialize, Serialize};

/// A matrix L by which standard normals become a normal's deviations, x = m + L z.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Scale {
    /// A diagonal: standard deviations.
    Diag(Vec<f64>),
    /// The lower factor of a covariance: its rows one after the other, each up to the diagonal.
    Dense(Vec<f64>),
}

/// Where row `i` of a packed factor begins.
fn start(i: usize) -> usize {
    i * (i + 1) / 2
}

/// Row `i` of a packed factor, up to the diagonal.
fn row(factor: &[f64], i: usize) -> &[f64] {
    &factor[start(i)..start(i + 1)]
}

impl Scale {
    /// The identity of `dim` dimensions.
    pub fn identity(dim: usize) -> Self {
        Self::Diag(vec![1.0; dim])
    }

    /// From standard deviations, each finite and above 0.
    ///
    /// # Errors
    /// One that is not; `name` is the argument.
    pub fn diag(sds: &[f64], name: &str) -> Result<Self, Error> {
        match sds.iter().position(|sd| !(sd.is_finite() && *sd > 0.0)) {
            Some(i) => Err(Error::argument(format!("{name}[{i}]"), "a finite number above 0", sds[i])),
            None => Ok(Self::Diag(sds.to_vec())),
        }
    }

    /// From a covariance, `dim`² numbers row by row, of which the lower triangle counts; `None` where it is not positive
    /// definite.
    pub fn of_covariance(dim: usize, covariance: &[f64]) -> Option<Self> {
        let lower = Cholesky::new(DMatrix::from_row_slice(dim, dim, covariance))?.unpack();
        let packed: Vec<f64> = (0..dim).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|at| lower[at]).collect();
        (0..dim).all(|i| packed[start(i) + i] > 0.0 && row(&packed, i).iter().all(|x| x.is_finite())).then_some(())?;
        Some(Self::Dense(packed))
    }

    /// Independent coordinates of these standard deviations, in the dense shape.
    pub fn dense_of(sds: &[f64]) -> Self {
        let element = |i: usize, j: usize| if i == j { sds[i] } else { 0.0 };
        Self::Dense((0..sds.len()).flat_map(|i| (0..=i).map(move |j| element(i, j))).collect())
    }

    /// How many numbers [`Scale::numbers`] are.
    pub fn len(dim: usize, dense: bool) -> usize {
        if dense { start(dim) } else { dim }
    }

    /// What it is made of.
    pub fn numbers(&self) -> &[f64] {
        let (Self::Diag(numbers) | Self::Dense(numbers)) = self;
        numbers
    }

    /// Takes the numbers of another of the same shape.
    pub fn copy_from(&mut self, numbers: &[f64]) {
        let (Self::Diag(own) | Self::Dense(own)) = self;
        own.copy_from_slice(numbers);
    }

    /// out += factor L v.
    #[inline]
    pub fn add_product(&self, factor: f64, v: &[f64], out: &mut [f64]) {
        match self {
            Self::Diag(sd) => {
                for ((out, v), sd) in out.iter_mut().zip(v).zip(sd) {
                    *out += factor * (sd * v);
                }
            }
            Self::Dense(factors) => {
                for (i, out) in out.iter_mut().enumerate() {
                    let sum: f64 = row(factors, i).iter().zip(v).map(|(l, v)| l * v).sum();
                    *out += factor * sum;
                }
            }
        }
    }

    /// out += factor Lᵀ g.
    #[inline]
    pub fn add_transposed(&self, factor: f64, g: &[f64], out: &mut [f64]) {
        match self {
            Self::Diag(_) => self.add_product(factor, g, out),
            Self::Dense(factors) => {
                for (i, g) in g.iter().enumerate() {
                    let step = factor * g;
                    for (out, l) in out.iter_mut().zip(row(factors, i)) {
                        *out += step * l;
                    }
                }
            }
        }
    }

    /// x := L⁻¹ x.
    pub fn solve(&self, x: &mut [f64]) {
        match self {
            Self::Diag(sd) => x.iter_mut().zip(sd).for_each(|(x, sd)| *x /= sd),
            Self::Dense(factors) => {
                for i in 0..x.len() {
                    let l = row(factors, i);
                    let known: f64 = l[..i].iter().zip(&x[..i]).map(|(l, x)| l * x).sum();
                    x[i] = (x[i] - known) / l[i];
                }
            }
        }
    }

    /// x := L⁻ᵀ x.
    pub fn solve_transposed(&self, x: &mut [f64]) {
        match self {
            Self::Diag(_) => self.solve(x),
            Self::Dense(factors) => {
                for i in (0..x.len()).rev() {
                    let l = row(factors, i);
                    x[i] /= l[i];
                    let xi = x[i];
                    x[..i].iter_mut().zip(&l[..i]).for_each(|(x, l)| *x -= l * xi);
                }
            }
        }
    }

    /// L Lᵀ, row by row.
    pub fn covariance(&self, dim: usize) -> Vec<f64> {
        let mut out = vec![0.0; dim * dim];
        for i in 0..dim {
            for j in 0..=i {
                let element = match self {
                    Self::Diag(sd) => f64::from(u8::from(i == j)) * (sd[i] * sd[i]),
                    Self::Dense(factors) => row(factors, i).iter().zip(row(factors, j)).map(|(a, b)| a * b).sum(),
                };
                (out[i * dim + j], out[j * dim + i]) = (element, element);
            }
        }
        out
    }

    /// log |det L|.
    pub fn log_det(&self) -> f64 {
        match self {
            Self::Diag(sd) => sd.iter().map(|sd| libm::log(*sd)).sum(),
            Self::Dense(factors) => {
                let dim = (0..).find(|dim| start(*dim) >= factors.len()).unwrap_or(0);
                (0..dim).map(|i| libm::log(factors[start(i) + i])).sum()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_solutions_undo_each_other() {
        let covariance = [4.0, 2.0, 0.4, 2.0, 3.0, 0.1, 0.4, 0.1, 1.0];
        for scale in [Scale::of_covariance(3, &covariance).unwrap(), Scale::diag(&[2.0, 0.5, 3.0], "sd").unwrap()] {
            let x = [1.0, -2.0, 0.5];
            let (mut forth, mut across) = ([0.0; 3], [0.0; 3]);
            scale.add_product(1.0, &x, &mut forth);
            scale.add_transposed(1.0, &x, &mut across);
            scale.solve(&mut forth);
            scale.solve_transposed(&mut across);
            for i in 0..3 {
                assert!((forth[i] - x[i]).abs() < 1e-14 && (across[i] - x[i]).abs() < 1e-14, "{scale:?}");
            }
        }
        let dense = Scale::of_covariance(3, &covariance).unwrap();
        let det: f64 = 4.0 * (3.0 - 0.01) - 2.0 * (2.0 - 0.04) + 0.4 * (0.2 - 1.2);
        assert!((dense.log_det() - 0.5 * det.ln()).abs() < 1e-14);
        assert_eq!(Scale::of_covariance(2, &[1.0, 2.0, 2.0, 1.0]), None);
        assert!(Scale::diag(&[1.0, 0.0], "sd").unwrap_err().to_string().contains("sd[1]"));
    }
}
