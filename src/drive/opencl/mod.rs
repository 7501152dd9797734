//! Likelihoods on OpenCL devices: one launch computes a product of outcomes, models and experiments.
//!
//! The OpenCL library is loaded when a device is asked for; nothing is linked.

mod cell;
mod decorator;
mod device;
mod launch;
mod program;

pub use cell::{CellShape, Precision, Product};
pub use decorator::OnDevice;
pub use device::{DeviceChoice, DeviceKind, devices};
pub use program::DeviceProgram;
