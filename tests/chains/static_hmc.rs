//! Static HMC: right distributions with every metric, trajectories of the length asked for, the same bits whatever runs
//! beside and wherever a chain is stopped.

use crate::common::bytes::{self, DIM};
use crate::common::{Correlated, Normal, bits, borrow, column};
use catena::adapt::Adaptation;
use catena::diagnostics::{Draws, mcse_mean};
use catena::io::TableWriter;
use catena::model::{Density, Refusal};
use catena::services::{Engine, MetricKind, Outcome, SampleIo, SampleOptions, SampleReport, sample_hmc_static};

/// How many Monte Carlo standard errors a mean may be off; with some 100 comparisons, 4.5 leaves a chance of 1e-3 for a
/// false alarm, and the seeds are fixed.
const STANDARD_ERRORS: f64 = 4.5;

fn run<D: Density>(model: &D, options: &SampleOptions) -> (SampleReport, Vec<TableWriter>) {
    let mut writers = vec![TableWriter::new(); options.num_chains];
    let io = SampleIo { sample_writers: borrow(&mut writers), ..Default::default() };
    (sample_hmc_static(model, options, io).unwrap(), writers)
}

fn options() -> SampleOptions {
    SampleOptions { num_samples: 2000, seed: 20_260, num_threads: 2, ..SampleOptions::stan() }
}

/// The mean of `values` of all chains is `expected`.
fn check_mean(what: &str, expected: f64, chains: &[Vec<f64>]) {
    let n = chains[0].len();
    let all = chains.concat();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let error = mcse_mean(&Draws::new(&all, chains.len(), n, n, 1).unwrap());
    assert!((mean - expected).abs() < STANDARD_ERRORS * error, "{what}: {mean} ± {error}, expected {expected}");
}

/// Means, variances and a covariance of a correlated normal.
fn check_correlated(options: &SampleOptions) {
    let model = Correlated { dim: 5, rho: 0.7 };
    let (report, writers) = run(&model, options);
    report.status().unwrap();
    let columns: Vec<Vec<Vec<f64>>> =
        (1..=model.dim).map(|i| writers.iter().map(|w| column(w, &format!("x.{i}"))).collect()).collect();
    let moment = |i: usize, j: usize| -> Vec<Vec<f64>> {
        let product = |(a, b): (&f64, &f64)| (a - model.mean(i)) / model.sd(i) * ((b - model.mean(j)) / model.sd(j));
        columns[i].iter().zip(&columns[j]).map(|(a, b)| a.iter().zip(b).map(product).collect()).collect()
    };
    for (i, column) in columns.iter().enumerate() {
        check_mean(&format!("mean {i}, {options:?}"), model.mean(i), column);
        check_mean(&format!("variance {i}, {options:?}"), 1.0, &moment(i, i));
    }
    check_mean(&format!("correlation, {options:?}"), model.rho, &moment(0, 1));
}

#[test]
fn every_metric_finds_the_distribution() {
    for metric in [MetricKind::Unit, MetricKind::Diag, MetricKind::Dense] {
        // Not a multiple of the periods of the normal's coordinates, which are 2π at an adapted metric.
        check_correlated(&SampleOptions { metric, int_time: 2.0, ..options() });
        check_correlated(&SampleOptions { metric, adaptation: None, stepsize: 0.3, int_time: 2.2, ..options() });
    }
}

#[test]
fn jitter_and_one_step_find_the_distribution() {
    let base = SampleOptions { adaptation: None, num_warmup: 200, num_samples: 6000, ..options() };
    check_correlated(&SampleOptions { stepsize: 0.4, stepsize_jitter: 1.0, int_time: 2.0, ..base.clone() });
    check_correlated(&SampleOptions { stepsize: 0.5, int_time: 0.1, ..base });
}

