//! The table that an engine of several processes fills.

use crate::drive::share;
use crate::error::Error;
use crate::ffi::boundary::{Table, guard, put, table};
use crate::ffi::error::{catena_error, catena_status};
use std::ffi::{c_int, c_void};

/// What a reduction makes of the numbers of all ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_reduction {
    /// Their sum, added from rank 0 on, so that its bits never change.
    CATENA_REDUCE_SUM = 0,
    /// The largest.
    CATENA_REDUCE_MAX = 1,
    /// The smallest.
    CATENA_REDUCE_MIN = 2,
}

/// What numbers are reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_reduced {
    /// double
    CATENA_REDUCED_DOUBLE = 0,
    /// int64_t
    CATENA_REDUCED_INT64 = 1,
}

/// What a callback of catena_communicator returns; other numbers say that the engine failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_ranks_outcome {
    /// Done.
    CATENA_RANKS_DONE = 0,
    /// Not all ranks came within the time-out.
    CATENA_RANKS_TIMED_OUT = 1,
}

pub(super) const TIMED_OUT: c_int = catena_ranks_outcome::CATENA_RANKS_TIMED_OUT as c_int;

/// Collective operations among the processes (ranks) of an engine that the host has started, such as MPI (catena_mpi.h fills
/// this table). Set `struct_size` to sizeof(catena_communicator).
///
/// All ranks make the same calls in the same order. Each call waits for other ranks at most as long as `time_out` says, which
/// needs operations that don't block inside: one that blocks waits for ever when a rank dies. A call returns a
/// catena_ranks_outcome, or another number when the engine failed; none is made after one that did not return CATENA_RANKS_DONE.
///
/// Threads: called by one thread at a time: that which called into the library, or, for a run that catena_run_start made of a
/// model that may be called from any thread, the run's own thread. It calls about 20 times a second while chains run, so that an engine which
/// needs calls to make progress has them; with a model of CATENA_THREADS_CALLER an evaluation must be shorter than `time_out`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_communicator {
    /// sizeof(catena_communicator) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` when the run that borrowed the table ends, or by the call that was given it where that call is
    /// refused; NULL for a communicator that serves several calls.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// This process's number, below `size`.
    pub rank: usize,
    /// Number of processes, at least 1.
    pub size: usize,
    /// Seconds that a call waits for other ranks, above 0.
    pub time_out: f64,
    /// Required. All ranks' bytes, one rank after the other, into `all`; rank r brings `bytes[r]`.
    pub allgatherv: Option<
        unsafe extern "C" fn(user: *mut c_void, mine: *const c_void, bytes: *const usize, all: *mut c_void) -> c_int,
    >,
    /// Required. Sends `send_bytes[r]` bytes of `send`, one rank's after the other, to each rank r, and receives `receive_bytes[r]` from it.
    pub alltoallv: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            send: *const c_void,
            send_bytes: *const usize,
            receive: *mut c_void,
            receive_bytes: *const usize,
        ) -> c_int,
    >,
    /// As `allgatherv`, where every rank brings `bytes`. NULL: done by `allgatherv`.
    pub allgather:
        Option<unsafe extern "C" fn(user: *mut c_void, mine: *const c_void, bytes: usize, all: *mut c_void) -> c_int>,
    /// The `root`'s bytes into `data` of all. NULL: done by `allgatherv`.
    pub broadcast:
        Option<unsafe extern "C" fn(user: *mut c_void, root: usize, data: *mut c_void, bytes: usize) -> c_int>,
    /// Reduces each of `count` numbers over all ranks, in place. NULL: done by `allgather`.
    pub allreduce: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            reduction: catena_reduction,
            reduced: catena_reduced,
            values: *mut c_void,
            count: usize,
        ) -> c_int,
    >,
    /// Returns when all ranks have come. NULL: done by `allgather`.
    pub barrier: Option<unsafe extern "C" fn(user: *mut c_void) -> c_int>,
    /// After CATENA_RANKS_TIMED_OUT: writes the ranks that did not come, as far as is known, to `ranks`, which has room for
    /// `size`, and returns how many they are. NULL: nobody knows.
    pub missing: Option<unsafe extern "C" fn(user: *mut c_void, ranks: *mut usize) -> usize>,
    /// Ends the processes of all ranks with this exit status. NULL: the engine cannot.
    pub abort: Option<unsafe extern "C" fn(user: *mut c_void, status: c_int)>,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_communicator {
    const NAME: &'static str = "catena_communicator";
    const REQUIRED: usize = size_of::<catena_communicator>();
}

/// Which of `total` chains (or whatever a run is spread by) are this process's: `*count` of them from number `*first` on,
/// counted from 0. Blocks follow each other in the order of the ranks, and differ by one at most.
///
/// # Safety
/// `communicator` is NULL or points to a table as documented; `first`, `count` and `error` are NULL or point to places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_communicator_share(
    communicator: *const catena_communicator,
    total: usize,
    first: *mut usize,
    count: *mut usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let t = table(communicator, "communicator")?;
            check_rank(&t)?;
            let own = share(total, t.rank, t.size);
            put(first, own.start, "first", "a place for a number")?;
            put(count, own.len(), "count", "a place for a number")
        }
    })
}

/// Ranks are counted from 0.
pub(super) fn check_rank(t: &catena_communicator) -> Result<(), Error> {
    if t.rank < t.size {
        return Ok(());
    }
    Err(Error::argument("communicator.rank", format!("a rank below the size, {}", t.size), t.rank))
}
