//! Whether a chain that was read back is one that a run could have left.

use super::{Chain, State};
use crate::adapt::MetricKind;
use crate::hmc::trajectory::Trajectory;

impl Chain {
    /// What no chain of a run is like, in words; `None` where nothing is wrong. Its settings are right already.
    pub fn unsound(&self) -> Option<String> {
        let settings = &self.settings;
        let most = settings.num_warmup.saturating_add(settings.num_samples);
        if self.iteration > most {
            return Some(format!("{} iterations of {most}", self.iteration));
        }
        if let Some(length) = self.warmup_length.filter(|length| *length > settings.num_warmup.min(self.iteration)) {
            let (of, after) = (settings.num_warmup, self.iteration);
            return Some(format!("a warm-up that ended after {length} of {of} iterations, in iteration {after}"));
        }
        if !self.moves() {
            return None;
        }
        if !(self.stepsize > 0.0 && self.stepsize.is_finite()) {
            return Some(format!("a step size of {}", self.stepsize));
        }
        let elements = self.metric.inverse().len();
        let fits = match self.metric.kind() {
            MetricKind::Unit => elements == 0,
            MetricKind::Diag => elements == settings.dim,
            MetricKind::Dense => elements == settings.dim * settings.dim,
            _ => true,
        };
        if !fits {
            return Some(format!("a metric of {elements} numbers for {} coordinates", settings.dim));
        }
        let levels = settings.levels(self.engine);
        let (coordinates, error) = (self.metric.coordinates(), settings.max_energy_error);
        if !self.trajectory.is_like(&Trajectory::new(settings.dim, coordinates, levels, error, settings.keep_momentum))
        {
            return Some("a trajectory of another shape".into());
        }
        let begun = !matches!(self.state, State::Fresh | State::Initial { .. });
        let bad = self.position().iter().position(|x| !x.is_finite()).filter(|_| begun)?;
        Some(format!("a position whose coordinate {bad} is {}", self.position()[bad]))
    }
}
