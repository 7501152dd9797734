//! What options are that nobody gives: Stan's, or what costs fewest gradients.

use crate::adapt::Adaptation;
use crate::hmc::MetricKind;

/// Values of the options that say how chains warm up, where they are not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
pub enum Preset {
    /// Stan's algorithm, schedule and defaults: variances from draws in windows that double, 1000 iterations of warm-up, a
    /// target acceptance of 0.8.
    Stan = 0,
    /// The metric from draws and gradients (`auto`), 200 iterations of warm-up, a target acceptance of 0.7: see
    /// `docs/metrics.md` for what that saves. Where one of Stan's metrics is given, all else is Stan's as well.
    #[default]
    Catena = 1,
}

/// Most iterations of a warm-up that ends when its conditions hold, unless they are given.
pub(super) const UNTIL_SETTLED: usize = 1000;

/// The values of a preset.
pub(super) struct Tuning {
    pub metric: MetricKind,
    pub num_warmup: usize,
    pub delta: f64,
    pub raise_delta: bool,
}

impl Tuning {
    fn of(metric: MetricKind, num_warmup: usize, adaptation: Adaptation) -> Self {
        Self { metric, num_warmup, delta: adaptation.delta, raise_delta: adaptation.raise_delta }
    }
}

impl Preset {
    pub(super) fn tuning(self) -> Tuning {
        match self {
            Self::Stan => Tuning::of(MetricKind::Diag, 1000, Adaptation::stan()),
            Self::Catena => Tuning::of(MetricKind::Auto, 200, Adaptation::default()),
        }
    }
}

/// The options that a preset has values for, and which of them were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Governed {
    pub metric: bool,
    pub num_warmup: bool,
    pub delta: bool,
    pub raise_delta: bool,
}

impl Governed {
    /// All were given.
    pub const ALL: Self = Self { metric: true, num_warmup: true, delta: true, raise_delta: true };

    /// The place of an option that a preset has a value for.
    pub fn place(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "metric" => Some(&mut self.metric),
            "num_warmup" => Some(&mut self.num_warmup),
            "delta" => Some(&mut self.delta),
            "raise_delta" => Some(&mut self.raise_delta),
            _ => None,
        }
    }

    /// The option of this name was given.
    pub fn give(&mut self, name: &str) {
        if let Some(given) = self.place(name) {
            *given = true;
        }
    }
}
