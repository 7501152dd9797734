//! The tables that a host fills for its traces, and for what a population borrows.

use super::sinks::{catena_bytes, catena_family};
use crate::ffi::boundary::Table;
use crate::ffi::communicator::catena_communicator;
use crate::ffi::task::catena_task;
use crate::ffi::watch::{catena_interrupt, catena_logger};
use std::ffi::{c_int, c_void};

/// Traces: opaque values of the host that a population moves, and what can be done with them.
///
/// Set `struct_size` to sizeof(catena_traces) and everything you don't provide to zero. The table is copied by
/// catena_population_new; `user` must live until `release` is called.
///
/// Threads: callbacks are called from any thread of the pool, several at once with the same `user`, unless `threading`
/// says otherwise. One thread at a time has a trace as `void *`; several may have one as `const void *`.
///
/// Callbacks return 0 (done), above 0 (the trace is impossible: weight zero; a failure where there is no weight) or below
/// 0 (failed). Attach a reason with catena_task_message. Random numbers come from the task: each trace has a stream of its
/// own for each operation, a function of the seed, the id of the set (catena_task_chain_id), the number of the trace
/// (catena_task_particle) and the number of operations before. They must not throw or longjmp out.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_traces {
    /// sizeof(catena_traces) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` when the population is freed, after its traces; may be NULL.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// A catena_threading: from which threads the callbacks may be called. CATENA_THREADS_CALLER (R, Julia before 1.9):
    /// only from the thread that called into the library, with the same results.
    pub threading: i32,
    /// A trace drawn from the prior. Required.
    pub create:
        Option<unsafe extern "C" fn(user: *mut c_void, task: *mut catena_task, trace: *mut *mut c_void) -> c_int>,
    /// Frees a trace. Required.
    pub free: Option<unsafe extern "C" fn(user: *mut c_void, trace: *mut c_void)>,
    /// A trace that is as `trace` and independent of it; draws no random numbers. Without it nothing can be resampled that
    /// needs copies, and operations that fail cannot leave the population as it was (option on_trace_failure).
    pub copy: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *const c_void,
            task: *mut catena_task,
            copy: *mut *mut c_void,
        ) -> c_int,
    >,
    /// Does one of the host's own operations (define, observe, infer, forget, ...) with its `argument` of `size` bytes;
    /// `*log_increment`, 0 on entry, receives the increment of the trace's log weight, below infinity. Required.
    pub apply: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *mut c_void,
            operation: i64,
            argument: *const c_void,
            size: usize,
            task: *mut catena_task,
            log_increment: *mut f64,
        ) -> c_int,
    >,
    /// Makes the trace consistent with its observations; as `apply`. For catena_population_incorporate.
    pub incorporate: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *mut c_void,
            task: *mut catena_task,
            log_increment: *mut f64,
        ) -> c_int,
    >,
    /// Draws the trace anew from the prior. NULL: it is freed, and another one created.
    pub reset_to_prior:
        Option<unsafe extern "C" fn(user: *mut c_void, trace: *mut c_void, task: *mut catena_task) -> c_int>,
    /// The log of the trace's likelihood weight. For catena_population_likelihood_weight.
    pub weigh: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *mut c_void,
            task: *mut catena_task,
            log_weight: *mut f64,
        ) -> c_int,
    >,
    /// Writes the value `what` of a trace as `width` numbers. For catena_population_report.
    pub report: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *const c_void,
            what: i64,
            task: *mut catena_task,
            width: usize,
            out: *mut f64,
        ) -> c_int,
    >,
    /// As `report`, for a value that is drawn. NULL: `report` serves.
    pub sample: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *const c_void,
            what: i64,
            task: *mut catena_task,
            width: usize,
            out: *mut f64,
        ) -> c_int,
    >,
    /// Gives the traces that `trace` becomes to `family`, by catena_family_add. For catena_population_diversify.
    pub diversify: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *const c_void,
            operation: i64,
            argument: *const c_void,
            size: usize,
            task: *mut catena_task,
            family: *mut catena_family,
        ) -> c_int,
    >,
    /// Writes the two words of a hash of what traces that merge in `scope` have in common. For catena_population_collapse.
    pub fingerprint: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *const c_void,
            scope: i64,
            task: *mut catena_task,
            words: *mut u64,
        ) -> c_int,
    >,
    /// Writes a trace's bytes by catena_bytes_write. With `deserialize` for catena_population_save and _load.
    pub serialize: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            trace: *const c_void,
            task: *mut catena_task,
            out: *mut catena_bytes,
        ) -> c_int,
    >,
    /// The trace of bytes that `serialize` wrote.
    pub deserialize: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            bytes: *const c_void,
            size: usize,
            task: *mut catena_task,
            trace: *mut *mut c_void,
        ) -> c_int,
    >,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_traces {
    const NAME: &'static str = "catena_traces";
    const REQUIRED: usize = std::mem::offset_of!(catena_traces, incorporate);
}

/// How processes share a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_spread {
    /// By whole sets: a new set goes to the process that has fewest, and its traces never move.
    CATENA_SPREAD_SETS = 0,
    /// By traces: each process has an equal part of every set. When sets are resampled, or traces become several or merge, those traces
    /// move for which there is no room where they are: `serialize` and `deserialize` of catena_traces are required.
    CATENA_SPREAD_TRACES = 1,
}

/// What a population borrows as long as it lives. Set `struct_size` to sizeof(catena_population_io) and everything you
/// don't provide to zero.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_population_io {
    /// sizeof(catena_population_io) of the header the program was compiled with.
    pub struct_size: usize,
    /// Gets warnings (traces that were lost) and what callbacks log; NULL: silence.
    pub logger: *const catena_logger,
    /// Asked every few milliseconds, on the calling thread, whether to end the call under way; NULL: never.
    pub interrupt: *const catena_interrupt,
    /// Passed to `progress`.
    pub progress_user: *mut c_void,
    /// Told every few milliseconds, on the calling thread, how many of `total` traces the call under way has done; may be
    /// NULL.
    pub progress: Option<unsafe extern "C" fn(progress_user: *mut c_void, done: usize, total: usize)>,
    /// The processes that share the population, as `spread` says. All have the same options and make every call that takes the
    /// population without `const` with the same arguments (freeing it aside); what fails on one fails on all. Each works on its own
    /// traces, and all know the weights of all: calls that take it with `const` ask nobody. The results are the bits of one process.
    /// NULL: there is no other process.
    pub communicator: *const catena_communicator,
    /// A catena_spread: what each process has.
    pub spread: i32,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_population_io {
    const NAME: &'static str = "catena_population_io";
    const REQUIRED: usize = size_of::<usize>();
}
