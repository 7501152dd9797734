//! The choice of experiments.

use super::device::Asked;
use super::handle::{catena_updater, experiments_of};
use crate::error::{Code, Error};
use crate::ffi::boundary::{Table, change, guard, put, slice, slice_mut, table};
use crate::ffi::error::{catena_error, catena_status};
use crate::learn::design::{NelderMead, sparse_time};
use crate::model::{Experiments, Likelihood};
use crate::services::{Criterion, Design, Learner};
use std::ffi::{c_int, c_void};

/// By what experiments are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_criterion {
    /// The largest expected information gain per cost.
    CATENA_CRITERION_GAIN = 0,
    /// The least Bayes risk; costs do not count.
    CATENA_CRITERION_RISK = 1,
}

/// How the next experiment is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_design_kind {
    /// Particle guess (Wiebe, Granade, Ferrie and Cory 2014): the time is `scale` over the distance of two models.
    CATENA_DESIGN_GUESS = 0,
    /// The time is `scale` times (9/8)^k in experiment k.
    CATENA_DESIGN_SPARSE = 1,
    /// The best of the candidates.
    CATENA_DESIGN_BEST = 2,
}

/// How experiments are chosen. Set `struct_size` to sizeof(catena_design) and what you don't need to zero.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_design {
    /// sizeof(catena_design) of the header the program was compiled with.
    pub struct_size: usize,
    /// A catena_design_kind.
    pub kind: i32,
    /// A catena_criterion, for the best of candidates.
    pub criterion: i32,
    /// The number of the field that is the time, for guesses and sparse times.
    pub time_field: usize,
    /// Factor of the time, above 0; 0 counts as 1.
    pub scale: f64,
    /// The longest time of a guess, above 0; 0: no limit.
    pub most: f64,
    /// How many fields get the guessed model's parameters.
    pub num_guesses: usize,
    /// Their numbers, and those of the parameters.
    pub guess_fields: *const usize,
    /// See `guess_fields`.
    pub guess_parameters: *const usize,
    /// Values of all fields, for guesses and sparse times; NULL: zeros.
    pub fields: *const f64,
    /// Candidates, for the best of them.
    pub num_candidates: usize,
    /// Their table, column by column.
    pub candidates: *const f64,
    /// Outcomes to simulate for each candidate where they cannot be listed; 0 counts as 100.
    pub samples: usize,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_design {
    const NAME: &'static str = "catena_design";
    const REQUIRED: usize = size_of::<catena_design>();
}

/// Outcomes to simulate where nobody says how many.
const SAMPLES: usize = 100;

fn samples_or_usual(samples: usize) -> usize {
    if samples == 0 { SAMPLES } else { samples }
}

fn criterion(number: i32) -> Result<Criterion, Error> {
    match number {
        n if n == catena_criterion::CATENA_CRITERION_GAIN as i32 => Ok(Criterion::Gain),
        n if n == catena_criterion::CATENA_CRITERION_RISK as i32 => Ok(Criterion::Risk),
        n => Err(Error::argument("criterion", "a catena_criterion (0 or 1)", n)),
    }
}

/// The design of a host's table.
///
/// # Safety
/// `design` is null or a table as documented.
unsafe fn given(learner: &Learner<Asked>, design: *const catena_design) -> Result<Design, Error> {
    // SAFETY: passed on to the caller, here and below.
    let t = unsafe { table(design, "design")? };
    let template = || -> Result<Vec<f64>, Error> {
        let count = learner.model().fields().len();
        let zeros = vec![0.0; count];
        if t.fields.is_null() { Ok(zeros) } else { Ok(unsafe { slice(t.fields, count, "design.fields")? }.to_vec()) }
    };
    let (time, scale) = (t.time_field, if t.scale == 0.0 { 1.0 } else { t.scale });
    match t.kind {
        n if n == catena_design_kind::CATENA_DESIGN_GUESS as i32 => {
            let fields = unsafe { slice(t.guess_fields, t.num_guesses, "design.guess_fields")? };
            let parameters = unsafe { slice(t.guess_parameters, t.num_guesses, "design.guess_parameters")? };
            let guesses = fields.iter().copied().zip(parameters.iter().copied()).collect();
            let most = if t.most == 0.0 { f64::MAX } else { t.most };
            Ok(Design::Guess { time, guesses, scale, most, template: template()? })
        }
        n if n == catena_design_kind::CATENA_DESIGN_SPARSE as i32 => {
            Ok(Design::Sparse { time, scale, template: template()? })
        }
        n if n == catena_design_kind::CATENA_DESIGN_BEST as i32 => {
            let candidates = unsafe { experiments_of(learner, t.num_candidates, t.candidates)? };
            let samples = samples_or_usual(t.samples);
            Ok(Design::Best { candidates, criterion: criterion(t.criterion)?, samples })
        }
        n => Err(Error::argument("design.kind", "a catena_design_kind (0, 1 or 2)", n)),
    }
}

/// The time of experiment `k`, from 0, by the sparse-time heuristic (Ferrie, Granade and Cory 2013): scale (9/8)^k.
#[unsafe(no_mangle)]
pub extern "C" fn catena_sparse_time(k: u32, scale: f64) -> f64 {
    sparse_time(k, scale)
}

