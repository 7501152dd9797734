//! What a summary says of draws that can't be judged, and of chains that differ: never "good".

use catena::diagnostics::{Layout, Statistic, Summary, SummaryInput, SummaryOptions, Verdict};
use catena::drive::{Hands, Pool};
use catena::model::Threading;
use catena::particles::blocks::Serial;
use catena::random::{Purpose, Stream};

const CHAINS: usize = 4;
const DRAWS: usize = 1000;

/// Four chains: at draw `d` of chain `c` what `f` makes of these and a standard normal.
fn column(seed: u64, f: impl Fn(usize, usize, f64) -> f64) -> Vec<f64> {
    let mut stream = Stream::new(seed, 1, Purpose::Model);
    (0..CHAINS * DRAWS).map(|i| f(i / DRAWS, i % DRAWS, stream.normal())).collect()
}

fn names(columns: &[(&str, Vec<f64>)]) -> Vec<String> {
    columns.iter().map(|(name, _)| name.to_string()).collect()
}

fn with(columns: &[(&str, Vec<f64>)], options: &SummaryOptions) -> Result<Summary, catena::Error> {
    let values: Vec<f64> = columns.iter().flat_map(|c| &c.1).copied().collect();
    let names = names(columns);
    let draws = values.len() / CHAINS / columns.len();
    let layout = Layout::Columns;
    let columns = columns.len();
    let input =
        SummaryInput { values: &values, chains: CHAINS, draws, columns, layout, names: &names, max_depth: None };
    Summary::with(&input, options, &Serial)
}

fn summary(columns: &[(&str, Vec<f64>)]) -> Summary {
    with(columns, &SummaryOptions::default()).unwrap()
}

fn good() -> Vec<f64> {
    column(1, |_, _, z| z)
}

/// The verdict is "unknown", in words that name what it is of.
#[track_caller]
fn unknown(columns: &[(&str, Vec<f64>)], words: &str) -> Summary {
    let s = summary(columns);
    let text = s.to_string();
    assert_eq!(s.verdict(), Verdict::Unknown, "{text}");
    assert!(s.warnings().iter().any(|w| w.contains(words) && w.contains("unknown")), "{text}");
    assert!(!text.contains("are good"), "{text}");
    s
}

#[test]
fn nan_makes_every_statistic_nan() {
    for (odd, at) in [(f64::NAN, 0), (-f64::NAN, 3999), (f64::NAN, 1700)] {
        let mut x = good();
        x[at] = odd;
        let s = unknown(&[("lp__", good()), ("q", x)], "some draws of q are not finite");
        assert!(Statistic::all().iter().all(|&stat| s.rows()[1].value(stat).is_nan()), "{s}");
        assert!(s.rows()[1].quantiles().iter().all(|q| q.is_nan()));
        assert!(Statistic::all().iter().all(|&stat| s.rows()[0].value(stat).is_finite()), "{s}");
    }
    let mut x = good();
    x[5] = f64::INFINITY;
    let s = unknown(&[("lp__", good()), ("q", x)], "some draws of q are not finite");
    assert!(s.rows()[1].value(Statistic::Rhat).is_nan() && s.rows()[1].value(Statistic::EssBulk).is_nan());
}

#[test]
fn what_never_changes_is_fine_where_the_chains_move_alone() {
    let one = column(1, |_, _, _| 1.0);
    let rounded = column(2, |_, _, z| 1.0 + if z > 0.0 { f64::EPSILON } else { 0.0 });
    let s = summary(&[("lp__", good()), ("corr.1.1", one.clone()), ("corr.2.2", rounded)]);
    assert_eq!(s.verdict(), Verdict::Good, "{s}");
    assert!(s.rows()[1].value(Statistic::Rhat).is_nan() && s.rows()[2].value(Statistic::EssBulk).is_nan());
    // With fixed parameters the log density stays.
    assert_eq!(summary(&[("lp__", column(1, |_, _, _| 0.0)), ("y", good())]).verdict(), Verdict::Good);
    // Nothing moves: the chains are stuck.
    unknown(&[("lp__", one.clone()), ("x", one.clone())], "lp__, x never changes");
    // One chain does not move.
    let stuck = |seed| column(seed, |c, _, z| if c == 2 { 0.25 } else { z });
    unknown(&[("lp__", stuck(1)), ("x", stuck(2)), ("one", one)], "chain 3 never moves in lp__, x");
}

