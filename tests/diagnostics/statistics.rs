//! Diagnostics against the R package `posterior` (tests/data/diagnostics-reference.R) and against what theory says.

use catena::diagnostics::{
    Draws, Layout, Statistic, Summary, SummaryInput, ebfmi, ess_bulk, ess_mean, ess_quantile, ess_sd, ess_tail,
    mcse_mean, mcse_quantile, mcse_sd, quantile, rhat,
};
use catena::random::{Purpose, Stream};

/// The generator of the R script.
struct Lehmer(u64);

impl Lehmer {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0 * 48271 % 2_147_483_647;
        self.0 as f64 / 2_147_483_647.0
    }
}

/// The draws of the R script, one chain after the other.
fn draws_of(random: &mut Lehmer, case: &[&str]) -> (Vec<f64>, usize, usize) {
    let number = |i: usize| case[i].parse::<f64>().unwrap();
    let (chains, n, rho, shape, shift, levels) = (number(1), number(2), number(3), case[4], number(5), number(6));
    let mut out = Vec::new();
    for c in 0..chains as usize {
        let mut previous = 0.0;
        for _ in 0..n as usize {
            previous = rho * previous + random.uniform() - 0.5;
            let mut value = previous;
            if shape == "heavy" {
                value /= 0.01 + (0.3 - value.abs()).abs();
            }
            if shape == "stuck" && c == 0 {
                value = 0.25 + 1e-3 * value;
            }
            if c == 0 {
                value += shift;
            }
            if levels > 0.0 {
                value = (value * levels).floor();
            }
            out.push(value);
        }
    }
    (out, chains as usize, n as usize)
}

#[test]
fn agrees_with_posterior() {
    let table = include_str!("../data/diagnostics-reference.csv");
    let mut random = Lehmer(12345);
    let mut checked = 0;
    for line in table.lines().skip(1) {
        let case: Vec<&str> = line.split(',').collect();
        let (values, chains, n) = draws_of(&mut random, &case);
        let draws = Draws::new(&values, chains, n, n, 1).unwrap();
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let ours = [
            rhat(&draws),
            ess_bulk(&draws),
            ess_tail(&draws),
            ess_mean(&draws),
            ess_sd(&draws),
            ess_quantile(&draws, 0.3),
            mcse_mean(&draws),
            mcse_sd(&draws),
            mcse_quantile(&draws, 0.3),
            quantile(&sorted, 0.05),
            quantile(&sorted, 0.95),
        ];
        for (i, (ours, theirs)) in ours.iter().zip(&case[7..]).enumerate() {
            let theirs: f64 = theirs.parse().unwrap();
            assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3), "{}, {i}: {ours} and {theirs}", case[0]);
            checked += 1;
        }
    }
    assert_eq!(checked, 110);
}

fn normals(n: usize) -> Vec<f64> {
    let mut stream = Stream::new(7, 1, Purpose::Model);
    (0..n).map(|_| stream.normal()).collect()
}

#[test]
fn independent_draws_are_worth_their_number() {
    let values = normals(4 * 2000);
    let draws = Draws::new(&values, 4, 2000, 2000, 1).unwrap();
    for size in [ess_bulk(&draws), ess_mean(&draws), ess_sd(&draws), ess_tail(&draws)] {
        // The estimate of 8000 independent draws scatters by a few per cent.
        assert!((size / 8000.0 - 1.0).abs() < 0.15, "{size}");
    }
    assert!((rhat(&draws) - 1.0).abs() < 0.002);
    // The error of the mean of standard normals is 1/sqrt(n).
    assert!((mcse_mean(&draws) * 8000f64.sqrt() - 1.0).abs() < 0.1);
}

#[test]
fn strides_and_the_order_of_chains_change_nothing() {
    let values = normals(3 * 50);
    let transposed: Vec<f64> =
        (0..50).flat_map(|d| (0..3).map(move |c| (c, d))).map(|(c, d)| values[c * 50 + d]).collect();
    let swapped = [&values[50..], &values[..50]].concat();
    let a = Draws::new(&values, 3, 50, 50, 1).unwrap();
    let b = Draws::new(&transposed, 3, 50, 1, 3).unwrap();
    let c = Draws::new(&swapped, 3, 50, 50, 1).unwrap();
    assert_eq!((rhat(&a), ess_bulk(&a), mcse_sd(&a)), (rhat(&b), ess_bulk(&b), mcse_sd(&b)));
    assert!((rhat(&a) - rhat(&c)).abs() < 1e-12 && (ess_bulk(&a) / ess_bulk(&c) - 1.0).abs() < 1e-12);
}

