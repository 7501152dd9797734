use serde::{Deserialize, Serialize};

/// Whether the chains of a run share what they learn in warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum WarmupMode {
    /// Each chain by itself: its draws depend on no other chain.
    Alone = 0,
    /// Chains meet where the metric is estimated, and get one for all; for metrics from draws and gradients.
    Together = 1,
}

/// Options of adaptation during warm-up. The defaults are Stan's but for the target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Adaptation {
    /// Target acceptance statistic, in (0, 1). Default 0.7; Stan's is 0.8.
    pub delta: f64,
    /// Whether the target rises to 0.9 where more than 3 % of the transitions of warm-up diverge; for metrics from draws and
    /// gradients. Default true; Stan's way knows of no such thing.
    pub raise_delta: bool,
    /// Regularisation scale of dual averaging, > 0. Default 0.05.
    pub gamma: f64,
    /// Relaxation exponent of dual averaging, > 0. Default 0.75.
    pub kappa: f64,
    /// Iteration offset of dual averaging, > 0. Default 10.
    pub t0: f64,
    /// Iterations before the first metric window. Default 75.
    pub init_buffer: usize,
    /// Iterations of step-size adaptation after the last metric window. Default 50.
    pub term_buffer: usize,
    /// Length of the first metric window; later ones double. 0: the metric is not adapted. Default 25.
    pub window: usize,
    /// Whether the chains of a run share what they learn. Default: each by itself.
    pub warmup: WarmupMode,
    /// Whether warm-up ends once step size and metric have settled, for metrics from draws and gradients. Default false.
    pub warmup_until: bool,
    /// Fewest iterations of a warm-up that ends so. Default 50.
    pub min_warmup: usize,
}

impl Adaptation {
    /// Stan's defaults, under which Stan's metrics are learned to the bit as ever.
    pub const fn stan() -> Self {
        Self {
            delta: 0.8,
            raise_delta: false,
            gamma: 0.05,
            kappa: 0.75,
            t0: 10.0,
            init_buffer: 75,
            term_buffer: 50,
            window: 25,
            warmup: WarmupMode::Alone,
            warmup_until: false,
            min_warmup: 50,
        }
    }
}

impl Default for Adaptation {
    fn default() -> Self {
        // What costs fewest gradients: docs/metrics.md has the figures.
        Self { delta: 0.7, raise_delta: true, ..Self::stan() }
    }
}
