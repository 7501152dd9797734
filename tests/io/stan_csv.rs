//! Reading Stan CSV: files of CmdStan's, files of ours, and files that are broken.

use catena::diagnostics::{Statistic, Summary};
use catena::io::{CsvChains, CsvWriter, CutOff, StanCsv, Writer};
use catena::services::MetricKind;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cmdstan").join(name)
}

#[test]
fn cmdstans_file_with_warmup() {
    let csv = StanCsv::from_file(fixture("bernoulli_1.csv")).unwrap();
    assert_eq!(csv.names().last().unwrap(), "theta");
    assert_eq!(csv.names().len(), 8);
    assert_eq!((csv.rows(), csv.warmup_rows()), (14, 4));
    assert_eq!(csv.setting("num_samples"), Some("10"));
    assert_eq!(csv.setting("engine"), Some("nuts"));
    assert_eq!(csv.setting("metric_file"), Some(""));
    assert_eq!(csv.setting("model"), Some("bernoulli_model"));
    let adapted = csv.adapted().unwrap();
    assert_eq!((adapted.stepsize, &adapted.inv_metric[..], adapted.metric_rows), (0.986372, &[0.504672][..], 1));
    assert_eq!(csv.elapsed(), Some([0.005, 0.014]));
    assert_eq!(csv.draws()[..8], [-6.78264, 0.971226, 0.986372, 2.0, 3.0, 0.0, 6.85321, 0.229868]);
}

#[test]
fn chains_are_summarised_without_warmup() {
    let chains = CsvChains::from_files(&[fixture("bernoulli_1.csv"), fixture("bernoulli_2.csv")]).unwrap();
    assert_eq!((chains.chains(), chains.draws(), chains.left_out()), (2, 10, 0));
    let summary = Summary::new(&chains.summary_input()).unwrap();
    let theta = summary.rows().iter().find(|r| r.name == "theta").unwrap();
    let at = chains.names().iter().position(|n| n == "theta").unwrap();
    let mean = chains.values().chunks(8).map(|row| row[at]).sum::<f64>() / 20.0;
    assert!((theta.value(Statistic::Mean) - mean).abs() < 1e-12);
    assert_eq!(summary.divergences(), Some(1));
    assert_eq!(summary.saturated(), Some(0));
}

#[test]
fn what_is_written_is_read_back() {
    let mut out = Vec::new();
    let mut writer = CsvWriter::new(&mut out, 0).unwrap();
    writer.comment("save_warmup = true").unwrap();
    writer.names(&["lp__".into(), "x.1".into()]).unwrap();
    writer.row(&[f64::NEG_INFINITY, 0.1]).unwrap();
    for line in ["Adaptation terminated", "Step size = 0.25", "Elements of inverse mass matrix:", "1, 0.5", "0.5, 2"] {
        writer.message(line).unwrap();
    }
    writer.row(&[-1e-300, f64::NAN]).unwrap();
    writer.message(" Elapsed Time: 0.125 seconds (Warm-up)").unwrap();
    writer.message("               2.500 seconds (Sampling)").unwrap();
    writer.finish().unwrap();
    drop(writer);
    let csv = StanCsv::from_text(std::str::from_utf8(&out).unwrap()).unwrap();
    assert_eq!(csv.names(), ["lp__", "x.1"]);
    assert_eq!((csv.rows(), csv.warmup_rows()), (2, 1));
    assert_eq!(csv.values()[..3], [f64::NEG_INFINITY, 0.1, -1e-300]);
    assert!(csv.values()[3].is_nan());
    let adapted = csv.adapted().unwrap();
    assert_eq!((adapted.stepsize, adapted.metric_rows), (0.25, 2));
    assert_eq!(adapted.inv_metric, [1.0, 0.5, 0.5, 2.0]);
    assert_eq!(csv.elapsed(), Some([0.125, 2.5]));
}

#[test]
fn without_adaptation_the_options_tell_what_is_warmup() {
    let text = |save: &str| {
        format!("# num_warmup = 5 (Default)\n# save_warmup = {save}\n# thin = 2\nlp__,a\n1,2\n3,4\n5,6\n7,8\n")
    };
    assert_eq!(StanCsv::from_text(&text("true")).unwrap().warmup_rows(), 3);
    assert_eq!(StanCsv::from_text(&text("1")).unwrap().warmup_rows(), 3);
    assert_eq!(StanCsv::from_text(&text("false (Default)")).unwrap().warmup_rows(), 0);
    let fixed = text("true").replacen('#', "# algorithm = fixed_param\n#", 1);
    assert_eq!(StanCsv::from_text(&fixed).unwrap().warmup_rows(), 0);
}

