//! Modes from many starts: where they end, what is said of each end, and that threads, drivers and batches change no bit.

#[path = "../common/mod.rs"]
mod common;
mod derivatives;
mod functions;
#[allow(dead_code)]
#[path = "../../benches/gradients/models.rs"]
mod models;
mod scipy;
#[path = "../common/standard.rs"]
mod standard;
#[path = "../common/surface.rs"]
mod surface;

use catena::error::Code;
use catena::io::{PositionInit, TableWriter};
use catena::model::{Density, InitContext, Refusal, Task, Threading, WorkerError};
use catena::optimize::{Algorithm, Convergence, Curvature, Ending, Stuck};
use catena::services::{
    LaplaceOptions, OptimizeOptions, OptimizeReport, SampleIo, SampleOptions, StartOutcome, laplace, optimize,
    optimize_columns,
};
use common::bridgestan::Lines;
use common::{bits, borrow, column};
use std::sync::atomic::{AtomicUsize, Ordering};
use surface::{Surface, saddle};

fn options() -> SampleOptions {
    SampleOptions { seed: 7, refresh: 0, num_threads: 2, ..Default::default() }
}

/// Climbs from `starts`; the report and the warnings.
fn climb<D: Density>(density: &D, ways: &OptimizeOptions, starts: &[&[f64]]) -> (OptimizeReport, Vec<String>) {
    let inits: Vec<PositionInit> = starts.iter().map(|start| PositionInit::new(start).unwrap()).collect();
    let lines = Lines::default();
    let io = SampleIo {
        inits: inits.iter().map(|init| init as &dyn InitContext).collect(),
        logger: &lines,
        ..Default::default()
    };
    let ways = OptimizeOptions { num_starts: starts.len(), ..*ways };
    (optimize(density, &options(), &ways, io).unwrap(), lines.warnings())
}

fn ending(report: &OptimizeReport, place: usize) -> Ending {
    match &report.starts[place].outcome {
        StartOutcome::Ended(ending) => *ending,
        other => panic!("start {place}: {other:?}"),
    }
}

fn quadratic(x: &[f64], g: &mut [f64]) -> Option<f64> {
    g.iter_mut().zip(x).for_each(|(g, x)| *g = -x);
    Some(-0.5 * x.iter().map(|x| x * x).sum::<f64>())
}

#[test]
fn a_limit_is_no_convergence() {
    // log x without the Jacobian, where log x is the coordinate.
    let endless = Surface::new(1, |x, g| {
        g[0] = 1.0;
        Some(x[0])
    });
    for algorithm in [Algorithm::Lbfgs, Algorithm::Bfgs] {
        let ways = OptimizeOptions { max_iterations: 50, algorithm, ..Default::default() };
        let (report, warnings) = climb(&endless, &ways, &[&[0.5]]);
        assert_eq!((ending(&report, 0), report.starts[0].iterations), (Ending::IterationLimit, 50));
        let error = report.status().unwrap_err();
        assert_eq!(error.code(), Code::NotConverged);
        assert!(error.to_string().contains("start 1, iteration 50"), "{error}");
        assert!(warnings[0].contains("start 1, iteration 50"), "{warnings:?}");
        assert!(report.modes.is_empty() && report.best == Some(0));
        let (report, warnings) = climb(&Surface::new(1, quadratic), &ways, &[&[0.5]]);
        assert!(ending(&report, 0).is_converged() && report.status().is_ok() && warnings.is_empty(), "{warnings:?}");
    }
}

#[test]
fn a_saddle_is_told_from_a_mode_and_jitter_leaves_it() {
    let model = Surface::new(2, saddle);
    let at_rest: &[&[f64]] = &[&[0.0, 0.0]];
    let newton = OptimizeOptions { algorithm: Algorithm::Newton, ..Default::default() };
    let (report, warnings) = climb(&model, &newton, at_rest);
    let Ending::NoMode(Curvature::Saddle(rise)) = ending(&report, 0) else { panic!("{report:?}") };
    assert!((rise - 99.0).abs() < 1e-6, "{rise}");
    assert_eq!(report.status().unwrap_err().code(), Code::NotConverged);
    assert!(warnings[0].contains("not negative definite"), "{warnings:?}");

    let (report, warnings) = climb(&model, &OptimizeOptions::default(), at_rest);
    assert_eq!(ending(&report, 0), Ending::Converged(Convergence::Gradient));
    assert!(warnings[0].contains("saddle") && warnings[0].contains("jitter"), "{warnings:?}");

    for algorithm in Algorithm::ALL {
        let ways = OptimizeOptions { algorithm, jitter: 1e-3, ..Default::default() };
        let (report, warnings) = climb(&model, &ways, at_rest);
        report.status().unwrap();
        let best = report.best_start().unwrap();
        let mode = 0.99f64.sqrt();
        assert!((best.log_density + 0.995).abs() < 1e-12, "{algorithm:?}: {}", best.log_density);
        assert!((best.position[0].abs() - mode).abs() < 1e-6, "{algorithm:?}: {:?}", best.position);
        assert!((best.position[0] - best.position[1]).abs() < 1e-6 && warnings.is_empty(), "{warnings:?}");
    }
}

