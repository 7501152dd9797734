//! The shape of a chain's metric, which warm-up may change, and the one that is told of it.

use super::{Chain, ChainSettings};
use crate::adapt::{InverseMetric, MetricKind};
use crate::hmc::metric::Metric;

impl ChainSettings {
    /// An inverse metric and its shape as they are told: where warm-up found a diagonal to be enough, in the shape that the
    /// kind of metric has for so many coordinates, so that all chains of a run are told alike.
    pub(super) fn told(&self, metric: &Metric) -> (MetricKind, Vec<f64>) {
        let (kind, inverse) = (metric.kind(), metric.inverse());
        match self.metric_kind.shape(self.dim) {
            shape if kind == MetricKind::Diag && shape != kind => {
                (shape, InverseMetric::of_variances(inverse, shape).into_numbers())
            }
            _ => (kind, inverse),
        }
    }

    /// The inverse metric at the start and its shape, as [`Chain::inverse_metric`] tells the one in use.
    pub fn inverse_metric(&self) -> (MetricKind, Vec<f64>) {
        self.told(&self.metric)
    }
}

impl Chain {
    /// The inverse metric in use and its shape, as they are told: a diagonal that warm-up found to be enough under
    /// [`MetricKind::Auto`] has the shape that others of the run may have.
    pub fn inverse_metric(&self) -> (MetricKind, Vec<f64>) {
        self.settings.told(&self.metric)
    }

    /// Goes on with this metric from the present draw.
    pub(super) fn use_metric(&mut self, metric: Metric) {
        if metric.coordinates() != self.metric.coordinates() {
            self.trajectory = self.trajectory.moved_to(metric.coordinates(), self.settings.levels(self.engine));
        }
        self.metric = metric;
        self.trajectory.settle(&self.metric);
    }
}
