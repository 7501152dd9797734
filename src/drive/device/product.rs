//! What a device is given: sizes of a cell, and the product of which there is one cell for each combination.

/// Of the numbers on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 64 bits; refused where the device has none.
    #[default]
    Double,
    /// 32 bits.
    Single,
}

/// Sizes of a likelihood's cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellShape {
    /// Numbers in an outcome.
    pub outcome: usize,
    /// Parameters of a model.
    pub parameters: usize,
    /// Fields of an experiment.
    pub fields: usize,
}

/// The product of outcomes, models and experiments, in the layout of [`crate::model::Likelihood`].
#[derive(Debug, Clone, Copy)]
pub struct Product<'a> {
    /// Whose models they are: a device keeps those of each owner.
    pub owner: u64,
    /// Models come as matrices of so many rows, one after the other, the last one shorter.
    pub block: usize,
    pub outcomes: &'a [f64],
    pub models: &'a [f64],
    pub experiments: &'a [f64],
    pub shape: CellShape,
}

impl<'a> Product<'a> {
    /// Of models that are one matrix and nobody's.
    pub fn new(outcomes: &'a [f64], models: &'a [f64], experiments: &'a [f64], shape: CellShape) -> Self {
        Self { owner: 0, block: (models.len() / shape.parameters).max(1), outcomes, models, experiments, shape }
    }

    /// Numbers of outcomes, models, experiments.
    pub fn sizes(&self) -> [usize; 3] {
        let CellShape { outcome, parameters, fields } = self.shape;
        [self.outcomes.len() / outcome, self.models.len() / parameters, self.experiments.len() / fields.max(1)]
    }
}
