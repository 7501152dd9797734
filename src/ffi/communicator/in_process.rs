//! Ranks that are threads of one process.

use super::table::{TIMED_OUT, catena_communicator, catena_reduced, catena_reduction};
use crate::drive::InProcess;
use crate::error::Error;
use crate::ffi::boundary::{ask, free, guard, make, object, put};
use crate::ffi::error::{catena_error, catena_status};
use crate::model::{Communicator, CommunicatorError, Numbers, Reduction};
use std::ffi::{c_int, c_void};
use std::time::Duration;

/// Ranks that are threads of this process: for tests, and to try what a program does over several processes. Each has a
/// communicator of its own, for one thread.
pub struct catena_ranks {
    ranks: Vec<InProcess>,
}

/// `size` ranks, at least 1, whose calls wait up to `time_out` seconds for each other. The caller frees them with
/// catena_ranks_free once no run uses them any more.
///
/// # Safety
/// `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_ranks_new(
    size: usize,
    time_out: f64,
    out: *mut *mut catena_ranks,
    error: *mut *mut catena_error,
) -> catena_status {
    let new = || {
        if size == 0 {
            return Err(Error::argument("size", "at least 1", size));
        }
        if time_out.is_nan() || time_out <= 0.0 {
            return Err(Error::argument("time_out", "seconds above 0", time_out));
        }
        crate::room::check("size", &[size, size_of::<InProcess>()], size)?;
        let time_out = Duration::try_from_secs_f64(time_out).unwrap_or(Duration::MAX);
        Ok(catena_ranks { ranks: InProcess::ranks(size, time_out) })
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// The communicator of rank `rank`, from 0, into `*out`. It borrows from `ranks`.
///
/// # Safety
/// `ranks` is NULL or live; `out` and `error` are NULL or point to places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_ranks_communicator(
    ranks: *const catena_ranks,
    rank: usize,
    out: *mut catena_communicator,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointer.
        let all = &unsafe { object(ranks, "ranks", "catena_ranks")? }.ranks;
        let me = all.get(rank);
        let me = me.ok_or_else(|| Error::argument("rank", format!("a number below {}", all.len()), rank))?;
        let table = catena_communicator {
            struct_size: size_of::<catena_communicator>(),
            user: std::ptr::from_ref(me).cast_mut().cast(),
            release: None,
            rank,
            size: all.len(),
            time_out: me.time_out().as_secs_f64(),
            allgatherv: Some(all_gather_v),
            alltoallv: Some(all_to_all_v),
            allgather: Some(all_gather),
            broadcast: Some(broadcast),
            allreduce: Some(all_reduce),
            barrier: Some(barrier),
            missing: Some(missing),
            abort: None,
        };
        // SAFETY: the caller vouches for the place.
        unsafe { put(out, table, "out", "a place for a catena_communicator") }
    })
}

/// Frees ranks. NULL is fine.
///
/// # Safety
/// `ranks` is NULL or came from catena_ranks_new and is not used again, nor are its communicators.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_ranks_free(ranks: *mut catena_ranks) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(ranks) }
}

/// What a callback returns where a panic was caught.
const PANICKED: c_int = -2;

/// An operation of the rank behind `user`.
///
/// # Safety
/// `user` came from catena_ranks_communicator.
unsafe fn on(user: *mut c_void, f: impl FnOnce(&InProcess) -> Result<(), CommunicatorError>) -> c_int {
    // SAFETY: passed on to the caller.
    let outcome = || match f(unsafe { &*user.cast::<InProcess>() }) {
        Ok(()) => 0,
        Err(CommunicatorError::TimedOut) => TIMED_OUT,
        Err(CommunicatorError::Failed(code)) => code,
    };
    ask(PANICKED, outcome)
}

