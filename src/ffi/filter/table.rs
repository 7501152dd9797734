//! The table of functions of a state-space model.

use crate::ffi::boundary::Table;
use crate::ffi::task::catena_task;
use std::ffi::{c_int, c_void};

/// A state-space model: functions over many particles at once.
///
/// Set `struct_size` to sizeof(catena_state_space) and everything you don't provide to zero.
///
/// States are matrices of n rows (particles) and `dimension` columns, column by column: coordinate j of particle i is
/// states[j * n + i], so that inner loops run over neighbours and R and Julia see a matrix. Times count from 0, the time of
/// the first observation; the observations are the model's own. `previous` are the states of the time before, NULL at time 0.
///
/// A call covers a block of 1024 particles of one set, the last block of a set what is left; with `whole_sets` all particles
/// of the set. Random numbers: catena_task_normals and catena_task_uniforms give one number or several to each particle,
/// which depend on the seed, the id of the set (catena_task_chain_id), the particle and the time alone. What is drawn by
/// catena_task_normal and its kin depends on `whole_sets` as well.
///
/// Log weights are numbers or -INFINITY (a particle that is lost). NaN and INFINITY end the filter with an error that names
/// set, particle and time.
///
/// Threads: callbacks are called from any thread of the pool, several at once with the same `user`, unless `threading` says
/// otherwise; each call has a `worker` that no other call uses at the same time. They return 0, or another number to end the
/// filter; attach a reason with catena_task_message. They must not throw or longjmp out.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_state_space {
    /// sizeof(catena_state_space) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` before catena_filter_run returns, whatever it returns, if the table could be read at all; may
    /// be NULL.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// A catena_threading: from which threads the callbacks may be called. CATENA_THREADS_CALLER (R, Julia before 1.9): only
    /// from the thread that called into the library, with the same results.
    pub threading: i32,
    /// Other than 0: each call covers all particles of a set, as languages want it that work on whole matrices. Results
    /// are the same.
    pub whole_sets: i32,
    /// Numbers in a state, at least 1.
    pub dimension: usize,
    /// Makes scratch memory for one call at a time; may be NULL. Returns 0, or another number on failure.
    pub worker_new: Option<unsafe extern "C" fn(user: *mut c_void, worker: *mut *mut c_void) -> c_int>,
    /// Frees what worker_new made; may be NULL.
    pub worker_free: Option<unsafe extern "C" fn(user: *mut c_void, worker: *mut c_void)>,
    /// Draws `n` states at time 0. Required.
    pub initial: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            n: usize,
            states: *mut f64,
        ) -> c_int,
    >,
    /// Draws states at `time`, 1 or later, each from the one before. Required.
    pub transition: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            time: usize,
            n: usize,
            previous: *const f64,
            states: *mut f64,
        ) -> c_int,
    >,
    /// The log weights of states: the log density of the observation at `time`, or 0 where there is none. Required.
    pub log_weight: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            time: usize,
            n: usize,
            previous: *const f64,
            states: *const f64,
            log_weights: *mut f64,
        ) -> c_int,
    >,
    /// For guided filters: draws states by a proposal that knows the observation; at time 0 as well.
    pub propose: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            time: usize,
            n: usize,
            previous: *const f64,
            states: *mut f64,
        ) -> c_int,
    >,
    /// For guided filters: the log weights of proposed states, log density of the observation plus that of the transition
    /// (at time 0 of the initial law) minus that of the proposal.
    pub proposal_log_weight: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            time: usize,
            n: usize,
            previous: *const f64,
            states: *const f64,
            log_weights: *mut f64,
        ) -> c_int,
    >,
    /// For auxiliary filters: how well states at `time` - 1 promise to explain the observation at `time`, as a log weight
    /// (Pitt and Shephard 1999). -INFINITY only for a state that cannot.
    pub auxiliary_log_weight: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            time: usize,
            n: usize,
            previous: *const f64,
            log_weights: *mut f64,
        ) -> c_int,
    >,
    /// For trajectories: the log density of row i of `states` at `time` given row i of `previous`. `n` is any number here.
    pub transition_log_density: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            time: usize,
            n: usize,
            previous: *const f64,
            states: *const f64,
            log_densities: *mut f64,
        ) -> c_int,
    >,
    /// Other than 0: `transition_log_density_bound` counts. Trajectories then take a time that does not grow with the number
    /// of particles.
    pub has_transition_log_density_bound: i32,
    /// An upper bound of `transition_log_density` at all times.
    pub transition_log_density_bound: f64,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_state_space {
    const NAME: &'static str = "catena_state_space";
    const REQUIRED: usize = size_of::<catena_state_space>();
}
