//! What crosses the C ABI is checked: sizes of tables, lengths of arrays, bytes of checkpoints.

use catena::ffi::checkpoint::{catena_checkpoint_bytes, catena_checkpoint_free, catena_checkpoint_new};
use catena::ffi::density::catena_density;
use catena::ffi::error::{catena_error, catena_error_argument, catena_error_free, catena_error_message, catena_status};
use catena::ffi::gradient::catena_diagnose_gradient;
use catena::ffi::model::{catena_model_free, catena_model_log_density, catena_model_new};
use catena::ffi::options::{catena_options_free, catena_options_new};
use catena::ffi::task::catena_task;
use catena::ffi::writer::{catena_writer_free, catena_writer_new, catena_writer_table};
use std::ffi::{CStr, c_int, c_void};
use std::mem::{offset_of, zeroed};
use std::ptr::{null, null_mut};

/// The argument named and the message of a call that must fail.
fn refused(call: impl FnOnce(*mut *mut catena_error) -> catena_status) -> (String, String) {
    let mut error = null_mut();
    assert_ne!(call(&mut error), catena_status::CATENA_OK);
    assert!(!error.is_null());
    // SAFETY: a live error, whose texts are copied before it is freed.
    unsafe {
        let text = |t| CStr::from_ptr(t).to_str().unwrap().to_string();
        let out = (text(catena_error_argument(error)), text(catena_error_message(error)));
        catena_error_free(error);
        out
    }
}

unsafe extern "C" fn with_gradient(
    _: *mut c_void,
    _: *mut c_void,
    _: *mut catena_task,
    position: *const f64,
    log_density: *mut f64,
    gradient: *mut f64,
) -> c_int {
    // SAFETY: one coordinate, as the table says.
    unsafe {
        *log_density = -0.5 * *position * *position;
        *gradient = -*position;
    }
    0
}

unsafe extern "C" fn alone(
    _: *mut c_void,
    _: *mut c_void,
    _: *mut catena_task,
    _: *const f64,
    log_density: *mut f64,
) -> c_int {
    // SAFETY: a place for a number.
    unsafe { *log_density = 1234.0 };
    0
}

fn density(size: usize) -> catena_density {
    // SAFETY: zeros are a valid table.
    let mut table: catena_density = unsafe { zeroed() };
    table.struct_size = size;
    table.dimension = 1;
    table.log_density_gradient = Some(with_gradient);
    table.log_density = Some(alone);
    table
}

/// The log density at 2 of the model that `table` makes.
fn at_two(table: *const catena_density) -> f64 {
    let (mut model, mut value, mut code) = (null_mut(), 0.0, 7);
    // SAFETY: the table is as long as it says; the others are places for one result each.
    unsafe {
        assert_eq!(catena_model_new(table, &mut model, null_mut()), catena_status::CATENA_OK);
        let status = catena_model_log_density(model, 1, &2.0, &mut value, null_mut(), &mut code, null_mut());
        assert_eq!((status, code), (catena_status::CATENA_OK, 0));
        catena_model_free(model);
    }
    value
}

#[test]
fn a_host_of_an_older_version_has_not_provided_what_it_does_not_know() {
    assert_eq!(at_two(&density(size_of::<catena_density>())), 1234.0);
    // The oldest table ends before `log_density`: what stands there in memory is not read.
    assert_eq!(at_two(&density(offset_of!(catena_density, log_density))), -2.0);
}

#[test]
fn a_table_that_lacks_what_is_required_is_refused() {
    // The last ends within a member.
    let required = offset_of!(catena_density, log_density);
    for size in [0, 8, required - 1, required + 4, size_of::<catena_density>() - 1] {
        // SAFETY: the table is longer than it says.
        let (argument, message) = refused(|error| unsafe { catena_model_new(&density(size), &mut null_mut(), error) });
        assert_eq!(argument, "density.struct_size");
        assert!(
            message.contains("sizeof(catena_density), a multiple of 8, at least")
                && message.ends_with(&format!("got {size}")),
            "{message}"
        );
    }
    let mut writer = null_mut();
    // SAFETY: zeros are a valid table, all of which is required.
    unsafe {
        let mut table: catena_writer_table = zeroed();
        table.struct_size = size_of::<catena_writer_table>();
        assert_eq!(catena_writer_new(&table, &mut writer, null_mut()), catena_status::CATENA_OK);
        catena_writer_free(writer);
        table.struct_size -= 1;
        assert_eq!(refused(|error| catena_writer_new(&table, &mut writer, error)).0, "table.struct_size");
    }
}

