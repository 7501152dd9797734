//! A model's gradient against finite differences.

use super::points::Evaluator;
use super::{SampleIo, SampleOptions, sample_fixed_param};
use crate::error::Error;
use crate::io::{Logger, Silent, TableWriter, significant};
use crate::model::{Density, InitContext, check_chain_ids};
use std::fmt;

/// Significant digits of the table, those of a C++ stream, which Stan's table has.
const TABLE_DIGITS: u32 = 6;

/// Where and how closely a gradient is looked at. The numbers' defaults are Stan's.
#[derive(Clone, Copy)]
pub struct GradientOptions<'a> {
    /// Half the distance of the two points of a central difference; finite, above 0.
    pub epsilon: f64,
    /// Largest absolute difference that is no failure; finite, above 0.
    pub threshold: f64,
    /// Seed of the initial value's random numbers. Default 0.
    pub seed: u64,
    /// Chain whose initial value it is, at least 1. Default 1.
    pub chain_id: u64,
    /// Initial values not given are uniform on (-radius, radius). Default 2.
    pub init_radius: f64,
    /// Initial values; `None`: all drawn.
    pub init: Option<&'a dyn InitContext>,
    /// Gets warnings.
    pub logger: &'a dyn Logger,
}

impl GradientOptions<'_> {
    /// Default of `epsilon`.
    pub const EPSILON: f64 = 1e-6;
    /// Default of `threshold`.
    pub const THRESHOLD: f64 = 1e-6;
}

impl Default for GradientOptions<'_> {
    fn default() -> Self {
        let (epsilon, threshold) = (Self::EPSILON, Self::THRESHOLD);
        Self { epsilon, threshold, seed: 0, chain_id: 1, init_radius: 2.0, init: None, logger: &Silent }
    }
}

/// One coordinate of a [`GradientCheck`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoordinateCheck {
    /// The coordinate's value.
    pub value: f64,
    /// The model's derivative.
    pub model: f64,
    /// The central difference; NaN where the model refused one of its points.
    pub finite_difference: f64,
    /// `model` - `finite_difference`.
    pub error: f64,
}

/// What [`diagnose_gradient`] found. Shown as Stan's table.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientCheck {
    /// Log density at the point.
    pub log_density: f64,
    /// One entry per coordinate.
    pub coordinates: Vec<CoordinateCheck>,
    /// How many errors are above the threshold, or no number.
    pub failures: usize,
}

/// Compares the model's gradient with central differences (f(x + ε) - f(x - ε)) / 2ε, one coordinate at a time, at the
/// point where a chain of these options would start; Stan's `diagnose` does the same.
///
/// The model is called from one thread at a time: a pool's while the point is found, then the calling one.
///
/// # Errors
/// A bad option, no usable initial value, or a model that stops.
pub fn diagnose_gradient<D: Density>(density: &D, options: &GradientOptions<'_>) -> Result<GradientCheck, Error> {
    for (name, value) in [("epsilon", options.epsilon), ("threshold", options.threshold)] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Error::argument(name, "a finite number above 0", value));
        }
    }
    check_chain_ids("chain_id", options.chain_id, 1)?;
    let mut position = start(density, options)?;
    let mut evaluator = Evaluator::new(density)?;
    let mut gradient = vec![0.0; position.len()];
    let log_density = evaluator.gradient(&position, &mut gradient)?;
    let mut coordinates = Vec::with_capacity(position.len());
    for (i, &model) in gradient.iter().enumerate() {
        let value = position[i];
        let mut at = |x: f64| {
            position[i] = x;
            evaluator.value(&position)
        };
        let (above, below) = (at(value + options.epsilon)?, at(value - options.epsilon)?);
        position[i] = value;
        let finite_difference = (above - below) / (2.0 * options.epsilon);
        coordinates.push(CoordinateCheck { value, model, finite_difference, error: model - finite_difference });
    }
    let good = |c: &&CoordinateCheck| c.error.abs() <= options.threshold;
    let failures = coordinates.len() - coordinates.iter().filter(good).count();
    Ok(GradientCheck { log_density, coordinates, failures })
}

/// The initial value of a chain.
fn start<D: Density>(density: &D, options: &GradientOptions<'_>) -> Result<Vec<f64>, Error> {
    let run = SampleOptions {
        num_chains: 1,
        num_samples: 0,
        num_threads: 1,
        seed: options.seed,
        init_chain_id: options.chain_id,
        init_radius: options.init_radius,
        ..Default::default()
    };
    let mut point = TableWriter::new();
    let io = SampleIo {
        inits: options.init.into_iter().collect(),
        init_writers: vec![&mut point],
        logger: options.logger,
        ..Default::default()
    };
    sample_fixed_param(density, &run, io)?.status()?;
    Ok(point.values().to_vec())
}

impl fmt::Display for GradientCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |x: f64| significant(x, TABLE_DIGITS);
        writeln!(f, " Log probability={}\n", digits(self.log_density))?;
        writeln!(f, "{:>10}{:>16}{:>16}{:>16}{:>16}", "param idx", "value", "model", "finite diff", "error")?;
        for (i, c) in self.coordinates.iter().enumerate() {
            let [value, model, difference, error] = [c.value, c.model, c.finite_difference, c.error].map(digits);
            writeln!(f, "{i:>10}{value:>16}{model:>16}{difference:>16}{error:>16}")?;
        }
        Ok(())
    }
}
