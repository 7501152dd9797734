//! Communicators: what an engine of several processes (MPI, or a host's own) lends to runs.

use super::UserData;
use super::boundary::{Table, guard, object, put, table};
use super::error::{catena_error, catena_status};
use crate::drive::share;
use crate::error::Error;
use crate::model::{Communicator, CommunicatorError, Numbers, Reduction};
use std::ffi::{c_int, c_void};
use std::time::Duration;

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

/// Collective operations among the processes (ranks) of an engine that the host has started, such as MPI (catena_mpi.h fills
/// this table). Set `struct_size` to sizeof(catena_communicator).
///
/// All ranks make the same calls in the same order. Each call waits for other ranks at most as long as `time_out` says, which
/// needs operations that don't block inside: one that blocks waits for ever when a rank dies. A call returns 0,
/// CATENA_RANKS_TIMED_OUT, or another number when the engine failed; none is made after one that did not return 0.
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
    /// Required. All ranks' bytes, one rank after the other, into `all`; rank r brings bytes[r].
    pub allgatherv:
        Option<unsafe extern "C" fn(user: *mut c_void, mine: *const c_void, bytes: *const usize, all: *mut c_void) -> c_int>,
    /// Required. Sends send_bytes[r] bytes of `send`, one rank's after the other, to each rank r, and receives receive_bytes[r] from it.
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
    pub broadcast: Option<unsafe extern "C" fn(user: *mut c_void, root: usize, data: *mut c_void, bytes: usize) -> c_int>,
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

/// What a callback of catena_communicator returns where not all ranks came within the time-out.
pub const CATENA_RANKS_TIMED_OUT: c_int = 1;

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_communicator {
    const NAME: &'static str = "catena_communicator";
    const REQUIRED: usize = size_of::<catena_communicator>();
}

/// A host's communicator.
pub struct HostCommunicator {
    table: catena_communicator,
    all_gather_v: unsafe extern "C" fn(*mut c_void, *const c_void, *const usize, *mut c_void) -> c_int,
    all_to_all_v: unsafe extern "C" fn(*mut c_void, *const c_void, *const usize, *mut c_void, *const usize) -> c_int,
    time_out: Duration,
    data: UserData,
}

// SAFETY: the header says that one thread at a time calls, which is what a run promises.
unsafe impl Send for HostCommunicator {}
// SAFETY: as above.
unsafe impl Sync for HostCommunicator {}

impl HostCommunicator {
    /// None for NULL.
    ///
    /// # Safety
    /// `communicator` is null or points to a table as documented.
    pub unsafe fn new(communicator: *const catena_communicator) -> Result<Option<Self>, Error> {
        if communicator.is_null() {
            return Ok(None);
        }
        // SAFETY: passed on to the caller.
        let t = unsafe { table(communicator, "communicator")? };
        let data = UserData { user: t.user, release: t.release };
        let (all_gather_v, all_to_all_v) = (given("allgatherv", t.allgatherv)?, given("alltoallv", t.alltoallv)?);
        if t.rank >= t.size {
            let expected = format!("a rank below the size, {}", t.size);
            return Err(Error::argument("communicator.rank", expected, t.rank));
        }
        if t.time_out.is_nan() || t.time_out <= 0.0 {
            return Err(Error::argument("communicator.time_out", "seconds above 0", t.time_out));
        }
        let time_out = Duration::try_from_secs_f64(t.time_out).unwrap_or(Duration::MAX);
        Ok(Some(Self { table: t, all_gather_v, all_to_all_v, time_out, data }))
    }
}

fn given<F>(name: &str, function: Option<F>) -> Result<F, Error> {
    function.ok_or_else(|| Error::argument(format!("communicator.{name}"), "a function", "NULL"))
}

fn outcome(code: c_int) -> Result<(), CommunicatorError> {
    match code {
        0 => Ok(()),
        CATENA_RANKS_TIMED_OUT => Err(CommunicatorError::TimedOut),
        code => Err(CommunicatorError::Failed(code)),
    }
}

/// What a communicator makes of an operation that the host's table leaves out.
struct Derived<'a>(&'a HostCommunicator);

impl Communicator for Derived<'_> {
    fn rank(&self) -> usize {
        self.0.rank()
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn time_out(&self) -> Duration {
        self.0.time_out()
    }

    fn all_gather_v(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]) -> Result<(), CommunicatorError> {
        self.0.all_gather_v(mine, lengths, all)
    }

    fn all_to_all_v(
        &self,
        send: &[u8],
        to: &[usize],
        receive: &mut [u8],
        from: &[usize],
    ) -> Result<(), CommunicatorError> {
        self.0.all_to_all_v(send, to, receive, from)
    }
}

