//! Chains by themselves and many at once: what they sample, where they begin, when they end.

#[path = "../common/mod.rs"]
mod common;
mod enough;
#[path = "../common/exact.rs"]
mod exact;
mod ids;
mod invariance;
mod sampling;
mod seats;
mod static_hmc;
mod transitions;
