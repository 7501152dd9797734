//! Sequential Monte Carlo: evidence and posteriors known in closed form, by every kernel and every path.

use crate::conjugate::{self, BetaBinomial, Conjugate};
use crate::sets::{Table, evidence, of, run, run_options, tables};
use catena::particles::normal::Normal;
use catena::particles::plan::Kernel;
use catena::services::{MetricKind, PathKind, SampleIo, SampleOptions, SmcOptions, SmcReport, sample_smc};

const KERNELS: [Kernel; 4] = [Kernel::RandomWalk, Kernel::Independent, Kernel::Hmc, Kernel::Nuts];

fn sets(num_sets: usize, num_particles: usize, kernel: Kernel) -> SmcOptions {
    SmcOptions { num_sets, num_particles, kernel, ..SmcOptions::default() }
}

#[test]
fn the_evidence_of_a_conjugate_normal_by_every_kernel() {
    let model = Conjugate::new(4);
    for kernel in KERNELS {
        for waste_free in [false, true] {
            let smc = SmcOptions { waste_free, ..sets(200, 300, kernel) };
            let report = run(&model, 11, &smc);
            evidence(&format!("{kernel:?}, waste-free {waste_free}"), &report, model.log_evidence());
            let honest = across_over_within(&report);
            println!("   scatter of sets over their own errors: {honest:.2}");
            // Walks of five steps remember where they began, which makes the error within a set too small.
            let most = if kernel == Kernel::RandomWalk { 2.5 } else { 1.5 };
            assert!((0.7..most).contains(&honest), "{kernel:?}, {waste_free}: {honest}");
        }
    }
}

