//! Options of an updater.

use super::device::catena_device;
use crate::error::Error;
use crate::ffi::boundary::{Room, Table, guard, table};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::resampling::{catena_resampling, scheme};
use crate::ffi::run::catena_pool;
use crate::learn::{LiuWest, Resampler, UpdaterOptions, ZeroWeights};

/// How a set is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_resampler {
    /// Liu and West's smoothed bootstrap (2001): models move a little, so that no two are the same.
    CATENA_RESAMPLER_LIU_WEST = 0,
    /// Copies alone.
    CATENA_RESAMPLER_COPIES = 1,
}

/// What is done with a datum after which all weights of a set would be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_zero_weights {
    /// The update fails with CATENA_ALL_LOST, and the state stays what it was.
    CATENA_ZERO_WEIGHTS_ERROR = 0,
    /// The set leaves the datum out, with a warning.
    CATENA_ZERO_WEIGHTS_WARN = 1,
    /// The set leaves the datum out.
    CATENA_ZERO_WEIGHTS_SKIP = 2,
    /// The set is drawn anew from the prior, with a warning.
    CATENA_ZERO_WEIGHTS_RESET = 3,
}

/// What an updater is to do. Have it filled with the defaults by catena_updater_options_init and change what you want.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_updater_options {
    /// sizeof(catena_updater_options) of the header the program was compiled with.
    pub struct_size: usize,
    /// Independent sets, at least 1 (default 1).
    pub num_sets: usize,
    /// Id of the first set, at least 1; the others follow (default 1).
    pub init_set_id: u64,
    /// Models of each set, from 1 to 2^32 - 1 (default 1000).
    pub num_models: usize,
    /// Seed (default 0).
    pub seed: u64,
    /// Threads of a pool of the updater's own; 0 (default): the cores available to the process.
    pub num_threads: usize,
    /// A pool to use instead, or NULL (default).
    pub pool: *const catena_pool,
    /// A catena_resampler (default CATENA_RESAMPLER_LIU_WEST).
    pub resampler: i32,
    /// A catena_resampling: how ancestors are drawn (default CATENA_RESAMPLING_SYSTEMATIC).
    pub resampling: i32,
    /// Liu and West's a, from 0 to 1 (default 0.98).
    pub liu_west_a: f64,
    /// Liu and West's h; below 0 (default): sqrt(1 - a²), which keeps the covariance.
    pub liu_west_h: f64,
    /// How often an impossible move is drawn, at most (default 1000).
    pub max_tries: usize,
    /// Sets are resampled when their effective sample size is below this times their number of models (default 0.5). 0: never.
    pub ess_threshold: f64,
    /// A catena_zero_weights (default CATENA_ZERO_WEIGHTS_ERROR).
    pub zero_weights: i32,
    /// Other than 0 (default 0): each resampling's divergence from the set before is kept.
    pub divergences: i32,
    /// A device that computes the likelihood; NULL (default): the host's function does. Borrowed for the call that makes the
    /// updater.
    pub device: *const catena_device,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_updater_options {
    const NAME: &'static str = "catena_updater_options";
    const REQUIRED: usize = std::mem::offset_of!(catena_updater_options, device);
}

/// Fills `options` with the defaults; `struct_size` is sizeof(catena_updater_options).
///
/// # Safety
/// `options` is NULL or points to a table of `struct_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_options_init(
    options: *mut catena_updater_options,
    struct_size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the place.
        let room = unsafe { Room::of(options, "options", struct_size)? };
        let UpdaterOptions { num_sets, init_set_id, num_models, seed, ess_threshold, .. } = UpdaterOptions::default();
        let LiuWest { a, max_tries, .. } = LiuWest::default();
        let defaults = catena_updater_options {
            struct_size,
            num_sets,
            init_set_id,
            num_models,
            seed,
            num_threads: 0,
            pool: std::ptr::null(),
            resampler: catena_resampler::CATENA_RESAMPLER_LIU_WEST as i32,
            resampling: catena_resampling::CATENA_RESAMPLING_SYSTEMATIC as i32,
            liu_west_a: a,
            liu_west_h: -1.0,
            max_tries,
            ess_threshold,
            zero_weights: catena_zero_weights::CATENA_ZERO_WEIGHTS_ERROR as i32,
            divergences: 0,
            device: std::ptr::null(),
        };
        room.fill(&defaults);
        Ok(())
    })
}

/// The options that a host gave.
pub(super) struct Given<'a> {
    pub options: UpdaterOptions,
    pub threads: usize,
    pub pool: Option<&'a catena_pool>,
    pub device: *const catena_device,
}

/// What a host gave, by defaults where it gave nothing.
///
/// # Safety
/// `options` is null (the defaults) or points to a table as documented.
pub(super) unsafe fn given<'a>(options: *const catena_updater_options) -> Result<Given<'a>, Error> {
    if options.is_null() {
        let options = UpdaterOptions::default();
        return Ok(Given { options, threads: 0, pool: None, device: std::ptr::null() });
    }
    // SAFETY: passed on to the caller.
    let t = unsafe { table(options, "options")? };
    let scheme = scheme(t.resampling)?;
    let resampler = match t.resampler {
        n if n == catena_resampler::CATENA_RESAMPLER_LIU_WEST as i32 => {
            let how = LiuWest { scheme, max_tries: t.max_tries, ..LiuWest::with_a(t.liu_west_a) };
            Resampler::LiuWest(if t.liu_west_h < 0.0 { how } else { LiuWest { h: t.liu_west_h, ..how } })
        }
        n if n == catena_resampler::CATENA_RESAMPLER_COPIES as i32 => Resampler::Scheme(scheme),
        n => return Err(Error::argument("resampler", "a catena_resampler (0 or 1)", n)),
    };
    let policy = usize::try_from(t.zero_weights).ok().and_then(|n| ZeroWeights::ALL.get(n).copied());
    let zero_weights =
        policy.ok_or_else(|| Error::argument("zero_weights", "a catena_zero_weights (0 to 3)", t.zero_weights))?;
    let options = UpdaterOptions {
        num_sets: t.num_sets,
        init_set_id: t.init_set_id,
        num_models: t.num_models,
        seed: t.seed,
        resampler,
        ess_threshold: t.ess_threshold,
        zero_weights,
        divergences: t.divergences != 0,
    };
    // SAFETY: the caller vouches for the pool.
    Ok(Given { options, threads: t.num_threads, pool: unsafe { t.pool.as_ref() }, device: t.device })
}
