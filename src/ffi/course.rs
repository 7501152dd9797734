//! What became of sets of particles step by step, and the page about it.

use super::boundary::{Table, free, guard, look, object, object_mut, slice, table, text};
use super::error::{catena_error, catena_status};
use super::filter::catena_filter;
use super::learn::catena_updater;
use super::population::catena_population;
use super::smc::catena_smc_result;
use super::summary::texts;
use crate::error::Error;
use crate::report::{Course, CourseStep, Noun, Particles, SetRows, SetsInput};
use crate::services::write_sets_report;
use std::ffi::c_char;
use std::path::Path;

/// What a step of a course is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_noun {
    /// A verb of a population.
    CATENA_NOUN_STEP = 0,
    /// A stage of sequential Monte Carlo.
    CATENA_NOUN_STAGE = 1,
    /// A datum was taken in.
    CATENA_NOUN_DATUM = 2,
    /// A time of a particle filter.
    CATENA_NOUN_TIME = 3,
}

/// Where a set of particles stands after a step. NAN: not known.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_course_step {
    /// sizeof(catena_course_step) of the header the program was compiled with.
    pub struct_size: usize,
    /// The way behind it: a temperature, or the number of steps.
    pub way: f64,
    /// Number of particles.
    pub size: f64,
    /// Effective sample size.
    pub ess: f64,
    /// How many particles of an earlier step those of this one stem from.
    pub ancestors: f64,
    /// Log evidence so far.
    pub log_evidence: f64,
    /// Acceptance of moves.
    pub acceptance: f64,
    /// Step size of moves.
    pub stepsize: f64,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_course_step {
    const NAME: &'static str = "catena_course_step";
    const REQUIRED: usize = size_of::<catena_course_step>();
}

/// What a page about sets tells beside them. Zero every member that you don't care for.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_course_options {
    /// sizeof(catena_course_options) of the header the program was compiled with.
    pub struct_size: usize,
    /// Title of the page; NULL: "Sets of particles".
    pub title: *const c_char,
    /// The true values of the updater's parameters, in their order, where they are known; NULL: not shown.
    pub truth: *const f64,
    /// Their number.
    pub num_truth: usize,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_course_options {
    const NAME: &'static str = "catena_course_options";
    const REQUIRED: usize = size_of::<catena_course_options>();
}

/// What became of independent sets of weighted particles, step by step. One thread at a time uses it.
pub struct catena_course {
    course: Course,
}

impl catena_course {
    /// # Safety
    /// `course` is null or a live course that nobody else uses.
    unsafe fn of<'a>(course: *mut Self) -> Result<&'a mut Course, Error> {
        // SAFETY: passed on to the caller.
        unsafe { object_mut(course, "course", "a catena_course") }.map(|c| &mut c.course)
    }
}

/// The title of a page that has none.
const TITLE: &str = "Sets of particles";

/// A course without any step. `noun` says what its steps are (one of the CATENA_NOUN constants).
///
/// # Safety
/// `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_new(
    noun: i32,
    out: *mut *mut catena_course,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        if out.is_null() {
            return Err(Error::argument("out", "a place for the course", "NULL"));
        }
        let known = [Noun::Step, Noun::Stage, Noun::Datum, Noun::Time];
        let noun = usize::try_from(noun).ok().and_then(|at| known.get(at).copied());
        let noun = noun.ok_or_else(|| Error::argument("noun", "one of the CATENA_NOUN constants", "another number"))?;
        // SAFETY: not null, and the caller vouches for it.
        unsafe { *out = Box::into_raw(Box::new(catena_course { course: Course::new(noun) })) };
        Ok(())
    })
}

/// Notes a step of the set with this id, of what a host knows of it.
///
/// # Safety
/// `course` is NULL or a live course, `step` is NULL or points to a step; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_add(
    course: *mut catena_course,
    set: u64,
    step: *const catena_course_step,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (course, step) = unsafe { (catena_course::of(course)?, table(step, "step")?) };
        let catena_course_step { way, size, ess, ancestors, log_evidence, acceptance, stepsize, .. } = step;
        course.add(set, CourseStep { way, size, ess, ancestors, log_evidence, acceptance, stepsize });
        Ok(())
    })
}

/// Notes where every set of an updater stands: effective sample size, evidence, mean and 95 % interval of each parameter. The
/// models are copied, and are the particles of the page until the next note.
///
/// # Safety
/// `course` and `updater` are NULL or live; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_note_updater(
    course: *mut catena_course,
    updater: *const catena_updater,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (course, learner) = unsafe { (catena_course::of(course)?, look(updater)?) };
        let updater = learner.updater();
        course.note_models(updater.names(), updater.sets(), updater.records().len())
    })
}

