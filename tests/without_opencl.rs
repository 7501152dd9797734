//! A library built without OpenCL has the same functions, which say so: `cargo test --no-default-features --test without_opencl`.
#![cfg(not(feature = "opencl"))]

use catena::ffi::error::{catena_error_code, catena_error_free, catena_error_message, catena_status};
use catena::ffi::learn::device::{catena_devices_count, catena_devices_new};
use std::ffi::CStr;
use std::ptr::null_mut;

#[test]
fn no_device_is_known() {
    let (mut devices, mut error) = (null_mut(), null_mut());
    // SAFETY: both are places for pointers; the error is freed once and not used again.
    unsafe {
        assert_eq!(catena_devices_new(&mut devices, &mut error), catena_status::CATENA_UNSUPPORTED);
        assert!(devices.is_null() && catena_devices_count(devices) == 0);
        assert_eq!(catena_error_code(error), catena_status::CATENA_UNSUPPORTED);
        let words = CStr::from_ptr(catena_error_message(error)).to_str().unwrap();
        assert!(words.contains("built without OpenCL"), "{words}");
        catena_error_free(error);
    }
}
