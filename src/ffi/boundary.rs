//! What every exported function does first and last: check pointers, contain panics, hand out errors.

use super::error::{catena_error, catena_status};
use crate::drive::quiet;
use crate::error::{Code, Error};
use std::ffi::{CStr, c_char};

/// Runs `f`; a failure or a panic becomes a status and, where the caller wants one, an error object.
///
/// `error` must be null or point to a place for a pointer, as every exported function documents.
pub(super) fn guard(error: *mut *mut catena_error, f: impl FnOnce() -> Result<(), Error>) -> catena_status {
    let outcome = quiet::catch(f)
        .unwrap_or_else(|message| Err(Error::new(Code::Internal, format!("a panic was caught: {message}"))));
    match outcome {
        Ok(()) => catena_status::CATENA_OK,
        Err(e) => {
            let status = catena_status::from(e.code());
            if !error.is_null() {
                // SAFETY: not null, and the caller vouches that it points to a place for a pointer.
                unsafe { *error = Box::into_raw(Box::new(catena_error::new(e))) };
            }
            status
        }
    }
}

/// Runs `f`, which answers a question that has no error; a panic gives `otherwise`.
pub(super) fn ask<R>(otherwise: R, f: impl FnOnce() -> R) -> R {
    quiet::catch(f).unwrap_or(otherwise)
}

fn null(name: &str, what: &str) -> Error {
    Error::argument(name, format_args!("a pointer to {what}"), "NULL")
}

/// The object behind a pointer that must not be null.
///
/// # Safety
/// `pointer` is null or points to a live `T` that nobody changes while the reference is in use.
pub(super) unsafe fn object<'a, T>(pointer: *const T, name: &str, what: &str) -> Result<&'a T, Error> {
    // SAFETY: passed on to the caller.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name, what))
}

/// The object behind a pointer that must not be null, to be changed.
///
/// # Safety
/// `pointer` is null or points to a live `T` that nobody else uses while the reference is in use.
pub(super) unsafe fn object_mut<'a, T>(pointer: *mut T, name: &str, what: &str) -> Result<&'a mut T, Error> {
    // SAFETY: passed on to the caller.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(name, what))
}

/// `length` elements; a null pointer is an empty slice when `length` is 0 and an error otherwise.
///
/// # Safety
/// `pointer` is null or points to `length` elements that nobody changes while the slice is in use.
pub(super) unsafe fn slice<'a, T>(pointer: *const T, length: usize, name: &str) -> Result<&'a [T], Error> {
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
pub(super) unsafe fn slice_mut<'a, T>(pointer: *mut T, length: usize, name: &str) -> Result<&'a mut [T], Error> {
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
pub(super) fn check_size<T>(length: usize, name: &str) -> Result<(), Error> {
    match length.checked_mul(size_of::<T>()) {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(()),
        _ => Err(Error::argument(name, "an array that fits into memory", format_args!("{length} elements"))),
    }
}

/// A NUL-terminated text in UTF-8.
///
/// # Safety
/// `pointer` is null or points to a NUL-terminated text that lives as long as the result is used.
pub(super) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str, Error> {
    if pointer.is_null() {
        return Err(null(name, "a NUL-terminated text"));
    }
    // SAFETY: passed on to the caller.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map_err(|_| Error::argument(name, "text in UTF-8", format_args!("{bytes:?}")))
}

/// Hands `value` out as a handle.
///
/// # Safety
/// `out` is null or points to a place for a pointer.
pub(super) unsafe fn hand_out<T>(out: *mut *mut T, value: impl FnOnce() -> Result<T, Error>) -> Result<(), Error> {
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
pub(super) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: passed on to the caller.
        let handle = unsafe { Box::from_raw(handle) };
        // A release function of the host may misbehave; nothing may unwind from here.
        let _ = quiet::catch(move || drop(handle));
    }
}

/// A table of function pointers that a host fills.
///
/// # Safety
/// The type is `repr(C)`, starts with `struct_size: usize`, and all-zero bytes are a valid value of it.
pub(super) unsafe trait Table: Copy {
    /// Name for messages.
    const NAME: &'static str;
    /// Bytes that even the oldest host fills.
    const REQUIRED: usize;
}

/// Copies a host's table: what a host of an older version does not know stays zero ("not provided"). A member that only
/// a newer version knows must be zero: nothing that a host asks for is ignored.
///
/// # Safety
/// `pointer` is null or points to a table whose first `struct_size` bytes are readable.
pub(super) unsafe fn table<T: Table>(pointer: *const T, name: &str) -> Result<T, Error> {
    if pointer.is_null() {
        return Err(null(name, T::NAME));
    }
    // SAFETY: every table starts with its size, and the pointer is not null.
    let size = unsafe { pointer.cast::<usize>().read_unaligned() };
    if size < T::REQUIRED {
        return Err(Error::argument(
            format!("{name}.struct_size"),
            format_args!("sizeof({}), at least {}", T::NAME, T::REQUIRED),
            size,
        ));
    }
    if size > size_of::<T>() {
        // SAFETY: within the host's table, as its struct_size says.
        let beyond =
            unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(size_of::<T>()), size - size_of::<T>()) };
        if let Some(at) = beyond.iter().position(|&byte| byte != 0) {
            return Err(Error::argument(
                name,
                format_args!("a {} of at most {} bytes, the rest zero", T::NAME, size_of::<T>()),
                format_args!("{size} bytes with a member of a newer version set at byte {}", size_of::<T>() + at),
            ));
        }
    }
    let mut copy = std::mem::MaybeUninit::<T>::zeroed();
    let bytes = size.min(size_of::<T>());
    // SAFETY: `bytes` is within both the host's table and the copy; zeros are a valid T by the trait's contract.
    unsafe {
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), bytes);
        Ok(copy.assume_init())
    }
}