impl Communicator for HostCommunicator {
    fn rank(&self) -> usize {
        self.table.rank
    }

    fn size(&self) -> usize {
        self.table.size
    }

    fn time_out(&self) -> Duration {
        self.time_out
    }

    fn all_gather_v(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]) -> Result<(), CommunicatorError> {
        debug_assert_eq!(lengths.iter().sum::<usize>(), all.len());
        // SAFETY: the host's function with the host's data; the lengths are one per rank and fit both arrays.
        outcome(unsafe {
            (self.all_gather_v)(self.data.user, mine.as_ptr().cast(), lengths.as_ptr(), all.as_mut_ptr().cast())
        })
    }

    fn all_to_all_v(
        &self,
        send: &[u8],
        send_lengths: &[usize],
        receive: &mut [u8],
        receive_lengths: &[usize],
    ) -> Result<(), CommunicatorError> {
        let (user, to, from) = (self.data.user, send_lengths.as_ptr(), receive_lengths.as_ptr());
        // SAFETY: as above.
        outcome(unsafe { (self.all_to_all_v)(user, send.as_ptr().cast(), to, receive.as_mut_ptr().cast(), from) })
    }

    fn all_gather(&self, mine: &[u8], all: &mut [u8]) -> Result<(), CommunicatorError> {
        let Some(f) = self.table.allgather else { return Derived(self).all_gather(mine, all) };
        // SAFETY: as above; `all` has room for what all bring.
        outcome(unsafe { f(self.data.user, mine.as_ptr().cast(), mine.len(), all.as_mut_ptr().cast()) })
    }

    fn broadcast(&self, root: usize, data: &mut [u8]) -> Result<(), CommunicatorError> {
        let Some(f) = self.table.broadcast else { return Derived(self).broadcast(root, data) };
        // SAFETY: as above.
        outcome(unsafe { f(self.data.user, root, data.as_mut_ptr().cast(), data.len()) })
    }

    fn all_reduce(&self, operation: Reduction, numbers: Numbers<'_>) -> Result<(), CommunicatorError> {
        let Some(f) = self.table.allreduce else { return Derived(self).all_reduce(operation, numbers) };
        let operation = match operation {
            Reduction::Sum => catena_reduction::CATENA_REDUCE_SUM,
            Reduction::Max => catena_reduction::CATENA_REDUCE_MAX,
            Reduction::Min => catena_reduction::CATENA_REDUCE_MIN,
        };
        let (reduced, values, count): (_, *mut c_void, _) = match numbers {
            Numbers::Doubles(x) => (catena_reduced::CATENA_REDUCED_DOUBLE, x.as_mut_ptr().cast(), x.len()),
            Numbers::Integers(x) => (catena_reduced::CATENA_REDUCED_INT64, x.as_mut_ptr().cast(), x.len()),
        };
        // SAFETY: as above; the array is one of `count` numbers of that kind.
        outcome(unsafe { f(self.data.user, operation, reduced, values, count) })
    }

    fn barrier(&self) -> Result<(), CommunicatorError> {
        let Some(f) = self.table.barrier else { return Derived(self).barrier() };
        // SAFETY: as above.
        outcome(unsafe { f(self.data.user) })
    }

    fn missing(&self) -> Vec<usize> {
        let Some(f) = self.table.missing else { return Vec::new() };
        let mut ranks = vec![0; self.size()];
        // SAFETY: as above; the array has room for all ranks.
        let count = unsafe { f(self.data.user, ranks.as_mut_ptr()) };
        ranks.truncate(count);
        ranks.retain(|rank| *rank < self.size());
        ranks
    }

    fn abort(&self, status: i32) {
        if let Some(f) = self.table.abort {
            // SAFETY: as above.
            unsafe { f(self.data.user, status) }
        }
    }
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
            object(communicator, "communicator", "a catena_communicator")?;
            let t = table(communicator, "communicator")?;
            if t.rank >= t.size {
                let expected = format!("a rank below the size, {}", t.size);
                return Err(Error::argument("communicator.rank", expected, t.rank));
            }
            let own = share(total, t.rank, t.size);
            put(first, own.start, "first", "a place for a number")?;
            put(count, own.len(), "count", "a place for a number")
        }
    })
}
