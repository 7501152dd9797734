//! What a model is: a log density over unconstrained positions, with named outputs; and what asks it: machines.

mod block;
mod checkpoint;
mod communicator;
mod density;
mod evaluation;
mod experiments;
mod ids;
mod init;
mod initial_value;
mod likelihood;
mod log;
mod machine;
mod refusal;
mod state_space;
mod task;
mod traces;

pub use block::Block;
pub use checkpoint::{is_sealed, open, seal};
pub use communicator::{Communicator, CommunicatorError, Numbers, Reduction};
pub use density::{Density, Threading, WorkerError};
pub use evaluation::{Evaluation, is_unwritten, unwritten};
pub use experiments::{Experiments, Field, Number};
pub use ids::{MAX_CHAIN_ID, NO_CHAIN, check_chain_ids};
pub(crate) use init::set_by_name;
pub use init::{InitContext, NoInit, Variable};
pub use initial_value::{INIT_TRIES, InitialValueReason};
pub(crate) use initial_value::{judge_initial, propose_initial, tries_again};
pub use likelihood::{Domain, Likelihood, OutcomeShape};
pub use log::{Level, Logger};
pub use machine::{Ask, Fold, Machine, Member, Reply};
pub use refusal::Refusal;
pub use state_space::StateSpace;
pub use task::{Piece, Reducer, SerialReducer, Task};
pub use traces::{Fingerprint, Operation, Traces};
