//! The summary by hand: every number of a row, every word of the table and of the warnings.

use catena::diagnostics::{
    Draws, Layout, Row, Statistic, Summary, SummaryInput, ebfmi, ess_bulk, ess_quantile, ess_tail, mcse_mean, mcse_sd,
    rhat,
};
use catena::random::{Purpose, Stream};

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|s| s.to_string()).collect()
}

/// A summary of columns given one by one, each with all draws of the first chain before those of the second.
fn summary(chains: usize, max_depth: Option<u32>, columns: &[(&str, &[f64])]) -> Summary {
    let names = strings(&columns.iter().map(|c| c.0).collect::<Vec<_>>());
    let values: Vec<f64> = columns.iter().flat_map(|c| c.1).copied().collect();
    let draws = columns[0].1.len() / chains;
    let input = SummaryInput {
        values: &values,
        chains,
        draws,
        columns: columns.len(),
        layout: Layout::Columns,
        names: &names,
        max_depth,
    };
    Summary::new(&input).unwrap()
}

fn normals(seed: u64, n: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, 1, Purpose::Model);
    (0..n).map(|_| stream.normal()).collect()
}

#[test]
fn statistics_have_their_numbers() {
    let all = [
        Statistic::Mean,
        Statistic::McseMean,
        Statistic::Sd,
        Statistic::McseSd,
        Statistic::Q5,
        Statistic::Median,
        Statistic::Q95,
        Statistic::EssBulk,
        Statistic::EssTail,
        Statistic::Rhat,
    ];
    for (number, statistic) in (0..).zip(all) {
        assert_eq!(Statistic::from_number(number), Some(statistic));
    }
    assert_eq!((Statistic::from_number(-1), Statistic::from_number(10)), (None, None));
}

#[test]
fn a_row_by_hand() {
    let values: Vec<f64> = normals(3, 200).iter().map(|z| z.exp()).collect();
    let summary = summary(2, None, &[("x", &values)]);
    let row: &Row = &summary.rows()[0];
    let draws = Draws::new(&values, 2, 100, 100, 1).unwrap();
    let n = 200.0;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let mut sorted = values.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    // Place p (n - 1) among the sorted draws, from 0.
    let between = |place: f64| {
        let low = place.floor() as usize;
        sorted[low] + (place - place.floor()) * (sorted[low + 1] - sorted[low])
    };
    for (statistic, expected) in [
        (Statistic::Mean, mean),
        (Statistic::McseMean, mcse_mean(&draws)),
        (Statistic::Sd, sd),
        (Statistic::McseSd, mcse_sd(&draws)),
        (Statistic::Q5, between(9.95)),
        (Statistic::Median, between(99.5)),
        (Statistic::Q95, between(189.05)),
        (Statistic::EssBulk, ess_bulk(&draws)),
        (Statistic::EssTail, ess_tail(&draws)),
        (Statistic::Rhat, rhat(&draws)),
    ] {
        let got = row.value(statistic);
        assert!((got - expected).abs() < 1e-12 * expected.abs(), "{statistic:?}: {got}, expected {expected}");
    }
}

#[test]
fn values_may_be_longer_than_needed_but_not_shorter() {
    let names = strings(&["x"]);
    let values = normals(1, 21);
    let input = |values, draws| SummaryInput {
        values,
        chains: 2,
        draws,
        columns: 1,
        layout: Layout::Rows,
        names: &names,
        max_depth: None,
    };
    assert_eq!(Summary::new(&input(&values, 10)).unwrap(), Summary::new(&input(&values[..20], 10)).unwrap());
    let error = Summary::new(&input(&values, 11)).unwrap_err();
    assert_eq!(error.argument_name(), Some("values"));
    assert!(error.to_string().contains("expected 2 x 11 x 1 numbers, got 21"), "{error}");
}

