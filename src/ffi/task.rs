//! What a model's callbacks get besides their arguments.

use super::boundary::{ask, slice_mut, text};
use super::model::Worker;
use crate::model::{Level, Refusal, Task};
use std::any::Any;
use std::ffi::{c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ops::Range;

/// What a model's callback is called for. Valid only inside the callback that got it and only on its thread.
pub struct catena_task {
    _opaque: PhantomData<Task<'static>>,
}

/// The task behind the pointer that `hand` made.
///
/// # Safety
/// The pointer came from [`hand`] and its callback has not returned.
pub(super) unsafe fn task<'a>(task: *mut catena_task) -> Option<&'a mut Task<'a>> {
    // SAFETY: `hand` made the pointer from a Task; passed on to the caller.
    unsafe { task.cast::<Task<'a>>().as_mut() }
}

/// The pointer a callback gets.
pub(super) fn hand(task: &mut Task<'_>) -> *mut catena_task {
    std::ptr::from_mut(task).cast()
}

/// What a callback's return code means: 0 is done, above 0 rejects the point, below 0 stops.
pub(super) fn outcome(code: c_int) -> Result<(), Refusal> {
    match code {
        0 => Ok(()),
        1.. => Err(Refusal::Reject),
        _ => Err(Refusal::Stop),
    }
}

/// Id of the chain (or of the set of traces) the callback is called for, at least 1; 0 where that is no one chain (a batch in a run, or
/// catena_model_log_density) and for NULL.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_chain_id(task: *const catena_task) -> u64 {
    // SAFETY: the caller vouches for the pointer; it is only read.
    unsafe { self::task(task.cast_mut()) }.map_or(0, |t| t.chain_id())
}

/// The number in its set, from 0, of the trace or particle the callback is called for; -1 where that is none, and for
/// NULL.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_particle(task: *const catena_task) -> i64 {
    // SAFETY: the caller vouches for the pointer; it is only read.
    let particle = unsafe { self::task(task.cast_mut()) }.and_then(|t| t.particle());
    particle.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1)
}

/// 64 random bits from the stream of this callback's purpose. Outputs, initial values and evaluations have streams of
/// their own, so drawing here never changes the sampler's draws. 0 for NULL.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_bits(task: *mut catena_task) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    ask(0, || unsafe { self::task(task) }.map_or(0, |t| t.random().bits()))
}

/// A random number uniform on [0, 1), from the stream of catena_task_bits. NaN for NULL.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_uniform(task: *mut catena_task) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    ask(f64::NAN, || unsafe { self::task(task) }.map_or(f64::NAN, |t| t.random().uniform()))
}

/// A standard normal random number, from the stream of catena_task_bits. NaN for NULL.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_normal(task: *mut catena_task) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    ask(f64::NAN, || unsafe { self::task(task) }.map_or(f64::NAN, |t| t.random().normal()))
}

/// An exponential random number of mean 1, from the stream of catena_task_bits. NaN for NULL.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_exponential(task: *mut catena_task) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    ask(f64::NAN, || unsafe { self::task(task) }.map_or(f64::NAN, |t| t.random().exponential()))
}

/// Fills `values` with `size` standard normals. In a callback of catena_state_space that covers n particles, `size` is a
/// multiple of n and `values` is columns of n numbers, one number per particle in each, which depend on seed, set, particle
/// and time alone; about 1 ns each. Elsewhere they are drawn one by one, as by catena_task_normal. Returns 0, or -1 (with a
/// message attached) when `size` is no such multiple or a pointer is NULL; the callback may return what this returns.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_normals(task: *mut catena_task, size: usize, values: *mut f64) -> c_int {
    // SAFETY: passed on to the caller.
    unsafe { fill(task, size, values, |task, values| task.fill_normals(values)) }
}

/// As catena_task_normals, uniform on (0, 1), neither end included.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_uniforms(task: *mut catena_task, size: usize, values: *mut f64) -> c_int {
    // SAFETY: passed on to the caller.
    unsafe { fill(task, size, values, |task, values| task.fill_uniforms(values)) }
}

