//! What every exported function does first and last: check pointers, contain panics, hand out errors.

mod guard;
mod held;
mod pointers;
mod table;

pub(super) use guard::{guard, make};
pub(super) use held::{Changing, Handle, Held, Looking, change, let_go, look};
pub(super) use pointers::{ask, check_size, free, object, object_mut, put, slice, slice_mut, text};
pub(super) use table::{Room, Table, table, table_with};