/// An array of the caller's; of an empty one the pointer does not matter.
///
/// # Safety
/// `pointer` points to `length` elements, unless that is 0.
unsafe fn array<'a, T>(pointer: *const T, length: usize) -> &'a [T] {
    // SAFETY: passed on to the caller.
    if length == 0 { &[] } else { unsafe { std::slice::from_raw_parts(pointer, length) } }
}

/// As [`array`], to be written.
///
/// # Safety
/// As [`array`]; nobody else uses the elements.
unsafe fn array_mut<'a, T>(pointer: *mut T, length: usize) -> &'a mut [T] {
    // SAFETY: passed on to the caller.
    if length == 0 { &mut [] } else { unsafe { std::slice::from_raw_parts_mut(pointer, length) } }
}

unsafe extern "C" fn all_gather_v(
    user: *mut c_void,
    mine: *const c_void,
    bytes: *const usize,
    all: *mut c_void,
) -> c_int {
    // SAFETY: the table's words say what the pointers are.
    unsafe {
        on(user, |rank| {
            let lengths = array(bytes, rank.size());
            let mine = array(mine.cast::<u8>(), lengths[rank.rank()]);
            rank.all_gather_v(mine, lengths, array_mut(all.cast(), lengths.iter().sum()))
        })
    }
}

unsafe extern "C" fn all_to_all_v(
    user: *mut c_void,
    send: *const c_void,
    send_bytes: *const usize,
    receive: *mut c_void,
    receive_bytes: *const usize,
) -> c_int {
    // SAFETY: as above.
    unsafe {
        on(user, |rank| {
            let (to, from) = (array(send_bytes, rank.size()), array(receive_bytes, rank.size()));
            let send = array(send.cast::<u8>(), to.iter().sum());
            rank.all_to_all_v(send, to, array_mut(receive.cast(), from.iter().sum()), from)
        })
    }
}

unsafe extern "C" fn all_gather(user: *mut c_void, mine: *const c_void, bytes: usize, all: *mut c_void) -> c_int {
    // SAFETY: as above.
    unsafe { on(user, |rank| rank.all_gather(array(mine.cast(), bytes), array_mut(all.cast(), bytes * rank.size()))) }
}

unsafe extern "C" fn broadcast(user: *mut c_void, root: usize, data: *mut c_void, bytes: usize) -> c_int {
    // SAFETY: as above.
    unsafe { on(user, |rank| rank.broadcast(root, array_mut(data.cast(), bytes))) }
}

unsafe extern "C" fn all_reduce(
    user: *mut c_void,
    reduction: catena_reduction,
    reduced: catena_reduced,
    values: *mut c_void,
    count: usize,
) -> c_int {
    let operation = match reduction {
        catena_reduction::CATENA_REDUCE_SUM => Reduction::Sum,
        catena_reduction::CATENA_REDUCE_MAX => Reduction::Max,
        catena_reduction::CATENA_REDUCE_MIN => Reduction::Min,
    };
    // SAFETY: as above.
    unsafe {
        on(user, |rank| match reduced {
            catena_reduced::CATENA_REDUCED_DOUBLE => {
                rank.all_reduce(operation, Numbers::Doubles(array_mut(values.cast(), count)))
            }
            catena_reduced::CATENA_REDUCED_INT64 => {
                rank.all_reduce(operation, Numbers::Integers(array_mut(values.cast(), count)))
            }
        })
    }
}

unsafe extern "C" fn barrier(user: *mut c_void) -> c_int {
    // SAFETY: as above.
    unsafe { on(user, Communicator::barrier) }
}

unsafe extern "C" fn missing(user: *mut c_void, ranks: *mut usize) -> usize {
    ask(0, || {
        // SAFETY: as above.
        let rank = unsafe { &*user.cast::<InProcess>() };
        let missing = rank.missing();
        // SAFETY: the table's words say that there is room for all ranks.
        unsafe { array_mut(ranks, missing.len()) }.copy_from_slice(&missing);
        missing.len()
    })
}
