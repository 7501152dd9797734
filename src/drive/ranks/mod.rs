//! Ranks: the processes of an engine, over which jobs are spread. Who stands where, and what all of them bring.

mod council;
mod in_process;
mod pulse;
mod shared;

pub use council::{Council, Flags, share};
pub use in_process::InProcess;
pub(super) use pulse::Pulse;
pub use shared::Shared;
