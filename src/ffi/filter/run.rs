//! Running a filter.

use super::host::Host;
use super::options::{catena_filter_options, communicator, given};
use super::table::catena_state_space;
use crate::drive::Shared;
use crate::error::Error;
use crate::ffi::UserData;
use crate::ffi::boundary::{free, guard, table_with};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::watch::{HostInterrupt, HostLogger, catena_interrupt, catena_logger};
use crate::model::Communicator;
use crate::services::{FilterReport, FilterSet, particle_filter};

/// What a filter found, set by set. Immutable.
pub struct catena_filter {
    pub(in crate::ffi) report: FilterReport,
    pub(super) seed: u64,
}

impl catena_filter {
    pub(super) fn set(&self, set: usize) -> Result<&FilterSet, Error> {
        let expected = format!("a set from 0 to {}", self.report.sets.len().saturating_sub(1));
        self.report.sets.get(set).ok_or_else(|| Error::argument("set", expected, set))
    }
}

/// Runs a particle filter on `options->num_sets` independent sets and returns when it is over. `model` and `options` are
/// copied; `logger` and `interrupt` may be NULL.
///
/// Returns CATENA_OK and sets *out; when a set lost all its particles, CATENA_ALL_LOST with an error that names the first
/// such set and the time, and *out is set all the same: the evidence of that set is 0 (its log evidence -INFINITY), its
/// particles can be read, and the other sets are whole. Otherwise *out is NULL: CATENA_MODEL when a callback failed or a log
/// weight is NaN or INFINITY, CATENA_INTERRUPTED.
///
/// Memory: 16 dimension + 16 bytes per particle for one set (of sets of less than 8 blocks per thread as many as there are
/// threads at once), 16 more with auxiliary weights, and for each set that is done 8 dimension + 12.
///
/// # Safety
/// The pointers are NULL or as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_run(
    model: *const catena_state_space,
    options: *const catena_filter_options,
    logger: *const catena_logger,
    interrupt: *const catena_interrupt,
    out: *mut *mut catena_filter,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers. What the tables own or lend is released by this call whatever is wrong.
        let (model, logger, interrupt, communicator) = unsafe {
            let (logger, interrupt) = (HostLogger::new(logger), HostInterrupt::new(interrupt));
            let model = table_with(model, "model", |t: &catena_state_space| UserData::new(t.user, t.release));
            (model, logger, interrupt, communicator(options)?)
        };
        let ready = model.and_then(|(model, data)| {
            if out.is_null() {
                return Err(Error::argument("out", "a place for the result", "NULL"));
            }
            // SAFETY: not null, and the caller vouches for it and for the options.
            let given = unsafe {
                *out = std::ptr::null_mut();
                given(options, model.dimension)?
            };
            Ok((Host::new(model, data)?, given, logger?, interrupt?))
        });
        // The other processes wait for this one.
        let told = |error: &Error| communicator.iter().for_each(|communicator| Shared::withdraw(communicator, error));
        let (host, (options, pool), logger, interrupt) = ready.inspect_err(told)?;
        let ranks = communicator.as_ref().map(|communicator| communicator as &dyn Communicator);
        let report = particle_filter(&host, &options, &logger, &interrupt, pool.map(|pool| pool.share()), ranks)?;
        let status = report.status();
        // SAFETY: not null, and the caller vouches for it.
        unsafe { *out = Box::into_raw(Box::new(catena_filter { report, seed: options.seed })) };
        status
    })
}

/// Frees a filter's results. NULL is fine.
///
/// # Safety
/// `filter` is NULL or came from catena_filter_run and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_free(filter: *mut catena_filter) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(filter) }
}