/// Nor has a chain an E-BFMI whose energy stays: 0.00 would be a number, 1 a good one.
#[test]
fn energies_that_never_change_are_not_judged() {
    let energies = column(9, |c, _, z| if c == 1 { 0.1 } else { z });
    let s = unknown(&[("energy__", energies), ("lp__", good()), ("x", good())], "the energies of chain 2 never change");
    assert!(s.ebfmi()[1].is_nan() && s.ebfmi()[0] > 1.5, "{:?}", s.ebfmi());
    assert!(!s.to_string().contains("E-BFMI is below"), "{s}");
}

/// No number of draws of a stuck chain is worth anything: blackjax counted 6602 for 2000 constant ones.
#[test]
fn stuck_chains_have_no_effective_sample_size() {
    let nothing = |f: &dyn Fn(usize, usize, f64) -> f64| {
        let s = unknown(&[("lp__", good()), ("x", column(3, f))], "move");
        for statistic in [Statistic::EssBulk, Statistic::EssTail, Statistic::Rhat, Statistic::McseMean] {
            assert!(s.rows()[1].value(statistic).is_nan(), "{s}");
        }
    };
    nothing(&|c, _, z| if c == 0 { 0.5 } else { z });
    nothing(&|c, _, _| c as f64);
    nothing(&|c, _, z| 3.0 + c as f64 + 1e-30 * z);
    nothing(&|c, _, z| if c == 1 { 1e-30 * z } else { z });
    let lone = column(3, |_, _, z| 2.0 + 1e-30 * z);
    assert!(summary(&[("lp__", good()), ("x", lone)]).rows()[1].value(Statistic::EssBulk).is_nan());
}

#[test]
fn few_values_are_no_alarm_by_themselves() {
    // More than 95 % are zero: no draw lies above the 95 % quantile's indicator in some halves, and no chain need have any.
    let rare = column(4, |c, d, _| f64::from(u8::from(c > 0 && d % 331 == 7)));
    let s = summary(&[("lp__", good()), ("rare", rare)]);
    assert!(s.rows()[1].value(Statistic::EssTail).is_nan());
    assert_eq!(s.verdict(), Verdict::Good, "{s}");
    let coin = column(5, |_, _, z| f64::from(u8::from(z > 0.0)));
    let s = summary(&[("lp__", good()), ("coin", coin)]);
    assert!(s.rows()[1].value(Statistic::EssTail).is_nan() && s.rows()[1].value(Statistic::EssBulk) > 3000.0);
    assert_eq!(s.verdict(), Verdict::Good, "{s}");
}

#[test]
fn few_draws_tell_nothing() {
    for draws in 1..=5 {
        let some = |seed| column(seed, |_, _, z| z)[..CHAINS * draws].to_vec();
        unknown(&[("lp__", some(1)), ("x", some(2))], &format!("{draws} draws per chain are too few"));
    }
}

#[test]
fn chains_of_different_length_are_told() {
    let options = SummaryOptions { lengths: vec![1000, 1400, 1000, 1003], ..SummaryOptions::default() };
    let s = with(&[("lp__", good())], &options).unwrap();
    assert_eq!(s.verdict(), Verdict::Unknown);
    assert!(s.to_string().contains("from 1000 to 1400 draws: 403 draws after the 1000th were left out"), "{s}");
    let options = SummaryOptions { lengths: vec![1000; 4], ..options };
    assert_eq!(with(&[("lp__", good())], &options).unwrap().verdict(), Verdict::Good);
}

#[test]
fn chains_in_different_modes_are_named_with_what_they_differ_in() {
    let modes = |seed| column(seed, |c, _, z| z + if c % 2 == 0 { 5.0 } else { -5.0 });
    let s = summary(&[("lp__", good()), ("mu.1", modes(2)), ("mu.2", modes(3)), ("sigma", good())]);
    let told = s.warnings().into_iter().find(|w| w.contains("apart")).unwrap();
    assert!(
        told.starts_with("chains 1, 3 and chains 2, 4 lie apart, stuck in different modes, in mu.1 (medians "),
        "{told}"
    );
    assert!(told.contains(", mu.2 (medians ") && !told.contains("sigma"), "{told}");
    assert_eq!(s.verdict(), Verdict::Doubtful);
    // Three modes, one of them of two chains; and one chain in a corner.
    let three = column(6, |c, _, z| z + [0.0, 20.0, 0.0, -20.0][c]);
    let corner = column(7, |c, _, z| if c == 3 { 0.3 + 0.01 * z } else { z });
    let told = summary(&[("lp__", good()), ("a", three), ("b", corner)]).to_string();
    assert!(told.contains("chains 1, 3, chain 2 and chain 4 lie apart, stuck in different modes, in a ("), "{told}");
    assert!(told.contains("chain 4 stays in a small part of what the others explore, in b\n"), "{told}");
    // Chains that mix slowly overlap.
    let slow = column(8, |c, _, z| z + 0.2 * c as f64);
    let told = summary(&[("lp__", good()), ("x", slow)]).to_string();
    assert!(told.contains("have not mixed") && !told.contains("apart") && !told.contains("small part"), "{told}");
}

