//! Columns of sample writers, by the engine that moves the chains.

use super::handle::{catena_model, name_at};
use crate::ffi::engine::find;
use crate::services::Engine;
use std::ffi::c_char;

/// Number of columns a sample writer of a NUTS run gets: lp__, accept_stat__, stepsize__, treedepth__, n_leapfrog__, divergent__,
/// energy__, then the outputs. 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_column_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| m.columns(Engine::Nuts).len())
}

/// Name of column `index` of a sample writer of a NUTS run, from 0, borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_sample_column(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    name_at(unsafe { model.as_ref() }.map(|m| m.columns(Engine::Nuts)), index)
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