#[test]
fn errors_name_the_line() {
    let refused = |text: &str, expected: &str| {
        let error = StanCsv::from_text(text).expect_err(text);
        assert_eq!(error.to_string(), format!("CSV text, {expected}"), "for {text:?}");
    };
    refused("# c\na,b\n1,2\n3\n", "line 4: expected 2 cells, got 1");
    refused("a,b\n1,2,3\n", "line 2: expected 2 cells, got 3");
    refused("a,b\n1,x y\n", "line 2: expected a number in column 'b', got 'x y'");
    refused("a,b\n1,\n", "line 2: expected a number in column 'b', got ''");
    refused("", "line 1: expected a line with the names of the columns, got an empty file");
    refused(
        "a,b",
        "line 1: expected a line with the names of the columns, got a line without an end: the file was cut off here",
    );
    refused("# only\n", "line 2: expected a line with the names of the columns, got the end of the file");
    refused("1,2\n", "line 1: expected the names of the columns");
    refused("a\n# Step size = big\n", "line 2: expected a step size, got 'big'");
}

#[test]
fn chains_must_have_the_same_columns_and_are_cut_to_the_shortest() {
    let folder = std::env::temp_dir().join(format!("catena-stan-csv-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (a, b) = (file("a.csv", "lp__,x\n1,2\n3,4\n5,6\n"), file("b.csv", "lp__,x\n7,8\n"));
    let chains = CsvChains::from_files(&[&a, &b]).unwrap();
    assert_eq!((chains.draws(), chains.left_out()), (1, 2));
    assert_eq!(chains.values(), [1.0, 2.0, 7.0, 8.0]);
    let error = CsvChains::from_files(&[&a, &file("c.csv", "lp__,y\n7,8\n")]).unwrap_err().to_string();
    assert!(error.contains("c.csv") && error.contains("a.csv") && error.contains("'x'"), "{error}");
    let error = CsvChains::from_files(&[&file("d.csv", "lp__,y\n")]).unwrap_err().to_string();
    assert!(error.contains("no draws"), "{error}");
    assert!(CsvChains::from_files::<&Path>(&[]).unwrap_err().to_string().contains("at least one file"));
    std::fs::remove_dir_all(folder).unwrap();
}

/// What a killed process leaves: whole rows count, the rest of a line is told and left out, wherever the cut is.
#[test]
fn a_line_without_an_end_is_left_out_and_told() {
    let text = "# num_samples = 2\nlp__,mu\n# Step size = 0.5\n-1.5,2\n-1.25,33\n";
    let names_end = text.find("mu\n").unwrap() + 3;
    for length in names_end..=text.len() {
        let csv = StanCsv::from_text(&text[..length]).unwrap();
        let whole = text[..length].matches('\n').count();
        let rows = whole.saturating_sub(3);
        assert_eq!(csv.rows(), rows, "{length}");
        assert_eq!(csv.values(), &[-1.5, 2.0, -1.25, 33.0][..2 * rows]);
        assert_eq!(csv.cut_off(), (!text[..length].ends_with('\n')).then_some(CutOff::Line(whole + 1)), "{length}");
    }
    for length in 0..names_end {
        let error = StanCsv::from_text(&text[..length]).unwrap_err().to_string();
        assert!(error.contains("names of the columns"), "{error}");
    }
}

/// Stan allows these names.
#[test]
fn columns_may_be_named_like_numbers() {
    for name in ["inf", "nan", "infinity", "Infinity", "NaN", "e5", "infinity.1", "x:1.2"] {
        let csv = StanCsv::from_text(&format!("lp__,{name}\n1,2\n")).unwrap();
        assert_eq!(csv.names(), ["lp__", name]);
    }
    for headless in ["1.5,nan\n", "nan,-0.5\n", "inf,.5\n", "nan,+1\n"] {
        assert!(StanCsv::from_text(headless).unwrap_err().to_string().contains("expected the names"), "{headless}");
    }
}

#[test]
fn a_low_rank_metric_is_read_back_whole() {
    let text = |lines: &str| {
        format!(
            "lp__,x\n{lines}# Adaptation terminated\n# Step size = 0.25\n# Diagonal elements of inverse mass matrix:\n# 4, 9\n1,2\n# \n#  Elapsed Time: 1.0 seconds (Warm-up)\n#                2.0 seconds (Sampling)\n"
        )
    };
    let read = |lines: &str| StanCsv::from_text(&text(lines)).unwrap();
    let one = read("# Variances along 1 directions of the scaled coordinates:\n# 100\n# 0.6, 0.8\n");
    assert_eq!(one.adapted().unwrap().metric(), (MetricKind::LowRank, vec![1.0, 4.0, 9.0, 100.0, 0.6, 0.8]));
    let none = read("# Variances along 0 directions of the scaled coordinates:\n# \n");
    assert_eq!(none.adapted().unwrap().metric(), (MetricKind::LowRank, vec![0.0, 4.0, 9.0]));
    assert_eq!(read("").adapted().unwrap().metric(), (MetricKind::Diag, vec![4.0, 9.0]));
    assert!([one, none].iter().all(|csv| csv.rows() == 1 && csv.elapsed() == Some([1.0, 2.0])));
}