#[test]
fn variables_quantiles_digits_and_order() {
    let columns = || -> Vec<(&'static str, Vec<f64>)> {
        let scaled = |k: f64| column(9, move |_, _, z| k * z);
        vec![("lp__", good()), ("b.1", scaled(3.0)), ("b.2", scaled(1.0)), ("a", scaled(2.0)), ("stepsize__", good())]
    };
    let rows = |s: &Summary| s.rows().iter().map(|r| r.name.clone()).collect::<Vec<_>>();
    let pick = |variables: &[&str]| {
        let variables = variables.iter().map(|s| s.to_string()).collect();
        with(&columns(), &SummaryOptions { variables, ..SummaryOptions::default() })
    };
    assert_eq!(rows(&pick(&["a", "b"]).unwrap()), ["a", "b.1", "b.2"]);
    assert_eq!(rows(&pick(&["b[2]", "b", "b.1"]).unwrap()), ["b.2", "b.1"]);
    assert_eq!(rows(&pick(&["stepsize__"]).unwrap()), ["stepsize__"]);
    let error = pick(&["a", "c"]).unwrap_err();
    assert_eq!(error.argument_name(), Some("variables"));
    assert!(error.to_string().ends_with("got c"), "{error}");

    let order = |statistic, descending| {
        let options = SummaryOptions { order: Some(statistic), descending, ..SummaryOptions::default() };
        rows(&with(&columns()[1..4], &options).unwrap())
    };
    assert_eq!(order(Statistic::Sd, false), ["b.2", "a", "b.1"]);
    assert_eq!(order(Statistic::Sd, true), ["b.1", "a", "b.2"]);

    let options = SummaryOptions { quantiles: vec![0.001, 0.5], digits: 7, ..SummaryOptions::default() };
    let s = with(&columns(), &options).unwrap();
    let text = s.to_string();
    assert!(
        text.lines().nth(1).unwrap().split_whitespace().eq("mean mcse sd 0.1% 50% ess_bulk ess_tail r_hat".split(' '))
    );
    let mut sorted = columns()[1].1.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    assert_eq!(s.rows()[1].quantiles()[0], catena::diagnostics::quantile(&sorted, 0.001));
    let csv = s.csv(6).unwrap();
    assert!(csv.starts_with("name,mean,mcse,sd,0.1%,50%,ess_bulk,ess_tail,r_hat\nlp__,"), "{csv}");
    assert_eq!(csv.lines().count(), 5);
    for options in [
        SummaryOptions { digits: 0, ..SummaryOptions::default() },
        SummaryOptions { quantiles: vec![0.5, 1.5], ..SummaryOptions::default() },
    ] {
        assert!(with(&columns(), &options).unwrap_err().argument_name().is_some());
    }
}

/// The same bits for any number of threads, and for both layouts.
#[test]
fn threads_change_nothing() {
    let columns: Vec<(String, Vec<f64>)> =
        (0..30).map(|i| (format!("x.{i}"), column(10 + i, |_, d, z| z + (d as f64 / 90.0).sin()))).collect();
    let names: Vec<String> = columns.iter().map(|c| c.0.clone()).collect();
    let by_column: Vec<f64> = columns.iter().flat_map(|c| &c.1).copied().collect();
    let by_row: Vec<f64> = (0..CHAINS * DRAWS).flat_map(|i| columns.iter().map(move |c| c.1[i])).collect();
    let input = |values, layout| SummaryInput {
        values,
        chains: CHAINS,
        draws: DRAWS,
        columns: 30,
        layout,
        names: &names,
        max_depth: None,
    };
    let expected = Summary::new(&input(&by_row, Layout::Rows)).unwrap();
    for threads in [1, 2, 4] {
        let pool = Pool::new(threads).unwrap();
        let hands = Hands::new(&pool, Threading::Any, || false);
        for (values, layout) in [(&by_row, Layout::Rows), (&by_column, Layout::Columns)] {
            let found = Summary::with(&input(values, layout), &SummaryOptions::default(), &hands).unwrap();
            assert_eq!(found, expected);
        }
    }
}
