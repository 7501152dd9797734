//! The model's outputs of a position, and the telling of those it refuses.

use super::service::Here;
use crate::error::{Code, Error};
use crate::io::Level;
use crate::model::{Density, Refusal, Task};
use crate::random::Stream;
use std::ops::Range;

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

/// The outputs of a draw at `position` into these places of the bench's row; a refusal is told by `refused`.
pub fn outputs_of_draw<D: Density>(
    here: &mut Here<'_, D>,
    (position, stream): (&[f64], &mut Stream),
    places: Range<usize>,
    refused: &mut Refused,
) -> Result<(), Error> {
    let made =
        here.call(stream, |density, worker, task, row| constrain(density, worker, task, position, &mut row[places]));
    match made {
        Ok(()) => Ok(()),
        Err(Refusal::Reject) => {
            refused.tell("outputs of a draw were", here);
            Ok(())
        }
        Err(Refusal::Stop) => {
            let words = here.words();
            Err(Error::new(Code::Model, format!("the model stopped the run while computing outputs{words}")))
        }
    }
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
