//! What a host gives to a run and gets from it: init contexts, writers, loggers, interrupts.

mod host;

pub use host::{Interrupt, Level, Logger, Never, Silent, Writer};
