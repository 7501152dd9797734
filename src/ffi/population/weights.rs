//! Weights, evidence, and who descends from whom.

use super::handle::catena_population;
use super::host::Host;
use crate::error::Error;
use crate::ffi::boundary::{guard, look, put, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::particles::Genealogy;
use crate::services::Population;

/// How weights are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_weights {
    /// Their logs, as they are.
    CATENA_WEIGHTS_LOG = 0,
    /// So that those of the set sum to 1; zeros when all are zero.
    CATENA_WEIGHTS_NORMALIZED = 1,
}

/// Writes the weights of the set with id `set`, in the way that `kind` (a catena_weights) says, to `out`, which has room for
/// `size` numbers: as many as it has traces.
///
/// # Safety
/// `population` is NULL or a live population; `out` points to room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_weights(
    population: *const catena_population,
    set: u64,
    kind: i32,
    out: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (p, out) = unsafe { (look(population)?, slice_mut(out, size, "out")?) };
        let weights = match kind {
            n if n == catena_weights::CATENA_WEIGHTS_LOG as i32 => p.log_weights(set)?.to_vec(),
            n if n == catena_weights::CATENA_WEIGHTS_NORMALIZED as i32 => p.normalized_weights(set)?,
            n => return Err(Error::argument("kind", "a catena_weights (0 or 1)", n)),
        };
        copy(&weights, out)
    })
}

/// Writes the weights of all traces, set by set, so that they sum to 1 together; `out` has room for `size` numbers, one per
/// trace. Each set counts with its evidence.
///
/// # Safety
/// `population` is NULL or a live population; `out` points to room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_pooled_weights(
    population: *const catena_population,
    out: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (p, out) = unsafe { (look(population)?, slice_mut(out, size, "out")?) };
        copy(&p.pooled_weights(), out)
    })
}

fn copy(numbers: &[f64], out: &mut [f64]) -> Result<(), Error> {
    if numbers.len() != out.len() {
        return Err(Error::argument("size", format!("room for {} numbers", numbers.len()), out.len()));
    }
    out.copy_from_slice(numbers);
    Ok(())
}

/// Effective sample size of the set with id `set`, (sum w)^2 / sum w^2; 0 when all weights are zero, NaN when it is gone.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_ess(population: *const catena_population, set: u64) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { look(population) }.ok().and_then(|p| p.ess(set).ok()).unwrap_or(f64::NAN)
}

/// Log evidence of the set with id `set`: the log of its mean weight, counted from where the population was begun or its
/// weights were set. -inf when all weights are zero, NaN when the set is gone.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_log_evidence(population: *const catena_population, set: u64) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    let found = unsafe { look(population) }.ok().and_then(|p| p.log_evidence(set).ok());
    found.unwrap_or(f64::NAN)
}

/// Log evidence of all sets together: the log of the mean of theirs, which is as unbiased as they are. Its standard error
/// across the independent sets (by the delta method) goes to `*standard_error`, unless that is NULL; NaN for one set. NaN for
/// NULL.
///
/// # Safety
/// `population` is NULL or a live population; `standard_error` is NULL or points to a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_pooled_log_evidence(
    population: *const catena_population,
    standard_error: *mut f64,
) -> f64 {
    // SAFETY: the caller vouches for the pointers.
    let (population, place) = unsafe { (look(population).ok(), standard_error.as_mut()) };
    let (estimate, error) = population.map_or((f64::NAN, f64::NAN), |p| {
        let evidence = p.evidence();
        (evidence.log_estimate, evidence.standard_error)
    });
    if let Some(place) = place {
        *place = error;
    }
    estimate
}

/// How many different ancestors the traces of a set have in each generation (resampling, traces made several or merged),
/// from the founders to the last, into `out`, which has room for `size` numbers; their number goes to `*count`, unless that
/// is NULL. With `out` NULL only the count is told. Needs the option genealogy.
///
/// # Safety
/// `population` is NULL or a live population; `out` is NULL or points to room for `size` numbers; `count` is NULL or points to
/// a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_distinct_ancestors(
    population: *const catena_population,
    set: u64,
    out: *mut usize,
    size: usize,
    count: *mut usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let p = look(population)?;
            let counts = genealogy(&p, set)?.distinct_ancestors();
            if !count.is_null() {
                put(count, counts.len(), "count", "a number")?;
            }
            if out.is_null() {
                return Ok(());
            }
            if size < counts.len() {
                return Err(Error::argument("size", format!("room for {} numbers", counts.len()), size));
            }
            slice_mut(out, counts.len(), "out")?.copy_from_slice(&counts);
            Ok(())
        }
    })
}

/// The number of each trace's ancestor in generation `generation` (0: the founders), into `out`, which has room for `size`
/// numbers: as many as the set has traces. Needs the option genealogy.
///
/// # Safety
/// `population` is NULL or a live population; `out` points to room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_ancestors(
    population: *const catena_population,
    set: u64,
    generation: usize,
    out: *mut u32,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (p, out) = unsafe { (look(population)?, slice_mut(out, size, "out")?) };
        let genealogy = genealogy(&p, set)?;
        if generation > genealogy.generations() {
            return Err(Error::argument("generation", format!("0 to {}", genealogy.generations()), generation));
        }
        let ancestors = genealogy.ancestors(generation);
        if ancestors.len() != out.len() {
            return Err(Error::argument("size", format!("room for {} numbers", ancestors.len()), out.len()));
        }
        out.copy_from_slice(&ancestors);
        Ok(())
    })
}

/// How many generations back all traces of a set have one ancestor; -1 when even the founders of their lines differ, when the
/// set is gone and without the option genealogy.
///
/// # Safety
/// `population` is NULL or a live population.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_population_coalescence(population: *const catena_population, set: u64) -> i64 {
    // SAFETY: the caller vouches for the pointer.
    let found = unsafe { look(population) }.ok().and_then(|p| genealogy(&p, set).ok()?.coalescence());
    found.and_then(|generations| i64::try_from(generations).ok()).unwrap_or(-1)
}

fn genealogy(population: &Population<Host>, set: u64) -> Result<&Genealogy, Error> {
    let kept = population.genealogy(set)?;
    kept.ok_or_else(|| {
        Error::argument("genealogy", "the option set before the population was made", "a population without")
    })
}
