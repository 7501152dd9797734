//! Variational approximations: what they come to, what they write, how they fail, and that threads, drivers and batches
//! change no bit.

use crate::common::bridgestan::Lines;
use crate::common::{Correlated, Normal, bits, borrow, column};
use crate::surface::Surface;
use catena::diagnostics::{KHAT_LIMIT, WeightTail};
use catena::io::{PositionInit, TableWriter};
use catena::model::{Density, Refusal, Task, Threading};
use catena::services::{
    ApproximationReport, Outcome, SampleIo, SampleOptions, VariationalOptions, variational, variational_columns,
};
use catena::variational::Family;
use std::sync::atomic::{AtomicUsize, Ordering};

fn options(num_chains: usize) -> SampleOptions {
    SampleOptions { num_chains, seed: 7, refresh: 0, num_threads: 2, ..Default::default() }
}

/// Who evaluates, on how many threads, in batches of which size.
const DRIVERS: [(Threading, usize, usize); 5] = [
    (Threading::Any, 1, 0),
    (Threading::Any, 2, 1),
    (Threading::Any, 1, 64),
    (Threading::Caller, 2, 0),
    (Threading::Caller, 2, 7),
];

/// Runs with sample and diagnostic writers.
fn fit<D: Density>(
    density: &D,
    options: &SampleOptions,
    advi: &VariationalOptions,
) -> (ApproximationReport, Vec<TableWriter>, Vec<TableWriter>, Vec<String>) {
    let mut samples = vec![TableWriter::new(); options.num_chains];
    let mut diagnostics = samples.clone();
    let lines = Lines::default();
    let io = SampleIo {
        sample_writers: borrow(&mut samples),
        diagnostic_writers: borrow(&mut diagnostics),
        logger: &lines,
        ..Default::default()
    };
    let report = variational(density, options, advi, io).unwrap();
    (report, samples, diagnostics, lines.warnings())
}

/// Many draws for each gradient and many steps: what is left is the optimum.
fn close() -> VariationalOptions {
    VariationalOptions { grad_samples: 50, iterations: 3000, tol_elbo: 1e-9, adapt_eta: true, ..Default::default() }
}

#[test]
fn the_mean_field_optimum_of_a_correlated_normal() {
    // Its mean is the normal's, its variances the inverse of the precision's diagonal (Bishop 2006, section 10.1.2).
    let model = Correlated { dim: 3, rho: 0.7 };
    let (report, ..) = fit(&model, &options(1), &close());
    report.status().unwrap();
    let fit = &report.fits[0];
    let free = 1.0 - 0.7f64 * 0.7;
    for i in 0..3 {
        let inner = if i == 1 { 1.0 + 0.49 } else { 1.0 };
        let sd = model.sd(i) * (free / inner).sqrt();
        assert!((fit.mean[i] - model.mean(i)).abs() < 0.05 * model.sd(i), "mean {i}: {}", fit.mean[i]);
        assert!((fit.sd[i] / sd - 1.0).abs() < 0.05, "sd {i}: {} against {sd}", fit.sd[i]);
    }
}

#[test]
fn the_full_rank_optimum_of_a_correlated_normal_is_the_normal() {
    let model = Correlated { dim: 3, rho: 0.7 };
    let advi = VariationalOptions { family: Family::FullRank, ..close() };
    let (report, samples, ..) = fit(&model, &options(1), &advi);
    report.status().unwrap();
    for i in 0..3 {
        assert!((report.fits[0].mean[i] - model.mean(i)).abs() < 0.05 * model.sd(i));
        assert!((report.fits[0].sd[i] / model.sd(i) - 1.0).abs() < 0.05);
    }
    // log p lacks the constant of the normal, which is then the bound, and log p - log g everywhere.
    let constant = 1.5 * std::f64::consts::TAU.ln() + 6f64.ln() + (1.0 - 0.49f64).ln();
    assert!((report.fits[0].elbo - constant).abs() < 1e-3, "{}", report.fits[0].elbo);
    let (p, g) = (column(&samples[0], "log_p__"), column(&samples[0], "log_g__"));
    for i in 1..p.len() {
        assert!((p[i] - g[i] - constant).abs() < 0.1, "{i}: {}", p[i] - g[i] - constant);
    }
    assert!(report.khat < KHAT_LIMIT);
}

