//! Limited-memory BFGS: what the last steps tell of the curvature.

use super::vectors::{add, dot};
use serde::{Deserialize, Serialize};

/// Least curvature of a pair, s'y / y'y, below which rounding could make it negative.
const LEAST_CURVATURE: f64 = f64::EPSILON;

/// The last steps `s` and the changes `y` of the objective's gradient along them, oldest first (Nocedal and Wright 2006,
/// section 7.2). The objective is the negative log density.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    dim: usize,
    /// Most pairs held, at least 1.
    capacity: usize,
    /// Where the next one goes.
    next: usize,
    held: usize,
    /// One row of `dim` numbers per pair.
    steps: Vec<f64>,
    changes: Vec<f64>,
    /// 1 / s'y of each.
    inverse_curvatures: Vec<f64>,
    factors: Vec<f64>,
}

impl Pairs {
    /// None yet, of at most `capacity`.
    pub fn new(dim: usize, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self {
            dim,
            capacity,
            next: 0,
            held: 0,
            steps: vec![0.0; capacity * dim],
            changes: vec![0.0; capacity * dim],
            inverse_curvatures: vec![0.0; capacity],
            factors: vec![0.0; capacity],
        }
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.held
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Step and change of gradient of pair `index`, oldest first.
    pub fn pair(&self, index: usize) -> (&[f64], &[f64]) {
        let row = self.row(index) * self.dim;
        (&self.steps[row..][..self.dim], &self.changes[row..][..self.dim])
    }

    /// All pairs, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[f64], &[f64])> {
        (0..self.held).map(|index| self.pair(index))
    }

    fn row(&self, index: usize) -> usize {
        (self.next + self.capacity - self.held + index) % self.capacity
    }

    /// Takes one more, in place of the oldest when there is no room; false: it shows no positive curvature and is not taken.
    pub fn push(&mut self, step: &[f64], change: &[f64]) -> bool {
        let curvature = dot(step, change);
        if !is_convex(curvature, dot(change, change)) {
            return false;
        }
        let row = self.next * self.dim;
        self.steps[row..][..self.dim].copy_from_slice(step);
        self.changes[row..][..self.dim].copy_from_slice(change);
        self.inverse_curvatures[self.next] = curvature.recip();
        self.next = (self.next + 1) % self.capacity;
        self.held = (self.held + 1).min(self.capacity);
        true
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.held = 0;
    }

    /// The inverse Hessian times `vector` in its place, by the two loops over the pairs (Nocedal 1980).
    pub fn multiply(&mut self, vector: &mut [f64]) {
        let Some(newest) = self.held.checked_sub(1) else { return };
        for index in (0..self.held).rev() {
            let row = self.row(index);
            let at = row * self.dim..(row + 1) * self.dim;
            self.factors[row] = self.inverse_curvatures[row] * dot(&self.steps[at.clone()], vector);
            add(vector, -self.factors[row], &self.changes[at]);
        }
        let (_, change) = self.pair(newest);
        let scale = (self.inverse_curvatures[self.row(newest)] * dot(change, change)).recip();
        vector.iter_mut().for_each(|x| *x *= scale);
        for index in 0..self.held {
            let row = self.row(index);
            let at = row * self.dim..(row + 1) * self.dim;
            let back = self.inverse_curvatures[row] * dot(&self.changes[at.clone()], vector);
            add(vector, self.factors[row] - back, &self.steps[at]);
        }
    }
}

/// Whether a pair with curvature s'y and squared change y'y keeps an inverse Hessian positive definite.
pub fn is_convex(curvature: f64, square: f64) -> bool {
    curvature > LEAST_CURVATURE * square && curvature.recip().is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a quadratic the last pairs' changes are mapped back to their steps: the secant equation.
    #[test]
    fn the_newest_pair_is_matched() {
        let scales = [1.0, 4.0, 9.0];
        let mut pairs = Pairs::new(3, 2);
        for step in [[1.0, 0.0, 0.5], [0.0, 1.0, -1.0], [0.3, 0.3, 0.3]] {
            let change: Vec<f64> = step.iter().zip(scales).map(|(s, scale)| s * scale).collect();
            assert!(pairs.push(&step, &change));
            let mut vector = change.clone();
            pairs.multiply(&mut vector);
            assert!(vector.iter().zip(step).all(|(a, b)| (a - b).abs() < 1e-14), "{vector:?}");
        }
        assert_eq!(pairs.len(), 2);
        assert_eq!(pairs.pair(0).0, [0.0, 1.0, -1.0]);
        assert!(!pairs.push(&[1.0, 0.0, 0.0], &[-1.0, 0.0, 0.0]));
        assert_eq!(pairs.iter().count(), 2);
    }
}
