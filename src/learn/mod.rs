//! Sequential learning over likelihoods: the product of outcomes, models and experiments; sets of weighted models; their
//! estimates; the choice of the next experiment. Who runs the blocks is `particles::blocks::Blocks`.
//!
//! | room | purpose |
//! | --- | --- |
//! | `call`, `grain` | one call of a likelihood; what it costs, and how work is cut by that |
//! | `product` | likelihoods over any block of the product |
//! | `parts` | what of it each of several processes does |
//! | `weights`, `kernels` | weights that lose no model; passes over blocks |
//! | `set`, `updater` | weighted models, and what data do to them |
//! | `liu_west`, `priors`, `options` | resampling, where models come from, what is chosen |
//! | `estimates` | means, entropy, marginals, regions, bounds |
//! | `design` | risk and gain of candidates, heuristics, the best experiment |

mod call;
pub mod design;
pub mod estimates;
mod grain;
mod kernels;
mod linear;
mod liu_west;
mod options;
mod parts;
mod priors;
mod product;
mod set;
mod updater;
mod weights;

pub use call::{Bench, Benches, Calls, With};
pub use grain::Grain;
pub use kernels::cos_squared;
pub use liu_west::LiuWest;
pub use options::{Resampler, UpdaterOptions, ZeroWeights};
pub use priors::Prior;
pub use product::{Cells, hypothetical, product, simulate};
pub use set::{ModelSet, Notes};
pub use updater::{CustomResampler, Record, Resampled, Updater};
