//! Names of files that are not UTF-8, on the command line.

use crate::cli::{compiled, folder, program, told};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Output;

/// A name with a byte of Latin-1, and with text around it.
fn odd(before: &str, after: &str) -> OsString {
    OsString::from_vec([before.as_bytes(), b"caf\xe9", after.as_bytes()].concat())
}

fn run(at: &Path, words: &[OsString]) -> Output {
    program(at, []).args(words).output().unwrap()
}

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

#[test]
fn any_bytes_name_files() {
    let at = folder("odd");
    let library = at.join(odd("", ".so"));
    std::fs::copy(compiled("normals", "tests/c/exported/normals.c"), &library).unwrap();
    std::fs::write(at.join(odd("data_", ".json")), "{}").unwrap();
    let mut line = vec![library.clone().into_os_string()];
    line.extend(words(
        "sample num_chains=2 num_warmup=100 num_samples=50 adapt save_metric=1 random seed=3 output refresh=0",
    ));
    line.push(odd("file=", ".csv"));
    line.push(odd("checkpoint=", ".bin"));
    line.extend(words("every=0.01 data"));
    line.push(odd("file=data_", ".json"));
    let output = run(&at, &line);
    assert_eq!(told(&output).1, Some(0), "{}", told(&output).0);
    for name in [odd("", "_1.csv"), odd("", "_2.csv"), odd("", "_metric_1.json"), odd("", "_2.bin")] {
        assert!(at.join(&name).is_file(), "no {}", name.display());
    }
    let mut summary = words("summary");
    summary.extend([odd("", "_1.csv"), odd("", "_2.csv")]);
    summary.push(odd("csv_filename=summary_", ".csv"));
    let output = run(&at, &summary);
    assert_eq!(told(&output).1, Some(0), "{}", told(&output).0);
    assert!(at.join(odd("summary_", ".csv")).is_file());
    // As inputs of a run that goes on, and of one with the metric found.
    line.push(odd("resume=", ".bin"));
    let output = run(&at, &line);
    assert_eq!(told(&output).1, Some(0), "{}", told(&output).0);
    let mut again = vec![library.into_os_string()];
    again.extend(words("sample num_chains=2 num_warmup=0 num_samples=5 adapt engaged=0"));
    again.push(odd("metric_file=", "_metric.json"));
    again.extend(words("output file=b.csv refresh=0"));
    let output = run(&at, &again);
    assert_eq!(told(&output).1, Some(0), "{}", told(&output).0);
}

#[test]
fn words_that_name_nothing_are_told_as_they_can_be_shown() {
    let at = folder("missing");
    let output = run(&at, &[odd("", ".so"), OsString::from("sample")]);
    let (words, code) = told(&output);
    assert!(code == Some(66) && words.contains("caf\u{fffd}.so"), "{words}");
    let output = run(&at, &[at.join("x").into_os_string(), OsString::from("sample")]);
    assert_eq!(told(&output).1, Some(66));
}
