//! Warm-up: dual averaging of the step size, a schedule of windows, and estimators of the metric. A chain sees the one
//! value [`Warmup`] alone.
//!
//! There are two ways. Metrics from draws and gradients are estimated at ever longer intervals, by a chain alone or pooled over
//! chains that meet, while the step size follows Robbins and Monro. For metrics from draws alone, schedule and defaults are
//! Stan's; where Stan 2.35 goes wrong, this goes right:
//!
//! | case | Stan 2.35 | here |
//! | --- | --- | --- |
//! | 20 to 149 warm-up iterations | buffers are rescaled to 15/75/10 % but the metric is never updated | one window of 75 %, updated at its end |
//! | `term_buffer = 0` | the step size ends at 1 | it ends at the one initialised for the last metric |
//! | `window = 0` | the metric becomes pure regularisation | the metric is not adapted; the step size is, throughout |
//! | a first window that leaves less than the next one needs | a last window of a few draws | the first window stretches, by the rule that holds for the others |

mod acceptance;
mod apart;
mod brought;
mod estimator;
mod fisher;
mod geometric_mean;
mod growing;
mod heights;
mod inverse_metric;
mod lesson;
mod negligible;
mod options;
mod pooled;
mod sample;
mod schedule;
mod settled;
mod step_size;
mod stopping;
mod target;
mod warmup;
mod way_in;
mod worth;

pub use acceptance::RobbinsMonro;
pub use brought::Brought;
pub use estimator::{Covariance, Estimator, Variances};
pub use fisher::{MOST_DIRECTIONS, estimate};
pub use heights::Heights;
pub use inverse_metric::{InverseMetric, LowRank, MetricKind};
pub use lesson::{Change, Lesson};
pub use negligible::{Place, SetOutAnew};
pub use options::{Adaptation, WarmupMode};
pub use pooled::{Pooled, pool};
pub use sample::Sample;
pub use schedule::Schedule;
pub use step_size::DualAveraging;
pub use stopping::{Enough, FIRST_LOOK, next_look};
pub use target::Counted;
pub use warmup::Warmup;
