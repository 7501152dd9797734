//! Corners of Stan's CSV: quoted and missing names, where warm-up ends, what follows the metric.

use catena::io::StanCsv;

#[test]
fn names_may_be_quoted_but_not_missing() {
    let csv = StanCsv::from_text("\"lp__\", \"x.1\"\n1,2\n").unwrap();
    assert_eq!(csv.names(), ["lp__", "x.1"]);
    for text in ["a,,b\n1,2,3\n", "a,\"\"\n1,2\n", "\n"] {
        let error = StanCsv::from_text(text).unwrap_err().to_string();
        assert_eq!(error, "CSV text, line 1: expected the names of the columns");
    }
}

#[test]
fn the_lines_about_adaptation_end_warmup() {
    for lines in ["# Adaptation terminated\n", "# Step size = 0.5\n", "# Adaptation terminated\n# Step size = 0.5\n"] {
        // The options alone would say that no row is of warm-up.
        let text = format!("lp__,a\n1,2\n3,4\n{lines}5,6\n");
        let csv = StanCsv::from_text(&text).unwrap();
        assert_eq!((csv.rows(), csv.warmup_rows()), (3, 2), "after {lines:?}");
        assert_eq!(csv.draws(), [5.0, 6.0]);
    }
}

#[test]
fn numbers_after_the_metric_do_not_belong_to_it() {
    let metric = "# Step size = 0.5\n# Diagonal elements of inverse mass matrix:\n# 1, 2\n";
    // A row, or another comment, ends the lines of the metric.
    for between in ["5,6\n", "# more\n"] {
        let text = format!("lp__,a\n{metric}{between}# 7, 8\n9,10\n");
        let adapted = StanCsv::from_text(&text).unwrap().adapted().unwrap().clone();
        assert_eq!((adapted.inv_metric, adapted.metric_rows), (vec![1.0, 2.0], 1), "{text}");
    }
}

/// Compressed files, programs, texts of two bytes a letter, and devices that have no end.
#[test]
fn what_is_no_text_is_not_read_to_its_end() {
    let at = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_text.csv");
    for (bytes, line) in [
        (&b"PK\x03\x04\0\0"[..], 1),
        (b"lp__,a\n1,2\n3,\0\n", 3),
        (b"\xff\xfel\0p\0,\0a\0\n\0", 1),
        (b"\x1f\x8b\x08\0\0", 1),
    ] {
        std::fs::write(&at, bytes).unwrap();
        let error = StanCsv::from_file(&at).unwrap_err().to_string();
        assert!(error.ends_with(&format!("no_text.csv', line {line}: expected text, got a byte of zero")), "{error}");
    }
    if cfg!(target_os = "linux") {
        let error = StanCsv::from_file("/dev/zero").unwrap_err().to_string();
        assert_eq!(error, "CSV file '/dev/zero', line 1: expected text, got a byte of zero");
    }
    // Other bytes are letters of some name.
    std::fs::write(&at, b"lp__,\xff\n1,2\n").unwrap();
    assert_eq!(StanCsv::from_file(&at).unwrap().names(), ["lp__", "\u{fffd}"]);
}
