//! One set of weighted models.

use super::weights::Weights;
use crate::particles::BLOCK;
use crate::particles::filter::Layout;
use crate::particles::weights::Sums;
use serde::{Deserialize, Serialize};

/// A weighted set of models, independent of the others.
#[derive(Debug, Clone)]
pub struct ModelSet {
    pub(super) id: u64,
    pub(super) layout: Layout,
    /// As the layout says.
    pub(super) models: Vec<f64>,
    pub(super) weights: Weights,
    pub(super) total: Sums,
    /// The weights of the next state while it is made, or their memory.
    pub(super) spare: Weights,
    /// log of the total weight that stands for a likelihood of 1.
    pub(super) log_base: f64,
    /// log likelihood of the data up to the last time the weights were begun anew.
    pub(super) carried: f64,
    pub(super) notes: Notes,
}

/// What a set remembers of its updates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// log of the normalisation of each update: the predictive probability of the datum; -inf where it was left out.
    pub log_normalizations: Vec<f64>,
    /// The smallest effective sample size so far, as it was before resampling.
    pub least_ess: f64,
    /// How often it was resampled.
    pub resamples: u64,
    /// Data that it left out, or after which it was begun anew, since all its weights became zero.
    pub lost: u64,
    /// Models that found no valid place in all tries of a resampling, and stayed as they were.
    pub stuck: u64,
    /// Kullback-Leibler divergence of the set after each resampling from before, where that is wanted.
    pub divergences: Vec<f64>,
}

impl Notes {
    pub(super) fn new(models: usize) -> Self {
        let least_ess = models as f64;
        Self { log_normalizations: Vec::new(), least_ess, resamples: 0, lost: 0, stuck: 0, divergences: Vec::new() }
    }
}

impl ModelSet {
    pub(super) fn new(id: u64, layout: Layout, models: Vec<f64>) -> Self {
        let weights = Weights::level(layout.particles);
        let notes = Notes::new(layout.particles);
        let (total, log_base) = (weights.total(), (layout.particles as f64).ln());
        Self { id, layout, models, weights, total, spare: Weights::empty(), log_base, carried: 0.0, notes }
    }

    /// Its id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Number of models.
    pub fn len(&self) -> usize {
        self.layout.particles
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.layout.particles == 0
    }

    /// Number of parameters.
    pub fn dim(&self) -> usize {
        self.layout.dim
    }

    /// What it remembers.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Effective sample size (Kong, Liu and Wong 1994); 0 when all weights are zero.
    pub fn ess(&self) -> f64 {
        self.total.ess()
    }

    /// log of the estimated probability (density) of all data so far.
    pub fn log_total_likelihood(&self) -> f64 {
        self.carried + (self.total.log_sum_exp() - self.log_base)
    }

    /// All models: n x d, column by column.
    pub fn models(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.models.len()];
        for (j, column) in out.chunks_mut(self.len()).enumerate() {
            self.layout.column(&self.models, j, column);
        }
        out
    }

    /// All normalised weights; zeros when all are lost.
    pub fn weights(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.len()];
        self.weights.normalized(&mut out);
        out
    }

    /// All log weights, not normalised.
    pub fn log_weights(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.len()];
        self.weights.logs(&mut out);
        out
    }

    /// Number of blocks.
    pub(super) fn blocks(&self) -> usize {
        self.len().div_ceil(BLOCK)
    }

    /// Number of the first model of a block.
    pub(super) fn first_of(&self, block: usize) -> usize {
        block * BLOCK
    }

    /// How many models block `block` has.
    pub(super) fn block_len(&self, block: usize) -> usize {
        BLOCK.min(self.len() - block * BLOCK)
    }

    /// Coordinate `j` of a block's models.
    pub(super) fn column(&self, block: usize, j: usize) -> &[f64] {
        let first = block * BLOCK;
        &self.models[self.layout.place(first, j)..][..self.block_len(block)]
    }

    /// Coordinate `j` of model `i`.
    pub fn coordinate(&self, i: usize, j: usize) -> f64 {
        self.models[self.layout.place(i, j)]
    }

    /// Calls `f` with every block's number and its normalised weights.
    pub(super) fn each_block(&self, mut f: impl FnMut(usize, &[f64])) {
        let mut room = [0.0; BLOCK];
        for block in 0..self.blocks() {
            let out = &mut room[..self.block_len(block)];
            self.weights.normalized_block(&self.total, block, out);
            f(block, out);
        }
    }

    /// Other weights in place of all; what was learnt so far is carried.
    pub(super) fn begin_weights(&mut self, weights: Weights, log_base: f64) {
        self.carried = self.log_total_likelihood();
        self.total = weights.total();
        self.weights = weights;
        self.log_base = log_base;
    }
}
