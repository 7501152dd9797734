//! Pathfinder: how many draws, which paths stand, what draws are worth; and that threads, drivers and batches change no bit.

use crate::common::bridgestan::Lines;
use crate::common::{Correlated, Normal, bits, borrow, column};
use crate::surface::Surface;
use catena::diagnostics::WeightTail;
use catena::io::{PositionInit, TableWriter};
use catena::model::{Density, InitContext, Refusal, Threading};
use catena::services::{
    ApproximationReport, FailurePolicy, Outcome, PathfinderOptions, SampleIo, SampleOptions, pathfinder,
    pathfinder_columns,
};

/// What a run gave.
struct Run {
    report: ApproximationReport,
    joined: TableWriter,
    own: Vec<TableWriter>,
    warnings: Vec<String>,
}

fn options(seed: u64) -> SampleOptions {
    SampleOptions { seed, refresh: 0, num_threads: 2, ..SampleOptions::stan() }
}

fn run<D: Density>(density: &D, options: &SampleOptions, paths: &PathfinderOptions, starts: &[&[f64]]) -> Run {
    let starts: Vec<PositionInit> = starts.iter().map(|start| PositionInit::new(start).unwrap()).collect();
    let mut joined = TableWriter::new();
    let mut own = vec![TableWriter::new(); paths.num_paths];
    let lines = Lines::default();
    let io = SampleIo {
        inits: starts.iter().map(|start| start as &dyn InitContext).collect(),
        sample_writers: vec![&mut joined],
        diagnostic_writers: borrow(&mut own),
        logger: &lines,
        ..Default::default()
    };
    let report = pathfinder(density, options, paths, io).unwrap();
    Run { report, joined, own, warnings: lines.warnings() }
}

/// A standard normal of one coordinate, with NaN below -5.
fn cut() -> Surface<'static> {
    Surface::new(1, |x: &[f64], g: &mut [f64]| {
        g[0] = -x[0];
        Some(if x[0] < -5.0 { f64::NAN } else { -0.5 * x[0] * x[0] })
    })
}

#[test]
fn as_many_draws_as_were_asked_for() {
    let model = Correlated { dim: 2, rho: 0.5 };
    let count = |paths: PathfinderOptions| {
        let run = run(&model, &options(1), &paths, &[]);
        run.report.status().unwrap();
        assert_eq!(run.joined.column_names(), pathfinder_columns(&model));
        assert_eq!(run.report.rows, run.joined.rows());
        assert_eq!(run.report.positions.len(), 2 * run.joined.rows());
        let own: Vec<usize> = run.own.iter().map(TableWriter::rows).collect();
        (run.joined.rows(), own, run.report.pool, run.warnings)
    };
    let few = PathfinderOptions { num_paths: 2, num_draws: 2, num_elbo_draws: 3, ..Default::default() };
    let (rows, own, pool, _) = count(PathfinderOptions { psis_resample: false, ..few });
    assert_eq!((rows, own, pool), (4, vec![2, 2], 4));
    let (rows, own, pool, _) = count(PathfinderOptions { calculate_lp: false, ..few });
    assert_eq!((rows, own, pool), (4, vec![2, 2], 4));
    let (rows, own, _, warnings) = count(PathfinderOptions { num_paths: 1, num_draws: 1, ..Default::default() });
    assert_eq!((rows, own), (1, vec![1]));
    // What is to be said of one path is said once.
    assert!(warnings.iter().any(|line| line.contains("1 draws are too few")), "{warnings:?}");
    assert!(!warnings.iter().any(|line| line.contains("of all paths")), "{warnings:?}");
    // As many as there are.
    let (.., warnings) =
        count(PathfinderOptions { num_paths: 2, num_draws: 20, num_psis_draws: 40, ..Default::default() });
    assert!(!warnings.iter().any(|line| line.contains("are resampled")), "{warnings:?}");
    // More than there are: all the same as many as were asked for, and it is said.
    let (rows, own, pool, warnings) =
        count(PathfinderOptions { num_paths: 2, num_draws: 20, num_psis_draws: 1000, ..Default::default() });
    assert_eq!((rows, own, pool), (1000, vec![20, 20], 40));
    assert!(warnings.iter().any(|line| line.contains("1000 draws are resampled from only 40")), "{warnings:?}");
}

