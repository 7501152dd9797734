//! The target that has the name of the program.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| catena_fuzz::run(env!("CARGO_BIN_NAME"), bytes));