/// What each of `n_e` experiments is expected to teach, the mean over the sets, in one parallel pass over all of them: the
/// expected divergence of the weights after it from those before, in nats, and the expected sum of `scales[j]` times the variance
/// of parameter j after it (`scales` NULL: all 1). `gains` or `risks` may be NULL. `samples` outcomes are simulated where they
/// cannot be listed (0 counts as 100).
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays are as documented; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_worth(
    updater: *mut catena_updater,
    n_e: usize,
    experiments: *const f64,
    scales: *const f64,
    samples: usize,
    gains: *mut f64,
    risks: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let mut learner = change(updater)?;
            let table = experiments_of(&learner, n_e, experiments)?;
            let dim = if scales.is_null() { 0 } else { learner.updater().names().len() };
            let found = learner.worth(&table, slice(scales, dim, "scales")?, samples_or_usual(samples))?;
            if !gains.is_null() {
                let gains = slice_mut(gains, n_e, "gains")?;
                gains.iter_mut().zip(&found).for_each(|(x, worth)| *x = worth.information_gain);
            }
            if !risks.is_null() {
                let risks = slice_mut(risks, n_e, "risks")?;
                risks.iter_mut().zip(&found).for_each(|(x, worth)| *x = worth.risk);
            }
            Ok(())
        }
    })
}

/// The next experiment of a design, into `experiment` (a number for each field); `k` counts experiments from 0.
///
/// # Safety
/// `updater` is NULL or a live updater; `design` is NULL or as documented; `experiment` has room for all fields.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_design(
    updater: *mut catena_updater,
    design: *const catena_design,
    k: u32,
    experiment: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let mut learner = change(updater)?;
            let out = slice_mut(experiment, learner.model().fields().len(), "experiment")?;
            let design = given(&learner, design)?;
            out.copy_from_slice(learner.design(&design, k)?.values());
            Ok(())
        }
    })
}

/// The best experiment near `experiment`, which it replaces: the `n` fields numbered `fields` are moved, first by `scales`, between
/// `low` and `high` (NULL: no bounds), by the simplex method of Nelder and Mead in at most `max_evaluations` evaluations (0 counts
/// as 500). `*value` (may be NULL) receives the gain per cost or the risk there.
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays are as documented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_optimize(
    updater: *mut catena_updater,
    criterion: i32,
    n: usize,
    fields: *const usize,
    scales: *const f64,
    low: *const f64,
    high: *const f64,
    samples: usize,
    max_evaluations: usize,
    experiment: *mut f64,
    value: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let mut learner = change(updater)?;
            let by = self::criterion(criterion)?;
            let start = experiments_of(&learner, 1, experiment)?;
            let bound = |of: *const f64, name| slice(of, if of.is_null() { 0 } else { n }, name);
            let (low, high) = (bound(low, "low")?, bound(high, "high")?);
            let mut how = NelderMead::default();
            if max_evaluations > 0 {
                how.max_evaluations = max_evaluations;
            }
            let (fields, scales) = (slice(fields, n, "fields")?, slice(scales, n, "scales")?);
            let samples = samples_or_usual(samples);
            let (found, minimum) = learner.optimize(&start, fields, scales, (low, high), by, samples, how)?;
            slice_mut(experiment, found.values().len(), "experiment")?.copy_from_slice(found.values());
            if !value.is_null() {
                *value = if by == Criterion::Gain { -minimum.value } else { minimum.value };
            }
            Ok(())
        }
    })
}

/// Carries out an experiment (a number for each field), number `k` of the loop from 0, and writes its outcome. Called on the
/// thread that called into the library. Returns 0; above 0 to end the loop; below 0 on failure.
pub type catena_measure =
    Option<unsafe extern "C" fn(user: *mut c_void, k: u32, experiment: *const f64, outcome: *mut f64) -> c_int>;

/// Chooses an experiment, has it measured and takes its outcome in, `steps` times or until `measure` ends it. `*taken` (may be
/// NULL) receives how many data were taken in, also on failure.
///
/// # Safety
/// `updater` is NULL or a live updater; `design` is NULL or as documented; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_learn(
    updater: *mut catena_updater,
    design: *const catena_design,
    steps: u32,
    measure: catena_measure,
    user: *mut c_void,
    taken: *mut u32,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointer.
        let mut learner = unsafe { change(updater)? };
        let measure = measure.ok_or_else(|| Error::argument("measure", "a function", "NULL"))?;
        // SAFETY: as above.
        let design = unsafe { given(&learner, design)? };
        let width = learner.model().outcome().width;
        let before = learner.updater().records().len();
        let result = learner.learn(steps, &design, |experiment: &Experiments, k| {
            let mut outcome = vec![f64::NAN; width];
            // SAFETY: the host's function with the host's data; there is room for an outcome.
            match unsafe { measure(user, k, experiment.values().as_ptr(), outcome.as_mut_ptr()) } {
                0 => Ok(Some(outcome)),
                1.. => Ok(None),
                code => Err(Error::new(Code::Model, format!("measure returned {code}"))),
            }
        });
        if !taken.is_null() {
            let count = (learner.updater().records().len() - before) as u32;
            // SAFETY: not null, and the caller vouches for it.
            unsafe { put(taken, count, "taken", "a place for a number")? };
        }
        result.map(|_| ())
    })
}