/// A table of a newer version, with members that this one does not know.
#[repr(C)]
struct Newer {
    table: catena_density,
    more: [u8; 24],
}

#[test]
fn a_host_of_a_newer_version_may_not_ask_for_what_is_unknown() {
    let mut newer = Newer { table: density(size_of::<Newer>()), more: [0; 24] };
    assert_eq!(at_two(&newer.table), 1234.0);
    for at in [0, 9, 23] {
        newer.more = [0; 24];
        newer.more[at] = 1;
        // SAFETY: the table is as long as it says.
        let (argument, message) =
            refused(|error| unsafe { catena_model_new((&raw const newer).cast(), &mut null_mut(), error) });
        assert_eq!(argument, "density");
        let known = size_of::<catena_density>();
        assert!(message.contains(&format!("a catena_density of at most {known} bytes, the rest zero")), "{message}");
        assert!(
            message.contains(&format!(
                "{} bytes with a member of a newer version set at byte {}",
                known + 24,
                known + at
            )),
            "{message}"
        );
    }
}

#[test]
fn the_numbers_of_a_gradient_check_are_named_as_in_the_header() {
    let (mut model, mut options) = (null_mut(), null_mut());
    // SAFETY: the table is as long as it says; the others are places for one result each, freed once.
    unsafe {
        let table = density(size_of::<catena_density>());
        assert_eq!(catena_model_new(&table, &mut model, null_mut()), catena_status::CATENA_OK);
        assert_eq!(catena_options_new(&mut options, null_mut()), catena_status::CATENA_OK);
        for (epsilon, threshold, name) in [(-1.0, 1.0, "epsilon"), (1.0, -1.0, "threshold")] {
            let mut check = null_mut();
            let (argument, message) = refused(|error| {
                catena_diagnose_gradient(model, options, null(), null(), epsilon, threshold, &mut check, error)
            });
            assert_eq!(argument, name);
            assert!(message.ends_with("expected a finite number above 0, got -1"), "{message}");
        }
        catena_options_free(options);
        catena_model_free(model);
    }
}

#[test]
fn bytes_of_a_checkpoint() {
    // SAFETY: the bytes are as many as is said, and where they are not none is read.
    unsafe {
        let (mut checkpoint, mut length) = (null_mut(), 99);
        assert_eq!(
            catena_checkpoint_new([7u8, 8, 9].as_ptr(), 3, &mut checkpoint, null_mut()),
            catena_status::CATENA_OK
        );
        let bytes = catena_checkpoint_bytes(checkpoint, &mut length);
        assert_eq!(std::slice::from_raw_parts(bytes, length), [7, 8, 9]);
        assert_eq!(catena_checkpoint_bytes(checkpoint, null_mut()), bytes);
        catena_checkpoint_free(checkpoint);
        // No bytes need no pointer.
        assert_eq!(catena_checkpoint_new(null(), 0, &mut checkpoint, null_mut()), catena_status::CATENA_OK);
        catena_checkpoint_bytes(checkpoint, &mut length);
        assert_eq!(length, 0);
        catena_checkpoint_free(checkpoint);
        length = 99;
        assert!(catena_checkpoint_bytes(null(), &mut length).is_null() && length == 0);
        let (argument, message) = refused(|error| catena_checkpoint_new(null(), 5, &mut checkpoint, error));
        assert_eq!(argument, "bytes");
        assert!(message.contains("a pointer to 5 elements"), "{message}");
        let (argument, message) = refused(|error| catena_checkpoint_new(&1, usize::MAX, &mut checkpoint, error));
        assert_eq!(argument, "bytes");
        assert!(message.contains("an array that fits into memory"), "{message}");
    }
}
