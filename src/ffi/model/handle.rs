//! Models: a table of function pointers becomes a density.

use crate::error::Error;
use crate::ffi::UserData;
use crate::ffi::boundary::{Handle, Held, Looking, check_size, let_go, look, make, table_with};
use crate::ffi::density::{catena_density, names, threading};
use crate::ffi::engine::{ENGINES, number};
use crate::ffi::error::{c_text, catena_error, catena_status};
use crate::model::Threading;
use crate::room;
use crate::services::Engine;
use std::ffi::{CString, c_char};
use std::sync::Arc;

/// A model ready to be sampled. Immutable: may be used by several runs at once.
pub struct catena_model {
    /// The runs that use it.
    uses: Held<()>,
    pub(super) table: catena_density,
    pub(super) threading: Threading,
    pub(super) data: Arc<UserData>,
    pub(super) names: Vec<String>,
    pub(super) output_names: Vec<String>,
    c_names: Vec<CString>,
    c_output_names: Vec<CString>,
    /// All columns of a sample writer, by the number of the engine.
    c_columns: [Vec<CString>; ENGINES.len()],
}

// SAFETY: the table's pointers are only used as its documentation says, which allows any thread.
unsafe impl Send for catena_model {}
// SAFETY: as above.
unsafe impl Sync for catena_model {}

/// Makes a model from a table, which is copied with its names. The model owns `user` and gives it to `release` when it is
/// freed, or, where this function fails, at once.
///
/// # Safety
/// `density` is NULL or points to a table as documented; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_new(
    density: *const catena_density,
    out: *mut *mut catena_model,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for the table.
    let given = unsafe { table_with(density, "density", owner) };
    let new = || {
        let (table, data) = given?;
        // SAFETY: as above.
        unsafe { catena_model::from_table(table, data) }
    };
    // SAFETY: the caller vouches for both places.
    unsafe { make(out, error, new) }
}

/// Frees a model and releases its user data, or has it freed when the last run that uses it has ended. NULL is fine.
///
/// # Safety
/// `model` is NULL or came from catena_model_new and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_free(model: *mut catena_model) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { let_go(model) }
}

/// Number of unconstrained coordinates; 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_dimension(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| m.table.dimension)
}

/// Number of outputs (of coordinates when the model has no `constrain`); 0 for NULL.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_output_count(model: *const catena_model) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { model.as_ref() }.map_or(0, |m| m.output_names.len())
}

/// Name of coordinate `index`, from 0, borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_name(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    name_at(unsafe { model.as_ref() }.map(|m| &m.c_names[..]), index)
}

/// Name of output `index`, from 0, borrowed from the model; NULL past the last.
///
/// # Safety
/// `model` is NULL or a live model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_model_output_name(model: *const catena_model, index: usize) -> *const c_char {
    // SAFETY: the caller vouches for the pointer.
    name_at(unsafe { model.as_ref() }.map(|m| &m.c_output_names[..]), index)
}

/// An entry of a list of names; null past the last.
pub(in crate::ffi) fn name_at(names: Option<&[CString]>, index: usize) -> *const c_char {
    names.and_then(|n| n.get(index)).map_or(std::ptr::null(), |n| n.as_ptr())
}

/// Bytes that the texts of a name take at least.
const NAME_BYTES: usize = 64;

/// Who owns a table's user data.
pub(in crate::ffi) fn owner(table: &catena_density) -> UserData {
    UserData::new(table.user, table.release)
}

impl catena_model {
    /// The model of a table and its [`owner`].
    ///
    /// # Safety
    /// The table is what its documentation says.
    pub(in crate::ffi) unsafe fn from_table(t: catena_density, data: UserData) -> Result<Self, Error> {
        check_size::<f64>(t.dimension, "density.dimension")?;
        check_size::<f64>(t.output_count, "density.output_count")?;
        for (argument, count) in [("density.dimension", t.dimension), ("density.output_count", t.output_count)] {
            room::check(argument, &[count, NAME_BYTES], count)?;
        }
        if t.log_density_gradient.is_none() && t.dimension > 0 {
            return Err(Error::argument("density.log_density_gradient", "a function", "NULL"));
        }
        if t.constrain.is_none() && t.output_count > 0 {
            let got = format_args!("NULL with an output_count of {}", t.output_count).to_string();
            return Err(Error::argument("density.constrain", "a function", got));
        }
        if t.log_density_data.is_none() && t.data_count > 0 {
            let got = format_args!("NULL with a data_count of {}", t.data_count).to_string();
            return Err(Error::argument("density.log_density_data", "a function", got));
        }
        let threading = threading(t.threading)?;
        let coordinates = if t.names.is_null() {
            (1..=t.dimension).map(|i| format!("x.{i}")).collect()
        } else {
            // SAFETY: the caller vouches for the names.
            unsafe { names(t.names, t.dimension, "density.names")? }
        };
        let outputs = if t.constrain.is_none() {
            coordinates.clone()
        } else {
            // SAFETY: the caller vouches for the names.
            unsafe { names(t.output_names, t.output_count, "density.output_names")? }
        };
        let known = t.parameter_outputs.checked_add(t.transformed_outputs);
        if known.is_none_or(|known| known > t.output_count) {
            let got = format!("{} and {}", t.parameter_outputs, t.transformed_outputs);
            let expected = format!("counts of at most {} outputs together with transformed_outputs", t.output_count);
            return Err(Error::argument("density.parameter_outputs", expected, got));
        }
        let columns = |engine: Engine| {
            engine.columns().iter().copied().chain(outputs.iter().map(String::as_str)).map(c_text).collect()
        };
        Ok(catena_model {
            uses: Held::new(()),
            data: Arc::new(data),
            table: t,
            threading,
            c_names: coordinates.iter().map(|n| c_text(n)).collect(),
            c_output_names: outputs.iter().map(|n| c_text(n)).collect(),
            c_columns: ENGINES.map(columns),
            names: coordinates,
            output_names: outputs,
        })
    }

    /// All columns of a sample writer.
    pub(in crate::ffi) fn columns(&self, engine: Engine) -> &[CString] {
        &self.c_columns[number(engine)]
    }

    /// Number of coordinates.
    pub(in crate::ffi) fn dimension(&self) -> usize {
        self.table.dimension
    }

    /// Names of all outputs.
    pub(in crate::ffi) fn outputs(&self) -> &[CString] {
        &self.c_output_names
    }

    /// Names of the outputs that generate_quantities writes.
    pub(in crate::ffi) fn quantities(&self) -> &[CString] {
        &self.c_output_names[self.table.parameter_outputs + self.table.transformed_outputs..]
    }
}

impl Handle for catena_model {
    type Kept = ();
    const NAME: &'static str = "model";
    const WHAT: &'static str = "a catena_model";

    fn held(&self) -> &Held<()> {
        &self.uses
    }
}

/// The model behind a pointer of a run's arguments, which lives as long as what is returned beside it.
///
/// # Safety
/// `model` is null or a live model.
pub(in crate::ffi) unsafe fn model<'a>(
    model: *const catena_model,
) -> Result<(&'a catena_model, Looking<catena_model>), Error> {
    // SAFETY: passed on to the caller.
    unsafe {
        let held = look(model)?;
        Ok((held.handle(), held))
    }
}
