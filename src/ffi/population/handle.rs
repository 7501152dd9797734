//! Populations, made and freed.

use super::host::Host;
use super::table::{catena_population_io, catena_traces};
use crate::drive::{Pool, Shared};
use crate::error::Error;
use crate::ffi::UserData;
use crate::ffi::boundary::{Handle, Held, change, let_go, make, table_with};
use crate::ffi::communicator::HostCommunicator;
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::options::catena_options;
use crate::ffi::watch::{HostInterrupt, HostLogger};
use crate::services::{Population, PopulationIo, PopulationOptions};
use std::sync::Arc;

/// Several independent sets of weighted traces. One call at a time changes it: others that come meanwhile, from inside a callback of
/// it or from another thread, are refused. Freed in its own callback, it goes when the call at work returns.
pub struct catena_population {
    held: Held<Population<Host>>,
    /// Released after the traces.
    #[expect(dead_code, reason = "held to be dropped")]
    data: UserData,
}

impl catena_population {
    /// The population that `make` makes of what the host gave.
    pub(super) fn made(
        given: Given,
        pool: Result<Arc<Pool>, Error>,
        make: impl FnOnce(Host, PopulationIo, Arc<Pool>) -> Result<Population<Host>, Error>,
    ) -> Result<Self, Error> {
        let Given { traces, io } = given;
        // Of a table that can't be read there is nobody to be told.
        let (io, communicator) = io?;
        let communicator = communicator?;
        let ready = traces.and_then(|(table, data)| Ok((Host::new(table)?, data, io?, pool?)));
        let (host, data, io, pool) =
            ready.inspect_err(|error| communicator.iter().for_each(|c| Shared::withdraw(c, error)))?;
        let communicator = communicator.map(|communicator| Box::new(communicator) as _);
        let population = make(host, PopulationIo { communicator, ..io }, pool)?;
        Ok(Self { held: Held::new(population), data })
    }

    /// Has the population behind a handle do something with arguments that are `read` from the host's; where they are refused here,
    /// the other processes that share the population are told.
    ///
    /// # Safety
    /// `population` is null or a live population.
    pub(super) unsafe fn with<A, R>(
        population: *mut Self,
        read: Result<A, Error>,
        act: impl FnOnce(&mut Population<Host>, A) -> Result<R, Error>,
    ) -> Result<R, Error> {
        // SAFETY: passed on to the caller.
        let mut population = unsafe { change(population)? };
        let read = population.told(read)?;
        act(&mut population, read)
    }
}

impl Handle for catena_population {
    type Kept = Population<Host>;
    const NAME: &'static str = "population";
    const WHAT: &'static str = "a catena_population";

    fn held(&self) -> &Held<Population<Host>> {
        &self.held
    }
}

/// What a host lends, and the other processes.
type Borrowed = (Result<PopulationIo, Error>, Result<Option<HostCommunicator>, Error>);

/// What a host gives to a population. Read before all else is looked at, so that it is released once, whatever is refused.
pub(super) struct Given {
    traces: Result<(catena_traces, UserData), Error>,
    io: Result<Borrowed, Error>,
}

impl Given {
    /// # Safety
    /// `traces` is null or a table as documented, and so is `io`.
    pub unsafe fn new(traces: *const catena_traces, io: *const catena_population_io) -> Self {
        // SAFETY: passed on to the caller.
        unsafe {
            let traces = table_with(traces, "traces", |t| UserData::new(t.user, t.release));
            Self { traces, io: borrowed(io) }
        }
    }
}

/// A population of one set of one trace, from the prior; catena_population_reinitialize makes more. Of `options`, which
/// may be NULL, it takes seed, num_threads (or the pool), init_set_id, on_trace_failure and genealogy. `io` may be NULL.
/// The population owns the table's `user` and gives it to `release` when it is freed, or, where this function fails, at once.
///
/// # Safety
/// `traces` is NULL or a table as documented; `io` is NULL or as documented, and what it lists lives as long as the
/// population; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_new(
    traces: *const catena_traces,
    options: *const catena_options,
    io: *const catena_population_io,
    out: *mut *mut catena_population,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        let given = Given::new(traces, io);
        make(out, error, || {
            let (of, pool) = (of(options), pool(options));
            catena_population::made(given, pool, |host, io, pool| Population::new(host, of, io, pool))
        })
    }
}

/// What a population takes of the options.
///
/// # Safety
/// `options` is null or live options.
unsafe fn of(options: *const catena_options) -> PopulationOptions {
    // SAFETY: passed on to the caller.
    unsafe { options.as_ref() }.map_or_else(PopulationOptions::default, catena_options::population)
}

/// The pool of the options, or one of the population's own.
///
/// # Safety
/// `options` is null or live options.
pub(super) unsafe fn pool(options: *const catena_options) -> Result<Arc<Pool>, Error> {
    // SAFETY: passed on to the caller.
    let (threads, pool) = unsafe { options.as_ref() }.map_or((0, None), |options| {
        let (options, pool) = options.run();
        (options.num_threads, pool)
    });
    pool.map_or_else(|| Pool::new(threads).map(Arc::new), Ok)
}

/// What the host lends.
///
/// # Safety
/// `io` is null or as documented.
unsafe fn borrowed(io: *const catena_population_io) -> Result<Borrowed, Error> {
    if io.is_null() {
        return Ok((Ok(PopulationIo::default()), Ok(None)));
    }
    // SAFETY: passed on to the caller.
    let (io, (logger, interrupt, communicator)) = unsafe {
        let lent = |io: &catena_population_io| {
            (HostLogger::new(io.logger), HostInterrupt::new(io.interrupt), HostCommunicator::new(io.communicator))
        };
        table_with(io, "io", lent)?
    };
    let progress = io.progress.map(|progress| {
        let user = io.progress_user;
        // SAFETY: the host's function with the host's data, on the calling thread.
        let tell = move |done, total| unsafe { progress(user, done, total) };
        Box::new(tell) as Box<dyn FnMut(usize, usize)>
    });
    let lent = logger.and_then(|logger| {
        Ok(PopulationIo { logger: Box::new(logger), interrupt: Box::new(interrupt?), progress, communicator: None })
    });
    Ok((lent, communicator))
}

/// Frees a population, its traces and then what it borrowed. NULL is fine.
///
/// # Safety
/// `population` is NULL or came from catena_population_new or _load and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_free(population: *mut catena_population) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { let_go(population) }
}