/// Notes where every set of a population stands: number of traces, effective sample size, evidence, and, where the genealogy
/// is kept, how many founders its traces stem from.
///
/// # Safety
/// `course` and `population` are NULL or live; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_note_population(
    course: *mut catena_course,
    population: *const catena_population,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (course, population) = unsafe { (catena_course::of(course)?, look(population)?) };
        population.note(course);
        Ok(())
    })
}

/// Notes the stages of all sets of a run of sequential Monte Carlo; `num_particles` is the number of each set's.
///
/// # Safety
/// `course` and `result` are NULL or live; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_note_smc(
    course: *mut catena_course,
    result: *const catena_smc_result,
    num_particles: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (course, result) =
            unsafe { (catena_course::of(course)?, object(result, "result", "a catena_smc_result")?) };
        result.report.note(num_particles, course);
        Ok(())
    })
}

/// Notes the times of all sets of a particle filter.
///
/// # Safety
/// `course` and `filter` are NULL or live; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_note_filter(
    course: *mut catena_course,
    filter: *const catena_filter,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (course, filter) = unsafe { (catena_course::of(course)?, object(filter, "filter", "a catena_filter")?) };
        filter.report.note(course);
        Ok(())
    })
}

/// The particles that the sets ended with: `num_sets` sets of `rows[s]` rows of `columns` numbers, set after set, row after
/// row, `size` numbers in all; `sets` are the sets' ids. The column `log_weight__` weighs them, across sets too (without it all
/// weigh the same); other names that end in two underscores are of no variable. So are the rows of sequential Monte Carlo.
/// Rows whose log weight is not finite are left out.
///
/// # Safety
/// The arrays are as long as said, `names` has `columns` NUL-terminated texts; `course` is NULL or a live course; `error` is
/// NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_particles(
    course: *mut catena_course,
    values: *const f64,
    size: usize,
    sets: *const u64,
    rows: *const usize,
    num_sets: usize,
    columns: usize,
    names: *const *const c_char,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (course, values, sets, rows, names) = unsafe {
            (
                catena_course::of(course)?,
                slice(values, size, "values")?,
                slice(sets, num_sets, "sets")?,
                slice(rows, num_sets, "rows")?,
                texts(names, columns, "names")?,
            )
        };
        let mut rest = values;
        let mut of_sets = Vec::with_capacity(num_sets);
        for (&id, rows) in sets.iter().zip(rows) {
            let (own, others) = rows
                .checked_mul(columns)
                .and_then(|length| rest.split_at_checked(length))
                .ok_or_else(|| Error::argument("size", "room for all rows of all sets", size))?;
            of_sets.push(SetRows { id, values: own });
            rest = others;
        }
        if !rest.is_empty() {
            return Err(Error::argument("size", size - rest.len(), size));
        }
        course.end_with(Particles::of_rows(&names, &of_sets)?);
        Ok(())
    })
}

/// Writes a page for a browser about a course: the verdict in words; evidence, effective sample sizes, ancestors and, of an
/// updater, the posterior over the steps, with their errors across the sets; the particles. The file at `path` needs nothing
/// else; an older one is replaced.
///
/// # Safety
/// `course` is NULL or a live course; `options` is NULL or points to options whose members point to what they say; `path` is a
/// NUL-terminated text; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_report(
    course: *const catena_course,
    options: *const catena_course_options,
    path: *const c_char,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers and what they point to.
        let (course, title, truth, path) = unsafe {
            let found = object(course, "course", "a catena_course")?;
            let given = if options.is_null() { None } else { Some(table(options, "options")?) };
            let title = given.map_or(std::ptr::null(), |o| o.title);
            let title = if title.is_null() { TITLE } else { text(title, "options.title")? };
            let truth = match given {
                Some(options) if !options.truth.is_null() => slice(options.truth, options.num_truth, "options.truth")?,
                _ => &[],
            };
            (&found.course, title, truth, text(path, "path")?)
        };
        write_sets_report(&SetsInput { title, course, truth, settings: &[], notes: &[] }, None, Path::new(path))
    })
}

/// Frees a course. NULL is fine.
///
/// # Safety
/// `course` is NULL or came from catena_course_new and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_course_free(course: *mut catena_course) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(course) }
}
