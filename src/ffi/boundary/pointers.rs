//! The host's pointers, and handles given to it.

use crate::drive::quiet;
use crate::error::Error;
use std::ffi::{CStr, c_char};

/// Runs `f`, which answers a question that has no error; a panic gives `otherwise`.
pub(in crate::ffi) fn ask<R>(otherwise: R, f: impl FnOnce() -> R) -> R {
    quiet::catch(f).unwrap_or(otherwise)
}

pub(super) fn null(name: &str, what: &str) -> Error {
    Error::argument(name, format_args!("a pointer to {what}"), "NULL")
}

/// The object behind a pointer that must not be null.
///
/// # Safety
/// `pointer` is null or points to a live `T` that nobody changes while the reference is in use.
pub(in crate::ffi) unsafe fn object<'a, T>(pointer: *const T, name: &str, what: &str) -> Result<&'a T, Error> {
    // SAFETY: passed on to the caller.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name, what))
}

/// The object behind a pointer that must not be null, to be changed.
///
/// # Safety
/// `pointer` is null or points to a live `T` that nobody else uses while the reference is in use.
pub(in crate::ffi) unsafe fn object_mut<'a, T>(pointer: *mut T, name: &str, what: &str) -> Result<&'a mut T, Error> {
    // SAFETY: passed on to the caller.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(name, what))
}

/// `length` elements; a null pointer is an empty slice when `length` is 0 and an error otherwise.
///
/// # Safety
/// `pointer` is null or points to `length` elements that nobody changes while the slice is in use.
pub(in crate::ffi) unsafe fn slice<'a, T>(pointer: *const T, length: usize, name: &str) -> Result<&'a [T], Error> {
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null(name, &format!("{length} elements")));
    }
    check_size::<T>(length, name)?;
    // SAFETY: passed on to the caller.
    Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// As [`slice`], to be written.
///
/// # Safety
/// `pointer` is null or points to `length` initialised elements that nobody else uses while the slice is in use.
pub(in crate::ffi) unsafe fn slice_mut<'a, T>(
    pointer: *mut T,
    length: usize,
    name: &str,
) -> Result<&'a mut [T], Error> {
    if length == 0 {
        return Ok(&mut []);
    }
    if pointer.is_null() {
        return Err(null(name, &format!("{length} elements")));
    }
    check_size::<T>(length, name)?;
    // SAFETY: passed on to the caller.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, length) })
}

/// No array is longer than the address space allows.
pub(in crate::ffi) fn check_size<T>(length: usize, name: &str) -> Result<(), Error> {
    match length.checked_mul(size_of::<T>()) {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(()),
        _ => Err(Error::argument(name, "an array that fits into memory", format_args!("{length} elements"))),
    }
}

/// A NUL-terminated text in UTF-8.
///
/// # Safety
/// `pointer` is null or points to a NUL-terminated text that lives as long as the result is used.
pub(in crate::ffi) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str, Error> {
    if pointer.is_null() {
        return Err(null(name, "a NUL-terminated text"));
    }
    // SAFETY: passed on to the caller.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map_err(|_| Error::argument(name, "text in UTF-8", format_args!("{bytes:?}")))
}

/// Writes `value` to the place that the caller has for it, the argument `name`.
///
/// # Safety
/// `place` is null or points to a place for a `T`.
pub(in crate::ffi) unsafe fn put<T>(place: *mut T, value: T, name: &str, what: &str) -> Result<(), Error> {
    if place.is_null() {
        return Err(Error::argument(name, what, "NULL"));
    }
    // SAFETY: not null; passed on to the caller.
    unsafe { place.write(value) };
    Ok(())
}

/// Hands `value` out as a handle.
///
/// # Safety
/// `out` is null or points to a place for a pointer.
pub(in crate::ffi) unsafe fn hand_out<T>(
    out: *mut *mut T,
    value: impl FnOnce() -> Result<T, Error>,
) -> Result<(), Error> {
    if out.is_null() {
        return Err(null("out", "a place for the new handle"));
    }
    let handle = Box::into_raw(Box::new(value()?));
    // SAFETY: not null; passed on to the caller.
    unsafe { *out = handle };
    Ok(())
}

/// Frees a handle made by [`hand_out`]; null is fine.
///
/// # Safety
/// `handle` is null or came from [`hand_out`] and is not used again.
pub(in crate::ffi) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: passed on to the caller.
        let handle = unsafe { Box::from_raw(handle) };
        // A release function of the host may misbehave; nothing may unwind from here.
        let _ = quiet::catch(move || drop(handle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Misbehaving;

    impl Drop for Misbehaving {
        fn drop(&mut self) {
            panic!("a planted panic");
        }
    }

    #[test]
    fn room_for_nothing_needs_no_pointer_and_none_is_endless() {
        let (mut place, null) = (1.5, std::ptr::null_mut::<f64>());
        // SAFETY: a place for one number; no other is touched.
        unsafe {
            assert_eq!(slice_mut(null, 0, "out").unwrap(), [0.0; 0]);
            assert_eq!(slice_mut(&mut place, 1, "out").unwrap(), [1.5]);
            assert!(slice_mut(null, 2, "out").unwrap_err().to_string().contains("a pointer to 2 elements"));
            for endless in [usize::MAX, isize::MAX as usize / size_of::<f64>() + 1] {
                let error = slice_mut(&mut place, endless, "out").unwrap_err().to_string();
                assert!(error.contains("an array that fits into memory"), "{error}");
            }
        }
    }

    #[test]
    fn nothing_unwinds_from_what_a_handle_lets_go() {
        let mut handle = std::ptr::null_mut();
        // SAFETY: a place for a handle, which is freed once.
        unsafe {
            hand_out(&mut handle, || Ok(Misbehaving)).unwrap();
            free(handle);
        }
    }
}
