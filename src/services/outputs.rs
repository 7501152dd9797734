//! The model's outputs of a position, and the telling of those it refuses.

use super::service::Here;
use crate::io::Level;
use crate::model::{Density, Refusal, Task};

/// The outputs of a position into `row`. Where the model refuses them, the parameters and transformed parameters stay as far
/// as it has written them, and all else is NaN, as in Stan since 2.18.
pub fn constrain<D: Density>(
    density: &D,
    worker: &mut D::Worker,
    task: &mut Task<'_>,
    position: &[f64],
    row: &mut [f64],
) -> Result<(), Refusal> {
    row.fill(f64::NAN);
    let made = density.constrain(worker, task, position, row);
    if made.is_err() {
        row[density.parameter_outputs() + density.transformed_outputs()..].fill(f64::NAN);
    }
    made
}

/// Counts refusals, of which the first is told as it comes and the number at the end.
#[derive(Debug, Default)]
pub struct Refused(u64);

impl Refused {
    /// One more; `what` and why are told of the first.
    pub fn tell<D: Density>(&mut self, what: &str, here: &Here<'_, D>) {
        self.0 += 1;
        if self.0 == 1 {
            here.log(Level::Warning, &format!("{what} refused{}", here.words()));
        }
    }

    /// The line at the end, if there is more to be told.
    pub fn sum(&self, of: &str) -> Option<String> {
        (self.0 > 1).then(|| format!("the model refused {} {of} in all", self.0))
    }
}
