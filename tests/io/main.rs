//! What is read and written: texts of numbers, files, memory, initial values, logs.

mod csv;
mod json;
mod log;
mod memory;
mod stan_csv;
mod stan_csv_corners;
