//! Where models come from at first.

use super::linear;
use crate::error::Error;
use crate::random::BlockLanes;
use serde::{Deserialize, Serialize};

/// A prior over models of d parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Prior {
    /// Independent uniforms between `low` and `high`, one pair per parameter.
    Uniform {
        /// Lower ends.
        low: Vec<f64>,
        /// Upper ends.
        high: Vec<f64>,
    },
    /// A normal law with this mean (d numbers) and covariance (d x d, symmetric and not negative definite).
    Normal {
        /// Mean.
        mean: Vec<f64>,
        /// Covariance.
        covariance: Vec<f64>,
    },
    /// Independent parts, their parameters one after the other.
    Product(Vec<Prior>),
    /// One of these draws at random, with replacement: a matrix of `rows` rows, column by column, such as what another
    /// run of the library wrote.
    Draws {
        /// Number of draws.
        rows: usize,
        /// The matrix.
        values: Vec<f64>,
    },
}

impl Prior {
    /// A uniform prior for one parameter.
    pub fn uniform(low: f64, high: f64) -> Self {
        Self::Uniform { low: vec![low], high: vec![high] }
    }

    /// A normal prior for one parameter.
    pub fn normal(mean: f64, standard_deviation: f64) -> Self {
        Self::Normal { mean: vec![mean], covariance: vec![standard_deviation * standard_deviation] }
    }

    /// Number of parameters.
    pub fn dim(&self) -> usize {
        match self {
            Self::Uniform { low, .. } => low.len(),
            Self::Normal { mean, .. } => mean.len(),
            Self::Product(parts) => parts.iter().map(Self::dim).sum(),
            Self::Draws { rows, values } => values.len().checked_div(*rows).unwrap_or(0),
        }
    }

    /// Whether it is one, and for `dim` parameters.
    ///
    /// # Errors
    /// What does not fit is named as the argument `prior`.
    pub fn check(&self, dim: usize) -> Result<(), Error> {
        if self.dim() != dim {
            let expected = format!("a law of {dim} parameters");
            return Err(Error::argument("prior", expected, format_args!("one of {}", self.dim())));
        }
        self.check_parts()
    }

    fn check_parts(&self) -> Result<(), Error> {
        let finite = |name: &str, values: &[f64]| match values.iter().find(|x| !x.is_finite()) {
            Some(x) => Err(Error::argument(format!("prior.{name}"), "finite numbers", x)),
            None => Ok(()),
        };
        match self {
            Self::Uniform { low, high } => {
                finite("low", low)?;
                finite("high", high)?;
                let upside_down = low.iter().zip(high).position(|(low, high)| low > high);
                match upside_down {
                    _ if low.len() != high.len() => Err(Error::argument("prior.high", low.len(), high.len())),
                    Some(j) => {
                        let expected = format!("at least the lower end, {}, for parameter {j}", low[j]);
                        Err(Error::argument("prior.high", expected, high[j]))
                    }
                    None => Ok(()),
                }
            }
            Self::Normal { mean, covariance } => {
                finite("mean", mean)?;
                finite("covariance", covariance)?;
                if covariance.len() != mean.len() * mean.len() {
                    let expected = format!("{} numbers", mean.len() * mean.len());
                    return Err(Error::argument("prior.covariance", expected, covariance.len()));
                }
                linear::root(covariance, mean.len())
                    .map(|_| ())
                    .ok_or_else(|| Error::argument("prior.covariance", "a matrix that is not negative", "another"))
            }
            Self::Product(parts) => parts.iter().try_for_each(Self::check_parts),
            Self::Draws { rows, values } => {
                finite("values", values)?;
                if *rows == 0 || !values.len().is_multiple_of(*rows) {
                    let expected = format!("whole columns of {rows} rows, at least one");
                    return Err(Error::argument("prior.values", expected, format_args!("{} numbers", values.len())));
                }
                Ok(())
            }
        }
    }

    /// Fills a matrix of `n` models, column by column, from the lanes of as many.
    pub fn fill(&self, lanes: &mut BlockLanes, n: usize, out: &mut [f64]) {
        match self {
            Self::Uniform { low, high } => {
                lanes.fill_uniforms(out);
                for (column, (low, high)) in out.chunks_mut(n).zip(low.iter().zip(high)) {
                    column.iter_mut().for_each(|x| *x = low + (high - low) * *x);
                }
            }
            Self::Normal { mean, covariance } => {
                lanes.fill_normals(out);
                let root = linear::root(covariance, mean.len()).expect("checked");
                linear::mix(&root, mean.len(), n, out);
                for (column, mean) in out.chunks_mut(n).zip(mean) {
                    column.iter_mut().for_each(|x| *x += mean);
                }
            }
            Self::Product(parts) => {
                let mut rest = out;
                for part in parts {
                    let (own, after) = rest.split_at_mut(part.dim() * n);
                    part.fill(lanes, n, own);
                    rest = after;
                }
            }
            Self::Draws { rows, values } => {
                let mut places = vec![0.0; n];
                lanes.fill_uniforms(&mut places);
                for (column, from) in out.chunks_mut(n).zip(values.chunks(*rows)) {
                    column.iter_mut().zip(&places).for_each(|(x, u)| *x = from[(*u * *rows as f64) as usize]);
                }
            }
        }
    }
}
