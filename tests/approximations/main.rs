//! Normal distributions in the place of a posterior, and draws that are judged by it.

#[path = "../common/mod.rs"]
mod common;
mod laplace;
mod pathfinder;
#[path = "../common/surface.rs"]
mod surface;
mod variational;
