//! A host's communicator as a run has it.

use super::table::{TIMED_OUT, catena_communicator, catena_reduced, catena_reduction, check_rank};
use crate::error::Error;
use crate::ffi::UserData;
use crate::ffi::boundary::table;
use crate::model::{Communicator, CommunicatorError, Numbers, Reduction};
use std::ffi::{c_int, c_void};
use std::time::Duration;

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
        check_rank(&t)?;
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
        TIMED_OUT => Err(CommunicatorError::TimedOut),
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
