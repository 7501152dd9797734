//! Communicators: what an engine of several processes (MPI, or a host's own) lends to runs.

mod host;
mod in_process;
mod library;
mod table;

pub use host::HostCommunicator;
pub use in_process::{catena_ranks, catena_ranks_communicator, catena_ranks_free, catena_ranks_new};
pub use library::{EngineLibrary, MPI};
pub use table::{
    catena_communicator, catena_communicator_share, catena_ranks_outcome, catena_reduced, catena_reduction,
};
