//! Chains that begin where those of another run ended.

use crate::adapt::{Adaptation, LowRank};
use crate::error::Error;
use crate::hmc::{Metric, MetricKind};
use crate::io::metric_name;

/// A warm-up of fewer iterations leaves a metric that another run has learned as it is: so few draws know less.
const LEARNS_FROM: usize = 100;

/// Where a chain of another run ended, for one that begins there: [`SampleIo::from`](super::SampleIo::from).
#[derive(Debug, Clone, PartialEq)]
pub struct WarmStart {
    /// Its last position, unconstrained; empty: the chain begins at its initial values.
    pub position: Vec<f64>,
    /// Its step size.
    pub stepsize: f64,
    /// The shape of its metric.
    pub metric: MetricKind,
    /// Its inverse metric, as in [`ChainReport::inv_metric`](super::ChainReport::inv_metric).
    pub inv_metric: Vec<f64>,
}

impl WarmStart {
    /// The position for a model of `dim` coordinates.
    pub(super) fn position(&self, dim: usize) -> Result<&[f64], Error> {
        match self.position.len() {
            0 => Ok(&[]),
            n if n == dim => Ok(&self.position),
            n => Err(Error::argument("from", format!("the end of a chain with {dim} coordinates"), n)),
        }
    }

    /// Its metric in the shape of `kind`: as it is, or as much of it as that shape holds.
    pub(super) fn metric(&self, kind: MetricKind, dim: usize) -> Result<Metric, Error> {
        let refused = |e: Error| Error::argument("from", "a metric that a chain can have", e.message());
        let (own, wanted) = (self.metric.shape(dim), kind.shape(dim));
        let low_rank = match own {
            MetricKind::LowRank => LowRank::from_numbers(&self.inv_metric).map_err(refused)?,
            _ => LowRank::default(),
        };
        let (has, needs) = match own {
            MetricKind::Unit => (dim, dim),
            MetricKind::Dense => (self.inv_metric.len(), dim.saturating_mul(dim)),
            MetricKind::LowRank => (low_rank.variances.len(), dim),
            _ => (self.inv_metric.len(), dim),
        };
        if has != needs {
            let got = format!("{has} numbers ({})", metric_name(self.metric));
            return Err(Error::argument("from", format!("a metric of {dim} coordinates"), got));
        }
        let made = match (own, wanted) {
            (_, MetricKind::Unit) => Ok(Metric::unit()),
            (MetricKind::Dense, MetricKind::Dense) => Metric::dense(dim, &self.inv_metric),
            (MetricKind::LowRank, MetricKind::LowRank) => Metric::low_rank(dim, &low_rank),
            (MetricKind::LowRank, MetricKind::Dense) => Metric::dense(dim, &low_rank.matrix()),
            (MetricKind::LowRank, _) => Metric::of_variances(wanted, &low_rank.diagonal()),
            (MetricKind::Unit, _) => Metric::identity(wanted, dim),
            (MetricKind::Dense, _) => {
                let diagonal: Vec<f64> = self.inv_metric.iter().step_by(dim + 1).copied().collect();
                Metric::of_variances(wanted, &diagonal)
            }
            _ => Metric::of_variances(wanted, &self.inv_metric),
        };
        made.map(|metric| metric.of_kind(kind)).map_err(refused)
    }

    /// The step size to begin with: its own, unless another than the default was asked for.
    pub(super) fn stepsize(&self, asked: f64, default: f64) -> Result<f64, Error> {
        match self.stepsize {
            _ if asked != default => Ok(asked),
            own if own > 0.0 && own.is_finite() => Ok(own),
            own => Err(Error::argument("from", "a step size above 0", own)),
        }
    }
}

