//! `catena MODEL smc`: files per set, the evidence in the last line, references.

use crate::cli::{compiled, folder, good, model, program, told};
use catena::io::StanCsv;
use std::path::Path;
use std::process::Command;

const Y: [f64; 8] = [1.3, 0.2, 2.1, 0.9, 1.7, 1.1, 0.4, 1.5];

fn exact() -> f64 {
    let (n, variance) = (8.0, 9.0);
    let (sum, squares): (f64, f64) = (Y.iter().sum(), Y.iter().map(|y| y * y).sum());
    let total = 1.0 + n * variance;
    -0.5 * n * std::f64::consts::TAU.ln() - 0.5 * f64::ln(total) - 0.5 * (squares - sum * sum * variance / total)
}

fn here(name: &str) -> (std::path::PathBuf, std::path::PathBuf) {
    let at = folder(name);
    std::fs::write(at.join("data.json"), format!("{{\"y\": {Y:?}}}")).unwrap();
    (compiled("mean", "tests/c/exported/mean.c"), at)
}

fn run(library: &Path, at: &Path, line: &str) -> Command {
    program(at, [library.to_str().unwrap()].into_iter().chain(line.split_whitespace()))
}

/// Estimate and standard error of the last line.
fn last_line(said: &str) -> (f64, f64) {
    let line = said.lines().last().expect("a last line");
    let rest = line.strip_prefix("log evidence: estimate ").unwrap_or_else(|| panic!("{line}"));
    let (estimate, error) = rest.split_once(", standard error ").unwrap();
    (estimate.parse().unwrap(), error.parse().unwrap())
}

/// The rows of a file without its head.
fn body(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_evidence_is_in_the_last_line_and_each_set_has_a_file() {
    let (library, at) = here("evidence");
    let said = good(run(
        &library,
        &at,
        "smc num_sets=6 num_particles=500 init_set_id=3 data file=data.json random seed=1 output file=draws.csv sig_figs=0 refresh=0",
    ));
    let (estimate, error) = last_line(&said);
    assert!(error > 0.0 && error < 0.1 && (estimate - exact()).abs() < 4.0 * error, "{said}, exact {}", exact());
    assert!(said.starts_with("set 3: log evidence -"), "{said}");
    for id in 3..9 {
        let file = StanCsv::from_file(at.join(format!("draws_{id}.csv"))).unwrap();
        assert_eq!(file.names(), ["lp__", "log_weight__", "set__", "ancestor__", "x.1"]);
        assert_eq!(file.draws().len(), 500 * 5);
        assert!(file.draws().chunks(5).all(|row| row[2] == f64::from(id)));
    }
    // Sets on their own are the same rows.
    let alone = "smc num_sets=1 num_particles=500 init_set_id=5 data file=data.json random seed=1 output file=alone.csv sig_figs=0";
    good(run(&library, &at, alone));
    assert_eq!(body(&at.join("alone.csv")), body(&at.join("draws_5.csv")));
    let head = std::fs::read_to_string(at.join("draws_5.csv")).unwrap();
    assert!(head.contains("init_set_id = 5") && head.contains("num_sets = 1") && head.contains("Log evidence = "));
}

#[test]
fn a_stan_program_begins_with_a_reference() {
    let at = folder("reference");
    std::fs::write(at.join("reference.json"), "{\"mean\": [0, 0, 0], \"sd\": [2, 2]}").unwrap();
    let said = good(model(&at, "smc num_sets=3 num_particles=200 random seed=2 output file=fitted.csv refresh=0"));
    let fitted = last_line(&said);
    assert!(fitted.0.is_finite() && fitted.1 > 0.0);
    let refused = model(&at, "smc reference_file=reference.json output file=bad.csv").output().unwrap();
    let (words, code) = told(&refused);
    assert!(code == Some(78) && words.contains("reference.json"), "{words}");
    let refused = model(&at, "smc path=prior output file=bad.csv").output().unwrap();
    assert!(told(&refused).0.contains("sample_prior"), "{}", told(&refused).0);
    let refused = model(&at, "smc kernel=randomwalk").output().unwrap();
    assert!(told(&refused).0.contains("did you mean 'random_walk'?"), "{}", told(&refused).0);
}

/// The files of sets are reported on as sets, with their stages.
#[test]
fn sets_have_a_page() {
    let (library, at) = here("page");
    let line =
        "smc num_sets=3 num_particles=200 data file=data.json random seed=1 output file=draws.csv sig_figs=0 refresh=0";
    good(run(&library, &at, line));
    let file = StanCsv::from_file(at.join("draws_2.csv")).unwrap();
    let [way, ess, ancestors, ..] = file.stages()[0];
    assert!(0.0 < way && way < 1.0 && ess > 50.0 && 0.0 < ancestors && ancestors < 200.0, "{:?}", file.stages());
    assert_eq!(file.stages().last().unwrap()[0], 1.0);
    let report = ["report", "draws_1.csv", "draws_2.csv", "draws_3.csv", "output=sets.html", "title=Sets"];
    assert_eq!(good(program(&at, report)), "sets.html\n");
    let page = std::fs::read_to_string(at.join("sets.html")).unwrap();
    for part in [
        "<title>Sets</title>",
        "3 sets, ",
        "600 particles, 1 variable",
        "id=\"ancestors\"",
        "id=\"moves\"",
        "num_particles",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let twice = program(&at, ["report", "draws_1.csv", "draws_1.csv", "output=sets.html"]).output().unwrap();
    assert!(told(&twice).0.contains("two of set 1"), "{}", told(&twice).0);
}
