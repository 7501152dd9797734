//! Likelihoods whose product something else than the host's function computes: what it is given, the decorator, the choice
//! between the two.

mod choice;
mod decorator;
mod product;

pub use choice::Computes;
pub use decorator::{Device, OnDevice};
pub use product::{CellShape, Precision, Product};
