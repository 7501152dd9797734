//! Random numbers: whose they are, and how they are distributed.

mod statistics;
mod streams;
