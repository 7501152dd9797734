//! `catena MODEL pathfinder` and `catena MODEL variational`: files as CmdStan's readers take them, failures, and chains that
//! begin where paths lead.

use crate::cli::{bad, compiled, folder, good, program};
use catena::io::StanCsv;
use std::path::{Path, PathBuf};
use std::process::Command;

const Y: [f64; 8] = [1.3, 0.2, 2.1, 0.9, 1.7, 1.1, 0.4, 1.5];

fn here(name: &str) -> (PathBuf, PathBuf) {
    let at = folder(name);
    std::fs::write(at.join("data.json"), format!("{{\"y\": {Y:?}}}")).unwrap();
    (compiled("mean", "tests/c/exported/mean.c"), at)
}

fn run(library: &Path, at: &Path, line: &str) -> Command {
    let line = format!("{line} data file=data.json random seed=1");
    let words: Vec<String> = line.split_whitespace().map(String::from).collect();
    program(at, [library.to_str().unwrap()].into_iter().chain(words.iter().map(String::as_str)))
}

/// Mean of the one parameter, whose prior is N(0, 3).
fn posterior() -> f64 {
    let variance = 1.0 / (Y.len() as f64 + 1.0 / 9.0);
    variance * Y.iter().sum::<f64>()
}

fn mean(rows: &[f64], width: usize, column: usize) -> f64 {
    let values: Vec<f64> = rows.chunks(width).map(|row| row[column]).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

fn text(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The rows of a file without its head.
fn body(path: PathBuf) -> String {
    text(path).lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

#[test]
fn pathfinder_writes_the_draws_of_all_paths_and_of_each() {
    let (library, at) = here("paths");
    let line =
        "pathfinder num_paths=3 num_draws=400 save_single_paths=1 id=5 output file=draws.csv refresh=0 sig_figs=0";
    let said = good(run(&library, &at, line));
    assert!(said.contains("path 5: ELBO ") && said.contains("1000 draws, k-hat of all paths together "), "{said}");
    let file = StanCsv::from_file(at.join("draws.csv")).unwrap();
    assert_eq!(file.names(), ["lp_approx__", "lp__", "path__", "x.1"]);
    assert_eq!(file.draws().len(), 1000 * 4);
    assert!((mean(file.draws(), 4, 3) - posterior()).abs() < 0.05);
    for id in 5..8 {
        let file = StanCsv::from_file(at.join(format!("draws_path_{id}.csv"))).unwrap();
        assert_eq!(file.draws().len(), 400 * 4);
        assert!(file.draws().chunks(4).all(|row| row[2] == f64::from(id)));
    }
    let head = text(at.join("draws.csv"));
    for line in ["# method = pathfinder", "num_paths = 3", "num_psis_draws = 1000 (Default)", "# k-hat = "] {
        assert!(head.contains(line), "{line} in {head}");
    }
    // A path by itself is the same, and its draws are kept as they are.
    let alone = "pathfinder num_paths=1 num_draws=400 id=6 output file=alone.csv refresh=0 sig_figs=0";
    good(run(&library, &at, alone));
    assert_eq!(body(at.join("alone.csv")), body(at.join("draws_path_6.csv")));
}

#[test]
fn variational_files_are_cmdstans() {
    let (library, at) = here("fits");
    let line =
        "variational algorithm=fullrank output_samples=300 output file=draws.csv diagnostic_file=elbo.csv refresh=0";
    let said = good(run(&library, &at, line));
    assert!(said.starts_with("fit 1: ELBO "), "{said}");
    let all = text(at.join("draws.csv"));
    let lines: Vec<&str> = all.lines().collect();
    let names = lines.iter().position(|line| line.starts_with("lp__")).unwrap();
    assert_eq!(lines[names], "lp__,log_p__,log_g__,x.1");
    // What CmdStanPy's reader of variational files goes by.
    assert_eq!(lines[names + 1], "# Stepsize adaptation complete.");
    assert!(lines[names + 2].starts_with("# eta = "), "{}", lines[names + 2]);
    assert!(lines[names + 3].starts_with("0,0,0,"), "{}", lines[names + 3]);
    let file = StanCsv::from_file(at.join("draws.csv")).unwrap();
    assert_eq!(file.draws().len(), 301 * 4);
    // A normal posterior is fitted exactly; the file has six digits.
    assert!((file.draws()[3] - posterior()).abs() < 1e-4, "{}", file.draws()[3]);
    let elbo = text(at.join("elbo.csv"));
    assert!(elbo.contains("iter,time_in_seconds,ELBO\n100,"), "{elbo}");
    // Two fits have files of their own, each that of the fit alone.
    let line = "variational num_chains=2 output_samples=50 output file=both.csv refresh=0";
    good(run(&library, &at, line));
    good(run(&library, &at, "variational output_samples=50 id=2 output file=second.csv refresh=0"));
    assert_eq!(body(at.join("both_2.csv")), body(at.join("second.csv")));
}

#[test]
fn bad_arguments_and_bad_starts_are_told() {
    let (library, at) = here("bad");
    let (code, line) = bad(run(&library, &at, "pathfinder num_paths=0"));
    assert!(code == 64 && line.contains("num_paths"), "{line}");
    let (code, line) = bad(run(&library, &at, "variational adapt engaged=2"));
    assert!(code == 64 && line.contains("engaged"), "{line}");
    let (code, line) = bad(run(&library, &at, "pathfinder save_single_paths=1 output file=data.json"));
    assert!(code == 64 && line.contains("data.json"), "{line}");
}

#[test]
fn chains_begin_where_paths_lead() {
    let (library, at) = here("begin");
    good(run(&library, &at, "sample num_samples=200 num_warmup=100 init=pathfinder output file=draws.csv refresh=0"));
    let file = StanCsv::from_file(at.join("draws.csv")).unwrap();
    let (column, width) = (file.names().iter().position(|n| n == "x.1").unwrap(), file.names().len());
    assert!((mean(file.draws(), width, column) - posterior()).abs() < 0.15);
    assert!(text(at.join("draws.csv")).contains("# init = pathfinder"));
    // Only chains that move have a use for it.
    let (_, line) = bad(run(&library, &at, "variational init=pathfinder output file=other.csv"));
    assert!(line.contains("pathfinder"), "{line}");
}