#[test]
fn adaptation_reaches_its_target() {
    // One step whatever its size: with more, the acceptance jumps with the number of steps and may jump past the target.
    // The buffer is long because the average of the step sizes forgets the first ones, which are too small, slowly.
    let adaptation = Some(Adaptation { term_buffer: 1500, ..Adaptation::stan() });
    let options = SampleOptions { num_warmup: 2000, int_time: 1e-3, adaptation, ..options() };
    let (_, writers) = run(&Correlated { dim: 20, rho: 0.3 }, &options);
    let accept: Vec<f64> = writers.iter().flat_map(|w| column(w, "accept_stat__")).collect();
    let mean = accept.iter().sum::<f64>() / accept.len() as f64;
    assert!((mean - 0.8).abs() < 0.05, "{mean}");
}

#[test]
fn the_number_of_steps_follows_the_adapted_step_size() {
    let options = SampleOptions { int_time: 3.0, ..options() };
    let (report, _) = run(&Correlated { dim: 6, rho: 0.4 }, &options);
    for chain in &report.chains {
        assert!(chain.stepsize < 1.5);
        let steps = (3.0 / chain.stepsize) as u64;
        assert_eq!(chain.sampling_gradients, options.num_samples as u64 * steps);
    }
}

#[test]
fn trajectories_have_the_steps_asked_for() {
    let model = Correlated { dim: 3, rho: 0.2 };
    let base = SampleOptions { num_chains: 1, num_warmup: 0, num_samples: 50, adaptation: None, ..options() };
    for (stepsize, int_time, steps) in [(0.3, 1.0, 3), (0.25, 1.0, 4), (0.5, 0.2, 1), (0.1, std::f64::consts::TAU, 62)]
    {
        let options = SampleOptions { stepsize, int_time, ..base.clone() };
        let (report, writers) = run(&model, &options);
        // One evaluation finds the initial point; the gradient at a transition's start is never asked for again.
        assert_eq!((report.chains[0].warmup_gradients, report.chains[0].sampling_gradients), (1, 50 * steps));
        assert_eq!(writers[0].column_names()[..5], *Engine::Static { int_time }.columns());
        assert_eq!(writers[0].column_names()[..5], ["lp__", "accept_stat__", "stepsize__", "int_time__", "energy__"]);
        assert!(column(&writers[0], "int_time__").iter().all(|&t| t == int_time));
        assert!(column(&writers[0], "stepsize__").iter().all(|&e| e == stepsize));
        // Jitter changes the step size, not the number of steps.
        let (report, writers) = run(&model, &SampleOptions { stepsize_jitter: 0.5, ..options });
        assert_eq!(report.chains[0].sampling_gradients, 50 * steps);
        assert!(column(&writers[0], "stepsize__").iter().any(|&e| e != stepsize));
    }
    assert_eq!(SampleOptions::stan().int_time, std::f64::consts::TAU);
}

#[test]
fn rejected_draws_stay() {
    let options = SampleOptions {
        num_chains: 1,
        num_warmup: 0,
        num_samples: 400,
        adaptation: None,
        stepsize: 0.9,
        int_time: 2.0,
        ..options()
    };
    let (_, writers) = run(&Correlated { dim: 4, rho: 0.6 }, &options);
    let (x, lp) = (column(&writers[0], "x.1"), column(&writers[0], "lp__"));
    let accept = column(&writers[0], "accept_stat__");
    let stayed: Vec<usize> = (1..400).filter(|&i| x[i] == x[i - 1]).collect();
    let share = 1.0 - stayed.len() as f64 / 399.0;
    let mean = accept[1..].iter().sum::<f64>() / 399.0;
    // The number of moves is a sum of independent draws given the probabilities, with at most this variance.
    assert!((share - mean).abs() < 5.0 * (0.25f64 / 399.0).sqrt(), "moved {share}, accepted {mean}");
    assert!(!stayed.is_empty());
    for &i in &stayed {
        assert_eq!(lp[i].to_bits(), lp[i - 1].to_bits());
        assert!(accept[i] < 1.0);
    }
}

/// A half-normal whose other half is refused.
fn half() -> Normal<'static> {
    Normal::new(1, |_, x| if x[0] < 0.0 { Err(Refusal::Reject) } else { Ok(0.0) })
}

