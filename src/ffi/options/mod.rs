//! Options of a run: opaque, set and read by name, defaults as in Stan.

pub mod describe;
pub mod setters;

pub use setters::*;

use super::boundary::{free, guard, make, object, object_mut, put, text};
use super::error::{catena_error, catena_status};
use super::run::catena_pool;
use crate::drive::Pool;
use crate::error::Error;
use crate::services::{
    Engine, Given, OPTIONS, OptionSet, PopulationOptions, SampleOptions, Service, SmcOptions, Value,
};
use std::ffi::c_char;
use std::sync::Arc;

/// The shape of the inverse metric, the estimate of the posterior covariance that scales the momenta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_metric {
    /// The identity; not adapted.
    CATENA_METRIC_UNIT_E = 0,
    /// A vector of `dimension` variances.
    CATENA_METRIC_DIAG_E = 1,
    /// A `dimension` x `dimension` covariance matrix.
    CATENA_METRIC_DENSE_E = 2,
    /// A vector of variances from draws and gradients. A result says CATENA_METRIC_DIAG_E.
    CATENA_METRIC_FISHER_DIAG = 3,
    /// A matrix from draws and gradients. A result says CATENA_METRIC_DENSE_E.
    CATENA_METRIC_FISHER_DENSE = 4,
    /// A vector of variances and a few directions, from draws and gradients. As numbers: how many directions there are, k;
    /// `dimension` variances; k values; k rows of `dimension` numbers.
    CATENA_METRIC_LOW_RANK = 5,
    /// CATENA_METRIC_FISHER_DENSE for up to 128 coordinates, CATENA_METRIC_LOW_RANK for more.
    CATENA_METRIC_AUTO = 6,
}

/// What one chain's failure does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_on_failure {
    /// The failed chain stops alone; the others go on.
    CATENA_ON_FAILURE_STOP_CHAIN = 0,
    /// Every chain stops; what all of them drew is kept.
    CATENA_ON_FAILURE_STOP_RUN = 1,
}

/// Options of a run. Each setter checks its value at once and leaves the option as it was when the value is bad; a run
/// copies what it needs.
#[derive(Default)]
pub struct catena_options {
    set: OptionSet,
    pool: Option<Arc<Pool>>,
}

impl catena_options {
    /// For a run: the options, and the pool when there is one to share.
    pub(super) fn run(&self) -> (SampleOptions, Option<Arc<Pool>>) {
        (self.set.options(), self.pool.clone())
    }

    /// What a run of these options by `engine`, of `num_samples` iterations, was asked for: names of options, and values.
    pub(super) fn told(&self, engine: &Engine, num_samples: usize) -> Vec<(String, String)> {
        let service = match engine {
            Engine::Nuts => Service::Nuts,
            Engine::Static { .. } => Service::Static,
            Engine::FixedParam => Service::FixedParam,
        };
        let mut told = self.set.told(service);
        told.iter_mut()
            .filter(|(name, _)| name == "num_samples")
            .for_each(|(_, value)| *value = num_samples.to_string());
        told
    }

    /// For sets of particles: the options, those of such sets alone, and the pool when there is one to share.
    pub(super) fn smc(&self) -> (SampleOptions, SmcOptions, Option<Arc<Pool>>) {
        (self.set.options_of_particles(), self.set.smc(), self.pool.clone())
    }

    /// All options, and the pool when there is one to share.
    pub(super) fn set(&self) -> (&OptionSet, Option<Arc<Pool>>) {
        (&self.set, self.pool.clone())
    }

    /// For a population.
    pub(super) fn population(&self) -> PopulationOptions {
        self.set.population()
    }
}

/// Options with their defaults; the option preset=stan has those of Stan.
///
/// # Safety
/// `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_new(
    out: *mut *mut catena_options,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for `out`.
    unsafe { make(out, error, || Ok(catena_options::default())) }
}

/// Frees options. NULL is fine.
///
/// # Safety
/// `options` is NULL or came from catena_options_new and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_free(options: *mut catena_options) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(options) }
}

/// Number of rows each sample writer receives when a run ends undisturbed; 0 for NULL.
///
/// # Safety
/// `options` is NULL or live options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_rows(options: *const catena_options) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { options.as_ref() }.map_or(0, |o| o.set.options().rows())
}

/// Sets one option; every setter is this.
///
/// # Safety
/// `options` is null or live options that nobody else uses.
unsafe fn set(
    options: *mut catena_options,
    name: &str,
    value: Given<'_>,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: passed on to the caller.
    guard(error, || unsafe { object_mut(options, "options", "catena_options")? }.set.set(name, value))
}

/// Sets the option `name`, one of those that catena_options_at lists, to what `value` says: a number ("12", "0.8"), "true"
/// or "false", or the name or number of a choice ("dense_e"). A name that there is no option of is CATENA_INVALID_ARGUMENT,
/// and the message suggests the one that was perhaps meant.
///
/// # Safety
/// `options` is NULL or live options; the texts are NULL or NUL-terminated; `error` is NULL or points to a place for a
/// pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set(
    options: *mut catena_options,
    name: *const c_char,
    value: *const c_char,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (options, name, value) =
            unsafe { (object_mut(options, "options", "catena_options")?, text(name, "name")?, text(value, "value")?) };
        options.set.set(name, Given::Text(value))
    })
}

