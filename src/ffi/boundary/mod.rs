//! What every exported function does first and last: check pointers, contain panics, hand out errors.

mod guard;
mod pointers;
mod table;

pub(super) use guard::guard;
pub(super) use pointers::{ask, check_size, free, hand_out, object, object_mut, slice, slice_mut, text};
pub(super) use table::{Table, table};
