//! Engines other than NUTS: static HMC and fixed parameters.

use super::boundary::guard;
use super::error::{catena_error, catena_status};
use super::model::{catena_model, name_at};
use super::options::catena_options;
use super::result::catena_result;
use super::sample::{catena_io, run};
use crate::error::Error;
use crate::services::{Engine, SampleOptions};
use std::ffi::c_char;

/// What moves a chain from one draw to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_engine {
    /// The no-U-turn sampler. Columns: lp__, accept_stat__, stepsize__, treedepth__, n_leapfrog__, divergent__, energy__.
    CATENA_ENGINE_NUTS = 0,
    /// Static Hamiltonian Monte Carlo. Columns: lp__, accept_stat__, stepsize__, int_time__, energy__.
    CATENA_ENGINE_STATIC = 1,
    /// The position stays the initial one; the outputs are drawn anew. Columns: lp__, accept_stat__, both 0.
    CATENA_ENGINE_FIXED_PARAM = 2,
}

/// All engines, in the order of their numbers; options of their own are at their defaults.
pub(super) const ENGINES: [Engine; 3] =
    [Engine::Nuts, Engine::Static { int_time: std::f64::consts::TAU }, Engine::FixedParam];

/// An engine's number, which is its place among [`ENGINES`].
pub(super) fn number(engine: Engine) -> usize {
    let number = match engine {
        Engine::Nuts => catena_engine::CATENA_ENGINE_NUTS,
        Engine::Static { .. } => catena_engine::CATENA_ENGINE_STATIC,
        Engine::FixedParam => catena_engine::CATENA_ENGINE_FIXED_PARAM,
    };
    number as usize
}

fn find(number: i32) -> Option<Engine> {
    usize::try_from(number).ok().and_then(|n| ENGINES.get(n).copied())
}

/// The engine of a number from the host.
pub(super) fn chosen(number: i32) -> Result<Engine, Error> {
    find(number).ok_or_else(|| Error::argument("engine", "a CATENA_ENGINE constant (0, 1 or 2)", number))
}

/// The engine with what the options say of it.
pub(super) fn with_options(engine: Engine, options: &SampleOptions) -> Engine {
    match engine {
        Engine::Static { .. } => Engine::Static { int_time: options.int_time },
        other => other,
    }
}

/// Runs static HMC: each transition is a trajectory of int_time / stepsize leapfrog steps (truncated, at least 1; the
/// nominal step size counts, not the jittered one), accepted or rejected at its end. All else, adaptation among it, is as
/// for catena_sample_nuts. A trajectory that meets a point the model refuses is rejected; catena_result_divergences counts
/// these and those whose energy error at the end is above the largest one.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_hmc_static(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_result,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for all pointers, and that what they list lives until the call returns.
    guard(error, || unsafe { run(model, options, io, out, |o| Engine::Static { int_time: o.int_time }) })
}

/// Runs chains that stay at their initial position, where each iteration draws the outputs anew; otherwise as
/// catena_sample_nuts. There is no warm-up: num_warmup and save_warmup are ignored (set save_warmup to 0 for
/// catena_options_rows to tell the number of rows). Inverse metrics are an error.
///
/// # Safety
/// The pointers are NULL or as documented; what `io` lists lives until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_fixed_param(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_result,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: as for catena_sample_hmc_static.
    guard(error, || unsafe { run(model, options, io, out, |_| Engine::FixedParam) })
}

/// Number of columns a sample writer gets in a run of `engine`, a catena_engine: those of the engine, then the outputs. 0
/// for NULL and for a number that is no engine.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_engine_column_count(model: *const catena_model, engine: i32) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.zip(find(engine)).map_or(0, |(m, engine)| m.columns(engine).len())
}

/// Name of column `index` of a sample writer in a run of `engine`, from 0, borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_engine_column(model: *const catena_model, engine: i32, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    name_at(unsafe { model.as_ref() }.zip(find(engine)).map(|(m, engine)| m.columns(engine)), index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_stand_at_their_numbers() {
        for (i, &engine) in ENGINES.iter().enumerate() {
            assert_eq!((number(engine), chosen(i as i32).unwrap()), (i, engine));
        }
        assert!(chosen(3).is_err() && chosen(-1).is_err());
    }
}
