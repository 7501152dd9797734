//! Updaters, made, saved and freed.

use super::device::{Asked, decorated};
use super::host::Host;
use super::options::{Given, catena_updater_options, given};
use super::prior::catena_prior;
use super::table::catena_likelihood;
use crate::drive::{Pool, Shared};
use crate::error::Error;
use crate::ffi::UserData;
use crate::ffi::boundary::{Handle, Held, Looking, check_size, let_go, look, make, object, slice, table_with};
use crate::ffi::checkpoint::catena_checkpoint;
use crate::ffi::communicator::HostCommunicator;
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::watch::{HostInterrupt, HostLogger, catena_interrupt, catena_logger};
use crate::learn::{ModelSet, UpdaterOptions};
use crate::model::{Experiments, Likelihood};
use crate::services::{LearnIo, Learner};
use std::ops::Deref;
use std::sync::Arc;

/// Sequential learning: a likelihood and sets of weighted models. One call at a time changes it: others that come meanwhile, from
/// inside a callback of it or from another thread, are refused. Freed in its own callback, it goes when the call at work returns.
pub struct catena_updater {
    held: Held<Learner<Asked>>,
    /// Released after all else.
    #[expect(dead_code, reason = "held to be dropped")]
    data: UserData,
}

impl Handle for catena_updater {
    type Kept = Learner<Asked>;
    const NAME: &'static str = "updater";
    const WHAT: &'static str = "a catena_updater";

    fn held(&self) -> &Held<Learner<Asked>> {
        &self.held
    }
}

/// One of an updater's sets, to look at.
pub(super) struct Set {
    learner: Looking<catena_updater>,
    place: usize,
}

impl Deref for Set {
    type Target = ModelSet;

    fn deref(&self) -> &ModelSet {
        &self.learner.updater().sets()[self.place]
    }
}

impl catena_updater {
    /// The set with this id.
    ///
    /// # Safety
    /// `updater` is null or a live updater.
    pub(super) unsafe fn set(updater: *const Self, set: u64) -> Result<Set, Error> {
        // SAFETY: passed on to the caller.
        let learner = unsafe { look(updater)? };
        let place = learner.updater().place(set)?;
        Ok(Set { learner, place })
    }
}

/// A table of experiments from the host's array.
///
/// # Safety
/// `experiments` is null or points to `n_e` numbers for each of the likelihood's fields.
pub(super) unsafe fn experiments_of(
    learner: &Learner<Asked>,
    n_e: usize,
    experiments: *const f64,
) -> Result<Experiments, Error> {
    let fields = learner.model().fields();
    let size = n_e.saturating_mul(fields.len());
    check_size::<f64>(size, "n_e")?;
    // SAFETY: passed on to the caller.
    Experiments::new(fields, n_e, unsafe { slice(experiments, size, "experiments")? }.to_vec())
}

/// What a likelihood's table gives away, and the ranks it names.
type Owned = (UserData, Result<Option<HostCommunicator>, Error>);

/// What a host gives to an updater. Read before all else is looked at, so that it is released once, whatever is refused.
struct Lent {
    likelihood: Result<(catena_likelihood, Owned), Error>,
    logger: Result<HostLogger, Error>,
    interrupt: Result<HostInterrupt, Error>,
}

impl Lent {
    /// # Safety
    /// The pointers are null or as documented.
    unsafe fn new(
        likelihood: *const catena_likelihood,
        logger: *const catena_logger,
        interrupt: *const catena_interrupt,
    ) -> Self {
        // SAFETY: passed on to the caller.
        unsafe {
            let likelihood = table_with(likelihood, "likelihood", |t: &catena_likelihood| {
                (UserData::new(t.user, t.release), HostCommunicator::new(t.communicator))
            });
            Self { likelihood, logger: HostLogger::new(logger), interrupt: HostInterrupt::new(interrupt) }
        }
    }
}

/// What both ways to make an updater share.
///
/// # Safety
/// `options` are null or as documented.
unsafe fn made(
    lent: Lent,
    options: *const catena_updater_options,
    new: impl FnOnce(Asked, UpdaterOptions, LearnIo, Arc<Pool>) -> Result<Learner<Asked>, Error>,
) -> Result<catena_updater, Error> {
    let Lent { likelihood, logger, interrupt } = lent;
    let (table, (data, communicator)) = likelihood?;
    let communicator = communicator?;
    // SAFETY: passed on to the caller.
    let ready = || unsafe {
        let (logger, interrupt) = (Box::new(logger?), Box::new(interrupt?));
        let Given { options, threads, pool, device } = given(options)?;
        let pool = pool.map_or_else(|| Pool::new(threads).map(Arc::new), |pool| Ok(pool.share()))?;
        let model = decorated(Host::new(table)?, device, &pool)?;
        Ok((model, options, logger, interrupt, pool))
    };
    let (model, options, logger, interrupt, pool) = ready().inspect_err(|error| {
        communicator.iter().for_each(|communicator| Shared::withdraw(communicator, error));
    })?;
    let communicator = communicator.map(|communicator| Box::new(communicator) as _);
    let learner = new(model, options, LearnIo { logger, interrupt, communicator }, pool)?;
    Ok(catena_updater { held: Held::new(learner), data })
}

/// Sets of models drawn from `prior`. The table, the options (NULL: the defaults) and the prior are copied; `logger` and
/// `interrupt` may be NULL and are borrowed until the updater is freed. The updater owns the table's `user` and gives it to
/// `release` when it is freed, or, where this function fails, at once.
///
/// # Safety
/// The pointers are NULL or as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_new(
    likelihood: *const catena_likelihood,
    prior: *const catena_prior,
    options: *const catena_updater_options,
    logger: *const catena_logger,
    interrupt: *const catena_interrupt,
    out: *mut *mut catena_updater,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let lent = Lent::new(likelihood, logger, interrupt);
        make(out, error, || {
            let prior = object(prior, "prior", "a catena_prior")?.prior.clone();
            made(lent, options, |model, options, io, pool| Learner::new(model, options, prior, io, pool))
        })
    }
}

/// The updater of a checkpoint that catena_updater_save gave, over the same likelihood; of `options` (may be NULL) only `num_threads`,
/// `pool` and `device` count. What is done with it has the bits of what would have been done without the pause.
///
/// # Safety
/// As for catena_updater_new; `checkpoint` is NULL or a live checkpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_load(
    likelihood: *const catena_likelihood,
    checkpoint: *const catena_checkpoint,
    options: *const catena_updater_options,
    logger: *const catena_logger,
    interrupt: *const catena_interrupt,
    out: *mut *mut catena_updater,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let lent = Lent::new(likelihood, logger, interrupt);
        make(out, error, || {
            let bytes = &object(checkpoint, "checkpoint", "a catena_checkpoint")?.bytes;
            made(lent, options, |model, _, io, pool| Learner::load(model, bytes, io, pool))
        })
    }
}

/// The whole state as bytes, but for a resampler of one's own. The caller frees the checkpoint.
///
/// # Safety
/// `updater` is NULL or a live updater; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_save(
    updater: *const catena_updater,
    out: *mut *mut catena_checkpoint,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { make(out, error, || Ok(catena_checkpoint { bytes: look(updater)?.save() })) }
}

/// Frees an updater and what it owns. NULL is fine.
///
/// # Safety
/// `updater` is NULL or came from catena_updater_new or _load and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_free(updater: *mut catena_updater) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { let_go(updater) }
}
