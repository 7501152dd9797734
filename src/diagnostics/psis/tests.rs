use super::super::special::normal_quantile;
use super::*;

/// Ratios whose quantiles are those of a known law, in a shuffled order (37 shares no factor with `draws`).
fn ratios(draws: usize, quantile: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..draws).map(|i| quantile(((i * 37 % draws) as f64 + 0.5) / draws as f64)).collect()
}

#[test]
fn weights_are_those_of_arviz() {
    // k-hat, smallest and largest log weight, and Σ w[i] sin(i), by arviz.psislw (0.x).
    let pareto = |shape: f64| move |u: f64| -shape * (1.0 - u).ln();
    let cases: [(Vec<f64>, [f64; 4]); 7] = [
        (ratios(100, pareto(0.2)), [0.3196208843338413, -4.827219026706084, -3.7685580617611856, 0.008900306532287468]),
        (ratios(1000, pareto(0.2)), [0.236787735857503, -7.131171062282988, -5.611090595382886, 0.0011670977433866992]),
        (ratios(100, pareto(0.5)), [0.49196002019884805, -5.262100442809209, -2.62497428925165, 0.039312426008250356]),
        (
            ratios(1000, pareto(0.5)),
            [0.49708596126252175, -7.590374484499481, -3.797496133617246, 0.012826601652918978],
        ),
        (ratios(100, pareto(0.9)), [0.7205967434897379, -6.052603594236371, -1.687831146686218, 0.11762242420827856]),
        (ratios(1000, pareto(0.9)), [0.8442664334030683, -8.624262339384284, -1.9956908517459597, 0.0954483724857642]),
        (
            ratios(400, |u| 1.5 * normal_quantile(u)),
            [0.5030050860137399, -11.625705323980945, -2.5556810047634917, 0.024243070559449766],
        ),
    ];
    for (log_ratios, [khat, least, most, sine]) in cases {
        let psis = Psis::new(&log_ratios).unwrap();
        let weights = &psis.log_weights;
        assert_eq!((psis.tail, psis.dropped), (WeightTail::Smoothed, 0));
        let close = |x: f64, y: f64| assert!((x - y).abs() < 1e-10, "{x} against {y}");
        close(psis.khat, khat);
        close(weights.iter().copied().fold(f64::INFINITY, f64::min), least);
        close(weights.iter().copied().fold(f64::NEG_INFINITY, f64::max), most);
        close(weights.iter().enumerate().map(|(i, w)| w.exp() * (i as f64).sin()).sum(), sine);
        close(weights.iter().map(|w| w.exp()).sum(), 1.0);
    }
}

#[test]
fn a_constant_in_the_ratios_changes_nothing() {
    let near = ratios(300, normal_quantile);
    let far: Vec<f64> = near.iter().map(|x| x + 1024.0).collect();
    let (near, far) = (Psis::new(&near).unwrap(), Psis::new(&far).unwrap());
    assert!((near.khat - far.khat).abs() < 1e-9);
    assert!(near.log_weights.iter().zip(&far.log_weights).all(|(a, b)| (a - b).abs() < 1e-9));
}

#[test]
fn equal_ratios_are_the_best_there_are() {
    for draws in [1, 4, 30, 1000] {
        let psis = Psis::new(&vec![-7.5; draws]).unwrap();
        assert_eq!((psis.tail, psis.khat), (WeightTail::Equal, 0.0));
        assert!(psis.log_weights.iter().all(|w| (w + (draws as f64).ln()).abs() < 1e-12));
        assert!((psis.ess() - draws as f64).abs() < 1e-9 * draws as f64);
    }
    // Ratios that differ by rounding alone are equal too, and so are the largest of two kinds of draws.
    let noise = ratios(1000, |u| 1e-13 * u);
    assert_eq!(Psis::new(&noise).unwrap().tail, WeightTail::Equal);
    for heavy in [0.05, 0.5] {
        let two = Psis::new(&ratios(200, |u| if u < heavy { 3f64.ln() } else { 0.0 })).unwrap();
        assert_eq!((two.tail, two.khat), (WeightTail::Equal, 0.0));
        let spread = two.log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            - two.log_weights.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((spread - 3f64.ln()).abs() < 1e-12, "the ratio of the two kinds stays");
    }
}

#[test]
fn too_few_draws_have_no_shape() {
    for draws in [2, 4, 20] {
        let log_ratios = ratios(draws, normal_quantile);
        let psis = Psis::new(&log_ratios).unwrap();
        assert_eq!((psis.tail, psis.khat), (WeightTail::Few, f64::INFINITY));
        let gap = psis.log_weights[1] - psis.log_weights[0];
        assert!((gap - (log_ratios[1] - log_ratios[0])).abs() < 1e-12, "weights stay as they were");
        assert!(psis.warning("draws").unwrap().contains(&format!("only {draws} draws")));
    }
}

#[test]
fn what_is_no_ratio_has_no_weight_and_is_counted() {
    assert_eq!(Psis::new(&[]), None);
    assert_eq!(Psis::new(&[f64::NAN, f64::NEG_INFINITY, f64::INFINITY]), None);
    let mut log_ratios = ratios(500, normal_quantile);
    let clean = Psis::new(&log_ratios).unwrap();
    log_ratios[3] = f64::NAN;
    log_ratios[4] = f64::INFINITY;
    log_ratios[5] = f64::NEG_INFINITY;
    let psis = Psis::new(&log_ratios).unwrap();
    assert_eq!((psis.dropped, psis.limit()), (2, khat_limit(498)));
    assert!([3, 4, 5].iter().all(|i| psis.log_weights[*i] == f64::NEG_INFINITY));
    assert!(psis.log_weights.iter().all(|w| !w.is_nan()));
    assert!((psis.khat - clean.khat).abs() < 0.1);
}

#[test]
fn no_weight_is_larger_than_the_largest_ratio_was() {
    let log_ratios = ratios(1000, |u| -2.0 * (1.0 - u).ln());
    let largest = log_ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let psis = Psis::new(&log_ratios).unwrap();
    // The smallest ratio is not smoothed, so that the others' are told from it.
    let at = (0..log_ratios.len()).min_by(|a, b| log_ratios[*a].total_cmp(&log_ratios[*b])).unwrap();
    let constant = log_ratios[at] - psis.log_weights[at];
    assert!(psis.log_weights.iter().all(|w| w + constant <= largest + 1e-9));
    assert!(psis.khat > 1.0);
    assert!(psis.warning("draws").unwrap().contains("too far"));
    assert!((psis.limit() - (1.0 - 1.0 / 3.0)).abs() < 1e-12);
}
