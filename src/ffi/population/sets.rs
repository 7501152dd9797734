//! The number of sets.

use super::handle::catena_population;
use crate::ffi::boundary::{change, guard, put, slice};
use crate::ffi::error::{catena_error, catena_status};

/// Drops everything and begins anew: `n_sets` sets of `n_particles` traces each, from the prior, of weight 1, with ids from
/// init_set_id on and an empty history. With the same seed they are the same again; catena_population_set_seed.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_reinitialize(
    population: *mut catena_population,
    n_sets: usize,
    n_particles: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    guard(error, || unsafe { change(population)?.reinitialize(n_sets, n_particles) })
}

/// Seed of all random streams from the next call on.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_set_seed(
    population: *mut catena_population,
    seed: u64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    guard(error, || unsafe {
        change(population)?.set_seed(seed);
        Ok(())
    })
}

/// Makes `count` more sets by doing to them what was done to the others since the population was begun; those are left
/// alone. A grown set is bit for bit what a population begun with more sets would have there. The id of the first goes to
/// `*first_id`, unless that is NULL. Refused, with words, when the history was cleared or has something that was done to some
/// sets or traces only.
///
/// # Safety
/// `population` is NULL or a live population; `first_id` is NULL or points to a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_grow_iid(
    population: *mut catena_population,
    count: usize,
    first_id: *mut u64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        let first = change(population)?.grow_iid(count)?;
        if first_id.is_null() { Ok(()) } else { put(first_id, first, "first_id", "a number") }
    })
}

/// Drops the last `count` sets; at least one stays.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_drop_iid(
    population: *mut catena_population,
    count: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    guard(error, || unsafe { change(population)?.drop_last(count) })
}

/// Drops the sets with these ids; at least one stays. Ids are not used again.
///
/// # Safety
/// `population` is NULL or a live population; `ids` points to `num_ids` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_drop_ids(
    population: *mut catena_population,
    ids: *const u64,
    num_ids: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    guard(error, || unsafe {
        catena_population::with(population, slice(ids, num_ids, "ids"), |p, ids| p.drop_ids(ids))
    })
}

/// Forgets what was done so far, with the memory it takes. No set can be grown until the population is begun anew.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_clear_history(
    population: *mut catena_population,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointer.
    guard(error, || unsafe {
        change(population)?.clear_history();
        Ok(())
    })
}
