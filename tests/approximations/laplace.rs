//! Draws from the normal distribution at a mode: exact where the density is one, words where there is no mode.

use crate::common::bridgestan::Lines;
use crate::common::{Correlated, bits, borrow, column};
use crate::surface::{Surface, saddle};
use catena::diagnostics::WeightTail;
use catena::error::Code;
use catena::io::{PositionInit, TableWriter};
use catena::model::{Density, InitContext, Threading};
use catena::services::{
    ApproximationReport, LaplaceOptions, OptimizeOptions, Outcome, SampleIo, SampleOptions, laplace, laplace_columns,
};

fn options(num_chains: usize) -> SampleOptions {
    SampleOptions { num_chains, seed: 7, refresh: 0, num_threads: 2, ..Default::default() }
}

/// Draws at `mode`, or at one that is found; the report, the rows, the warnings.
fn draw<D: Density>(
    density: &D,
    options: &SampleOptions,
    ways: &LaplaceOptions,
    mode: Option<&[f64]>,
) -> (ApproximationReport, Vec<TableWriter>, Vec<String>) {
    let mode = mode.map(|mode| PositionInit::new(mode).unwrap());
    let mut writers = vec![TableWriter::new(); options.num_chains];
    let lines = Lines::default();
    let inits = mode.iter().flat_map(|mode| vec![mode as &dyn InitContext; options.num_chains]).collect();
    let io = SampleIo { inits, sample_writers: borrow(&mut writers), logger: &lines, ..Default::default() };
    let report = laplace(density, options, ways, io).unwrap();
    (report, writers, lines.warnings())
}

/// The error of a mode that is none: no draws, no NaN.
fn refused<D: Density>(density: &D, mode: &[f64]) -> String {
    let (report, writers, _) = draw(density, &options(1), &LaplaceOptions::default(), Some(mode));
    let error = report.status().unwrap_err();
    assert_eq!((error.code(), writers[0].rows(), report.fits[0].draws), (Code::NotConverged, 0, 0), "{error}");
    assert!(!error.to_string().contains("NaN"), "{error}");
    error.to_string()
}

#[test]
fn a_normal_is_drawn_from_exactly() {
    let model = Correlated { dim: 4, rho: 0.8 };
    let ways = LaplaceOptions { draws: 2500, ..Default::default() };
    let (report, writers, warnings) = draw(&model, &options(2), &ways, None);
    report.status().unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(laplace_columns(&model)[..3], ["log_p__", "log_q__", "x.1"]);
    // The log determinant of the covariance is known, and with it the constant that the model leaves out.
    let log_sds: f64 = (0..4).map(|i| model.sd(i).ln()).sum();
    let constant = -2.0 * std::f64::consts::TAU.ln() - log_sds - 1.5 * (1.0 - 0.8f64 * 0.8).ln();
    for (writer, fit) in writers.iter().zip(&report.fits) {
        assert_eq!((writer.rows(), fit.draws, fit.dropped), (2500, 2500, 0));
        let (log_p, log_q) = (column(writer, "log_p__"), column(writer, "log_q__"));
        for (p, q) in log_p.iter().zip(&log_q) {
            assert!((q - p - constant).abs() < 1e-11 * p.abs().max(1.0), "{p} {q} {constant}");
        }
        assert_eq!((fit.khat, fit.tail), (0.0, WeightTail::Equal));
        for i in 0..4 {
            assert!((fit.mean[i] - model.mean(i)).abs() < 1e-11 * model.sd(i), "{:?}", fit.mean);
            assert!((fit.sd[i] / model.sd(i) - 1.0).abs() < 1e-10, "{:?}", fit.sd);
            let x = column(writer, &format!("x.{}", i + 1));
            let mean = x.iter().sum::<f64>() / 2500.0;
            let sd = (x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2500.0).sqrt();
            // Four standard errors.
            assert!((mean - model.mean(i)).abs() < 4.0 * model.sd(i) / 50.0, "mean {i}: {mean}");
            assert!((sd / model.sd(i) - 1.0).abs() < 4.0 / 70.0, "sd {i}: {sd}");
        }
    }
    assert_ne!(bits(&writers[0]), bits(&writers[1]));
}

