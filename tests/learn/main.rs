//! Sequential learning: right where answers are known, the same bits whoever computes, words for what is wrong.

mod benchmarking;
mod bits;
mod design;
mod estimates;
mod failures;
mod models;
mod posterior;
mod ranks;
mod trials;