/// A normal around 0 that has something wrong with it in places.
fn troubled(x: &[f64], g: &mut [f64]) -> Option<f64> {
    match x[0] {
        x if x < -5.0 => None,
        x if x > 100.0 => {
            g[0] = 2.0 * x;
            Some(x * x)
        }
        _ => quadratic(x, g),
    }
}

#[test]
fn each_end_has_words_and_the_other_starts_go_on() {
    let model = Surface::new(1, troubled);
    let (report, warnings) = climb(&model, &OptimizeOptions::default(), &[&[0.5], &[-10.0], &[200.0], &[1.5]]);
    report.status().unwrap();
    assert!(ending(&report, 0).is_converged() && ending(&report, 3).is_converged());
    assert_eq!((report.modes.len(), report.modes[0].found), (1, 2));
    let StartOutcome::Failed(error) = &report.starts[1].outcome else { panic!("{report:?}") };
    assert_eq!((error.code(), error.chain()), (Code::Initialization, Some(2)));
    assert!(error.to_string().contains("the model refused it"), "{error}");
    assert_eq!(ending(&report, 2), Ending::Unbounded);
    assert!(
        warnings.iter().any(|line| line.contains("start 3, iteration") && line.contains("unbounded")),
        "{warnings:?}"
    );

    // No start at all.
    let (report, _) = climb(&model, &OptimizeOptions::default(), &[&[-10.0], &[-11.0]]);
    let error = report.status().unwrap_err();
    assert_eq!((error.code(), report.best), (Code::ChainFailed, None));
    assert!(error.to_string().contains("0 of 2 starts have converged"), "{error}");
}

#[test]
fn a_search_that_meets_nothing_finite_says_what_it_met() {
    type Edge = fn(f64) -> Option<f64>;
    let edges: [(Edge, &str); 3] =
        [(|_| None, "refused"), (|_| Some(f64::NAN), "NaN"), (|_| Some(f64::NEG_INFINITY), "-inf")];
    for (edge, word) in edges {
        // It rises up to an edge just beside the start, beyond which there is nothing.
        let model = Surface::new(1, move |x, g| {
            g[0] = 1.0;
            if x[0] > 1.0 { edge(x[0]) } else { Some(x[0]) }
        });
        let (report, warnings) = climb(&model, &OptimizeOptions::default(), &[&[1.0]]);
        assert!(matches!(ending(&report, 0), Ending::LineSearch(Stuck::NotFinite(_))), "{report:?}");
        assert!(warnings[0].contains("start 1, iteration 0") && warnings[0].contains(word), "{warnings:?}");
        assert_eq!(report.status().unwrap_err().code(), Code::NotConverged);
    }
}

/// A normal around 0, and places where something is wrong.
fn treacherous(x: &[f64], g: &mut [f64]) -> Option<f64> {
    let [a, b] = [x[0], x[1]];
    match a {
        a if a < -5.0 => None,
        // It rises up to a cliff.
        a if a > 20.0 && a < 30.0 => {
            (g[0], g[1]) = (1.0, -b);
            Some(if a > 25.0 { f64::NAN } else { a - 0.5 * b * b })
        }
        // Flat along the first coordinate.
        a if a > 40.0 && a < 60.0 => {
            (g[0], g[1]) = (0.0, -b);
            Some(-0.5 * b * b)
        }
        a if a > 100.0 => {
            (g[0], g[1]) = (2.0 * a, -b);
            Some(a * a - 0.5 * b * b)
        }
        _ => quadratic(x, g),
    }
}