/// Has `by` fill the host's array.
///
/// # Safety
/// As for [`catena_task_normals`].
unsafe fn fill(
    task: *mut catena_task,
    size: usize,
    values: *mut f64,
    by: impl FnOnce(&mut Task<'_>, &mut [f64]) -> Result<(), Refusal>,
) -> c_int {
    const STOP: c_int = -1;
    ask(STOP, || {
        // SAFETY: passed on to the caller.
        let Some(task) = (unsafe { self::task(task) }) else { return STOP };
        // SAFETY: passed on to the caller.
        let filled = unsafe { slice_mut(values, size, "values") }
            .map_err(|e| task.stop(&e.to_string()))
            .and_then(|values| by(task, values));
        if filled.is_ok() { 0 } else { STOP }
    })
}

/// Attaches a message (copied) that is reported when the callback returns a code other than 0. Ignored for NULL.
///
/// # Safety
/// `task` is NULL or the task of the callback that is running; `message` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_message(task: *mut catena_task, message: *const c_char) {
    ask((), || {
        // SAFETY: the caller vouches for both pointers.
        if let (Some(task), Ok(message)) = unsafe { (self::task(task), text(message, "message")) } {
            task.set_message(message);
        }
    });
}

/// Logs `line` (copied; several lines are logged one by one) with the id of the chain the callback is called for (-1 for
/// no one chain), to the logger of the run. `level` is a catena_level; a number beyond its range counts as the nearest.
/// Ignored for NULL and outside a run (catena_model_log_density).
///
/// # Safety
/// `task` is NULL or the task of the callback that is running; `line` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_log(task: *mut catena_task, level: i32, line: *const c_char) {
    let level = match level {
        ..=0 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warning,
        3.. => Level::Error,
    };
    ask((), || {
        // SAFETY: the caller vouches for both pointers.
        if let (Some(task), Ok(line)) = unsafe { (self::task(task), text(line, "line")) } {
            task.log(level, line);
        }
    });
}

/// One piece of a sum: *sets* partial[0..width), zeros on entry, to the sum of terms begin to end - 1. Called from any
/// thread of the pool, concurrently, each call with a worker of its own that no other call uses at the same time. Returns
/// 0, above 0 (reject) or below 0 (stop), as evaluation callbacks do.
pub type catena_piece = Option<
    unsafe extern "C" fn(data: *mut c_void, worker: *mut c_void, begin: usize, end: usize, partial: *mut f64) -> c_int,
>;

/// The host's pointer, to be used from several threads at once.
struct Shared(*mut c_void);

// SAFETY: the header says that pieces run concurrently and share `data`.
unsafe impl Sync for Shared {}

impl Shared {
    fn get(&self) -> *mut c_void {
        self.0
    }
}

/// A parallel sum inside the model, on the pool the chains run on: threads that have no chain to run help. `terms` terms
/// are cut into pieces of `grain` terms (the last may be shorter; 0 counts as 1); each piece is summed by `piece` and the
/// pieces are added in their order, so the result depends on the grain but not on the number of threads.
///
/// `sums` receives `width` numbers. `data` is passed through to `piece`. Returns 0, or 1 (reject) or -1 (stop) when a
/// piece returned such a code (the first in order decides) or an argument is NULL (-1, with a message attached).
///
/// # Safety
/// `task` is the task of the callback that is running; `sums` has room for `width` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_task_reduce(
    task: *mut catena_task,
    terms: usize,
    grain: usize,
    width: usize,
    piece: catena_piece,
    data: *mut c_void,
    sums: *mut f64,
) -> c_int {
    const STOP: c_int = -1;
    const REJECT: c_int = 1;
    // SAFETY: the caller vouches for the pointer.
    let Some(task) = (unsafe { self::task(task) }) else { return STOP };
    let (Some(piece), false) = (piece, sums.is_null() && width > 0) else {
        task.set_message("catena_task_reduce: expected a piece function and a place for the sums, got NULL");
        return STOP;
    };
    let data = Shared(data);
    let run = |worker: &mut dyn Any, range: Range<usize>, partial: &mut [f64]| {
        let worker = worker.downcast_mut::<Worker>().map_or(std::ptr::null_mut(), |w| w.pointer());
        // SAFETY: the host's function with the host's data; `partial` has room for `width` numbers.
        outcome(unsafe { piece(data.get(), worker, range.start, range.end, partial.as_mut_ptr()) })
    };
    let sums = if width == 0 {
        &mut []
    } else {
        // SAFETY: the caller vouches for room for `width` numbers.
        unsafe { std::slice::from_raw_parts_mut(sums, width) }
    };
    match crate::drive::quiet::catch(|| task.reduce(terms, grain, &run, sums)) {
        Ok(Ok(())) => 0,
        Ok(Err(Refusal::Reject)) => REJECT,
        Ok(Err(Refusal::Stop)) => STOP,
        Err(message) => {
            task.set_message(&message);
            STOP
        }
    }
}
