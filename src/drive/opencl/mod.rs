//! Likelihoods on OpenCL devices: one launch computes a product of outcomes, models and experiments.
//!
//! The OpenCL library is loaded when a device is asked for; nothing is linked.

mod devices;
mod launch;
mod program;

pub use devices::{DeviceChoice, DeviceKind, devices};
pub use program::DeviceProgram;
