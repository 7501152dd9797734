//! Options of a run: opaque, one setter per option, defaults as in Stan.

use super::boundary::{free, guard, hand_out, object_mut};
use super::error::{catena_error, catena_status};
use crate::drive::Pool;
use crate::error::Error;
use crate::services::{Adaptation, MetricKind, SampleOptions};
use std::ffi::c_int;
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
}

fn metric(number: i32) -> Result<MetricKind, Error> {
    match number {
        n if n == catena_metric::CATENA_METRIC_UNIT_E as i32 => Ok(MetricKind::Unit),
        n if n == catena_metric::CATENA_METRIC_DIAG_E as i32 => Ok(MetricKind::Diag),
        n if n == catena_metric::CATENA_METRIC_DENSE_E as i32 => Ok(MetricKind::Dense),
        n => Err(Error::argument("metric", "a CATENA_METRIC constant (0, 1 or 2)", n)),
    }
}

/// Options of a run. Each setter checks its value at once and leaves the option as it was when the value is bad; a run
/// copies what it needs.
pub struct catena_options {
    set: Set,
}

/// Options with adaptation's kept while adaptation is off.
#[derive(Clone)]
pub(super) struct Set {
    pub options: SampleOptions,
    pub adaptation: Adaptation,
    pub adapt: bool,
    pub pool: Option<Arc<Pool>>,
}

impl Set {
    fn sample(&self) -> SampleOptions {
        SampleOptions { adaptation: self.adapt.then_some(self.adaptation), ..self.options.clone() }
    }
}

impl catena_options {
    /// For a run: the options, and the pool when there is one to share.
    pub(super) fn run(&self) -> (SampleOptions, Option<Arc<Pool>>) {
        (self.set.sample(), self.set.pool.clone())
    }

    fn change(&mut self, f: impl FnOnce(&mut Set) -> Result<(), Error>) -> Result<(), Error> {
        let mut changed = self.set.clone();
        f(&mut changed)?;
        // Adaptation's options are checked also while adaptation is off.
        SampleOptions { adaptation: Some(changed.adaptation), ..changed.options.clone() }.validate()?;
        self.set = changed;
        Ok(())
    }
}

/// Options with the defaults of Stan.
///
/// # Safety
/// `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_new(
    out: *mut *mut catena_options,
    error: *mut *mut catena_error,
) -> catena_status {
    let set = || Set { options: SampleOptions::default(), adaptation: Adaptation::default(), adapt: true, pool: None };
    // SAFETY: the caller vouches for `out`.
    guard(error, || unsafe { hand_out(out, || Ok(catena_options { set: set() })) })
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
    unsafe { options.as_ref() }.map_or(0, |o| o.set.options.rows())
}

/// Changes options behind a pointer; every setter is this.
///
/// # Safety
/// `options` is null or live options that nobody else uses.
pub(super) unsafe fn set(
    options: *mut catena_options,
    error: *mut *mut catena_error,
    f: impl FnOnce(&mut Set) -> Result<(), Error>,
) -> catena_status {
    // SAFETY: passed on to the caller.
    guard(error, || unsafe { object_mut(options, "options", "catena_options")? }.change(f))
}

/// Number of chains, at least 1. Default 4.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_num_chains(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.num_chains = value;
            Ok(())
        })
    }
}

/// Id of the first chain; chain i of the run has id init_chain_id + i. Default 1.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_init_chain_id(
    options: *mut catena_options,
    value: u64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.init_chain_id = value;
            Ok(())
        })
    }
}

/// Seed of all random streams. Default 0.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_seed(
    options: *mut catena_options,
    value: u64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.seed = value;
            Ok(())
        })
    }
}

/// Warm-up iterations. Default 1000.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_num_warmup(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.num_warmup = value;
            Ok(())
        })
    }
}

/// Iterations after warm-up. Default 1000.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_num_samples(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.num_samples = value;
            Ok(())
        })
    }
}

/// Keep every `value`-th iteration, counted from 0 separately in warm-up and sampling; at least 1. Default 1.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_thin(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.thin = value;
            Ok(())
        })
    }
}

/// Other than 0: write the warm-up iterations too. Default 0.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_save_warmup(
    options: *mut catena_options,
    value: c_int,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.save_warmup = value != 0;
            Ok(())
        })
    }
}

/// Log progress every so many iterations of a chain; 0 never. Default 100.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_refresh(
    options: *mut catena_options,
    value: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.refresh = value;
            Ok(())
        })
    }
}

/// Initial values not given are uniform on (-radius, radius) on the unconstrained scale; finite, at least 0. Default 2.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_init_radius(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.init_radius = value;
            Ok(())
        })
    }
}

/// The shape of the metric, one of the CATENA_METRIC constants. Default CATENA_METRIC_DIAG_E.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_metric(
    options: *mut catena_options,
    value: i32,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.metric = metric(value)?;
            Ok(())
        })
    }
}

/// Step size before adaptation; finite, above 0. Default 1.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_stepsize(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.stepsize = value;
            Ok(())
        })
    }
}

/// Each transition's step size is uniform within this fraction of the nominal one; in [0, 1]. Default 0.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_stepsize_jitter(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.stepsize_jitter = value;
            Ok(())
        })
    }
}

/// Most doublings of a NUTS trajectory, 1 to 20. Default 10.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_max_depth(
    options: *mut catena_options,
    value: u32,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.max_depth = value;
            Ok(())
        })
    }
}

/// Integration time of a static trajectory; finite, above 0. Default 2 pi.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_int_time(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.int_time = value;
            Ok(())
        })
    }
}

/// Energy error above which a trajectory counts as divergent; finite, above 0. Default 1000.
///
/// # Safety
/// `options` is NULL or live options; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_options_set_max_energy_error(
    options: *mut catena_options,
    value: f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe {
        set(options, error, |set| {
            set.options.max_energy_error = value;
            Ok(())
        })
    }
}