#[test]
fn trouble_is_told_alike_by_all_drivers_and_the_others_go_on() {
    let starts: [&[f64]; 6] = [&[0.5, 1.0], &[-10.0, 0.0], &[25.0, 0.0], &[50.0, 1.0], &[200.0, 0.0], &[-1.0, 2.0]];
    for algorithm in [Algorithm::Lbfgs, Algorithm::Newton] {
        let mut expected = None;
        for threading in [Threading::Any, Threading::One, Threading::Caller] {
            for (num_threads, batch_size) in [(2, 0), (1, 0), (2, 1), (2, 64)] {
                let num_threads = if threading == Threading::One { 1 } else { num_threads };
                let model = Surface { threading, ..Surface::new(2, treacherous) };
                let inits: Vec<PositionInit> = starts.iter().map(|start| PositionInit::new(start).unwrap()).collect();
                let lines = Lines::default();
                let inits = inits.iter().map(|init| init as &dyn InitContext).collect();
                let io = SampleIo { inits, logger: &lines, ..Default::default() };
                let ways = OptimizeOptions { num_starts: starts.len(), algorithm, ..Default::default() };
                let options = SampleOptions { num_threads, batch_size, ..options() };
                let report = optimize(&model, &options, &ways, io).unwrap();
                report.status().unwrap();
                // Newton's method alone knows that the flat direction is no mode.
                let modes = if algorithm == Algorithm::Newton { 1 } else { 2 };
                assert_eq!((report.modes.len(), report.best_start().unwrap().log_density.abs() < 1e-12), (modes, true));
                assert!(report.starts[0].is_converged() && report.starts[5].is_converged());
                // Each names the start and, where it had begun, the iteration.
                let words: Vec<String> =
                    report.starts.iter().filter_map(|start| start.error()).map(|error| error.to_string()).collect();
                let told = |id: usize, what: &str| {
                    let start = [format!("start {id}, iteration "), format!("chain {id}")];
                    words.iter().any(|line| line.contains(what) && start.iter().any(|start| line.contains(start)))
                };
                // It looks beyond the cliff for its Hessian.
                let cliff = if algorithm == Algorithm::Newton { "coordinate 0" } else { "the log density NaN" };
                assert!(told(2, "the model refused it") && told(3, cliff), "{words:?}");
                assert!(told(5, "unbounded") && told(4, "singular") == (algorithm == Algorithm::Newton), "{words:?}");
                let mut warnings = lines.warnings();
                warnings.retain(|line| !line.contains("threads"));
                warnings.sort();
                let positions = report.starts.iter().flat_map(|start| &start.position).map(|x| x.to_bits());
                let got = (positions.collect::<Vec<_>>(), words, warnings);
                let expected = expected.get_or_insert_with(|| got.clone());
                assert_eq!(*expected, got, "{algorithm:?} {threading:?} {num_threads} {batch_size}");
            }
        }
    }
}

#[test]
fn newton_needs_a_hessian() {
    // On x >= 0 alone, with the mode at the edge.
    let model = Surface::new(1, |x, g| if x[0] < 0.0 { None } else { quadratic(x, g) });
    let ways = OptimizeOptions { algorithm: Algorithm::Newton, ..Default::default() };
    let (report, warnings) = climb(&model, &ways, &[&[0.0]]);
    assert_eq!(ending(&report, 0), Ending::NoHessian(0));
    assert!(warnings[0].contains("coordinate 0"), "{warnings:?}");
    // A flat direction.
    let model = Surface::new(2, |x, g| {
        (g[0], g[1]) = (-x[0], 0.0);
        Some(-0.5 * x[0] * x[0])
    });
    let (report, warnings) = climb(&model, &ways, &[&[1.0, 1.0]]);
    assert!(matches!(ending(&report, 0), Ending::NoMode(Curvature::Flat(_))), "{report:?}");
    assert!(warnings[0].contains("singular"), "{warnings:?}");
}

/// Two normals' worth of modes, the one at 3 a little higher.
fn two_modes(x: &[f64], g: &mut [f64]) -> Option<f64> {
    let [a, b] = [x[0], x[1]];
    (g[0], g[1]) = (-(a * a - 9.0) * a + 0.1, -b);
    Some(-0.25 * (a * a - 9.0).powi(2) + 0.1 * a - 0.5 * b * b)
}

fn many(num_starts: usize) -> OptimizeOptions {
    OptimizeOptions { num_starts, jacobian: true, ..Default::default() }
}

#[test]
fn distinct_modes_are_counted_and_the_best_is_kept() {
    let model = Surface::new(2, two_modes);
    let lines = Lines::default();
    let io = SampleIo { logger: &lines, ..Default::default() };
    let report = optimize(&model, &options(), &many(64), io).unwrap();
    report.status().unwrap();
    assert_eq!(report.modes.len(), 2, "{:?}", report.modes);
    assert_eq!(report.modes.iter().map(|mode| mode.found).sum::<usize>(), 64);
    assert!(report.modes.iter().all(|mode| mode.found > 16), "{:?}", report.modes);
    let [high, low] = [0, 1].map(|i| &report.starts[report.modes[i].start]);
    assert!(high.position[0] > 2.9 && low.position[0] < -2.9 && high.log_density > low.log_density + 0.5);
    assert_eq!(report.best, Some(report.modes[0].start));
}

