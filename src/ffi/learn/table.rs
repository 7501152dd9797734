//! The table of functions of a likelihood.

use crate::ffi::boundary::Table;
use crate::ffi::communicator::catena_communicator;
use crate::ffi::task::catena_task;
use std::ffi::{c_char, c_int, c_void};

/// What the numbers of a field or of outcomes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_number {
    /// Finite numbers.
    CATENA_NUMBER_REAL = 0,
    /// Whole numbers of at most 53 bits, held as doubles.
    CATENA_NUMBER_INTEGER = 1,
}

/// Likelihoods of a block: `out[(e * n_o + o) * n_m + m]` is that of outcome o under model m in experiment e.
pub type catena_cells = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        worker: *mut c_void,
        context: *mut c_void,
        task: *mut catena_task,
        n_o: usize,
        outcomes: *const f64,
        n_m: usize,
        models: *const f64,
        n_e: usize,
        experiments: *const f64,
        out: *mut f64,
    ) -> c_int,
>;

/// A likelihood: the probability (density) of outcomes under models in experiments, over any block of their product.
///
/// Set `struct_size` to sizeof(catena_likelihood) and everything you don't provide to zero. The table and its names are
/// copied by catena_updater_new; `user` must live until `release` is called.
///
/// Layouts: matrices stand column by column, so that inner loops run over neighbours and R and Julia see matrices. Parameter
/// j of model i of n_m is models[j * n_m + i]; number k of outcome o of n_o is outcomes[k * n_o + o]; field f of experiment e
/// of n_e is experiments[f * n_e + e]. Whole numbers come as doubles.
///
/// A call covers a block: at most 1024 models of one set, some experiments, all outcomes that are asked for; with `whole` all
/// of what is asked for in a set. Results must depend on the cell alone; then no cut changes a bit. Random numbers:
/// catena_task_normals and catena_task_uniforms give one number or several to each model, which depend on the seed, the id of
/// the set (catena_task_chain_id), the model and the number of data before alone.
///
/// Threads: callbacks are called from any thread of the pool and the calling one, several at once with the same `user`, unless
/// `threading` says otherwise (with any but CATENA_THREADS_ANY on the calling thread alone, with the same results); each call
/// has a `worker` that no other call uses at the same time. Callbacks return 0, or another number to end what was asked for,
/// which leaves the state as it was; attach a reason with catena_task_message. They must not throw or longjmp out.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_likelihood {
    /// sizeof(catena_likelihood) of the header the program was compiled with.
    pub struct_size: usize,
    /// Passed to every callback.
    pub user: *mut c_void,
    /// Called once with `user` when the updater is freed; may be NULL.
    pub release: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// A catena_threading: from which threads the callbacks may be called.
    pub threading: i32,
    /// Other than 0: each call covers all that is asked for in a set, as languages want it that work on whole arrays.
    pub whole: i32,
    /// Parameters of a model, at least 1.
    pub num_parameters: usize,
    /// Their names; NULL: x.1, x.2, ...
    pub parameter_names: *const *const c_char,
    /// Fields of an experiment; may be 0.
    pub num_fields: usize,
    /// Their names. Required where there are fields.
    pub field_names: *const *const c_char,
    /// A catena_number for each field; NULL: all real.
    pub field_kinds: *const i32,
    /// A catena_number. Likelihoods of whole numbers are probabilities, those of real ones densities.
    pub outcome_kind: i32,
    /// Numbers in an outcome; 0 counts as 1.
    pub outcome_width: usize,
    /// Other than 0: `likelihood` gives logarithms, for long records.
    pub is_log: i32,
    /// Makes scratch memory for one call at a time; may be NULL. Returns 0, or another number on failure.
    pub worker_new: Option<unsafe extern "C" fn(user: *mut c_void, worker: *mut *mut c_void) -> c_int>,
    /// Frees what worker_new made; may be NULL.
    pub worker_free: Option<unsafe extern "C" fn(user: *mut c_void, worker: *mut c_void)>,
    /// What the experiments of a block share is made once for them, for all calls, which may use it at once; may be NULL.
    pub prepare: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            task: *mut catena_task,
            n_e: usize,
            experiments: *const f64,
            context: *mut *mut c_void,
        ) -> c_int,
    >,
    /// Frees what `prepare` made; may be NULL.
    pub context_free: Option<unsafe extern "C" fn(user: *mut c_void, context: *mut c_void)>,
    /// The likelihoods of a block. Required, unless a device always computes them (catena_updater_options.device). Probabilities from 0 to 1 (but for rounding, 1e-12), densities that are finite
    /// and not negative, or logarithms that are numbers or -INFINITY; anything else is an error that names the cell.
    pub likelihood: catena_cells,
    /// Which models are possible: writes 1 or 0 for each. NULL: all.
    pub are_valid: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            n_m: usize,
            models: *const f64,
            valid: *mut u8,
        ) -> c_int,
    >,
    /// Replaces models by those that stand for them; may be NULL.
    pub canonicalize: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            n_m: usize,
            models: *mut f64,
        ) -> c_int,
    >,
    /// How many outcomes an experiment (one row) can have; 0: they cannot be listed and are simulated. NULL: 2 for whole
    /// numbers, 0 for real ones.
    pub num_outcomes: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            task: *mut catena_task,
            experiment: *const f64,
            count: *mut usize,
        ) -> c_int,
    >,
    /// Lists them, `count` rows. NULL: 0, 1, ..., count - 1.
    pub domain: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            task: *mut catena_task,
            experiment: *const f64,
            count: usize,
            outcomes: *mut f64,
        ) -> c_int,
    >,
    /// Draws an outcome for each model in each experiment: number k of it at out[(e * width + k) * n_m + m]. NULL: drawn from
    /// the probabilities of listed outcomes.
    pub simulate: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            context: *mut c_void,
            task: *mut catena_task,
            n_m: usize,
            models: *const f64,
            n_e: usize,
            experiments: *const f64,
            out: *mut f64,
        ) -> c_int,
    >,
    /// Moves models to what they are after an experiment (one row), as parameters that drift; may be NULL.
    pub update_timestep: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            worker: *mut c_void,
            task: *mut catena_task,
            experiment: *const f64,
            n_m: usize,
            models: *mut f64,
        ) -> c_int,
    >,
    /// What each experiment costs, above 0. NULL: 1.
    pub experiment_cost: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            task: *mut catena_task,
            n_e: usize,
            experiments: *const f64,
            out: *mut f64,
        ) -> c_int,
    >,
    /// The gradient of the log likelihood in the parameters: component j at out[((e * n_o + o) * num_parameters + j) * n_m + m].
    /// NULL: there is no Cramér-Rao bound.
    pub score: catena_cells,
    /// The processes that share the work; NULL: this one alone. All make the same calls with the same data and options. Each computes a
    /// part of the likelihoods of every call, all have all models, weights and results, and these have the bits of one process. The table is
    /// copied; it is called by the thread that calls into the updater, and released with it. An error on one process, or its interrupt, is
    /// one on all, with the rank named, and leaves the state of all as it was.
    pub communicator: *const catena_communicator,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_likelihood {
    const NAME: &'static str = "catena_likelihood";
    const REQUIRED: usize = std::mem::offset_of!(catena_likelihood, communicator);
}