#[test]
fn what_cannot_be_diagnosed_is_nan() {
    let nan = |values: &[f64], chains: usize| {
        let n = values.len() / chains;
        let d = Draws::new(values, chains, n, n, 1).unwrap();
        for value in
            [rhat(&d), ess_bulk(&d), ess_tail(&d), ess_mean(&d), mcse_mean(&d), mcse_sd(&d), mcse_quantile(&d, 0.5)]
        {
            assert!(value.is_nan(), "{value} of {values:?}");
        }
    };
    nan(&[2.5; 40], 2);
    nan(&[1.0, 2.0, 3.0, f64::NAN, 5.0, 6.0, 7.0, 8.0], 1);
    nan(&[1.0, 2.0, f64::INFINITY, 4.0, 5.0, 6.0, 7.0, 8.0], 2);
    nan(&[1.0, 2.0], 1);
    // Deviations from a mean that is no number of the machine's are not zero.
    for energy in [1.0, 0.1, -1.0 / 3.0, 1e300, 0.0] {
        assert!([3, 7, 1000].iter().all(|&n| ebfmi(vec![energy; n]).is_nan()), "{energy}");
    }
    assert!(ebfmi([1.0, f64::NAN, 2.0, 3.0]).is_nan() && ebfmi([1.0, f64::INFINITY, 2.0]).is_nan());
}

#[test]
fn views_are_checked() {
    let values = [0.0; 10];
    assert!(Draws::new(&values, 2, 5, 5, 1).is_ok());
    for (chains, draws, chain_stride, draw_stride) in
        [(0, 5, 5, 1), (2, 0, 5, 1), (2, 6, 5, 1), (2, 5, 6, 1), (2, 5, usize::MAX, 2)]
    {
        let error = Draws::new(&values, chains, draws, chain_stride, draw_stride).unwrap_err();
        assert!(error.argument_name().is_some(), "{error}");
    }
}

#[test]
fn energies_by_hand() {
    // Steps 1, 2, -3: squares 14; deviations from 1.75: -0.75, 0.25, 2.25... of 1, 2, 4, 1 with mean 2: 1, 0, 4, 1.
    assert!((ebfmi([1.0, 2.0, 4.0, 1.0]) - 14.0 / 6.0).abs() < 1e-15);
}

/// Two chains of 6 draws, 4 columns, in both layouts.
fn both_layouts() -> (Vec<f64>, Vec<f64>, Vec<String>) {
    let names = ["lp__", "divergent__", "energy__", "mu"].map(String::from).to_vec();
    let mut random = Lehmer(99);
    let rows: Vec<f64> = (0..48)
        .map(|i| if i % 4 == 1 { f64::from(u8::from(i == 5 || i == 29)) } else { random.uniform() * 10.0 - 3.0 })
        .collect();
    let columns = (0..4).flat_map(|c| (0..12).map(move |d| (c, d))).map(|(c, d)| rows[d * 4 + c]).collect();
    (rows, columns, names)
}

#[test]
fn the_summary_reads_both_layouts_and_warns_in_words() {
    let (rows, columns, names) = both_layouts();
    let input = |values, layout| SummaryInput {
        values,
        chains: 2,
        draws: 6,
        columns: 4,
        layout,
        names: &names,
        max_depth: None,
    };
    let summary = Summary::new(&input(&rows, Layout::Rows)).unwrap();
    assert_eq!(summary, Summary::new(&input(&columns, Layout::Columns)).unwrap());
    assert_eq!(summary.rows().iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["lp__", "mu"]);
    assert_eq!((summary.divergences(), summary.saturated(), summary.ebfmi().len()), (Some(2), None, 2));
    let mu: Vec<f64> = rows.iter().skip(3).step_by(4).copied().collect();
    let mean = mu.iter().sum::<f64>() / 12.0;
    assert!((summary.rows()[1].value(Statistic::Mean) - mean).abs() < 1e-14);
    let text = summary.to_string();
    assert!(text.contains("warning: 2 of 12 transitions (16.7 %) diverged"), "{text}");
    assert!(text.contains("effective sample size is below 200"), "{text}");
    let short = Summary::new(&SummaryInput { values: &rows[..47], ..input(&rows, Layout::Rows) }).unwrap_err();
    assert_eq!(short.argument_name(), Some("values"));
    let unnamed = Summary::new(&SummaryInput { names: &names[..3], ..input(&rows, Layout::Rows) }).unwrap_err();
    assert_eq!(unnamed.argument_name(), Some("names"));
}

#[test]
fn the_table_as_printed() {
    let values: Vec<f64> = normals(4 * 1000).chunks(2).flat_map(|p| [100.0 + p[0], 0.001 * p[1]]).collect();
    let names = ["alpha".to_string(), "beta.1".to_string()];
    let input = SummaryInput {
        values: &values,
        chains: 2,
        draws: 1000,
        columns: 2,
        layout: Layout::Rows,
        names: &names,
        max_depth: None,
    };
    let text = Summary::new(&input).unwrap().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "2 chains of 1000 draws each");
    assert_eq!(
        lines[1].split_whitespace().collect::<Vec<_>>(),
        ["mean", "mcse", "sd", "5%", "50%", "95%", "ess_bulk", "ess_tail", "r_hat"]
    );
    assert!(lines[2].starts_with("alpha ") && lines[3].starts_with("beta.1 "));
    let widths: Vec<usize> = lines[1..4].iter().map(|l| l.len()).collect();
    assert!(widths.iter().all(|w| *w == widths[0]), "{text}");
    assert_eq!(lines[4], "R-hat and effective sample sizes are good");
}
