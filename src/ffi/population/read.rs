//! What a population is asked.

use super::handle::catena_population;
use super::steps::operation;
use crate::error::Error;
use crate::ffi::boundary::{guard, look, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::services::Which;
use std::ffi::c_void;

/// Which traces are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_which {
    /// The distinguished trace: the first of the first set.
    CATENA_WHICH_DISTINGUISHED = 0,
    /// The first trace of each set.
    CATENA_WHICH_SETS = 1,
    /// All traces, set by set.
    CATENA_WHICH_ALL = 2,
}

fn which(number: i32) -> Result<Which, Error> {
    use catena_which::*;
    match number {
        n if n == CATENA_WHICH_DISTINGUISHED as i32 => Ok(Which::Distinguished),
        n if n == CATENA_WHICH_SETS as i32 => Ok(Which::EachSet),
        n if n == CATENA_WHICH_ALL as i32 => Ok(Which::All),
        n => Err(Error::argument("which", "a catena_which (0, 1 or 2)", n)),
    }
}

/// Writes the value `what` of the traces asked (`which`: a catena_which), `width` numbers each, one after the other into
/// `out`, which has room for `size` numbers: NaN for traces that were lost. By `report` of the table; changes nothing.
///
/// # Safety
/// `population` is NULL or a live population; `out` points to room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_report(
    population: *mut catena_population,
    which: i32,
    what: i64,
    width: usize,
    out: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        let read = self::which(which).and_then(|which| Ok((which, slice_mut(out, size, "out")?)));
        catena_population::with(population, read, |p, (which, out)| p.report(which, what, width, out))
    })
}

/// As catena_population_report, for a value that is drawn, each time anew, by `sample` of the table.
///
/// # Safety
/// `population` is NULL or a live population; `out` points to room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_sample(
    population: *mut catena_population,
    which: i32,
    what: i64,
    width: usize,
    out: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        let read = self::which(which).and_then(|which| Ok((which, slice_mut(out, size, "out")?)));
        catena_population::with(population, read, |p, (which, out)| p.sample(which, what, width, out))
    })
}

/// Does the host's `operation` to every trace, as catena_population_apply, and writes the value `what` of each afterwards,
/// as catena_population_report does for all.
///
/// # Safety
/// `population` is NULL or a live population; `argument` points to `size` bytes; `out` points to room for `room` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_for_each(
    population: *mut catena_population,
    operation: i64,
    argument: *const c_void,
    size: usize,
    what: i64,
    width: usize,
    out: *mut f64,
    room: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        let read = self::operation(operation, argument, size)
            .and_then(|operation| Ok((operation, slice_mut(out, room, "out")?)));
        catena_population::with(population, read, |p, (operation, out)| p.for_each(operation, what, width, out))
    })
}

/// As catena_population_report, of one trace of the set with id `set`.
///
/// # Safety
/// `population` is NULL or a live population; `out` points to room for `width` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_report_trace(
    population: *mut catena_population,
    set: u64,
    trace: usize,
    what: i64,
    width: usize,
    out: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        let out = slice_mut(out, width, "out");
        catena_population::with(population, out, |p, out| p.report(Which::One { set, trace }, what, width, out))
    })
}

/// A trace itself, lent until the next call that changes the population; NULL when there is none (it was lost, it is on another
/// process, or the arguments are wrong).
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_trace(
    population: *const catena_population,
    set: u64,
    trace: usize,
) -> *const c_void {
    // SAFETY: the caller vouches for the pointer.
    let found = unsafe { look(population) }.and_then(|p| Ok(p.trace(set, trace)?.pointer().cast_const()));
    found.unwrap_or(std::ptr::null())
}

/// Number of sets; 0 for NULL.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_num_sets(population: *const catena_population) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(population) }.map_or(0, |p| p.set_ids().len())
}

/// Id of the set at `place`, from 0; 0 past the last.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_set_id(population: *const catena_population, place: usize) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(population) }.ok().and_then(|p| p.set_ids().get(place).copied()).unwrap_or(0)
}

/// Number of traces of the set with id `set`, lost ones included; 0 when it is gone.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_set_size(population: *const catena_population, set: u64) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(population) }.ok().and_then(|p| p.set_size(set).ok()).unwrap_or(0)
}

/// Number of steps since the population was begun; 0 for NULL.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_generation(population: *const catena_population) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(population) }.map_or(0, |p| p.generation())
}

/// Copies of traces that resampling has made since the population was begun; 0 for NULL.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_copies(population: *const catena_population) -> u64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(population) }.map_or(0, |p| p.copies())
}
