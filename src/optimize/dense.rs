//! BFGS: the inverse Hessian as a matrix.

use super::pairs::is_convex;
use super::vectors::{add, dot};
use serde::{Deserialize, Serialize};

/// An estimate of the objective's inverse Hessian, `dim`² numbers (Nocedal and Wright 2006, section 6.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dense {
    dim: usize,
    /// Row after row; symmetric. The identity until the first pair says how long a step is.
    inverse: Vec<f64>,
    learned: bool,
    product: Vec<f64>,
}

impl Dense {
    /// Nothing known yet.
    pub fn new(dim: usize) -> Self {
        Self { dim, inverse: vec![0.0; dim * dim], learned: false, product: vec![0.0; dim] }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        !self.learned
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.learned = false;
    }

    /// Learns from a step and the change of the gradient along it; false: it shows no positive curvature.
    pub fn push(&mut self, step: &[f64], change: &[f64]) -> bool {
        let (curvature, square) = (dot(step, change), dot(change, change));
        if !is_convex(curvature, square) {
            return false;
        }
        if !self.learned {
            // Equation 6.20: the size of the true inverse Hessian along the first step.
            self.inverse.fill(0.0);
            self.inverse.iter_mut().step_by(self.dim + 1).for_each(|x| *x = curvature / square);
            self.learned = true;
        }
        let Self { dim, inverse, product, .. } = self;
        for (out, row) in product.iter_mut().zip(inverse.chunks_exact(*dim)) {
            *out = dot(row, change);
        }
        // H + (1 + y'Hy / s'y) s s' / s'y - (Hy s' + s y'H) / s'y, row by row.
        let stretch = (1.0 + dot(change, product) / curvature) / curvature;
        for (i, row) in inverse.chunks_exact_mut(*dim).enumerate() {
            add(row, stretch * step[i] - product[i] / curvature, step);
            add(row, -step[i] / curvature, product);
        }
        true
    }

    /// The inverse Hessian times `vector` in its place.
    pub fn multiply(&mut self, vector: &mut [f64]) {
        if !self.learned {
            return;
        }
        for (out, row) in self.product.iter_mut().zip(self.inverse.chunks_exact(self.dim)) {
            *out = dot(row, vector);
        }
        vector.copy_from_slice(&self.product);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pair_is_matched() {
        let scales = [1.0, 4.0, 9.0];
        let mut dense = Dense::new(3);
        for step in [[1.0, 0.0, 0.5], [0.0, 1.0, -1.0], [0.3, 0.3, 0.3]] {
            let change: Vec<f64> = step.iter().zip(scales).map(|(s, scale)| s * scale).collect();
            assert!(dense.push(&step, &change));
            let mut vector = change.clone();
            dense.multiply(&mut vector);
            assert!(vector.iter().zip(step).all(|(a, b)| (a - b).abs() < 1e-14), "{vector:?}");
        }
        assert!(!dense.push(&[1.0, 0.0, 0.0], &[-1.0, 0.0, 0.0]));
    }
}
