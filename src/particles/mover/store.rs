//! The particles of a block: those that it keeps, and the points that it moves.

use crate::particles::course::{BROUGHT, CARRIED};
use crate::particles::plan::Plan;
use serde::{Deserialize, Serialize};

/// Points with what the path has at them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Points {
    dim: usize,
    /// One row of `dim` numbers per point.
    pub x: Vec<f64>,
    /// Log density where the path's segment begins.
    pub base: Vec<f64>,
    /// What the segment adds.
    pub increment: Vec<f64>,
    /// The resampled particle that the point stems from.
    pub family: Vec<f64>,
}

impl Points {
    /// `n` points of zeros.
    pub fn new(n: usize, dim: usize) -> Self {
        let zeros = || vec![0.0; n];
        Self { dim, x: vec![0.0; n * dim], base: zeros(), increment: zeros(), family: zeros() }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.base.len()
    }

    /// Position of point `i`.
    pub fn at(&self, i: usize) -> &[f64] {
        &self.x[i * self.dim..][..self.dim]
    }

    /// As [`Points::at`], to be written.
    pub fn at_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.x[i * self.dim..][..self.dim]
    }

    /// Takes point `from` of `other` as point `to`.
    pub fn take(&mut self, to: usize, other: &Self, from: usize) {
        self.at_mut(to).copy_from_slice(other.at(from));
        self.base[to] = other.base[from];
        self.increment[to] = other.increment[from];
        self.family[to] = other.family[from];
    }

    /// Appends what is brought of all of them to a meeting.
    pub fn bring(&self, log_weights: &[f64], out: &mut Vec<f64>) {
        out.reserve(self.len() * BROUGHT);
        for (i, log_weight) in log_weights.iter().enumerate() {
            out.extend([self.increment[i], *log_weight, self.family[i]]);
        }
    }

    /// Appends point `i` as it is carried.
    pub fn row(&self, i: usize, out: &mut Vec<f64>) {
        out.extend_from_slice(self.at(i));
        out.extend([self.base[i], self.increment[i]]);
    }

    /// Reads them as they come from a meeting: the ancestors of all, then their rows.
    pub fn read(&mut self, ancestors: &[f64], rows: &[f64]) {
        for (i, row) in rows.chunks_exact(self.dim + CARRIED).enumerate() {
            let (x, rest) = row.split_at(self.dim);
            self.at_mut(i).copy_from_slice(x);
            (self.base[i], self.increment[i], self.family[i]) = (rest[0], rest[1], ancestors[i]);
        }
    }

    /// base + share increment.
    pub fn value(&self, i: usize, share: f64) -> f64 {
        if share == 0.0 { self.base[i] } else { self.base[i] + share * self.increment[i] }
    }
}

/// The particles of a block, in the order of the set: the states of one chain stand together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Store {
    /// The particles.
    pub points: Points,
    /// Their log weights.
    pub log_weights: Vec<f64>,
    keep: usize,
}

impl Store {
    /// The particles of block `index`, nowhere yet.
    pub fn new(plan: &Plan, index: usize) -> Self {
        let rows = plan.rows(index);
        let n = rows.len() * plan.keep;
        let mut points = Points::new(n, plan.dim);
        points.x.fill(f64::NAN);
        points.family = (rows.start * plan.keep..rows.end * plan.keep).map(|i| i as f64).collect();
        Self { points, log_weights: vec![0.0; n], keep: plan.keep }
    }

    /// Where state `state` of chain `row` stands.
    pub fn place(&self, row: usize, state: usize) -> usize {
        row * self.keep + state
    }

    /// Keeps all of `points`, one per chain, as their chains' state `state`, with weights that are level.
    pub fn keep(&mut self, points: &Points, state: usize) {
        for row in 0..points.len() {
            let at = self.place(row, state);
            self.points.take(at, points, row);
            self.log_weights[at] = 0.0;
        }
    }
}