#[test]
fn a_bad_path_is_left_out_and_named() {
    let model = cut();
    let paths = PathfinderOptions { num_draws: 500, ..Default::default() };
    let starts: [&[f64]; 4] = [&[0.5], &[1.0], &[1.5], &[-10.0]];
    let run1 = run(&model, &options(3), &paths, &starts);
    run1.report.status().unwrap();
    let failed: Vec<u64> =
        run1.report.fits.iter().filter(|f| matches!(f.outcome, Outcome::Failed(_))).map(|f| f.id).collect();
    assert_eq!(failed, [4]);
    assert_eq!(run1.report.fits.iter().map(|f| f.draws).collect::<Vec<_>>(), [500, 500, 500, 0]);
    assert_eq!((run1.joined.rows(), run1.own[3].rows()), (1000, 0));
    assert!(run1.warnings.iter().any(|line| line.contains("1 of 4 paths")), "{:?}", run1.warnings);
    assert!(column(&run1.joined, "path__").iter().all(|id| [1.0, 2.0, 3.0].contains(id)));
    assert!(run1.joined.values().iter().all(|x| x.is_finite()));
    for (threading, num_threads, batch_size) in [
        (Threading::Any, 1, 0),
        (Threading::Any, 2, 1),
        (Threading::Any, 2, 7),
        (Threading::Any, 1, 64),
        (Threading::Caller, 2, 0),
        (Threading::Caller, 2, 7),
    ] {
        let model = Surface { threading, ..cut() };
        let again = run(&model, &SampleOptions { num_threads, batch_size, ..options(3) }, &paths, &starts);
        let place = format!("{threading:?}, {num_threads} threads, batches of {batch_size}");
        assert_eq!(bits(&again.joined), bits(&run1.joined), "{place}");
        let [mut one, mut other] = [again.warnings, run1.warnings.clone()];
        one.sort();
        other.sort();
        assert_eq!(one, other, "{place}");
    }
    // All bad: an error that says how many, and no draws.
    let starts: [&[f64]; 4] = [&[-10.0]; 4];
    let run2 = run(&model, &options(3), &paths, &starts);
    let error = run2.report.status().unwrap_err().to_string();
    assert!(error.contains("4 of 4 paths failed (ids 1, 2, 3, 4)") && error.contains("NaN"), "{error}");
    assert_eq!((run2.joined.rows(), run2.report.rows, run2.report.pool), (0, 0, 0));
    assert!(run2.report.khat.is_nan());
}

#[test]
fn other_paths_stop_where_that_is_wanted() {
    let starts: [&[f64]; 2] = [&[-10.0], &[1.0]];
    let paths = PathfinderOptions { num_paths: 2, ..Default::default() };
    let options = SampleOptions { on_failure: FailurePolicy::StopRun, num_threads: 1, ..options(1) };
    let run = run(&cut(), &options, &paths, &starts);
    assert!(run.report.status().is_err());
    assert_eq!(run.report.fits[1].outcome, Outcome::Stopped);
}

#[test]
fn a_start_at_the_mode_and_a_flat_direction() {
    let paths = PathfinderOptions { num_paths: 1, ..Default::default() };
    for dim in [1, 3] {
        let run = run(&Normal::new(dim, |_, _| Ok(0.0)), &options(2), &paths, &[&vec![0.0; dim]]);
        run.report.status().unwrap();
        let fit = &run.report.fits[0];
        assert!(fit.mean.iter().all(|x| x.abs() < 1e-6), "{fit:?}");
        assert!(fit.sd.iter().all(|sd| (sd - 1.0).abs() < 1e-6), "{fit:?}");
    }
    // The log density ignores the second coordinate.
    // Half of x², whatever y.
    let flat = Surface::new(2, |x, g| {
        g.copy_from_slice(&[-x[0], 0.0]);
        Some(-0.5 * x[0] * x[0])
    });
    let run = run(&flat, &options(2), &paths, &[&[1.0, 2.0]]);
    run.report.status().unwrap();
    assert!(run.joined.values().iter().all(|x| x.is_finite()));
    assert!((run.report.fits[0].sd[0] - 1.0).abs() < 1e-3);
}

#[test]
fn a_normal_is_found_and_its_draws_are_worth_themselves() {
    let model = Correlated { dim: 3, rho: 0.8 };
    let run = run(&model, &options(4), &PathfinderOptions::default(), &[]);
    run.report.status().unwrap();
    for fit in &run.report.fits {
        assert!(fit.converged && fit.khat < 0.5, "{fit:?}");
        for i in 0..3 {
            assert!((fit.mean[i] - model.mean(i)).abs() < 0.1 * model.sd(i));
        }
    }
    let (p, q) = (column(&run.joined, "lp__"), column(&run.joined, "lp_approx__"));
    let x: Vec<Vec<f64>> = (1..=3).map(|i| column(&run.joined, &format!("x.{i}"))).collect();
    for (i, x) in x.iter().enumerate() {
        let mean = x.iter().sum::<f64>() / 1000.0;
        // Four standard errors of a thousand draws.
        assert!((mean - model.mean(i)).abs() < 0.126 * model.sd(i), "{mean}");
    }
    // log p and log q are those at the draw; the first is the model's, without its constant.
    let z = |i: usize, row: usize| (x[i][row] - model.mean(i)) / model.sd(i);
    for (row, p) in p.iter().enumerate() {
        let (a, b, c) = (z(0, row), z(1, row), z(2, row));
        let expected = -0.5 * (a * a + (1.0 + 0.64) * b * b + c * c - 1.6 * a * b - 1.6 * b * c) / (1.0 - 0.64);
        assert!((p - expected).abs() < 1e-9);
    }
    let constant = 1.5 * std::f64::consts::TAU.ln() + 6f64.ln() + (1.0 - 0.64f64).ln();
    let mean = p.iter().zip(&q).map(|(p, q)| p - q).sum::<f64>() / 1000.0;
    println!("mean log ratio {mean} against {constant}");
    assert!((mean - constant).abs() < 0.1, "{mean} against {constant}");
}

