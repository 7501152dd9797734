//! Particle filters over several independent sets.

mod options;
mod report;
mod sets;

use super::spread::same;
use crate::drive::{Council, Pool, Shared};
use crate::error::Error;
use crate::io::{Interrupt, Logger};
use crate::model::{Communicator, StateSpace};
use crate::particles::blocks::Blocks;
use crate::particles::filter::{self, Benches, FilterOptions, backward};
use sets::OneSet;
use std::sync::Arc;

pub use options::FilterRun;
pub use report::{FilterReport, FilterSet};

/// Runs the filter on each set, `options.num_sets` of them with ids from `options.init_set_id` on.
///
/// What becomes of a set depends on seed, id, options and model alone: neither on threads nor on the other sets. A set
/// whose particles are all lost at some time ends there, with log evidence -inf, and the others go on
/// ([`FilterReport::status`] says so); a failure of the model ends the call.
///
/// With a `communicator` all its ranks make the same call, each runs a block of the sets, and all return what became of all, with the
/// bits of one process; what fails on one fails on all. It is called by the calling thread.
///
/// # Errors
/// Options out of range; what the model has not that the kind of filter needs; a refusal of the model's; a log weight that
/// is NaN or +inf, named by set, particle and time; the interrupt.
pub fn particle_filter<M: StateSpace>(
    model: &M,
    options: &FilterRun,
    logger: &dyn Logger,
    interrupt: &dyn Interrupt,
    pool: Option<Arc<Pool>>,
    communicator: Option<&dyn Communicator>,
) -> Result<FilterReport, Error> {
    let job = || Job { model, options, of_set: options.of_set(), logger, benches: Benches::default() };
    let fits = options.check(model);
    let Some(communicator) = communicator else {
        fits?;
        let sets = sets::run(model, options, 0..options.num_sets, || interrupt.requested(), pool, &job())?;
        return Ok(FilterReport { sets });
    };
    let ranks = Shared::new(Council::new(communicator));
    same(&ranks.meet(fits.map(|()| options.terms(model)))?)?;
    let poll = || ranks.pulse(|| interrupt.requested());
    let sets = ranks.meet(sets::run(model, options, ranks.own(options.num_sets), poll, pool, &job()))?;
    Ok(FilterReport { sets: sets.into_iter().flatten().collect() })
}

struct Job<'a, M: StateSpace> {
    model: &'a M,
    options: &'a FilterRun,
    of_set: FilterOptions,
    logger: &'a dyn Logger,
    benches: Benches<M::Worker>,
}

impl<M: StateSpace> OneSet<FilterSet> for Job<'_, M> {
    /// Filters, then draws trajectories backwards.
    fn run(&self, set: u64, blocks: &impl Blocks) -> Result<FilterSet, Error> {
        let Self { model, options, of_set, logger, benches } = self;
        let mut filtered = filter::run(*model, of_set, set, *logger, blocks, benches)?;
        let wanted = if filtered.lost_at.is_none() { options.num_trajectories } else { 0 };
        let trajectories = backward(*model, &filtered, wanted, options.seed, *logger, blocks, benches)?;
        if !options.keeps_history() {
            filtered.history = Vec::new();
        }
        Ok(FilterSet { filtered, trajectories })
    }
}