#[test]
fn refused_points_reject_the_trajectory() {
    let options = SampleOptions {
        num_warmup: 100,
        num_samples: 4000,
        adaptation: None,
        metric: MetricKind::Unit,
        stepsize: 0.4,
        int_time: 1.2,
        ..options()
    };
    let (report, writers) = run(&half(), &options);
    let x: Vec<Vec<f64>> = writers.iter().map(|w| column(w, "x.1")).collect();
    assert!(x.iter().flatten().all(|&x| x >= 0.0));
    check_mean("half-normal", (2.0 / std::f64::consts::PI).sqrt(), &x);
    for (chain, writer) in report.chains.iter().zip(&writers) {
        let refused = column(writer, "accept_stat__").iter().filter(|&&a| a == 0.0).count() as u64;
        assert!(chain.divergences > 100 && chain.divergences == refused);
    }
}

#[test]
fn same_bits_for_any_number_of_threads_and_any_company() {
    let model = Correlated { dim: 7, rho: 0.5 };
    for metric in [MetricKind::Diag, MetricKind::Dense] {
        let base = SampleOptions {
            num_chains: 5,
            num_warmup: 200,
            num_samples: 100,
            save_warmup: true,
            stepsize_jitter: 0.2,
            metric,
            ..options()
        };
        let reference = run(&model, &SampleOptions { num_threads: 1, ..base.clone() }).1;
        for num_threads in [2, 3, 8] {
            let writers = run(&model, &SampleOptions { num_threads, ..base.clone() }).1;
            for (a, b) in reference.iter().zip(&writers) {
                assert_eq!(bits(a), bits(b), "{num_threads} threads");
            }
        }
        let alone = SampleOptions { num_chains: 1, init_chain_id: 3, ..base };
        assert_eq!(bits(&run(&model, &alone).1[0]), bits(&reference[2]));
    }
}

#[test]
fn a_chain_goes_through_bytes_at_random_places() {
    bytes::check(Engine::Static { int_time: 2.0 });
}

#[test]
fn a_run_goes_on_where_it_was_stopped_but_not_as_another() {
    let model = Correlated { dim: DIM, rho: 0.8 };
    let options = SampleOptions { num_chains: 1, num_warmup: 150, num_samples: 60, seed: 5, ..SampleOptions::stan() };
    let reference = bits(&run(&model, &options).1[0]);
    let (mut rows, mut checkpoint) = (Vec::new(), Vec::new());
    for step in 0.. {
        let mut writers = vec![TableWriter::new()];
        let io =
            SampleIo { sample_writers: borrow(&mut writers), checkpoints: vec![&checkpoint], ..Default::default() };
        let max_evaluations = [1, 7, 100, 333][step % 4];
        let chain = sample_hmc_static(&model, &SampleOptions { max_evaluations, ..options.clone() }, io)
            .unwrap()
            .chains
            .remove(0);
        rows.extend(bits(&writers[0]));
        checkpoint = chain.checkpoint.unwrap();
        if chain.outcome == Outcome::Finished {
            break;
        }
    }
    assert_eq!(rows, reference);
    let go_on = |options: &SampleOptions| {
        sample_hmc_static(&model, options, SampleIo { checkpoints: vec![&checkpoint], ..Default::default() })
    };
    go_on(&options).unwrap();
    let error = go_on(&SampleOptions { int_time: 1.0, ..options.clone() }).unwrap_err();
    assert!(error.message().contains("engine"), "{error}");
    let io = SampleIo { checkpoints: vec![&checkpoint], ..Default::default() };
    assert!(catena::services::sample_nuts(&model, &options, io).unwrap_err().message().contains("engine"));
}

#[test]
fn bad_integration_times_are_named() {
    for int_time in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let options = SampleOptions { int_time, ..options() };
        let error = sample_hmc_static(&half(), &options, SampleIo::default()).unwrap_err();
        assert_eq!(error.argument_name(), Some("int_time"));
    }
}