#[test]
fn a_standard_normal_has_the_density_of_its_draws() {
    let half_tau = 0.5 * std::f64::consts::TAU.ln();
    let model = Surface::new(1, move |x, g| {
        g[0] = -x[0];
        Some(-0.5 * x[0] * x[0] - half_tau)
    });
    let (report, writers, _) = draw(&model, &options(1), &LaplaceOptions::default(), Some(&[0.0]));
    report.status().unwrap();
    assert!(report.fits[0].elbo.abs() < 1e-12, "{}", report.fits[0].elbo);
    let pairs = column(&writers[0], "log_p__").into_iter().zip(column(&writers[0], "log_q__"));
    assert!(pairs.into_iter().all(|(p, q)| (p - q).abs() < 1e-12));
}

#[test]
fn a_point_that_is_no_mode_gets_words() {
    let words = refused(&Surface::new(2, saddle), &[0.0, 0.0]);
    assert!(words.contains("not negative definite") && words.contains("99"), "{words}");
    // A normal, but not at its mode.
    let words = refused(&Correlated { dim: 2, rho: 0.0 }, &[1.5, 2.0]);
    assert!(words.contains("gradient's norm is 0.5"), "{words}");
    // Flat along y.
    let flat = Surface::new(2, |x, g| {
        (g[0], g[1]) = (-x[0], 0.0);
        Some(-0.5 * x[0] * x[0])
    });
    let words = refused(&flat, &[0.0, 0.3]);
    assert!(words.contains("singular"), "{words}");
    // The mode at the edge of the support.
    let edge = Surface::new(1, |x, g| {
        g[0] = -x[0];
        (x[0] >= 0.0).then_some(-0.5 * x[0] * x[0])
    });
    let words = refused(&edge, &[0.0]);
    assert!(words.contains("coordinate 0") && words.contains("(coordinate 'x.1')"), "{words}");
    let words = refused(&edge, &[-1.0]);
    assert!(words.contains("no log density at the mode"), "{words}");
}

#[test]
fn the_modes_beside_a_saddle_have_their_spread() {
    // The Hessian there is [[-100, -98], [-98, -100]], its inverse has 100 / 396 on the diagonal.
    let mode = 0.994_987_437_106_62;
    for sign in [1.0, -1.0] {
        let at = [sign * mode, sign * mode];
        let (report, ..) = draw(&Surface::new(2, saddle), &options(1), &LaplaceOptions::default(), Some(&at));
        report.status().unwrap();
        let fit = &report.fits[0];
        assert!(fit.mean.iter().all(|x| (x - sign * 0.99f64.sqrt()).abs() < 1e-12), "{:?}", fit.mean);
        assert!(fit.sd.iter().all(|sd| (sd / (100.0 / 396.0f64).sqrt() - 1.0).abs() < 1e-9), "{:?}", fit.sd);
    }
}

#[test]
fn nearly_flat_and_narrow_directions_are_exact() {
    for precision in [1e-14, 1e-8, 1e8, 1e14] {
        let model = Surface::new(2, move |x, g| {
            (g[0], g[1]) = (-x[0], -precision * x[1]);
            Some(-0.5 * (x[0] * x[0] + precision * x[1] * x[1]))
        });
        let (report, ..) = draw(&model, &options(1), &LaplaceOptions::default(), Some(&[0.0, 0.0]));
        report.status().unwrap();
        let sd = report.fits[0].sd[1] * f64::sqrt(precision);
        assert!((sd - 1.0).abs() < 1e-8, "{precision}: {sd}");
    }
}