#[test]
fn the_table_word_for_word() {
    let column = |f: fn(f64) -> f64| -> Vec<f64> { [1., 2., 3., 4., 2., 4., 6., 8.].map(f).to_vec() };
    let summary = summary(
        2,
        Some(10),
        &[
            ("lp__", &column(|x| -x)),
            ("divergent__", &[0.0; 8]),
            ("x", &column(|x| x)),
            ("large", &column(|x| 1e9 * x)),
            ("long", &column(|x| 12_345_678.0 + x)),
            ("small", &column(|x| x / 8192.0)),
            ("tiny", &column(|x| 1e-7 * x)),
            ("zero", &[0.0; 8]),
            ("nowhere", &[f64::INFINITY; 8]),
        ],
    );
    let expected = "\
2 chains of 4 draws each
              mean  mcse         sd         5%        50%        95%  ess_bulk  ess_tail  r_hat
lp__        -3.750   nan      2.315     -7.300     -3.500     -1.350       nan       nan  1.917
x            3.750   nan      2.315      1.350      3.500      7.300       nan       nan  1.917
large      3.750e9   nan    2.315e9    1.350e9    3.500e9    7.300e9       nan       nan  1.917
long      12345682   nan      2.315   12345679   12345682   12345685       nan       nan  1.917
small    0.0004578   nan  0.0002825  0.0001648  0.0004272  0.0008911       nan       nan  1.917
tiny      3.750e-7   nan   2.315e-7   1.350e-7   3.500e-7   7.300e-7       nan       nan  1.917
zero             0   nan          0          0          0          0       nan       nan    nan
nowhere        inf   nan        nan        nan        nan        nan       nan       nan    nan
warning: R-hat is above 1.01 for lp__, x, large, long, small and 1 more: the chains have not mixed
warning: some draws of nowhere are not finite numbers: whether it is good is unknown
warning: 4 draws per chain are too few for R-hat and effective sample sizes: whether lp__, x, large, long, small and 1 \
more is good is unknown
";
    assert_eq!(summary.to_string(), expected);
}

/// Seven variables of two chains, all of whose draws are good but where `shift` moves the first chain.
fn good(shift: f64) -> Vec<Vec<f64>> {
    (0..7)
        .map(|i| normals(100 + i, 1000).iter().enumerate().map(|(k, z)| if k < 500 { z + shift } else { *z }).collect())
        .collect()
}

fn columns<'a>(first: &[(&'a str, &'a [f64])], rest: &'a [Vec<f64>]) -> Vec<(&'a str, &'a [f64])> {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    first.iter().copied().chain(names.into_iter().zip(rest.iter().map(Vec::as_slice))).collect()
}

fn last_line(summary: &Summary) -> String {
    summary.to_string().lines().last().unwrap().to_string()
}

#[test]
fn all_is_well_in_words() {
    let rest = good(0.0);
    let (depths, zeros) = (vec![3.0; 1000], vec![0.0; 1000]);
    let energies = normals(5, 1000);
    let with = summary(
        2,
        Some(4),
        &columns(&[("treedepth__", &depths), ("divergent__", &zeros), ("energy__", &energies)], &rest),
    );
    assert_eq!(with.warnings(), Vec::<String>::new());
    assert_eq!(with.saturated(), Some(0));
    assert!(with.ebfmi().iter().all(|e| (e - 2.0).abs() < 0.3), "of independent energies 2: {:?}", with.ebfmi());
    assert_eq!(last_line(&with), "no divergences; R-hat and effective sample sizes are good");
    let without = summary(2, None, &columns(&[], &rest));
    assert_eq!(without.saturated(), None);
    assert_eq!(last_line(&without), "R-hat and effective sample sizes are good");
}

#[test]
fn saturated_transitions_are_counted_and_warned_of() {
    let rest = good(0.0);
    // Three at the largest depth.
    let depths: Vec<f64> = (0..1000).map(|i| [3.0, 4.0][usize::from(i % 400 == 7)]).collect();
    let s = summary(2, Some(4), &columns(&[("treedepth__", &depths)], &rest));
    assert_eq!(s.saturated(), Some(3));
    let expected = "3 of 1000 transitions (0.3 %) reached the largest tree depth: sampling is slow but not wrong";
    assert_eq!(s.warnings(), [expected]);
    assert_eq!(last_line(&s), format!("warning: {expected}"));
}

#[test]
fn divergent_transitions_are_counted_and_warned_of() {
    let rest = good(0.0);
    let divergent: Vec<f64> = (0..1000).map(|i| f64::from(u8::from(i == 7))).collect();
    let s = summary(2, None, &columns(&[("divergent__", &divergent)], &rest));
    assert_eq!(
        s.warnings(),
        [
            "1 of 1000 transitions (0.1 %) diverged: the sampler may have missed parts of the posterior; a larger delta or \
          another parameterization may help"
        ]
    );
}

