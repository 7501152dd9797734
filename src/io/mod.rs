//! What a host gives to a run and gets from it: init contexts, writers, loggers, interrupts.

mod host;

pub use host::{Interrupt, Level, Logger, Never, Silent, Writer};

pub fn log_lines(logger: &dyn Logger, level: Level, chain: Option<u64>, text: &str) {
    for line in text.lines() {
        logger.log(level, chain, line);
    }
}
pub fn shortest(x: f64) -> String {
    format!("{x}")
}
