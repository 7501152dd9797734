//! The command line program, from outside.

mod approximate;
#[path = "../common/cli.rs"]
mod cli;
mod errors;
mod files;
mod methods;
mod modes;
mod names;
mod resume;
mod runs;
mod smc;
mod summary;