#[test]
fn a_low_ebfmi_is_warned_of_with_its_chain() {
    let rest = good(0.0);
    // The second chain's energies are a first-order autoregression, whose E-BFMI is 2 (1 - rho).
    let mut energies = normals(6, 1000);
    for i in 501..1000 {
        energies[i] = 0.87 * energies[i - 1] + (1.0 - 0.87f64 * 0.87).sqrt() * energies[i];
    }
    let s = summary(2, None, &columns(&[("energy__", &energies)], &rest));
    let low = s.ebfmi()[1];
    assert!(low > 0.2 && low < 0.3, "{low}");
    assert_eq!(
        s.warnings(),
        [format!(
            "E-BFMI is below 0.3 in chains 2 ({low:.2}) of the run: heavy tails may be explored badly; another \
             parameterization may help"
        )]
    );
}

#[test]
fn chains_that_have_not_mixed_are_named() {
    let mixing = |some: usize| {
        let (near, far) = (good(0.0), good(0.35));
        let rest: Vec<Vec<f64>> = far.into_iter().take(some).chain(near.into_iter().skip(some)).collect();
        let s = summary(2, None, &columns(&[], &rest));
        for row in &s.rows()[..some] {
            let rhat = row.value(Statistic::Rhat);
            assert!(rhat > 1.01 && rhat < 1.05, "{rhat}");
        }
        let warnings = s.warnings();
        warnings.into_iter().find(|w| w.starts_with("R-hat")).unwrap()
    };
    assert_eq!(mixing(1), "R-hat is above 1.01 for a: the chains have not mixed");
    assert_eq!(mixing(5), "R-hat is above 1.01 for a, b, c, d, e: the chains have not mixed");
    assert_eq!(mixing(6), "R-hat is above 1.01 for a, b, c, d, e and 1 more: the chains have not mixed");
    assert_eq!(mixing(7), "R-hat is above 1.01 for a, b, c, d, e and 2 more: the chains have not mixed");
}

#[test]
fn few_effective_draws_are_named() {
    let values = normals(8, 100);
    let s = summary(2, None, &[("x", &values)]);
    let warnings: Vec<String> = s.warnings().into_iter().filter(|w| !w.starts_with("R-hat")).collect();
    assert_eq!(
        warnings,
        ["bulk", "tail"].map(|what| format!(
            "the {what} effective sample size is below 200 (100 per chain) for x: run longer chains"
        ))
    );
}

#[test]
fn energies_around_a_large_mean_and_too_few() {
    // Steps 1 and 2; deviations -4/3, -1/3, 5/3, whose mean is no number of the machine.
    let expected = 5.0 / (42.0 / 9.0);
    assert!((ebfmi([1e8, 1e8 + 1.0, 1e8 + 3.0]) - expected).abs() < 1e-12);
    assert!(ebfmi([1.0, 2.0]).is_nan());
}

#[test]
fn quantiles_that_all_draws_lie_at_have_no_effective_size() {
    // Half of the draws are the largest: none lies above the 95 % quantile.
    let values: Vec<f64> = normals(9, 400).iter().map(|z| f64::from(u8::from(*z > 0.0))).collect();
    let draws = Draws::new(&values, 2, 200, 200, 1).unwrap();
    assert!(ess_quantile(&draws, 0.05) > 200.0);
    assert!(ess_quantile(&draws, 0.95).is_nan());
    assert!(ess_tail(&draws).is_nan());
    let values = normals(9, 400);
    let draws = Draws::new(&values, 2, 200, 200, 1).unwrap();
    for outside in [-0.1, 1.1, f64::NAN] {
        assert!(ess_quantile(&draws, outside).is_nan());
    }
    assert!(!ess_tail(&draws).is_nan());
}

#[test]
fn four_draws_are_enough_for_an_rhat() {
    let values = [1.0, 2.0, 4.0, 3.0, 8.0, 6.0, 5.0, 7.5];
    let draws = |n: usize| Draws::new(&values, 2, n, 4, 1).unwrap();
    // Normal scores of the ranks of four halves of two draws: between 3.36, within 0.19 (Python's statistics module).
    assert!((rhat(&draws(4)) - 2.046_751_525_329_615_4).abs() < 1e-9, "{}", rhat(&draws(4)));
    assert!(rhat(&draws(3)).is_nan());
}