/// Adaptation after a warm start.
pub fn adaptation(given: Option<Adaptation>, num_warmup: usize) -> Option<Adaptation> {
    given.map(|a| if num_warmup < LEARNS_FROM { Adaptation { window: 0, ..a } } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;
    use MetricKind::{Auto, Dense, Diag, FisherDense, FisherDiag, LowRank as Low, Unit};

    fn start(metric: MetricKind, inv_metric: &[f64]) -> WarmStart {
        WarmStart { position: vec![1.0, 2.0], stepsize: 0.3, metric, inv_metric: inv_metric.to_vec() }
    }

    #[test]
    fn a_metric_takes_the_shape_that_is_asked_for() {
        let low = LowRank { variances: vec![4.0, 9.0], values: vec![5.0], vectors: vec![0.6, 0.8] };
        // S (I + 4 u uᵀ) S, S = (2, 3), u = (0.6, 0.8).
        let matrix = [9.76, 11.52, 11.52, 32.04];
        let near = |metric: &Metric, expected: &[f64]| {
            let inverse = metric.inverse();
            inverse.len() == expected.len() && inverse.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
        };
        let cases: [(MetricKind, &[f64], MetricKind, &[f64]); 14] = [
            (Diag, &[4.0, 9.0], FisherDiag, &[4.0, 9.0]),
            (Diag, &[4.0, 9.0], FisherDense, &[4.0, 0.0, 0.0, 9.0]),
            (Diag, &[4.0, 9.0], Low, &[0.0, 4.0, 9.0]),
            (Dense, &matrix, Auto, &matrix),
            (Dense, &[4.0, 0.0, 0.0, 9.0], Auto, &[4.0, 9.0]),
            (Dense, &[4.0, 0.0, 0.0, 9.0], FisherDense, &[4.0, 0.0, 0.0, 9.0]),
            (Diag, &[4.0, 9.0], Auto, &[4.0, 9.0]),
            (Dense, &matrix, Diag, &[9.76, 32.04]),
            (Dense, &matrix, Low, &[0.0, 9.76, 32.04]),
            (Low, &low.to_numbers(), Low, &low.to_numbers()),
            (Low, &low.to_numbers(), Dense, &matrix),
            (Low, &low.to_numbers(), Diag, &[9.76, 32.04]),
            (Unit, &[], FisherDiag, &[1.0, 1.0]),
            (Dense, &matrix, Unit, &[]),
        ];
        for (from, numbers, to, expected) in cases {
            let metric = start(from, numbers).metric(to, 2).unwrap();
            assert!(near(&metric, expected), "{from:?} to {to:?}: {:?}", metric.inverse());
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let text = |result: Result<Metric, Error>| result.err().expect("refused").to_string();
        let three = text(start(Diag, &[1.0, 2.0]).metric(Diag, 3));
        assert_eq!(three, "argument 'from': expected a metric of 3 coordinates, got 2 numbers (diag_e)");
        assert!(text(start(Dense, &[1.0; 4]).metric(Diag, 3)).contains("4 numbers (dense_e)"));
        assert!(text(start(Low, &[1.0, 1.0]).metric(Low, 2)).contains("directions"));
        assert!(text(start(Diag, &[1.0, -1.0]).metric(Diag, 2)).contains("'from'"));
        let position = start(Diag, &[1.0; 3]).position(3).unwrap_err().to_string();
        assert_eq!(position, "argument 'from': expected the end of a chain with 3 coordinates, got 2");
        assert!(WarmStart { stepsize: f64::NAN, ..start(Diag, &[1.0; 2]) }.stepsize(1.0, 1.0).is_err());
    }

    #[test]
    fn few_iterations_keep_the_metric_and_a_step_size_asked_for_wins() {
        let window = |n| adaptation(Some(Adaptation::default()), n).unwrap().window;
        assert_eq!((window(99), window(100)), (0, Adaptation::default().window));
        assert_eq!(adaptation(None, 5), None);
        let one = start(Diag, &[1.0; 2]);
        assert_eq!((one.stepsize(1.0, 1.0).unwrap(), one.stepsize(0.1, 1.0).unwrap()), (0.3, 0.1));
    }
}
