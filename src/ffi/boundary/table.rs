//! Tables of function pointers that a host fills.

use super::pointers::null;
use crate::error::Error;

/// A table of function pointers that a host fills.
///
/// # Safety
/// The type is `repr(C)`, starts with `struct_size: usize`, and all-zero bytes are a valid value of it.
pub(in crate::ffi) unsafe trait Table: Copy {
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
pub(in crate::ffi) unsafe fn table<T: Table>(pointer: *const T, name: &str) -> Result<T, Error> {
    // SAFETY: passed on to the caller.
    unsafe { table_with(pointer, name, |_| ()) }.map(|(table, ())| table)
}

/// As [`table`], with what `take` takes over of the host's: its user data, or tables that it lends. That is released once,
/// here as well where something in the table is refused; only a table without a size that can be right is left as it is.
///
/// # Safety
/// As for [`table`].
pub(in crate::ffi) unsafe fn table_with<T: Table, O>(
    pointer: *const T,
    name: &str,
    take: impl FnOnce(&T) -> O,
) -> Result<(T, O), Error> {
    // SAFETY: passed on to the caller.
    let (table, size) = unsafe { known(pointer, name)? };
    let taken = take(&table);
    // SAFETY: as above; the table has that size.
    unsafe { check_beyond(pointer, size, name)? };
    Ok((table, taken))
}

/// What this version knows of a table, and the size it says.
///
/// # Safety
/// As for [`table`].
unsafe fn known<T: Table>(pointer: *const T, name: &str) -> Result<(T, usize), Error> {
    if pointer.is_null() {
        return Err(null(name, T::NAME));
    }
    // SAFETY: every table starts with its size, and the pointer is not null.
    let size = table_size::<T>(unsafe { pointer.cast::<usize>().read_unaligned() }, &format!("{name}.struct_size"))?;
    let mut copy = std::mem::MaybeUninit::<T>::zeroed();
    let bytes = size.min(size_of::<T>());
    // SAFETY: `bytes` is within both the host's table and the copy; zeros are a valid T by the trait's contract.
    unsafe {
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), bytes);
        Ok((copy.assume_init(), size))
    }
}

/// `size`, if a table of some version can be as large.
fn table_size<T: Table>(size: usize, name: &str) -> Result<usize, Error> {
    // Every version of a table ends where its alignment does, and no member stands across such a place.
    if size >= T::REQUIRED && size.is_multiple_of(align_of::<T>()) {
        return Ok(size);
    }
    let expected = format_args!("sizeof({}), a multiple of {}, at least {}", T::NAME, align_of::<T>(), T::REQUIRED);
    Err(Error::argument(name, expected, size))
}

/// The room for a table that a host asks for.
pub(in crate::ffi) struct Room<T> {
    place: *mut T,
    size: usize,
}

impl<T: Table> Room<T> {
    /// The room at `place`, where its size stands, if it is that of a table of some version.
    ///
    /// # Safety
    /// `place` is null or points to a table whose first `struct_size` bytes may be written.
    pub unsafe fn new(place: *mut T, name: &str) -> Result<Self, Error> {
        if place.is_null() {
            return Err(null(name, T::NAME));
        }
        // SAFETY: every table starts with its size, and the pointer is not null.
        let size = table_size::<T>(unsafe { place.cast::<usize>().read_unaligned() }, &format!("{name}.struct_size"))?;
        Ok(Self { place, size })
    }

    /// The room of `size` bytes at `place`, whose struct_size [`Room::fill`] sets.
    ///
    /// # Safety
    /// `place` is null or points to `size` bytes that may be written.
    pub unsafe fn of(place: *mut T, name: &str, size: usize) -> Result<Self, Error> {
        if place.is_null() {
            return Err(null(name, T::NAME));
        }
        Ok(Self { place, size: table_size::<T>(size, "struct_size")? })
    }

    /// Writes what the host's version knows of `table`, with the host's size; members of newer versions become zero.
    pub fn fill(self, table: &T) {
        let known = self.size.min(size_of::<T>());
        // SAFETY: the place has `size` bytes, by the promise of `new`; `known` of them the table has too, and the first
        // member is the size.
        unsafe {
            let to = self.place.cast::<u8>();
            std::ptr::copy_nonoverlapping(std::ptr::from_ref(table).cast::<u8>(), to, known);
            std::ptr::write_bytes(to.add(known), 0, self.size - known);
            self.place.cast::<usize>().write_unaligned(self.size);
        }
    }
}

/// Refuses what only a newer version knows.
///
/// # Safety
/// `pointer` points to `size` readable bytes.
unsafe fn check_beyond<T: Table>(pointer: *const T, size: usize, name: &str) -> Result<(), Error> {
    let Some(more) = size.checked_sub(size_of::<T>()) else { return Ok(()) };
    // SAFETY: passed on to the caller.
    let beyond = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(size_of::<T>()), more) };
    let Some(at) = beyond.iter().position(|&byte| byte != 0) else { return Ok(()) };
    Err(Error::argument(
        name,
        format_args!("a {} of at most {} bytes, the rest zero", T::NAME, size_of::<T>()),
        format_args!("{size} bytes with a member of a newer version set at byte {}", size_of::<T>() + at),
    ))
}