/// Bits of all that a run of `num_starts` starts writes.
fn written<D: Density>(model: &D, options: &SampleOptions, ways: &OptimizeOptions) -> Vec<Vec<u64>> {
    let mut writers = vec![TableWriter::new(); ways.num_starts];
    let io = SampleIo { sample_writers: borrow(&mut writers), ..Default::default() };
    optimize(model, options, ways, io).unwrap().status().unwrap();
    writers.iter().map(bits).collect()
}

#[test]
fn threads_drivers_and_batches_change_no_bit() {
    for algorithm in Algorithm::ALL {
        let ways = OptimizeOptions { algorithm, save_iterations: true, ..many(6) };
        let expected = written(&Surface::new(2, two_modes), &options(), &ways);
        for threading in [Threading::Any, Threading::One, Threading::Caller] {
            for (num_threads, batch_size) in [(1, 0), (2, 1), (2, 4), (1, 64)] {
                let num_threads = if threading == Threading::One { 1 } else { num_threads };
                let model = Surface { threading, ..Surface::new(2, two_modes) };
                let options = SampleOptions { num_threads, batch_size, ..options() };
                assert!(written(&model, &options, &ways) == expected, "{algorithm:?} {threading:?} {batch_size}");
            }
        }
        // Each start by itself.
        for (place, expected) in expected.iter().enumerate() {
            let options = SampleOptions { init_chain_id: 1 + place as u64, ..options() };
            let alone = OptimizeOptions { num_starts: 1, ..ways };
            assert!(written(&Surface::new(2, two_modes), &options, &alone)[0] == *expected, "start {place}");
        }
    }
}

#[test]
fn batches_are_full() {
    const SIZE: usize = 8;
    let model = Surface::new(2, two_modes);
    // On one thread, where no luck is in when who asks.
    let options =
        SampleOptions { num_threads: 1, batch_size: SIZE, batch_wait: std::time::Duration::from_secs(1), ..options() };
    optimize(&model, &options, &many(128), SampleIo::default()).unwrap().status().unwrap();
    let (batches, points) = (model.batches.load(Ordering::Relaxed), model.points.load(Ordering::Relaxed));
    let share = points as f64 / (batches * SIZE) as f64;
    println!("useful share {share:.3}: {points} points in {batches} batches of up to {SIZE}");
    assert!(share >= 0.95, "{share}");
}

#[test]
fn writers_get_the_mode_or_every_iteration() {
    let model = Surface::new(2, two_modes);
    assert_eq!(optimize_columns(&model), ["lp__", "x.1", "x.2"]);
    for save_iterations in [false, true] {
        let (mut init, mut sample) = (vec![TableWriter::new()], vec![TableWriter::new()]);
        let io =
            SampleIo { init_writers: borrow(&mut init), sample_writers: borrow(&mut sample), ..Default::default() };
        let ways = OptimizeOptions { save_iterations, ..many(1) };
        let report = optimize(&model, &options(), &ways, io).unwrap();
        let start = &report.starts[0];
        let rows = if save_iterations { start.iterations + 1 } else { 1 };
        assert_eq!((sample[0].rows(), start.rows), (rows, rows));
        let last = sample[0].row_values(rows - 1).unwrap();
        assert_eq!((last[0], &last[1..]), (start.log_density, &start.position[..]));
        assert_eq!(start.outputs, start.position);
        let rises = column(&sample[0], "lp__").windows(2).all(|pair| pair[1] >= pair[0]);
        assert!(rises && init[0].values().len() == 2);
        if save_iterations {
            assert_eq!(&sample[0].row_values(0).unwrap()[1..], init[0].values());
        }
    }
}

#[test]
fn bad_arguments_are_named() {
    let model = Surface::new(2, two_modes);
    let named = |ways: OptimizeOptions| {
        let error = optimize(&model, &options(), &ways, SampleIo::default()).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        error.argument_name().unwrap().to_string()
    };
    assert_eq!(named(OptimizeOptions { num_starts: 0, ..Default::default() }), "num_starts");
    assert_eq!(named(OptimizeOptions { history_size: 0, ..Default::default() }), "history_size");
    assert_eq!(named(OptimizeOptions { init_alpha: 0.0, ..Default::default() }), "init_alpha");
    assert_eq!(named(OptimizeOptions { jitter: f64::NAN, ..Default::default() }), "jitter");
    let mut writers = vec![TableWriter::new(); 2];
    let io = SampleIo { sample_writers: borrow(&mut writers), ..Default::default() };
    let error = optimize(&model, &options(), &many(3), io).unwrap_err();
    assert_eq!(error.argument_name(), Some("sample_writers"));
    let nothing = Surface::new(0, |_, _| Some(0.0));
    let error = optimize(&nothing, &options(), &many(1), SampleIo::default()).unwrap_err();
    assert_eq!(error.argument_name(), Some("model"));
}
