//! Estimates of an updater's sets.

use super::handle::{catena_updater, experiments_of};
use super::read::copy;
use crate::error::Error;
use crate::ffi::boundary::{change, guard, look, put, slice, slice_mut};
use crate::ffi::error::{catena_error, catena_status};
use crate::learn::estimates::{self, Ellipsoid, Hull};

/// The mean of each parameter over all sets, and its standard error across them (NaN of one set) unless `standard_errors` is
/// NULL; `size` is the number of parameters.
///
/// # Safety
/// `updater` is NULL or a live updater; both arrays have room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_means(
    updater: *const catena_updater,
    means: *mut f64,
    standard_errors: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let found = look(updater)?.means();
            if size != found.len() {
                return Err(Error::argument("size", found.len(), size));
            }
            let of = slice_mut(means, size, "means")?;
            of.iter_mut().zip(&found).for_each(|(x, found)| *x = found.mean);
            if !standard_errors.is_null() {
                let of = slice_mut(standard_errors, size, "standard_errors")?;
                of.iter_mut().zip(&found).for_each(|(x, found)| *x = found.standard_error);
            }
            Ok(())
        }
    })
}

/// The covariance of the parameters over all sets in equal parts; `size` is the number of parameters squared.
///
/// # Safety
/// `updater` is NULL or a live updater; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_covariance(
    updater: *const catena_updater,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let found = look(updater)?.covariance();
            if size != found.len() {
                return Err(Error::argument("size", found.len(), size));
            }
            slice_mut(values, size, "values")?.copy_from_slice(&found);
            Ok(())
        }
    })
}

/// The mean of each parameter in one set.
///
/// # Safety
/// `updater` is NULL or a live updater; `values` has room for `size` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_set_mean(
    updater: *const catena_updater,
    set: u64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(updater, set, values, size, error, |set| Ok(estimates::mean(set))) }
}

/// The covariance of the parameters in one set.
///
/// # Safety
/// As for catena_updater_set_mean.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_set_covariance(
    updater: *const catena_updater,
    set: u64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    unsafe { copy(updater, set, values, size, error, |set| Ok(estimates::covariance(set, &estimates::mean(set)))) }
}

/// The entropy of a set's weights in nats, log n of level ones; NaN when there is no such set.
///
/// # Safety
/// `updater` is NULL or a live updater.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_entropy(updater: *const catena_updater, set: u64) -> f64 {
    // SAFETY: the caller vouches for the pointer.
    unsafe { catena_updater::set(updater, set) }.map_or(f64::NAN, |set| estimates::entropy(&set))
}

/// The density of a parameter (from 0) in a set as a histogram: `bins` heights between neighbours of `bins` + 1 `edges`.
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays are as documented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_histogram(
    updater: *const catena_updater,
    set: u64,
    parameter: usize,
    edges: *const f64,
    bins: usize,
    heights: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    let of = |set: &_| {
        // SAFETY: the caller vouches for the pointers.
        estimates::histogram(set, parameter, unsafe { slice(edges, bins.saturating_add(1), "edges")? })
    };
    // SAFETY: as above.
    unsafe { copy(updater, set, heights, bins, error, of) }
}

/// The density of a parameter (from 0) in a set at `n` points, by normal kernels of width `bandwidth` (0: Silverman's).
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays have `n` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_density(
    updater: *const catena_updater,
    set: u64,
    parameter: usize,
    bandwidth: f64,
    points: *const f64,
    n: usize,
    densities: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the pointers.
    let of = |set: &_| estimates::density(set, parameter, unsafe { slice(points, n, "points")? }, bandwidth);
    // SAFETY: as above.
    unsafe { copy(updater, set, densities, n, error, of) }
}

/// The models of highest density that together have at least the weight `level`: `inside` (one byte per model) receives 1 for
/// those and 0 for the others.
///
/// # Safety
/// `updater` is NULL or a live updater; `inside` has room for `size` bytes, catena_updater_set_size of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_densest(
    updater: *const catena_updater,
    set: u64,
    level: f64,
    inside: *mut u8,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (set, inside) = unsafe { (catena_updater::set(updater, set)?, slice_mut(inside, size, "inside")?) };
        if size != set.len() {
            return Err(Error::argument("size", set.len(), size));
        }
        let chosen = estimates::densest(&set, level)?;
        inside.fill(0);
        chosen.into_iter().for_each(|i| inside[i] = 1);
        Ok(())
    })
}

