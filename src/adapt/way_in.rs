use serde::{Deserialize, Serialize};

/// A start whose log density is below this may be far out. Where there are many data it need not be; then the way in is over in
/// [`FEW`] transitions.
const FAR: f64 = -1e3;
/// Below this the log density's rounding is about 1 and more: whether a step is accepted then says nothing of how good the step size
/// is, only whether the energy fell, and it may take a while until it is.
const ROUNDED: f64 = -1e15;
/// The metric is renewed where the steepest slope has fallen by this factor.
const RENEWED: f64 = 2.0;
/// In so many transitions the log density comes nearer to 0,
const FEW: u32 = 3;
/// or in so many below [`ROUNDED`],
const MANY: u32 = 10;
/// by this factor, or the way in is over.
const NEARER: f64 = 0.5;

/// The way in of a chain that starts far out, where the log density may be exponentially large.
///
/// A metric of 1/|g| lets all coordinates move equally, and with slopes that differ by orders of magnitude the one that is to
/// move hardly does: where residuals explode, the scale that they are measured by grows until they look small, and the chain ends
/// on a ridge that it can't leave. So until the log density rises no more by factors all coordinates have one variance, as they
/// have in Stan, that of the steepest slope; and it is renewed on the way, so that step sizes, which keep to a scale, needn't grow
/// by as many orders of magnitude.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct WayIn {
    /// The steepest slope when the metric was last set.
    steepest: f64,
    /// The best log density, before and since the last look.
    best: (f64, f64),
    /// Transitions since the last look.
    transitions: u32,
}

/// What a transition on the way in has come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Progress {
    /// Nothing changes.
    None,
    /// This is the slope now that the one variance of all coordinates is to fit.
    Slope(f64),
    /// The way in is over.
    Over,
}

impl WayIn {
    /// Whether a start with this log density may be far out.
    pub fn begins(log_density: f64) -> bool {
        log_density < FAR
    }

    /// The way in from a start with this log density and gradient; `None` where it is an ordinary one.
    pub fn from(log_density: f64, gradient: &[f64]) -> Option<Self> {
        let best = (log_density, f64::NEG_INFINITY);
        Self::begins(log_density).then(|| Self { steepest: steepest(gradient), best, transitions: 0 })
    }

    /// The slope that the metric is to fit.
    pub fn slope(&self) -> f64 {
        self.steepest
    }

    /// Takes one transition's draw.
    pub fn learn(&mut self, log_density: f64, gradient: &[f64]) -> Progress {
        self.transitions += 1;
        self.best.1 = self.best.1.max(log_density);
        if self.transitions >= if self.best.0 < ROUNDED { MANY } else { FEW } {
            if self.best.1 > 0.0 || self.best.1 < NEARER * self.best.0 {
                return Progress::Over;
            }
            (self.best, self.transitions) = ((self.best.1, f64::NEG_INFINITY), 0);
        }
        let slope = steepest(gradient);
        if slope * RENEWED > self.steepest {
            return Progress::None;
        }
        self.steepest = slope;
        Progress::Slope(slope)
    }
}

fn steepest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |most, g| most.max(g.abs()))
}
