//! Options of a filter.

use crate::error::Error;
use crate::ffi::boundary::{Room, Table, guard, slice, table};
use crate::ffi::communicator::{HostCommunicator, catena_communicator};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::resampling::{catena_resampling, scheme};
use crate::ffi::run::catena_pool;
use crate::particles::filter::Kind;
use crate::services::FilterRun;

/// Where particles go, and how they are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_filter_kind {
    /// By `transition`; weighed by `log_weight`.
    CATENA_FILTER_BOOTSTRAP = 0,
    /// By `propose`; weighed by `proposal_log_weight`.
    CATENA_FILTER_GUIDED = 1,
    /// As bootstrap, but resampled by their weights times how well they promise to explain the next observation
    /// (`auxiliary_log_weight`).
    CATENA_FILTER_AUXILIARY = 2,
}

/// What a filter is to do. Have it filled with the defaults by catena_filter_options_init and change what you want.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_filter_options {
    /// sizeof(catena_filter_options) of the header the program was compiled with.
    pub struct_size: usize,
    /// Independent sets, at least 1 (default 1).
    pub num_sets: usize,
    /// Id of the first set, at least 1; the others follow (default 1). What becomes of a set depends on its id, the seed,
    /// the model and these options, not on the other sets.
    pub init_set_id: u64,
    /// Particles of each set, from 1 to 2^32 - 1 (default 1000).
    pub num_particles: usize,
    /// Times, at least 1 (default 1).
    pub num_times: usize,
    /// Seed (default 0).
    pub seed: u64,
    /// Threads of a pool of the run's own; 0 (default): the cores available to the process.
    pub num_threads: usize,
    /// A pool to use instead, or NULL (default).
    pub pool: *const catena_pool,
    /// A catena_filter_kind (default CATENA_FILTER_BOOTSTRAP).
    pub kind: i32,
    /// A catena_resampling (default CATENA_RESAMPLING_SYSTEMATIC).
    pub resampling: i32,
    /// Particles are resampled when their effective sample size is below this times their number (default 0.5). 0: never;
    /// above 1: at every time.
    pub ess_threshold: f64,
    /// Trajectories to draw backwards in time from each set (default 0); wants `transition_log_density`.
    pub num_trajectories: usize,
    /// Other than 0 (default 1): means and variances are wanted.
    pub moments: i32,
    /// Other than 0 (default 0): the particles of all times are kept, 8 dimension + 12 bytes for each particle and time.
    pub history: i32,
    /// A trajectory of num_times times dimension numbers, dimension for each time, that the first particle of each set
    /// follows, or NULL (default): a bootstrap filter is then a sweep of conditional sequential Monte Carlo (Andrieu, Doucet
    /// and Holenstein 2010), resampled at every time by the multinomial scheme, with its history. The next trajectory of
    /// particle Gibbs is the catena_filter_lineage of catena_filter_drawn; give each sweep another seed.
    pub retained: *const f64,
    /// The processes that share the sets, or NULL (default): all make the same call, each runs a block of the sets
    /// (catena_communicator_share), and all have the results of all, with the bits of one process.
    pub communicator: *const catena_communicator,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_filter_options {
    const NAME: &'static str = "catena_filter_options";
    const REQUIRED: usize = std::mem::offset_of!(catena_filter_options, communicator);
}

/// Fills `options` with the defaults; `struct_size` is sizeof(catena_filter_options).
///
/// # Safety
/// `options` is NULL or points to a table of `struct_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_filter_options_init(
    options: *mut catena_filter_options,
    struct_size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the place.
        let room = unsafe { Room::of(options, "options", struct_size)? };
        let FilterRun { num_sets, init_set_id, num_particles, num_times, seed, num_threads, .. } = FilterRun::default();
        let FilterRun { ess_threshold, moments, history, num_trajectories, .. } = FilterRun::default();
        let defaults = catena_filter_options {
            struct_size,
            num_sets,
            init_set_id,
            num_particles,
            num_times,
            seed,
            num_threads,
            pool: std::ptr::null(),
            kind: catena_filter_kind::CATENA_FILTER_BOOTSTRAP as i32,
            resampling: catena_resampling::CATENA_RESAMPLING_SYSTEMATIC as i32,
            ess_threshold,
            num_trajectories,
            moments: i32::from(moments),
            history: i32::from(history),
            retained: std::ptr::null(),
            communicator: std::ptr::null(),
        };
        room.fill(&defaults);
        Ok(())
    })
}

/// The processes that a host's options name.
///
/// # Safety
/// As for [`given`].
pub(super) unsafe fn communicator(options: *const catena_filter_options) -> Result<Option<HostCommunicator>, Error> {
    // SAFETY: passed on to the caller.
    unsafe { HostCommunicator::new(table(options, "options")?.communicator) }
}

/// The options that a host gave for a model of `dimension`, and its pool.
///
/// # Safety
/// `options` is null or points to a table as documented.
pub(super) unsafe fn given<'a>(
    options: *const catena_filter_options,
    dimension: usize,
) -> Result<(FilterRun, Option<&'a catena_pool>), Error> {
    use catena_filter_kind::*;
    // SAFETY: passed on to the caller.
    let t = unsafe { table(options, "options")? };
    let kind = [
        (CATENA_FILTER_BOOTSTRAP, Kind::Bootstrap),
        (CATENA_FILTER_GUIDED, Kind::Guided),
        (CATENA_FILTER_AUXILIARY, Kind::Auxiliary),
    ];
    let kind = kind.into_iter().find_map(|(known, kind)| (known as i32 == t.kind).then_some(kind));
    let retained = if t.retained.is_null() {
        None
    } else {
        let size = t.num_times.saturating_mul(dimension);
        // SAFETY: not null, and passed on to the caller.
        Some(unsafe { slice(t.retained, size, "retained")? }.into())
    };
    let run = FilterRun {
        num_sets: t.num_sets,
        init_set_id: t.init_set_id,
        num_particles: t.num_particles,
        num_times: t.num_times,
        seed: t.seed,
        num_threads: t.num_threads,
        kind: kind.ok_or_else(|| Error::argument("kind", "a catena_filter_kind (0, 1 or 2)", t.kind))?,
        scheme: scheme(t.resampling)
            .map_err(|_| Error::argument("resampling", "a CATENA_RESAMPLING constant (0 to 4)", t.resampling))?,
        ess_threshold: t.ess_threshold,
        moments: t.moments != 0,
        history: t.history != 0,
        num_trajectories: t.num_trajectories,
        retained,
    };
    // SAFETY: passed on to the caller.
    Ok((run, unsafe { t.pool.as_ref() }))
}