#[test]
fn a_density_that_the_draws_miss_is_told_of() {
    // Nothing beyond 1e-3: one draw in a thousand is inside.
    let model = Surface::new(1, |x, g| {
        g[0] = -x[0];
        (x[0].abs() <= 1e-3).then_some(-0.5 * x[0] * x[0])
    });
    let ways = LaplaceOptions { draws: 5000, ..Default::default() };
    let (report, writers, warnings) = draw(&model, &options(1), &ways, Some(&[0.0]));
    assert!(report.fits[0].dropped > 4900, "{}", report.fits[0].dropped);
    assert!(warnings.iter().any(|line| line.contains("have no finite log density")), "{warnings:?}");
    assert!(writers[0].values().iter().all(|x| !x.is_nan()));
    // None at all.
    let ways = LaplaceOptions { draws: 3, ..Default::default() };
    let (report, ..) = draw(&model, &options(1), &ways, Some(&[0.0]));
    assert!(matches!(&report.fits[0].outcome, Outcome::Failed(error) if error.to_string().contains("none of 3 draws")));
    // Tails that are heavier than a normal's: k-hat says so.
    let cauchy = Surface::new(3, |x, g| {
        g.iter_mut().zip(x).for_each(|(g, x)| *g = -2.0 * x / (1.0 + x * x));
        Some(-x.iter().map(|x| libm::log1p(x * x)).sum::<f64>())
    });
    let (report, _, warnings) = draw(&cauchy, &options(1), &LaplaceOptions::default(), Some(&[0.0; 3]));
    assert!(report.khat > 0.7 && warnings.iter().any(|line| line.contains("k-hat")), "{} {warnings:?}", report.khat);
}

#[test]
fn threads_drivers_and_batches_change_no_bit() {
    let banana = |x: &[f64], g: &mut [f64]| {
        let bend = x[1] - 0.3 * x[0] * x[0];
        (g[0], g[1]) = (-x[0] + 0.6 * x[0] * bend, -bend);
        Some(-0.5 * (x[0] * x[0] + bend * bend))
    };
    let ways = LaplaceOptions {
        draws: 150,
        mode: OptimizeOptions { num_starts: 3, ..Default::default() },
        ..Default::default()
    };
    let written = |threading, num_threads, batch_size, mode: Option<&[f64]>| {
        let model = Surface { threading, ..Surface::new(2, banana) };
        let options = SampleOptions { num_threads, batch_size, ..options(3) };
        let (report, writers, _) = draw(&model, &options, &ways, mode);
        report.status().unwrap();
        writers.iter().map(bits).collect::<Vec<_>>()
    };
    for mode in [None, Some(&[0.0, 0.0][..])] {
        let expected = written(Threading::Any, 2, 0, mode);
        for threading in [Threading::Any, Threading::One, Threading::Caller] {
            for (num_threads, batch_size) in [(1, 0), (2, 4), (1, 64)] {
                let num_threads = if threading == Threading::One { 1 } else { num_threads };
                assert!(written(threading, num_threads, batch_size, mode) == expected, "{threading:?} {batch_size}");
            }
        }
    }
}

#[test]
fn without_log_densities_there_is_no_khat() {
    let model = Correlated { dim: 2, rho: 0.3 };
    let ways = LaplaceOptions { calculate_lp: false, draws: 10, ..Default::default() };
    let (report, writers, warnings) = draw(&model, &options(1), &ways, Some(&[1.0, 2.0]));
    report.status().unwrap();
    assert!(report.khat.is_nan() && warnings.is_empty() && report.fits[0].evaluations[1] == 0);
    assert!(column(&writers[0], "log_p__").iter().all(|x| x.is_nan()));
    assert!(column(&writers[0], "log_q__").iter().all(|x| x.is_finite()));
}

#[test]
fn no_mode_no_draws() {
    let endless = Surface::new(1, |x, g| {
        g[0] = 1.0;
        Some(x[0])
    });
    let mode = OptimizeOptions { max_iterations: 20, ..Default::default() };
    let ways = LaplaceOptions { mode, ..Default::default() };
    let error = laplace(&endless, &options(1), &ways, SampleIo::default()).unwrap_err();
    assert_eq!(error.code(), Code::NotConverged);
    assert!(error.to_string().contains("no mode was found: start 1, iteration 20"), "{error}");
}
