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
    pub outcomes: &'a [f64],
    pub models: &'a [f64],
    pub experiments: &'a [f64],
    pub shape: CellShape,
}

impl Product<'_> {
    /// Numbers of outcomes, models, experiments.
    pub fn sizes(&self) -> [usize; 3] {
        let CellShape { outcome, parameters, fields } = self.shape;
        [self.outcomes.len() / outcome, self.models.len() / parameters, self.experiments.len() / fields.max(1)]
    }
}
