//! `catena summary` of what runs leave, killed ones too, with CmdStan's options; and runs that stop when they have enough.

use crate::cli::{bad, folder, good, model, program};
use std::fmt::Write;
use std::path::Path;

/// A file of columns lp__ and `name`: at draw d what `f` makes of it.
fn csv(name: &str, draws: usize, f: impl Fn(usize) -> String) -> String {
    let mut text = format!("lp__,{name}\n");
    for d in 0..draws {
        writeln!(text, "{},{}", -((d * 7919 % 1009) as f64), f(d)).unwrap();
    }
    text
}

fn scattered(d: usize) -> String {
    ((d * 7717 % 1013) as f64 / 100.0).to_string()
}

fn summary(at: &Path, words: &str) -> String {
    good(program(at, ["summary"].into_iter().chain(words.split_whitespace())))
}

fn row<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let line = text.lines().find(|l| l.split_whitespace().next() == Some(name));
    line.unwrap_or_else(|| panic!("a row {name} in {text}")).split_whitespace().skip(1).collect()
}

#[test]
fn summaries_of_files() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cmdstan");
    let said = good(program(&data, ["summary", "bernoulli_1.csv", "bernoulli_2.csv"]));
    assert!(said.starts_with("2 chains of 10 draws each\n") && said.contains("\ntheta "), "{said}");
    assert!(said.contains("1 of 20 transitions (5.0 %) diverged"), "{said}");
}

/// 1 to 100, then 60 NaN: NaN is not the greatest number, and nothing is known of such a column.
#[test]
fn quantiles_with_nan_are_nan_and_the_verdict_is_unknown() {
    let at = folder("nan");
    let value = |d: usize| if d < 100 { (d + 1).to_string() } else { "nan".into() };
    std::fs::write(at.join("q.csv"), csv("mu", 160, value)).unwrap();
    let text = summary(&at, "q.csv");
    assert!(row(&text, "mu").iter().all(|cell| *cell == "nan"), "{text}");
    assert!(text.contains("unknown") && !text.contains("are good"), "{text}");
}

#[test]
fn columns_may_be_called_inf() {
    let at = folder("inf");
    for name in ["inf", "nan", "infinity"] {
        std::fs::write(at.join("i.csv"), csv(name, 500, scattered)).unwrap();
        let text = summary(&at, "i.csv");
        assert_eq!(row(&text, name).len(), 9, "{text}");
    }
}

#[test]
fn what_a_killed_run_left_is_read() {
    let at = folder("killed");
    let write = |name: &str, text: &str| std::fs::write(at.join(name), text).unwrap();
    let whole = csv("mu", 500, scattered);
    write("a.csv", &whole);
    write("b.csv", &whole[..whole.len() - 2]);
    let text = summary(&at, "a.csv b.csv");
    assert!(text.starts_with("2 chains of 499 draws each\n"), "{text}");
    assert!(text.contains("'b.csv' was cut off within line 501: that line was left out\n"), "{text}");
    assert!(text.contains("from 499 to 500 draws") && text.contains("unknown"), "{text}");
    let refused = |name: &str, content: &str, words: &str| {
        write(name, content);
        let (_, line) = bad(program(&at, ["summary", "a.csv", name]));
        assert!(line.contains(&format!("'{name}'")) && line.contains(words), "{line}");
    };
    write("marked.csv", &format!("\u{feff}{whole}"));
    assert_eq!(summary(&at, "marked.csv"), summary(&at, "a.csv"), "an editor's mark before the text");
    refused("empty.csv", "", "got an empty file");
    refused("head.csv", "# model = m\nlp__,m", "the file was cut off here");
    refused("headless.csv", "-1.5,2\n-2.5,nan\n", "expected the names of the columns");
    refused("none.csv", "lp__,mu\n", "it has no draws after warm-up");
    refused("row.csv", "lp__,mu\n-1,", "it has no draws after warm-up");
}

#[test]
fn the_options_of_stansummary() {
    let at = folder("options");
    std::fs::write(
        at.join("a.csv"),
        csv("mu,theta.1,theta.2", 500, |d| format!("{},{},{}", scattered(d), d * 31 % 499, d * 17 % 503)),
    )
    .unwrap();
    let text = summary(&at, "percentiles=2.5,97.5 sig_figs=6 include_param=theta[2],mu csv_filename=t.csv a.csv");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1].split_whitespace().collect::<Vec<_>>(),
        ["mean", "mcse", "sd", "2.5%", "97.5%", "ess_bulk", "ess_tail", "r_hat"]
    );
    assert!(lines[2].starts_with("theta.2") && lines[3].starts_with("mu") && !text.contains("lp__ "), "{text}");
    let table = std::fs::read_to_string(at.join("t.csv")).unwrap();
    assert!(table.starts_with("name,mean,mcse,sd,2.5%,97.5%,ess_bulk,ess_tail,r_hat\ntheta.2,"), "{table}");
    let ordered = summary(&at, "-i theta --order -mean a.csv");
    let places: Vec<_> = ["theta.1", "theta.2"].iter().map(|name| ordered.find(name).unwrap()).collect();
    assert!(places[0] > places[1], "{ordered}");
    let (code, line) = bad(program(&at, ["summary", "include_param=phi", "a.csv"]));
    assert!(code == 78 && line.contains("phi"), "{line}");
    let (code, line) = bad(program(&at, ["summary", "csv_filename=./a.csv", "a.csv"]));
    assert!(code == 64 && line.contains("is to be summarised"), "{line}");
}

#[test]
fn a_run_that_has_enough_says_so() {
    let at = folder("enough");
    let line =
        "sample num_chains=4 num_samples=100000 until_ess=300 until_rhat=1.1 output file=d.csv refresh=0 random seed=1";
    let said = good(model(&at, line));
    let file = std::fs::read_to_string(at.join("d_3.csv")).unwrap();
    let told = file.lines().find(|l| l.starts_with("# Stopped with enough: after ")).expect("a comment");
    let draws: usize = told.split_whitespace().nth(5).unwrap().parse().unwrap();
    assert!((100..100_000).contains(&draws), "{told}");
    assert!(said.contains(&format!("4 chains of {draws} draws each")), "{said}");
    assert!(file.contains("Elapsed Time"));
    let limited = "sample num_chains=1 max_gradients=700 output file=g.csv refresh=0 random seed=1";
    let _ = model(&at, limited).output().unwrap();
    let file = std::fs::read_to_string(at.join("g.csv")).unwrap();
    assert!(file.contains("# Stopped by max_gradients = 700: "), "{file}");
    let (code, line) = bad(model(&at, "sample until_ess=10 until_columns=nothing output file=x.csv"));
    assert!(code == 78 && line.contains("until_columns"), "{code} {line}");
}
