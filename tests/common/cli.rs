//! The command line program, run over the mock library of tests/c/bridgestan.
#![allow(dead_code)]

use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Libraries compiled by this process.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// The mock library, compiled once.
pub fn mock() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| compiled("mock_model", "tests/c/bridgestan/mock_model.c"))
}

/// A shared library `name` made of a source file of C.
pub fn compiled(name: &str, source: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}_{name}.so", env!("CARGO_CRATE_NAME")));
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    // Whole under its name at once: another test of the program may have it open.
    let made = out.with_extension(format!("{}.so", MADE.fetch_add(1, Ordering::Relaxed)));
    let status = Command::new(&compiler)
        .args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O1", "-fPIC", "-shared", "-Iinclude", source, "-o"])
        .arg(&made)
        .args(["-lm", "-lpthread"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap_or_else(|e| panic!("cannot run the C compiler '{compiler}': {e}"));
    assert!(status.success());
    std::fs::rename(&made, &out).unwrap();
    out
}

/// An empty folder for one test of the caller's file.
#[track_caller]
pub fn folder(name: &str) -> PathBuf {
    let file = Path::new(Location::caller().file()).file_stem().unwrap().to_str().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}_{file}_{name}", env!("CARGO_CRATE_NAME")));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The program with these words, in `folder`.
pub fn program<'a>(folder: &Path, words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_catena"));
    command.args(words).current_dir(folder).env_remove("STAN_NUM_THREADS");
    command
}

/// The program with the mock library and the words of `line`.
pub fn model(folder: &Path, line: &str) -> Command {
    program(folder, [mock().to_str().unwrap()].into_iter().chain(line.split_whitespace()))
}

/// What it says on standard error and its exit code.
pub fn told(output: &Output) -> (String, Option<i32>) {
    (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
}

/// Runs to a good end; what it says on standard output.
#[track_caller]
pub fn good(mut command: Command) -> String {
    let output = command.output().unwrap();
    let (error, code) = told(&output);
    assert_eq!(code, Some(0), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs to a bad end; the exit code and the last line on standard error.
#[track_caller]
pub fn bad(mut command: Command) -> (i32, String) {
    let output = command.output().unwrap();
    let (error, code) = told(&output);
    let line = error.lines().last().unwrap_or_default().to_string();
    assert!(code != Some(0), "{command:?} should have failed");
    (code.unwrap_or_else(|| panic!("{command:?} was killed: {error}")), line)
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A file without what tells of the clock.
pub fn without_times(path: &Path) -> String {
    const OF_THE_CLOCK: [&str; 4] = ["start_datetime", "(Warm-up)", "(Sampling)", "(Total)"];
    let text = read(path);
    let lines = text.lines().filter(|line| !OF_THE_CLOCK.iter().any(|word| line.contains(word)));
    lines.map(|line| format!("{line}\n")).collect()
}
