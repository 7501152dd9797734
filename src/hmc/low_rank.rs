//! A diagonal metric with a few directions.
//!
//! The metric is M⁻¹ = S (I + U (Λ - I) Uᵀ) S. With k directions, trajectories are computed in dim + k coordinates, in which
//! it is diagonal: a momentum p has the numbers Uᵀ S p beside it, so that p·M⁻¹p is Σ S² p² + Σ (Λ - 1) (Uᵀ S p)². A
//! position q is kept as y and a with q = y + S U a, whose velocities are S² p and (Λ - 1) Uᵀ S p. All passes serve it as
//! they are; what a step costs more are Uᵀ S of its gradient and S U a of its position.

use super::kernels::{Expand, Project};
use super::rows::Rows;
use crate::adapt::{LowRank, MOST_DIRECTIONS};
use crate::error::Error;
use pulp::Arch;
use serde::{Deserialize, Serialize};

/// See the module's words.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct LowRankShape {
    given: LowRank,
    /// S², then Λ - 1, then zeros.
    inverse: Rows,
    /// S U, one row per direction.
    directions: Rows,
    /// 1 / S.
    scale: Rows,
}

/// Largest deviation of the directions' products from those of orthonormal ones.
const ORTHONORMAL_WITHIN: f64 = 1e-8;

fn check(dim: usize, given: &LowRank) -> Result<(), Error> {
    let count = given.values.len();
    if given.variances.len() != dim {
        return Err(Error::argument("inv_metrics", format!("{dim} variances"), given.variances.len()));
    }
    if count > MOST_DIRECTIONS.min(dim) || given.vectors.len() != count * dim {
        let most = MOST_DIRECTIONS.min(dim);
        let got = format!("{count} with {} numbers", given.vectors.len());
        return Err(Error::argument("inv_metrics", format!("at most {most} directions of {dim} numbers each"), got));
    }
    let positive = |v: &f64| v.is_finite() && *v > 0.0;
    if let Some(bad) = given.variances.iter().chain(&given.values).find(|v| !positive(v)) {
        return Err(Error::argument("inv_metrics", "variances and values that are finite and above 0", bad));
    }
    for (j, a) in given.vectors.chunks(dim.max(1)).enumerate() {
        for (i, b) in given.vectors.chunks(dim.max(1)).take(j + 1).enumerate() {
            let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            let expected = if i == j { 1.0 } else { 0.0 };
            let off = (product - expected).abs();
            if off.is_nan() || off > ORTHONORMAL_WITHIN {
                let got = format!("{product} as the product of directions {i} and {j}");
                return Err(Error::argument("inv_metrics", "orthonormal directions", got));
            }
        }
    }
    Ok(())
}

impl LowRankShape {
    pub fn new(dim: usize, given: &LowRank) -> Result<Self, Error> {
        check(dim, given)?;
        let count = given.values.len();
        let mut inverse = Rows::new(1, dim + MOST_DIRECTIONS);
        let mut scale = Rows::new(1, dim);
        inverse.values_mut(0)[..dim].copy_from_slice(&given.variances);
        for (out, value) in inverse.values_mut(0)[dim..].iter_mut().zip(&given.values) {
            *out = value - 1.0;
        }
        scale.values_mut(0).iter_mut().zip(&given.variances).for_each(|(s, v)| *s = 1.0 / v.sqrt());
        let mut directions = Rows::new(count, dim);
        for j in 0..count {
            for ((w, u), v) in directions.values_mut(j).iter_mut().zip(&given.vectors[j * dim..]).zip(&given.variances)
            {
                *w = u * v.sqrt();
            }
        }
        Ok(Self { given: given.clone(), inverse, directions, scale })
    }

    fn dim(&self) -> usize {
        self.given.variances.len()
    }

    /// The variances, where there are no directions.
    pub fn variances_alone(&self) -> Option<Vec<f64>> {
        self.given.values.is_empty().then(|| self.given.variances.clone())
    }

    pub fn inverse(&self) -> Vec<f64> {
        self.given.to_numbers()
    }

    pub fn inverse_row(&self) -> &[f64] {
        self.inverse.row(0)
    }

    /// q = y + S U a; rows with padding.
    pub fn to_model(&self, arch: Arch, x: &[f64], q: &mut [f64]) {
        let factors = &x[self.dim()..][..self.given.values.len()];
        arch.dispatch(Expand { directions: &self.directions, factors, from: x, to: q });
    }

    /// The gradient with Uᵀ S g beside it; rows with padding.
    pub fn pull_gradient(&self, arch: Arch, g: &[f64], g_x: &mut [f64]) {
        let (own, beside) = g_x.split_at_mut(self.dim());
        own.copy_from_slice(&g[..own.len()]);
        let (products, rest) = beside.split_at_mut(self.given.values.len());
        rest.fill(0.0);
        arch.dispatch(Project { directions: &self.directions, vector: g, products });
    }

    pub fn to_sampler(&self, q: &[f64], x: &mut [f64]) {
        let dim = self.dim();
        x[..dim].copy_from_slice(&q[..dim]);
        x[dim..].fill(0.0);
    }

