//! `catena MODEL optimize` and `catena MODEL laplace`: CmdStan's arguments and files, one going into the other.

use crate::cli::{bad, folder, good, model};
use catena::io::StanCsv;
use std::path::Path;

fn file(path: &Path) -> StanCsv {
    StanCsv::from_file(path).unwrap_or_else(|e| panic!("{e}"))
}

fn value(file: &StanCsv, name: &str) -> f64 {
    let at = file.names().iter().position(|n| n == name).unwrap_or_else(|| panic!("no {name}"));
    file.values()[(file.rows() - 1) * file.names().len() + at]
}

/// With the Jacobian mu is (1, 2), log sigma 0 and tau - sigma 1.
fn is_mode(file: &StanCsv) {
    for (name, mode) in [("mu.1", 1.0), ("mu.2", 2.0), ("sigma", 1.0), ("m.2.3", 23.0), ("tau", 2.0), ("mu_sum", 3.0)] {
        assert!((value(file, name) - mode).abs() < 1e-8 * mode, "{name}: {}", value(file, name));
    }
}

#[test]
fn every_algorithm_writes_the_mode_in_one_row() {
    let at = folder("mode");
    for algorithm in ["lbfgs", "bfgs", "newton"] {
        let line = format!(
            "optimize algorithm={algorithm} jacobian=1 random seed=1 output file={algorithm}.csv refresh=0 sig_figs=0"
        );
        let said = good(model(&at, &line));
        assert!(said.starts_with("mode: log density "), "{said}");
        let file = file(&at.join(format!("{algorithm}.csv")));
        assert_eq!((file.rows(), &file.names()[0][..]), (1, "lp__"));
        assert_eq!(
            (file.setting("method"), file.setting("algorithm"), file.setting("jacobian")),
            (Some("optimize"), Some(algorithm), Some("true"))
        );
        is_mode(&file);
    }
}

#[test]
fn arguments_of_the_algorithm_chosen_count() {
    let at = folder("chosen");
    let words = "optimize algorithm=lbfgs tol_grad=0 tol_obj=0 tol_rel_obj=0 tol_rel_grad=0 tol_param=0.1 jacobian=1 random seed=1 output file=a.csv";
    let said = good(model(&at, words));
    assert!(said.contains("(tol_param)"), "{said}");
    let (code, line) = bad(model(&at, "optimize algorithm=newton history_size=3"));
    assert!(code == 64 && line.contains("history_size"), "{line}");
}

#[test]
fn iterations_are_saved_and_a_limit_is_no_success() {
    let at = folder("iterations");
    let (code, line) =
        bad(model(&at, "optimize iter=3 save_iterations=1 jacobian=1 random seed=1 output file=few.csv refresh=0"));
    assert!(code == 70 && line.contains("start 1, iteration 3: the maximum number of iterations"), "{code}: {line}");
    let file = file(&at.join("few.csv"));
    // The initial point and three more.
    assert_eq!(file.rows(), 4);
}

#[test]
fn the_best_of_many_starts_is_written_whatever_the_threads() {
    let at = folder("starts");
    let mut files = Vec::new();
    for threads in [1, 2] {
        let line = format!(
            "optimize num_starts=5 jacobian=1 num_threads={threads} random seed=4 output file=many_{threads}.csv refresh=0 sig_figs=0"
        );
        let said = good(model(&at, &line));
        assert!(said.contains("mode 1, found 5 times of 5: log density"), "{said}");
        let file = file(&at.join(format!("many_{threads}.csv")));
        is_mode(&file);
        files.push(file.values().iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    }
    assert_eq!(files[0], files[1]);
}

#[test]
fn a_mode_in_a_file_is_drawn_around() {
    let at = folder("laplace");
    good(model(&at, "optimize jacobian=1 random seed=1 output file=mode.csv refresh=0 sig_figs=0"));
    let said =
        good(model(&at, "laplace mode=mode.csv draws=200 random seed=1 output file=draws.csv refresh=0 sig_figs=0"));
    assert!(said.starts_with("draws 1: 200, k-hat "), "{said}");
    // A mode written with six digits is as good: it is moved to that of the second-order expansion.
    good(model(&at, "optimize jacobian=1 random seed=1 output file=short.csv refresh=0 sig_figs=6"));
    good(model(&at, "laplace mode=short.csv draws=200 random seed=1 output file=shorter.csv refresh=0 sig_figs=0"));
    let draws = file(&at.join("draws.csv"));
    assert_eq!(
        (draws.rows(), &draws.names()[..3]),
        (200, &["log_p__".to_string(), "log_q__".into(), "mu.1".into()][..])
    );
    assert_eq!((draws.setting("mode"), draws.setting("draws")), (Some("mode.csv"), Some("200")));
    // JSON, and a mode that is found.
    let json = r#"{"mu": [1, 2], "sigma": 1, "tau": 2, "m": [[11, 12, 13], [21, 22, 23]]}"#;
    std::fs::write(at.join("mode.json"), json).unwrap();
    good(model(&at, "laplace mode=mode.json draws=200 random seed=1 output file=json.csv refresh=0 sig_figs=0"));
    good(model(&at, "laplace draws=200 random seed=1 output file=found.csv refresh=0 sig_figs=0"));
    for name in ["json", "found", "shorter"] {
        let other = file(&at.join(format!("{name}.csv")));
        let pairs = other.values().iter().zip(draws.values());
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-7 * b.abs().max(1.0)), "{name}");
    }
}

#[test]
fn a_file_without_a_mode_has_words() {
    let at = folder("no_mode");
    good(model(&at, "optimize jacobian=1 random seed=1 output file=mode.csv refresh=0"));
    let (code, line) = bad(model(&at, "laplace mode=mode.csv jacobian=0 output file=a.csv"));
    assert!(code == 78 && line.contains("expected a mode found with jacobian=0, got one with jacobian=1"), "{line}");
    let json = r#"{"mu": [5, 2], "sigma": 1, "tau": 2, "m": [[11, 12, 13], [21, 22, 23]]}"#;
    std::fs::write(at.join("far.json"), json).unwrap();
    let (code, line) = bad(model(&at, "laplace mode=far.json output file=b.csv"));
    assert!(code == 70 && line.contains("no mode: the gradient's norm is 1"), "{line}");
    assert_eq!(file(&at.join("b.csv")).rows(), 0);
    std::fs::write(at.join("less.json"), r#"{"mu": [1, 2]}"#).unwrap();
    let (code, line) = bad(model(&at, "laplace mode=less.json output file=c.csv"));
    assert!(code == 78 && line.contains("values of all parameters"), "{code}: {line}");
}

/// Files for tests/ecosystem/mode_files.py.
#[test]
fn files_for_the_readers_of_others() {
    let at = folder("files");
    good(model(
        &at,
        "optimize save_iterations=1 jacobian=1 random seed=1 output file=optimize.csv refresh=0 sig_figs=0",
    ));
    good(model(&at, "laplace mode=optimize.csv draws=300 random seed=1 output file=laplace.csv refresh=0 sig_figs=0"));
    let words = "pathfinder num_paths=2 num_draws=200 num_psis_draws=150 save_single_paths=1 random seed=1 output file=pathfinder.csv";
    good(model(&at, &format!("{words} refresh=0 sig_figs=0")));
    let words = "variational algorithm=fullrank output_samples=250 random seed=1 output file=variational.csv";
    good(model(&at, &format!("{words} refresh=0 sig_figs=0")));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mode_files");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::rename(&at, folder).unwrap();
}
