//! Stan programs compiled with BridgeStan's C ABI (Roualdes et al. 2023, JOSS 8(87), 5236).

mod heap;
mod inits;
mod library;
mod model;
mod print;
mod program;
mod refusals;
mod table;

pub(super) use library::open;

use super::boundary::{Room, guard, text};
use super::density::catena_density;
use super::error::{catena_error, catena_status};
use super::model::{catena_model, owner};
use crate::error::Error;
use std::ffi::{CString, c_char};
use std::path::Path;

/// Loads a Stan program from a shared library with BridgeStan's C ABI (version 2) and fills `out`, whose `struct_size` must
/// be set to the host's sizeof(catena_density), with a table for catena_model_new. Names, callbacks and `user` belong to the loaded
/// program, which the model frees; when the table is never given to catena_model_new, call out->release(out->user). The
/// library itself stays loaded to the end of the process.
///
/// `data` is a JSON text, the path of a file that ends in .json, or NULL or empty for a program without data; `seed` is for
/// random numbers in the transformed data block.
///
/// - Outputs are parameters, transformed parameters and generated quantities, named as BridgeStan does (theta.1.2). The
///   generated quantities of each draw have a generator of their own, seeded with 32 bits of the chain's stream of outputs,
///   so that they depend on the draw alone; with Stan 2.35 it takes about 25 microseconds to make. The block of generated
///   quantities is not run when it declares nothing.
/// - An evaluation that fails is a rejected point, for BridgeStan does not tell more; a chain whose evaluations fail 1000
///   times in a row, all with the same message, ends with it (CATENA_MODEL).
/// - Initial values by name: a parameter not given is drawn; it lies within the run's init_radius (within 2 when the
///   transform of a given parameter depends on it). Tuples and complex numbers cannot be given.
/// - What the program prints goes to the run's logger in whole lines, with the chain's id where the library printed on the
///   thread that evaluates the chain; what it printed while it was loaded is logged by the first run.
/// - With glibc, freed memory stays with the process (mallopt: M_TRIM_THRESHOLD 64 MiB, M_MMAP_THRESHOLD 32 MiB), for Stan
///   frees much and takes it again at each gradient; MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_ or GLIBC_TUNABLES in
///   the environment leaves it all to you.
/// - A library built without STAN_THREADS gets the threading CATENA_THREADS_ONE, and no two threads are ever inside such
///   libraries at once, whatever the host does.
///
/// Errors: CATENA_IO when the library cannot be loaded, CATENA_INVALID_ARGUMENT when it lacks a symbol or has another major
/// version, CATENA_MODEL when the program cannot be made of its data.
///
/// # Safety
/// `library`, `data` are NULL or NUL-terminated, `out` is NULL or points to a table whose struct_size is set; the library
/// is what it says to be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_density_from_bridgestan(
    library: *const c_char,
    data: *const c_char,
    seed: u32,
    out: *mut catena_density,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the place.
        let room = unsafe { Room::new(out, "out")? };
        // SAFETY: the caller vouches for the texts.
        let path = Path::new(unsafe { text(library, "library")? });
        if !data.is_null() {
            // SAFETY: as above.
            unsafe { text(data, "data")? };
        }
        // SAFETY: the caller vouches for the library.
        room.fill(&table::of(unsafe { model::Loaded::new(path, data, seed, true)? }));
        Ok(())
    })
}

/// Whether the log density includes the Jacobian of the transforms from the unconstrained scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jacobian {
    /// It does: the density to sample from.
    Included,
    /// It does not: the density over the constrained values.
    LeftOut,
}

/// As [`catena_density_from_bridgestan`], for Rust: the Stan program of the shared library at `library`, ready to be
/// sampled. `data` is a JSON text, the path of a file that ends in `.json`, or empty.
///
/// Loading a library runs its code, which may do anything; that it is what it says to be is up to who names it.
///
/// # Errors
/// [`Code::Io`](crate::Code::Io) when the library cannot be loaded, [`Code::InvalidArgument`](crate::Code::InvalidArgument)
/// when it lacks a symbol or has another major version, [`Code::Model`](crate::Code::Model) when the program cannot be
/// made of its data.
pub fn load(library: &Path, data: &str, seed: u32, jacobian: Jacobian) -> Result<catena_model, Error> {
    let data = CString::new(data).map_err(|_| Error::argument("data", "text without NUL", "text with one"))?;
    // SAFETY: `data` is NUL-terminated; the library is the user's choice, as a program would be.
    let loaded = unsafe { model::Loaded::new(library, data.as_ptr(), seed, jacobian == Jacobian::Included)? };
    let table = table::of(loaded);
    // SAFETY: a table of ours.
    unsafe { catena_model::from_table(table, owner(&table)) }
}
