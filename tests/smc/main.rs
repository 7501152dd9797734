//! Sequential Monte Carlo: what it comes to, bit by bit, and how sets end.

mod bits;
#[path = "../common/conjugate.rs"]
mod conjugate;
mod ends;
mod evidence;
#[path = "../common/sets.rs"]
mod sets;