/// As catena_options_set, by a number: 1 or 0 for a switch, the number of a choice. Whole numbers above 2^53 are refused,
/// for a double may have lost their last digits: catena_options_set_integer takes them.
///
/// # Safety
/// As for catena_options_set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_number(
    options: *mut catena_options,
    name: *const c_char,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (options, name) = unsafe { (object_mut(options, "options", "catena_options")?, text(name, "name")?) };
        options.set.set(name, Given::Number(value))
    })
}

/// As catena_options_set, by a whole number, such as a seed of 64 bits.
///
/// # Safety
/// As for catena_options_set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_integer(
    options: *mut catena_options,
    name: *const c_char,
    value: u64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (options, name) = unsafe { (object_mut(options, "options", "catena_options")?, text(name, "name")?) };
        options.set.set(name, Given::Whole(value))
    })
}

/// Gives the value of an option to `f`.
///
/// # Safety
/// `options` is null or live options, `name` null or a NUL-terminated text.
unsafe fn get(
    options: *const catena_options,
    name: *const c_char,
    error: *mut *mut catena_error,
    f: impl FnOnce(&str, Value) -> Result<(), Error>,
) -> catena_status {
    guard(error, || {
        // SAFETY: passed on to the caller.
        let (options, name) = unsafe { (object(options, "options", "catena_options")?, text(name, "name")?) };
        f(name, options.set.get(name)?)
    })
}

/// Writes the value of the option `name` as a NUL-terminated text to `value`, an array of `size` bytes; catena_options_set
/// reads it back to the same bits. 32 bytes are enough for every option but CATENA_OPTION_NAMES, where the error's message
/// says how many are.
///
/// # Safety
/// `options` is NULL or live options, `name` NULL or a NUL-terminated text, `value` NULL or an array of `size` bytes;
/// `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_get(
    options: *const catena_options,
    name: *const c_char,
    value: *mut c_char,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    let write = |name: &str, found: Value| {
        let text = OPTIONS.iter().find(|row| row.name == name).map_or(String::new(), |row| row.kind.text(found));
        if value.is_null() {
            return Err(Error::argument("value", "a pointer to an array of bytes", "NULL"));
        }
        if size <= text.len() {
            return Err(Error::argument("size", format!("at least {}", text.len() + 1), size));
        }
        // SAFETY: not null, and the caller vouches for `size` bytes, which are enough.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), value.cast::<u8>(), text.len());
            value.add(text.len()).write(0);
        }
        Ok(())
    };
    // SAFETY: the caller vouches for the pointers.
    unsafe { get(options, name, error, write) }
}

/// What the caller must bring for a value.
const PLACE: &str = "a pointer to a place for the value";

/// Writes the value of the option `name` as a number to `*value`: 1 or 0 for a switch, the number of a choice. Whole numbers
/// above 2^53 are rounded: catena_options_get_integer has them all.
///
/// # Safety
/// As for catena_options_get.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_get_number(
    options: *const catena_options,
    name: *const c_char,
    value: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    let number = |name: &str, found: Value| {
        if let Value::Names(_) = found {
            return Err(Error::argument("name", "an option that is a number", format_args!("'{name}'")));
        }
        // SAFETY: the caller vouches for `value`.
        unsafe { put(value, found.number(), "value", PLACE) }
    };
    // SAFETY: the caller vouches for the pointers.
    unsafe { get(options, name, error, number) }
}

/// Writes the value of the option `name`, which must be no CATENA_OPTION_REAL, to `*value`.
///
/// # Safety
/// As for catena_options_get.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_get_integer(
    options: *const catena_options,
    name: *const c_char,
    value: *mut u64,
    error: *mut *mut catena_error,
) -> catena_status {
    let whole = |name: &str, found: Value| {
        let real = || Error::argument("name", "an option that is a whole number", format_args!("'{name}'"));
        // SAFETY: the caller vouches for `value`.
        unsafe { put(value, found.whole().ok_or_else(real)?, "value", PLACE) }
    };
    // SAFETY: the caller vouches for the pointers.
    unsafe { get(options, name, error, whole) }
}

/// Run on a pool that other runs may share (borrowed for the call; options and runs keep its threads); NULL: each run has
/// a pool of its own, of as many threads as catena_options_set_num_threads says. Default NULL.
///
/// # Safety
/// `options` is NULL or live options; `pool` is NULL or a live pool; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_pool(
    options: *mut catena_options,
    pool: *const catena_pool,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (options, pool) = unsafe { (object_mut(options, "options", "catena_options")?, pool.as_ref()) };
        options.pool = pool.map(catena_pool::share);
        Ok(())
    })
}
