//! Models from shared libraries: those that export one by this ABI, and BridgeStan's.

use super::bridgestan::{self, Jacobian};
use super::density::catena_density;
use super::init::{catena_init_shape, catena_init_values};
use super::model::{catena_model, owner};
use super::task::*;
use crate::error::{Code, Error};
use std::ffi::{CStr, CString, c_char, c_int};
use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::path::Path;

/// What a shared library exports under the name `catena_model`, so that the command `catena` can sample its model; see
/// CATENA_MODEL_ENTRY. Fills `density`, whose struct_size is set and all else zero. `data` is the
/// JSON text that the user gave, or an empty text; `seed` is for random numbers that the model's data need. Returns 0, or
/// anything else after writing a NUL-terminated message of at most `message_size` bytes. The library is never unloaded.
pub type catena_model_entry = Option<
    unsafe extern "C" fn(
        data: *const c_char,
        seed: u32,
        density: *mut catena_density,
        message: *mut c_char,
        message_size: usize,
    ) -> c_int,
>;

/// The name under which a library exports its [`catena_model_entry`].
const ENTRY: &str = "catena_model";
/// Room for an entry's message.
const MESSAGE_SIZE: usize = 1024;

/// The model of the shared library at `library`: the one that it exports as `catena_model`, or the Stan program that it
/// has with BridgeStan's C ABI. `data` as in [`bridgestan::load`]; `seed` for random numbers in making the model.
///
/// A program that calls this must export the functions `catena_task_*` and `catena_init_*` to libraries that use them.
///
/// # Errors
/// As [`bridgestan::load`]; [`Code::Model`] with the library's message when it could not make its model.
pub fn load(library: &Path, data: &str, seed: u32, jacobian: Jacobian) -> Result<catena_model, Error> {
    keep_callable();
    // SAFETY: the library is the user's choice, as a program would be.
    let opened = ManuallyDrop::new(unsafe { bridgestan::open(library)? });
    // SAFETY: by the header, what is exported under this name is such a function.
    let Ok(entry) = (unsafe { opened.get::<catena_model_entry>(ENTRY) }) else {
        return bridgestan::load(library, data, seed, jacobian);
    };
    if jacobian == Jacobian::LeftOut {
        let expected = "true for a library that exports catena_model, whose density is what it is";
        return Err(Error::argument("jacobian", expected, "false"));
    }
    let text = CString::new(data).map_err(|_| Error::argument("data", "text without NUL", "text with one"))?;
    // SAFETY: zeros are valid everywhere in this table.
    let mut table: catena_density = unsafe { std::mem::zeroed() };
    table.struct_size = size_of::<catena_density>();
    let mut message = [0 as c_char; MESSAGE_SIZE];
    let entry = entry.expect("a symbol that was found has an address");
    // SAFETY: arguments as documented.
    let code = unsafe { entry(text.as_ptr(), seed, &mut table, message.as_mut_ptr(), MESSAGE_SIZE - 1) };
    if code != 0 {
        // SAFETY: the last byte was not given away, so that the text ends.
        let words = unsafe { CStr::from_ptr(message.as_ptr()) }.to_string_lossy().into_owned();
        let words = if words.is_empty() { format!("catena_model returned {code}") } else { words };
        return Err(Error::new(
            Code::Model,
            format!("the model of '{}' could not be made: {words}", library.display()),
        ));
    }
    // SAFETY: a table as documented, by the library's promise.
    unsafe { catena_model::from_table(table, owner(&table)) }
}

/// Makes the linker keep what a library's callbacks may call.
fn keep_callable() {
    black_box([
        catena_init_shape as *const () as usize,
        catena_init_values as *const () as usize,
        catena_task_bits as *const () as usize,
        catena_task_chain_id as *const () as usize,
        catena_task_exponential as *const () as usize,
        catena_task_log as *const () as usize,
        catena_task_message as *const () as usize,
        catena_task_normal as *const () as usize,
        catena_task_reduce as *const () as usize,
        catena_task_uniform as *const () as usize,
    ]);
}