#[test]
fn few_draws_are_made_at_most_points() {
    let model = Correlated { dim: 3, rho: 0.8 };
    let run = run(&model, &options(4), &PathfinderOptions { num_elbo_draws: 105, ..Default::default() }, &[]);
    for fit in &run.report.fits {
        // Five at each point, a hundred more at four, a thousand in the end.
        let (points, [_, densities]) = (fit.iterations as u64, fit.evaluations);
        assert!(points > 4 && densities <= 5 * points + 4 * 100 + 1000, "{fit:?}");
        assert!(densities > 4 * 100 + 1000, "{fit:?}");
    }
}

#[test]
fn exact_approximations_have_equal_weights() {
    // In one coordinate the first step has the whole Hessian.
    let run = run(&Normal::new(1, |_, _| Ok(7.0)), &options(1), &PathfinderOptions::default(), &[]);
    assert_eq!((run.report.tail, run.report.khat), (WeightTail::Equal, 0.0));
    let constant = 7.0 + 0.5 * std::f64::consts::TAU.ln();
    for (p, q) in column(&run.joined, "lp__").iter().zip(column(&run.joined, "lp_approx__")) {
        assert!((p - q - constant).abs() < 1e-6);
    }
}

#[test]
fn points_without_a_density_are_dropped_and_counted() {
    let model = Normal::new(2, |_, x| if x[0] > 0.5 { Err(Refusal::Reject) } else { Ok(0.0) });
    let starts: [&[f64]; 4] = [&[-1.0, 0.3]; 4];
    let run1 = run(&model, &options(5), &PathfinderOptions::default(), &starts);
    run1.report.status().unwrap();
    assert!(run1.report.fits.iter().all(|fit| fit.dropped > 0));
    assert!(column(&run1.joined, "x.1").iter().all(|x| *x <= 0.5));
    assert!(run1.report.pool < 4000);
    // Those of the draws in the end count as well as those of the bounds.
    let paths = PathfinderOptions { num_elbo_draws: 1, ..Default::default() };
    let run1 = run(&model, &options(5), &paths, &starts);
    for (fit, own) in run1.report.fits.iter().zip(&run1.own).filter(|(fit, _)| fit.draws > 0) {
        let lost = column(own, "lp__").iter().filter(|lp| !lp.is_finite()).count() as u64;
        let bounds = fit.evaluations[1] - fit.draws as u64;
        assert!(lost > bounds && (lost..=lost + bounds).contains(&fit.dropped), "{fit:?}");
    }
    // Nothing but the start has one.
    let model = Normal::new(1, |_, x| if (x[0] - 1.0).abs() > 1e-3 { Err(Refusal::Reject) } else { Ok(0.0) });
    let paths = PathfinderOptions { num_paths: 1, ..Default::default() };
    let run2 = run(&model, &options(5), &paths, &[&[1.0]]);
    let error = run2.report.status().unwrap_err().to_string();
    assert!(error.contains("chain 1") && error.contains("iteration"), "{error}");
    assert_eq!(run2.report.rows, 0);
}