#[test]
fn a_standard_normal_by_default() {
    let model = Normal::new(1, |_, _| Ok(0.0));
    let stan = VariationalOptions { tol_average: 0.0, ..Default::default() };
    let (mut means, mut errors, mut errors_of_stan) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 1..=10 {
        let last = fit(&model, &SampleOptions { seed, ..options(1) }, &stan).0;
        errors_of_stan.push((last.fits[0].sd[0] - 1.0).abs());
        let (report, samples, diagnostics, _) =
            fit(&model, &SampleOptions { seed, ..options(1) }, &VariationalOptions::default());
        report.status().unwrap();
        let fit = &report.fits[0];
        errors.push((fit.sd[0] - 1.0).abs());
        assert!(fit.mean[0].abs() < 0.05 && (fit.sd[0] - 1.0).abs() < 0.05, "{seed}: {} {}", fit.mean[0], fit.sd[0]);
        means.push(fit.mean[0].abs());
        // The mean, and what was asked for.
        let table = &samples[0];
        assert_eq!(table.rows(), 1001);
        assert_eq!(table.column_names(), variational_columns(&model));
        assert_eq!(table.row_values(0).unwrap(), [0.0, 0.0, 0.0, fit.mean[0]]);
        let x = column(table, "x.1");
        // The first row is the mean's.
        for (log_p, x) in column(table, "log_p__").iter().zip(&x).skip(1) {
            assert!((log_p + 0.5 * x * x).abs() < 1e-12);
        }
        assert_eq!(diagnostics[0].column_names(), ["iter", "time_in_seconds", "ELBO"]);
        assert_eq!(column(&diagnostics[0], "iter")[0], 100.0);
    }
    // What the average is for.
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    println!("errors of the standard deviation: {errors:?}, of the last iterate {errors_of_stan:?}");
    // The gradient of an exact fit is nothing at every draw.
    assert!(mean(&means) < 1e-3 && mean(&errors) < 1e-3);
    assert!(mean(&errors) < 0.1 * mean(&errors_of_stan));
}

/// Posteriors of all scales, correlations and dimensions, none of which has a setting of its own: nothing fails, what a normal can
/// be it becomes, and where the mean-field family cannot, the optimum is the closed form's.
#[test]
fn defaults_suit_all_scales() {
    for (dim, rho, scale) in [(1, 0.0, 1e-4), (1, 0.0, 1e4), (2, 0.95, 1e-2), (10, 0.5, 1e2), (30, 0.5, 1.0)] {
        // An autoregression whose i-th value is `scale` (i + 1) wide.
        let width = move |i: usize| scale * (i as f64 + 1.0);
        let free = 1.0 - rho * rho;
        let scaled = Surface::new(dim, move |x: &[f64], g: &mut [f64]| {
            g.fill(0.0);
            let mut value = -0.5 * (x[0] / width(0)).powi(2);
            g[0] = -x[0] / width(0).powi(2);
            for i in 1..dim {
                let off = x[i] / width(i) - rho * x[i - 1] / width(i - 1);
                value -= 0.5 * off * off / free;
                g[i] -= off / free / width(i);
                g[i - 1] += rho * off / free / width(i - 1);
            }
            Some(value)
        });
        for family in [Family::MeanField, Family::FullRank] {
            let advi = VariationalOptions { family, iterations: 50_000, ..Default::default() };
            let (report, ..) = fit(&scaled, &options(1), &advi);
            report.status().unwrap();
            let fit = &report.fits[0];
            assert!(fit.converged, "{dim} {rho} {scale} {family:?}: {} steps", fit.iterations);
            println!("{dim} {rho} {scale} {family:?}: {} steps", fit.iterations);
            for i in 0..dim {
                let inner = if i == 0 || i + 1 == dim { 1.0 } else { 1.0 + rho * rho };
                let narrow = if family == Family::MeanField && dim > 1 { (free / inner).sqrt() } else { 1.0 };
                let sd = width(i) * narrow;
                let (off, ratio) = (fit.mean[i] / sd, fit.sd[i] / sd);
                assert!(
                    off.abs() < 0.2 && (ratio - 1.0).abs() < 0.05,
                    "{dim} {rho} {scale} {family:?} {i}: {off} {ratio}"
                );
            }
        }
    }
}

#[test]
fn bits_are_the_same_on_all_threads_drivers_and_in_all_batches() {
    let model = Normal::new(3, |_, x| if x[0] > 4.0 { Err(Refusal::Reject) } else { Ok(0.0) });
    let advi = VariationalOptions { iterations: 300, output_draws: 50, ..Default::default() };
    let whole = fit(&model, &SampleOptions { num_threads: 1, ..options(5) }, &advi).1;
    for (num_threads, batch_size) in [(2, 0), (2, 1), (1, 7), (2, 64)] {
        let batched = Normal::new(3, |_, _| Ok(0.0));
        let options = SampleOptions { num_threads, batch_size, ..options(5) };
        let (reference, again) = match batch_size {
            0 => (whole.clone(), fit(&model, &options, &advi).1),
            _ => (
                fit(&batched, &SampleOptions { batch_size: 0, ..options.clone() }, &advi).1,
                fit(&batched, &options, &advi).1,
            ),
        };
        for (one, other) in reference.iter().zip(&again) {
            assert_eq!(bits(one), bits(other), "{num_threads} threads, batches of {batch_size}");
        }
    }
    for (place, id) in (1..=5).enumerate() {
        let alone = fit(&model, &SampleOptions { init_chain_id: id, ..options(1) }, &advi).1;
        assert_eq!(bits(&alone[0]), bits(&whole[place]), "id {id}");
    }
}

