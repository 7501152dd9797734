//! Writers: where a chain's output goes.

mod handle;
mod memory;
mod table;

pub use handle::*;
pub(super) use memory::layout;
pub use memory::{catena_layout, catena_writer_memory_new, catena_writers_memory_new};
pub use table::*;