/// The best of a path's approximations by its bound, be it the first, the last or one between.
#[test]
fn the_best_bound_is_kept() {
    // Heavy-tailed along a bent valley: bounds go up and down.
    let model = Surface::new(2, |x, g| {
        let (a, b) = (1.0 + x[0] * x[0] / 4.0, x[1] - x[0] * x[0]);
        let c = 1.0 + 4.0 * b * b;
        g[1] = -24.0 * b / c;
        g[0] = -1.5 * x[0] / a - 2.0 * x[0] * g[1];
        Some(-3.0 * (a.ln() + c.ln()))
    });
    let lines = Lines::default();
    // As many draws as all points get, so that no point is looked at a second time.
    let paths = PathfinderOptions { num_paths: 8, num_draws: 10, num_elbo_draws: 5, ..Default::default() };
    let io = SampleIo { logger: &lines, ..Default::default() };
    let report = pathfinder(&model, &SampleOptions { refresh: 1, ..options(2) }, &paths, io).unwrap();
    report.status().unwrap();
    let (lines, mut between) = (lines.take(), 0);
    for fit in &report.fits {
        let own = || lines.iter().filter(|(_, id, _)| *id == Some(fit.id)).map(|(.., line)| line.as_str());
        let numbers = |line: &str| -> Option<(usize, f64)> {
            let (before, elbo) = line.split_once("ELBO ")?;
            let at = before.trim_start_matches("Iteration ").split_once(':')?.0.parse().ok()?;
            Some((at, elbo.split(';').next()?.parse().ok()?))
        };
        let bounds: Vec<(usize, f64)> = own().filter_map(numbers).collect();
        let (at, best) = *bounds.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert!((fit.elbo - best).abs() < 1e-4, "{} of {bounds:?}", fit.elbo);
        assert!(own().any(|line| line.ends_with(&format!("the best is {at} with ELBO {best:.4}"))));
        between += usize::from(at != bounds[0].0 && at != bounds[bounds.len() - 1].0);
    }
    assert!(between > 0, "some are neither the first nor the last");
}

#[test]
fn bits_are_the_same_on_all_threads_drivers_and_in_all_batches() {
    /// As the model inside, from the calling thread alone.
    struct AtCaller(Correlated);
    impl Density for AtCaller {
        type Worker = ();
        fn dim(&self) -> usize {
            self.0.dim()
        }
        fn threading(&self) -> Threading {
            Threading::Caller
        }
        fn has_batch(&self) -> bool {
            true
        }
        fn new_worker(&self) -> Result<(), catena::model::WorkerError> {
            Ok(())
        }
        fn log_density_gradient(
            &self,
            worker: &mut (),
            task: &mut catena::model::Task<'_>,
            x: &[f64],
            g: &mut [f64],
        ) -> Result<f64, Refusal> {
            self.0.log_density_gradient(worker, task, x, g)
        }
        fn output_names(&self) -> Vec<String> {
            self.0.output_names()
        }
        fn constrain(
            &self,
            worker: &mut (),
            task: &mut catena::model::Task<'_>,
            x: &[f64],
            out: &mut [f64],
        ) -> Result<(), Refusal> {
            self.0.constrain(worker, task, x, out)
        }
    }
    let (inside, paths) = (Correlated { dim: 4, rho: 0.6 }, PathfinderOptions { num_draws: 100, ..Default::default() });
    let whole = run(&inside, &SampleOptions { num_threads: 1, ..options(6) }, &paths, &[]);
    let same = |again: Run, what: &str| {
        assert_eq!(bits(&whole.joined), bits(&again.joined), "{what}");
        let own = |run: &Run| run.own.iter().map(bits).collect::<Vec<_>>();
        assert_eq!(own(&whole), own(&again), "{what}");
        assert_eq!(whole.report.khat.to_bits(), again.report.khat.to_bits(), "{what}");
    };
    same(run(&inside, &options(6), &paths, &[]), "two threads");
    let at_caller = AtCaller(inside);
    for batch_size in [0, 1, 7, 64, 1000] {
        let options = SampleOptions { batch_size, ..options(6) };
        same(run(&at_caller, &options, &paths, &[]), &format!("calling thread, batches of {batch_size}"));
    }
    let alone = PathfinderOptions { num_paths: 1, ..paths };
    for id in 1..=4 {
        let options = SampleOptions { init_chain_id: id, ..options(6) };
        let one = run(&at_caller.0, &options, &alone, &[]);
        assert_eq!(bits(&one.own[0]), bits(&whole.own[id as usize - 1]), "path {id} by itself");
        assert_eq!(bits(&one.own[0]), bits(&one.joined), "a single path's draws are kept as they are");
    }
}

#[test]
fn what_is_not_asked_for_right_is_refused() {
    let model = Correlated { dim: 2, rho: 0.0 };
    let refused = |paths: PathfinderOptions, io: SampleIo<'_>| {
        pathfinder(&model, &options(1), &paths, io).unwrap_err().to_string()
    };
    let paths = PathfinderOptions { num_elbo_draws: 0, ..Default::default() };
    assert!(refused(paths, SampleIo::default()).contains("'num_elbo_draws'"));
    let (mut one, mut other) = (TableWriter::new(), TableWriter::new());
    let io = SampleIo { sample_writers: vec![&mut one, &mut other], ..Default::default() };
    assert!(refused(PathfinderOptions::default(), io).contains("'sample_writers'"));
    let start = PositionInit::new(&[0.0, 0.0]).unwrap();
    let io = SampleIo { inits: vec![&start], ..Default::default() };
    assert!(refused(PathfinderOptions::default(), io).contains("'inits'"));
    let paths = PathfinderOptions { num_draws: usize::MAX / 2, ..Default::default() };
    assert!(refused(paths, SampleIo::default()).contains("'num_draws'"));
}