#[test]
fn failures_are_told_in_words_and_the_others_go_on() {
    // Hardly a draw has a density.
    let narrow = |threading| {
        Normal::new(1, |_, x| if x[0].abs() > 1e-3 { Err(Refusal::Reject) } else { Ok(0.0) }).called_from(threading)
    };
    let here = PositionInit::new(&[0.0]).unwrap();
    let io = SampleIo { inits: vec![&here], ..Default::default() };
    let report = variational(&narrow(Threading::Any), &options(1), &VariationalOptions::default(), io).unwrap();
    let error = report.status().unwrap_err().to_string();
    assert!(
        error.contains("chain 1") && error.contains("finite log density") || error.contains("step sizes"),
        "{error}"
    );
    assert!(report.fits[0].mean.is_empty() && report.khat.is_nan());
    for (threading, num_threads, batch_size) in DRIVERS {
        let io = SampleIo { inits: vec![&here], ..Default::default() };
        let options = SampleOptions { num_threads, batch_size, ..options(1) };
        let again = variational(&narrow(threading), &options, &VariationalOptions::default(), io).unwrap();
        let place = format!("{threading:?}, {num_threads} threads, batches of {batch_size}");
        assert_eq!(again.status().unwrap_err().to_string(), error, "{place}");
    }
    // A fit whose draws stop having a density: it names the iteration.
    let calls = AtomicUsize::new(0);
    let dies = Normal::new(1, |task: &mut Task<'_>, _| {
        let second = task.chain_id() == 2;
        if second && calls.fetch_add(1, Ordering::Relaxed) > 2000 { Err(Refusal::Reject) } else { Ok(0.0) }
    });
    let advi = VariationalOptions { tol_elbo: 1e-12, tol_average: 0.0, iterations: 3000, ..Default::default() };
    let (report, samples, ..) = fit(&dies, &SampleOptions { num_threads: 1, ..options(2) }, &advi);
    let error = report.status().unwrap_err().to_string();
    assert!(error.contains("1 of 2 fits failed (ids 2)") && error.contains("iteration "), "{error}");
    assert_eq!(report.fits[0].outcome, Outcome::Finished);
    assert_eq!((samples[0].rows(), samples[1].rows()), (1001, 0));
}

#[test]
fn a_poor_approximation_is_told() {
    // Far heavier tails than a normal's.
    let heavy = Normal::new(2, |_, x| {
        let square: f64 = x.iter().map(|x| x * x).sum();
        // The gradients are a normal's, and lead there; the density is Cauchy's.
        Ok(0.5 * square - 1.5 * (1.0 + square).ln())
    });
    let (report, samples, _, warnings) = fit(&heavy, &options(1), &VariationalOptions::default());
    report.status().unwrap();
    assert!(report.khat > KHAT_LIMIT && report.tail == WeightTail::Smoothed, "{}", report.khat);
    assert!(warnings.iter().any(|line| line.contains("k-hat is")), "{warnings:?}");
    assert!(samples[0].messages().iter().any(|line| line.starts_with("k-hat = ")));
}

#[test]
fn what_is_not_asked_for_right_is_refused() {
    let model = Correlated { dim: 2, rho: 0.0 };
    let refused = |options: &SampleOptions, advi: VariationalOptions, io: SampleIo<'_>| {
        variational(&model, options, &advi, io).unwrap_err().to_string()
    };
    let advi = VariationalOptions { grad_samples: 0, ..Default::default() };
    assert!(refused(&options(1), advi, SampleIo::default()).contains("'grad_samples'"));
    let advi = VariationalOptions { tol_elbo: f64::NAN, ..Default::default() };
    assert!(refused(&options(1), advi, SampleIo::default()).contains("'tol_elbo'"));
    let metric = [1.0, 1.0];
    let io = SampleIo { inv_metrics: vec![&metric], ..Default::default() };
    assert!(refused(&options(1), VariationalOptions::default(), io).contains("'inv_metrics'"));
    let mut writer = TableWriter::new();
    let io = SampleIo { sample_writers: vec![&mut writer], ..Default::default() };
    assert!(refused(&options(2), VariationalOptions::default(), io).contains("'sample_writers'"));
}
