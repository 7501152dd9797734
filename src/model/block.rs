use super::Evaluation;
use crate::random::Stream;
use serde::{Deserialize, Serialize};

/// Many evaluations asked for at once: particles, draws for an estimate, the points of finite differences.
///
/// Rows are answered one after the other, by whoever may, in pieces as they come: a block that is written to bytes half
/// answered goes on with the row that is next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    dim: usize,
    jacobian: bool,
    /// One row of `dim` numbers per position.
    positions: Vec<f64>,
    /// As `positions`; empty where gradients are not wanted.
    gradients: Vec<f64>,
    /// `None`: the model refused the position, or the row has no answer yet.
    log_densities: Vec<Option<f64>>,
    /// The first row without an answer.
    next: usize,
}

impl Block {
    /// A block of `rows` positions with `dim` coordinates each, all answered: [`Block::ask`] comes next.
    pub fn new(rows: usize, dim: usize, gradients: bool, jacobian: bool) -> Self {
        Self {
            dim,
            jacobian,
            positions: vec![0.0; rows * dim],
            gradients: vec![0.0; if gradients { rows * dim } else { 0 }],
            log_densities: vec![None; rows],
            next: rows,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.log_densities.len()
    }

    /// All positions, to be written before [`Block::ask`].
    pub fn positions_mut(&mut self) -> &mut [f64] {
        &mut self.positions
    }

    /// All positions, and all gradients where those are wanted, to be written before [`Block::ask`].
    pub fn rows_mut(&mut self) -> (&mut [f64], &mut [f64]) {
        (&mut self.positions, &mut self.gradients)
    }

    /// Position of row `row`.
    pub fn position(&self, row: usize) -> &[f64] {
        &self.positions[row * self.dim..][..self.dim]
    }

    /// Forgets the answers: every row waits for one.
    pub fn ask(&mut self) {
        self.log_densities.fill(None);
        self.next = 0;
    }

    /// Rows without an answer.
    pub fn left(&self) -> usize {
        self.rows() - self.next
    }

    /// The evaluation of the next row without an answer.
    pub fn evaluation<'a>(&'a mut self, stream: &'a mut Stream) -> Option<Evaluation<'a>> {
        self.evaluation_ahead(0, stream)
    }

    /// As [`Block::evaluation`], `ahead` rows further on.
    pub fn evaluation_ahead<'a>(&'a mut self, ahead: usize, stream: &'a mut Stream) -> Option<Evaluation<'a>> {
        let row = self.next + ahead;
        (row < self.rows()).then(|| {
            let at = row * self.dim..(row + 1) * self.dim;
            let gradient = if self.gradients.is_empty() { None } else { Some(&mut self.gradients[at.clone()]) };
            Evaluation { position: &self.positions[at], gradient, hessian: None, jacobian: self.jacobian, stream }
        })
    }

    /// Answers the next row: its log density, `None` where the model refused it. The gradient stands already where the
    /// evaluation said.
    pub fn answer(&mut self, log_density: Option<f64>) {
        self.log_densities[self.next] = log_density;
        self.next += 1;
    }

    /// Log density at row `row`; `None` where the model refused it.
    pub fn log_density(&self, row: usize) -> Option<f64> {
        self.log_densities[row]
    }

    /// Gradient at row `row`, which means nothing where the model refused it; empty where gradients were not wanted.
    pub fn gradient(&self, row: usize) -> &[f64] {
        if self.gradients.is_empty() { &[] } else { &self.gradients[row * self.dim..][..self.dim] }
    }
}