/// The standard deviation of the sets' log evidence over what they estimate it to be.
fn across_over_within(report: &SmcReport) -> f64 {
    let n = report.sets.len() as f64;
    let mean = report.sets.iter().map(|s| s.log_evidence).sum::<f64>() / n;
    let square = report.sets.iter().map(|s| (s.log_evidence - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let within = report.sets.iter().map(|s| s.log_evidence_error.powi(2)).sum::<f64>() / n;
    (square / within).sqrt()
}

#[test]
fn the_evidence_by_every_path() {
    let whole = Conjugate::new(4);
    let by_data = Conjugate { data: true, ..Conjugate::new(4) };
    let bare = Conjugate { parts: false, ..Conjugate::new(4) };
    for kernel in KERNELS {
        let smc = SmcOptions { path: PathKind::Data, ..sets(100, 300, kernel) };
        let report = run(&by_data, 5, &smc);
        evidence(&format!("data, {kernel:?}"), &report, by_data.log_evidence());
        assert!(report.sets.iter().all(|s| s.stages.last().is_some_and(|stage| stage.way == 4.0)));
        let waste_free = SmcOptions { waste_free: true, ..smc };
        evidence(&format!("data, waste-free, {kernel:?}"), &run(&by_data, 6, &waste_free), by_data.log_evidence());
        let smc = SmcOptions { path: PathKind::Reference, ..sets(100, 300, kernel) };
        evidence(&format!("fitted reference, {kernel:?}"), &run(&bare, 7, &smc), whole.log_evidence());
    }
    for spread in [vec![1.5; 4], (0..16).map(|k| if k % 5 == 0 { 2.0 } else { 0.5 }).collect()] {
        let normal = Normal::given(&[0.5; 4], &spread, "reference").unwrap();
        let smc = SmcOptions { path: PathKind::Reference, ..sets(100, 300, Kernel::Hmc) };
        let report = sample_smc(&bare, &run_options(8), &smc, Some(&normal), SampleIo::default()).unwrap();
        evidence("given reference", &report, whole.log_evidence());
    }
}

#[test]
fn metrics_of_every_shape() {
    let model = Conjugate::new(5);
    for kernel in [Kernel::Hmc, Kernel::Nuts] {
        for metric in [MetricKind::Unit, MetricKind::Diag, MetricKind::Dense] {
            let options = SampleOptions { metric, ..run_options(3) };
            let report = sample_smc(&model, &options, &sets(60, 200, kernel), None, SampleIo::default()).unwrap();
            evidence(&format!("{kernel:?}, {metric:?}"), &report, model.log_evidence());
        }
    }
}

#[test]
fn the_posterior_of_a_conjugate_normal() {
    let model = Conjugate::new(3);
    for kernel in KERNELS {
        for waste_free in [false, true] {
            let smc = SmcOptions { waste_free, ..sets(30, 600, kernel) };
            let tables = tables(&model, &run_options(21), &smc);
            for j in 0..3 {
                let (mean, variance) = model.posterior(j);
                let column = format!("x.{}", j + 1);
                of(&tables, &column, |x| x).check(&format!("{kernel:?}, mean {j}"), mean);
                of(&tables, &column, |x| (x - mean).powi(2)).check(&format!("{kernel:?}, variance {j}"), variance);
            }
        }
    }
}

/// One datum, and the first of several, count once: by tempering and one by one.
#[test]
fn the_first_datum_counts_once() {
    for one_by_one in [false, true] {
        for kernel in KERNELS {
            let model = BetaBinomial::new(1, 1, &[true], one_by_one);
            let smc = sets(20, 5000, kernel);
            let report = run(&model, 2, &smc);
            let what = format!("one datum, {one_by_one}, {kernel:?}");
            evidence(&what, &report, 0.5f64.ln());
            let tables = tables(&model, &run_options(2), &smc);
            of(&tables, "x.1", |x| 1.0 / (1.0 + (-x).exp())).check(&what, 2.0 / 3.0);
        }
    }
}

#[test]
fn the_evidence_of_a_hundred_draws() {
    let data: Vec<bool> = (0..100).map(|i| i % 2 == 0).collect();
    let exact = |a, b| BetaBinomial::new(a, b, &data, false).log_evidence();
    for one_by_one in [false, true] {
        let mut logs = Vec::new();
        for (a, b) in [(2, 5), (10, 10)] {
            let model = BetaBinomial::new(a, b, &data, one_by_one);
            let report = run(&model, 4, &sets(20, 2000, Kernel::Hmc));
            evidence(&format!("Beta({a}, {b}), {one_by_one}"), &report, exact(a, b));
            logs.push((report.log_evidence, report.standard_error));
        }
        let ratio = logs[0].0 - logs[1].0;
        let error = logs[0].1.hypot(logs[1].1);
        assert!((ratio - (exact(2, 5) - exact(10, 10))).abs() < 4.0 * error, "{ratio} +- {error}");
    }
}

/// The evidence of one set is unbiased: over many small sets its mean, not that of its logarithm, is the exact one.
#[test]
fn few_particles_are_unbiased_too() {
    let model = Conjugate::new(2);
    for kernel in [Kernel::RandomWalk, Kernel::Hmc] {
        let smc = SmcOptions { ess_threshold: 0.3, ..sets(4000, 64, kernel) };
        let report = run(&model, 31, &smc);
        evidence(&format!("{kernel:?} of 64"), &report, model.log_evidence());
    }
}

/// Every stage but the last ends where the effective sample size is the one asked for.
#[test]
fn stages_end_at_the_target() {
    let model = Conjugate::new(6);
    for threshold in [0.3, 0.5, 0.9] {
        let smc = SmcOptions { ess_threshold: threshold, ..sets(2, 1000, Kernel::Hmc) };
        for set in &run(&model, 1, &smc).sets {
            let (last, stages) = set.stages.split_last().unwrap();
            assert!(stages.len() >= 2 && last.way == 1.0 && last.ess >= threshold * 1000.0 - 1e-3);
            assert!(stages.iter().all(|s| (s.ess - threshold * 1000.0).abs() < 1e-6 * 1000.0), "{stages:?}");
            assert!(set.stages.windows(2).all(|pair| pair[1].way > pair[0].way), "{stages:?}");
            assert!(set.stages.iter().enumerate().all(|(i, s)| s.stage == i + 1));
        }
    }
}

#[test]
fn rows_say_weight_set_and_ancestor() {
    let model = Conjugate::new(2);
    let smc = SmcOptions { init_set_id: 5, ..sets(3, 130, Kernel::Hmc) };
    let tables = tables(&model, &run_options(9), &smc);
    let report = run(&model, 9, &smc);
    for (table, set) in tables.iter().zip(&report.sets) {
        assert_eq!(table.names, ["lp__", "log_weight__", "set__", "ancestor__", "x.1", "x.2"]);
        assert_eq!(table.rows().len(), 130);
        for row in table.rows() {
            assert_eq!((row[1], row[2]), (set.log_evidence, set.set_id as f64));
            assert!((0.0..130.0).contains(&row[3]) && row[3].fract() == 0.0);
            let x = &row[4..];
            let exact: f64 = (0..2)
                .map(|j| conjugate::log_normal(x[j], 0.0, 1.0) + conjugate::log_normal(model.y[j], x[j], 0.3))
                .sum();
            assert!((row[0] - exact).abs() < 1e-12);
        }
    }
    // Without moves the last weights are kept, and their mean is the evidence.
    let smc = SmcOptions { num_moves: 0, ess_threshold: 0.1, ..smc };
    let still = self::tables(&model, &run_options(9), &smc);
    let report = run(&model, 9, &smc);
    for (table, set) in still.iter().zip(&report.sets) {
        let weights: Vec<f64> = table.rows().iter().map(|row| row[1]).collect();
        let mean = weights.iter().map(|w| (w - set.log_evidence).exp()).sum::<f64>() / 130.0;
        assert!((mean - 1.0).abs() < 1e-12 && weights.iter().any(|w| *w != weights[0]));
    }
    let _: &Table = &tables[0];
}