    /// p = S⁻¹ (z + U (Λ^-½ - I) Uᵀ z) and Uᵀ S p = Λ^-½ Uᵀ z beside it.
    pub fn momentum(&self, normals: &[f64], momentum: &mut [f64]) {
        let dim = self.dim();
        momentum.fill(0.0);
        let (own, beside) = momentum.split_at_mut(dim);
        own.copy_from_slice(&normals[..dim]);
        for ((beside, value), direction) in
            beside.iter_mut().zip(&self.given.values).zip(self.given.vectors.chunks(dim))
        {
            let along: f64 = direction.iter().zip(normals).map(|(u, z)| u * z).sum();
            let root = 1.0 / value.sqrt();
            *beside = root * along;
            own.iter_mut().zip(direction).for_each(|(p, u)| *p += (root - 1.0) * along * u);
        }
        own.iter_mut().zip(self.scale.values(0)).for_each(|(p, s)| *p *= s);
    }

    pub fn bytes(&self) -> usize {
        let given = self.given.variances.len() + self.given.values.len() + self.given.vectors.len();
        self.inverse.bytes() + self.directions.bytes() + self.scale.bytes() + size_of::<f64>() * given
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    /// A metric with directions that are normalised random ones made orthogonal, and the matrix that it is.
    fn metric(dim: usize, count: usize) -> (LowRank, DMatrix<f64>) {
        let wave = |i: usize, j: usize| ((i * (j + 2)) as f64 * 0.7).sin() + if i == j { 2.0 } else { 0.0 };
        let u = DMatrix::from_fn(dim, count, wave).qr().q();
        let variances: Vec<f64> = (0..dim).map(|i| 0.5 + (i % 7) as f64).collect();
        let values: Vec<f64> = (0..count).map(|j| if j % 2 == 0 { 9.0 + j as f64 } else { 0.2 }).collect();
        let scale = DMatrix::from_diagonal(&DVector::from_iterator(dim, variances.iter().map(|v| v.sqrt())));
        let spread = DMatrix::from_diagonal(&DVector::from_iterator(count, values.iter().map(|v| v - 1.0)));
        let full = &scale * (DMatrix::identity(dim, dim) + &u * spread * u.transpose()) * &scale;
        (LowRank { variances, values, vectors: u.as_slice().to_vec() }, full)
    }

    #[test]
    fn agrees_with_the_full_matrix() {
        for (dim, count) in [(1, 1), (7, 3), (8, 0), (61, 32), (300, 20)] {
            let (given, full) = metric(dim, count);
            let shape = LowRankShape::new(dim, &given).unwrap();
            let arch = super::super::kernels::arch_for(dim);
            let mut own = Rows::new(3, dim + MOST_DIRECTIONS);
            let mut model = Rows::new(3, dim);
            // A momentum of the sampler's is one of the model's with its products beside it.
            let z: Vec<f64> = (0..dim).map(|i| (i as f64 * 1.3).cos()).collect();
            shape.momentum(&z, own.row_mut(0));
            let p = own.values(0)[..dim].to_vec();
            model.values_mut(0).copy_from_slice(&p);
            shape.pull_gradient(arch, model.row(0), own.row_mut(1));
            for (a, b) in own.row(0).iter().zip(own.row(1)) {
                assert!((a - b).abs() < 1e-10 * (1.0 + a.abs()), "{dim}, {count}: {a} and {b}");
            }
            // Its kinetic energy is that of the full matrix and of the normals.
            let p = DVector::from_vec(p);
            let energy = p.dot(&(&full * &p));
            let own_energy: f64 = own.row(0).iter().zip(shape.inverse_row()).map(|(p, v)| p * p * v).sum();
            let normal: f64 = z.iter().map(|z| z * z).sum();
            assert!((energy - own_energy).abs() < 1e-9 * energy && (energy - normal).abs() < 1e-9 * energy);
            // Moving along its velocity moves the model's position by the full matrix times it.
            let q: Vec<f64> = (0..dim).map(|i| i as f64).collect();
            shape.to_sampler(&q, own.row_mut(2));
            for i in 0..own.row(2).len() {
                let step = own.row(0)[i] * shape.inverse_row()[i];
                own.row_mut(2)[i] += step;
            }
            shape.to_model(arch, own.row(2), model.row_mut(1));
            let moved = DVector::from_vec(q) + &full * &p;
            for (a, b) in model.values(1).iter().zip(moved.iter()) {
                assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{dim}, {count}: {a} and {b}");
            }
            assert!(model.row(1)[dim..].iter().all(|x| *x == 0.0));
        }
    }

    #[test]
    fn bad_metrics_are_named() {
        let text = |f: fn(&mut LowRank)| {
            let (mut given, _) = metric(5, 2);
            f(&mut given);
            LowRankShape::new(5, &given).err().expect("must fail").to_string()
        };
        assert!(text(|m| m.vectors[0] += 0.1).contains("orthonormal"));
        assert!(text(|m| m.vectors[0] = f64::NAN).contains("orthonormal"));
        assert!(text(|m| m.values[1] = -1.0).contains("-1"));
        assert!(text(|m| m.variances[1] = f64::NAN).contains("NaN"));
        assert!(text(|m| m.variances.truncate(4)).contains("5 variances, got 4"));
        assert!(text(|m| m.values.truncate(1)).contains("at most 5 directions"));
    }
}
