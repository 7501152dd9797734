//! NUTS over many chains: right distributions, and the same bits whatever runs beside.

use crate::common::bytes::METRICS;
use crate::common::{Correlated, bits, borrow, column, run};
use catena::io::TableWriter;
use catena::services::{Adaptation, SampleIo, SampleOptions, sample_nuts};

/// How many Monte Carlo standard errors a mean may be off; with some 100 comparisons per file, 4.5 leaves a chance of
/// 1e-3 for a false alarm, and the seeds are fixed.
const STANDARD_ERRORS: f64 = 4.5;

/// Mean, sd, and the mean's standard error from batch means over chains and 20 batches each.
fn moments(chains: &[Vec<f64>]) -> (f64, f64, f64) {
    let all: Vec<f64> = chains.concat();
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let sd = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let batches: Vec<f64> = chains
        .iter()
        .flat_map(|c| c.chunks(c.len() / 20).map(|b| b.iter().sum::<f64>() / b.len() as f64).collect::<Vec<_>>())
        .collect();
    let k = batches.len() as f64;
    let variance = batches.iter().map(|b| (b - mean).powi(2)).sum::<f64>() / (k - 1.0);
    (mean, sd, (variance / k).sqrt())
}

fn check_correlated(options: &SampleOptions) {
    let model = Correlated { dim: 5, rho: 0.7 };
    let (report, writers) = run(&model, options);
    report.status().unwrap();
    for i in 0..model.dim {
        let chains: Vec<Vec<f64>> = writers.iter().map(|w| column(w, &format!("x.{}", i + 1))).collect();
        let (mean, sd, error) = moments(&chains);
        assert!((mean - model.mean(i)).abs() < STANDARD_ERRORS * error, "mean {i}: {mean} ± {error}");
        assert!((sd / model.sd(i) - 1.0).abs() < 0.05, "sd {i}: {sd}");
    }
    let product: Vec<Vec<f64>> = writers
        .iter()
        .map(|w| column(w, "x.1").iter().zip(column(w, "x.2")).map(|(a, b)| (a - 1.0) * (b - 2.0) / 2.0).collect())
        .collect();
    let (correlation, _, error) = moments(&product);
    assert!((correlation - model.rho).abs() < STANDARD_ERRORS * error, "correlation {correlation} ± {error}");
}

fn options() -> SampleOptions {
    SampleOptions { num_samples: 2000, seed: 20_260, num_threads: 2, ..SampleOptions::stan() }
}

#[test]
fn every_metric_finds_the_distribution() {
    for metric in METRICS {
        check_correlated(&SampleOptions { metric, ..options() });
    }
}

#[test]
fn without_adaptation_and_with_jitter() {
    check_correlated(&SampleOptions {
        adaptation: None,
        stepsize: 0.5,
        stepsize_jitter: 1.0,
        num_warmup: 100,
        ..options()
    });
}

#[test]
fn shallow_trees_find_the_distribution() {
    for max_depth in [1, 2, 3, 4] {
        check_correlated(&SampleOptions { max_depth, stepsize: 0.8, num_samples: 6000, ..options() });
    }
}

#[test]
fn adaptation_reaches_its_target() {
    for delta in [0.8, 0.9, 0.95] {
        let adaptation = Some(Adaptation { delta, term_buffer: 500, ..Adaptation::stan() });
        let options = SampleOptions { adaptation, num_warmup: 1500, ..options() };
        let (_, writers) = run(&Correlated { dim: 20, rho: 0.3 }, &options);
        let accept: Vec<Vec<f64>> = writers.iter().map(|w| column(w, "accept_stat__")).collect();
        let (mean, ..) = moments(&accept);
        assert!((mean - delta).abs() < 0.04, "target {delta}, got {mean}");
    }
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let model = Correlated { dim: 7, rho: 0.5 };
    let base = SampleOptions { num_chains: 5, num_warmup: 200, num_samples: 100, save_warmup: true, ..options() };
    let reference = run(&model, &SampleOptions { num_threads: 1, ..base.clone() }).1;
    for num_threads in [2, 3, 8] {
        let writers = run(&model, &SampleOptions { num_threads, ..base.clone() }).1;
        for (a, b) in reference.iter().zip(&writers) {
            assert_eq!(bits(a), bits(b), "{num_threads} threads");
        }
    }
}

#[test]
fn one_run_of_four_ids_is_four_runs_of_one() {
    let model = Correlated { dim: 3, rho: 0.5 };
    let base = SampleOptions { num_warmup: 150, num_samples: 50, ..options() };
    let together = run(&model, &base).1;
    for (i, expected) in together.iter().enumerate() {
        let alone = SampleOptions { num_chains: 1, init_chain_id: 1 + i as u64, ..base.clone() };
        assert_eq!(bits(&run(&model, &alone).1[0]), bits(expected));
    }
    assert_ne!(bits(&together[0]), bits(&together[1]));
}

#[test]
fn outputs_never_change_the_draws() {
    let model = Correlated { dim: 3, rho: 0.5 };
    let with = run(&model, &SampleOptions { num_chains: 1, ..options() }).1;
    let mut diagnostics = vec![TableWriter::new()];
    let io = SampleIo { diagnostic_writers: borrow(&mut diagnostics), ..Default::default() };
    sample_nuts(&model, &SampleOptions { num_chains: 1, thin: 3, ..options() }, io).unwrap();
    let thinned: Vec<f64> = column(&with[0], "x.2").into_iter().step_by(3).collect();
    assert_eq!(column(&diagnostics[0], "x.2"), thinned);
    // The energy is the log density plus the kinetic energy of the momentum reported; g_ is the potential's gradient.
    let d = &diagnostics[0];
    let inverse: Vec<f64> = d.messages()[3].split(", ").map(|v| v.parse().unwrap()).collect();
    for r in 0..20 {
        let p = |k: usize| column(d, &format!("p_x.{}", k + 1))[r];
        let kinetic: f64 = (0..3).map(|k| 0.5 * inverse[k] * p(k) * p(k)).sum();
        let energy = column(d, "energy__")[r];
        assert!((energy + column(d, "lp__")[r] - kinetic).abs() < 1e-9 * energy.abs().max(1.0));
    }
}