/// Which of `n` points (a matrix of a column per parameter, column by column) lie in the convex hull of the models that
/// catena_updater_densest finds: writes 1 or 0 for each.
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays are as documented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_hull_contains(
    updater: *const catena_updater,
    set: u64,
    level: f64,
    n: usize,
    points: *const f64,
    inside: *mut u8,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let set = catena_updater::set(updater, set)?;
            let points = slice(points, n.saturating_mul(set.dim()), "points")?;
            let inside = slice_mut(inside, n, "inside")?;
            let hull = Hull::new(&estimates::points(&set, &estimates::densest(&set, level)?), set.dim())?;
            for (i, inside) in inside.iter_mut().enumerate() {
                let point: Vec<f64> = (0..set.dim()).map(|j| points[j * n + i]).collect();
                *inside = u8::from(hull.contains(&point));
            }
            Ok(())
        }
    })
}

/// The ellipsoid of least volume (within a factor 1 + `tolerance` of its radius squared) around the models that
/// catena_updater_densest finds: (x - centre)' shape (x - centre) <= 1, with as many numbers in `centre` as there are
/// parameters and their square in `shape`.
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays have room for that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_ellipsoid(
    updater: *const catena_updater,
    set: u64,
    level: f64,
    tolerance: f64,
    centre: *mut f64,
    shape: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let set = catena_updater::set(updater, set)?;
            let dim = set.dim();
            let (centre, shape) = (slice_mut(centre, dim, "centre")?, slice_mut(shape, dim * dim, "shape")?);
            let chosen = estimates::densest(&set, level)?;
            let found = Ellipsoid::around(&estimates::points(&set, &chosen), dim, tolerance)?;
            centre.copy_from_slice(&found.centre);
            shape.copy_from_slice(&found.shape);
            Ok(())
        }
    })
}

/// Fisher's information of one outcome of each of `n_e` experiments, its mean over a set's models; `size` numbers, the square of
/// the number of parameters for each experiment. The table must have `score`.
///
/// # Safety
/// `updater` is NULL or a live updater; the arrays are as documented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_fisher_information(
    updater: *mut catena_updater,
    set: u64,
    n_e: usize,
    experiments: *const f64,
    values: *mut f64,
    size: usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let mut learner = change(updater)?;
            let table = experiments_of(&learner, n_e, experiments)?;
            let found = learner.fisher_information(set, &table)?;
            if found.len() != size {
                return Err(Error::argument("size", found.len(), size));
            }
            slice_mut(values, size, "values")?.copy_from_slice(&found);
            Ok(())
        }
    })
}

/// The Bayesian Cramér-Rao bound: the inverse of the sum of `n_e` + 1 matrices of `dimension` rows, the first of them the
/// prior's information (the inverse of its covariance, if it is normal), into `bound`.
///
/// # Safety
/// `information` and `bound` are as documented; `error` is NULL or points to a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_bayesian_bound(
    dimension: usize,
    n_e: usize,
    information: *const f64,
    bound: *mut f64,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        let square = dimension.saturating_mul(dimension);
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let all = slice(information, square.saturating_mul(n_e.saturating_add(1)), "information")?;
            let found = estimates::bayesian_bound(&all[..square], &all[square..], dimension)?;
            slice_mut(bound, square, "bound")?.copy_from_slice(&found);
            Ok(())
        }
    })
}

/// The corners of the convex hull of the models that catena_updater_densest finds, for a picture: of two parameters
/// counter-clockwise, row by row; of one its two ends; of more there are none. `*corners` receives their number; where `room`
/// (in corners) is enough they are written to `values`, which may be NULL with room 0.
///
/// # Safety
/// `updater` is NULL or a live updater; `values` has room for `room` corners; `corners` points to a place for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_updater_hull(
    updater: *const catena_updater,
    set: u64,
    level: f64,
    values: *mut f64,
    room: usize,
    corners: *mut usize,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let set = catena_updater::set(updater, set)?;
            let hull = Hull::new(&estimates::points(&set, &estimates::densest(&set, level)?), set.dim())?;
            let outline = hull.outline();
            let found = outline.len() / set.dim();
            put(corners, found, "corners", "a place for a number")?;
            if found <= room {
                slice_mut(values, outline.len(), "values")?.copy_from_slice(&outline);
            }
            Ok(())
        }
    })
}
