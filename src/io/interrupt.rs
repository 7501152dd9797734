use super::Interrupt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks for the end of the run once a flag is true. The flag may be set from any thread, also from a signal handler;
/// `F` is any pointer to it, such as `&'static AtomicBool` or `Arc<AtomicBool>`.
#[derive(Debug, Clone, Default)]
pub struct FlagInterrupt<F = Arc<AtomicBool>>(F);

impl<F: Deref<Target = AtomicBool>> FlagInterrupt<F> {
    /// The interrupt that watches `flag`.
    pub fn new(flag: F) -> Self {
        Self(flag)
    }
}

impl<F: Deref<Target = AtomicBool>> Interrupt for FlagInterrupt<F> {
    fn requested(&self) -> bool {
        // The flag carries no other data, so no ordering with other memory is needed.
        self.0.load(Ordering::Relaxed)
    }
}
