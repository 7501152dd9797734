//! What is said of draws: statistics, the summary of all columns, the verdict.

mod statistics;
mod summary;
mod verdict;
