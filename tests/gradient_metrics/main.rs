//! Metrics from draws and gradients in whole runs: alone and together, on any threads, through checkpoints; and what went
//! wrong elsewhere.

#[path = "../common/mod.rs"]
mod common;
mod far;
mod modes;
mod until;

use catena::adapt::{Adaptation, WarmupMode};
use catena::io::{PositionInit, TableWriter};
use catena::model::{Density, InitContext, Refusal, Task, WorkerError};
use catena::services::{MetricKind, Outcome, SampleIo, SampleOptions, SampleReport, sample_nuts};
use common::bridgestan::Lines;
use common::{Correlated, Normal, bits, borrow, column, run};

const KINDS: [MetricKind; 4] = [MetricKind::FisherDiag, MetricKind::FisherDense, MetricKind::LowRank, MetricKind::Auto];

fn options(metric: MetricKind, warmup: WarmupMode) -> SampleOptions {
    let adaptation = Some(Adaptation { delta: 0.7, warmup, ..Adaptation::stan() });
    SampleOptions {
        metric,
        adaptation,
        seed: 8,
        num_warmup: 150,
        num_samples: 400,
        num_threads: 2,
        refresh: 0,
        ..SampleOptions::stan()
    }
}

/// A density of one coordinate, or several of the same.
struct Own {
    dim: usize,
    log_density: fn(&[f64], &mut [f64]) -> f64,
}

impl Density for Own {
    type Worker = ();
    fn dim(&self) -> usize {
        self.dim
    }
    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }
    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        Ok((self.log_density)(x, g))
    }
}

fn failed(report: &SampleReport, i: usize) -> String {
    match &report.chains[i].outcome {
        Outcome::Failed(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The draws of a run that stops after every `options.max_evaluations` and goes on from its checkpoints.
fn in_slices<D: Density>(model: &D, options: &SampleOptions, starts: &[PositionInit]) -> Vec<TableWriter> {
    let mut writers = vec![TableWriter::new(); options.num_chains];
    let mut checkpoints: Vec<Vec<u8>> = Vec::new();
    for _ in 0..1000 {
        let io = SampleIo {
            inits: starts.iter().map(|start| start as &dyn InitContext).collect(),
            sample_writers: borrow(&mut writers),
            checkpoints: checkpoints.iter().map(Vec::as_slice).collect(),
            ..Default::default()
        };
        let report = sample_nuts(model, options, io).unwrap();
        report.status().unwrap();
        if report.chains.iter().all(|c| c.outcome == Outcome::Finished) {
            return writers;
        }
        checkpoints = report.chains.into_iter().map(|c| c.checkpoint.unwrap()).collect();
    }
    panic!("the run never ends");
}

#[test]
fn one_chain_in_a_run_is_the_run_of_that_chain() {
    let model = Correlated { dim: 6, rho: 0.9 };
    for kind in KINDS {
        let all = run(&model, &options(kind, WarmupMode::Alone)).1;
        let third = SampleOptions { num_chains: 1, init_chain_id: 3, ..options(kind, WarmupMode::Alone) };
        assert_eq!(bits(&run(&model, &third).1[0]), bits(&all[2]), "{kind:?}");
    }
}

#[test]
fn those_together_have_one_metric_and_the_same_bits_on_any_threads() {
    let model = Correlated { dim: 6, rho: 0.9 };
    for kind in KINDS {
        let (report, two) = run(&model, &options(kind, WarmupMode::Together));
        report.status().unwrap();
        assert!(report.chains.iter().all(|c| c.inv_metric == report.chains[0].inv_metric));
        assert!(report.chains.iter().any(|c| c.stepsize != report.chains[0].stepsize));
        for num_threads in [1, 4] {
            let again = run(&model, &SampleOptions { num_threads, ..options(kind, WarmupMode::Together) }).1;
            assert!(again.iter().map(bits).eq(two.iter().map(bits)), "{kind:?}, {num_threads} threads");
        }
        let alone = run(&model, &options(kind, WarmupMode::Alone)).1;
        assert!(!alone.iter().map(bits).eq(two.iter().map(bits)));
    }
    // Batches.
    let model = Normal::new(5, |_, _| Ok(0.0));
    let together = options(MetricKind::Auto, WarmupMode::Together);
    let (plain, batched) = (run(&model, &together).1, run(&model, &SampleOptions { batch_size: 3, ..together }).1);
    assert!(plain.iter().map(bits).eq(batched.iter().map(bits)));
}

#[test]
fn a_run_goes_on_from_any_checkpoint() {
    // Of a metric that is a diagonal at first, and then a matrix.
    let model = Correlated { dim: 3, rho: 0.5 };
    let options =
        |warmup| SampleOptions { num_warmup: 60, num_samples: 20, num_chains: 3, ..options(MetricKind::Auto, warmup) };
    let both = [WarmupMode::Alone, WarmupMode::Together];
    for (warmup, max_evaluations) in both.into_iter().flat_map(|warmup| [7, 50, 333].map(|most| (warmup, most))) {
        let options = options(warmup);
        let (report, whole) = run(&model, &options);
        assert!(report.chains.iter().all(|chain| chain.inv_metric[1] != 0.0));
        let writers = in_slices(&model, &SampleOptions { max_evaluations, ..options }, &[]);
        assert!(writers.iter().map(bits).eq(whole.iter().map(bits)), "{warmup:?}, {max_evaluations}");
    }
}

#[test]
fn a_chain_that_fails_leaves_the_others_together() {
    let model = Normal::new(3, |task, _| {
        if task.chain_id() == 2 && task.random().uniform() < 0.01 { Err(Refusal::Stop) } else { Ok(0.0) }
    });
    let (report, writers) = run(&model, &options(MetricKind::Auto, WarmupMode::Together));
    assert!(failed(&report, 1).contains("stopped the run"));
    for i in [0, 2, 3] {
        assert_eq!((&report.chains[i].outcome, writers[i].rows()), (&Outcome::Finished, 400));
    }
}

#[test]
fn a_chain_that_is_stuck_gets_the_metric_of_the_others_and_is_told_of() {
    // Chain 2 is refused everything but its start.
    let model = Normal::new(3, |task, x| {
        if task.chain_id() == 2 && x.iter().any(|x| x.abs() != 1.5) { Err(Refusal::Reject) } else { Ok(0.0) }
    });
    let start = PositionInit::new(&[1.5; 3]).unwrap();
    let lines = Lines::default();
    let options = SampleOptions { stepsize: 0.5, ..options(MetricKind::FisherDiag, WarmupMode::Together) };
    let io = SampleIo { inits: vec![&start; 4], logger: &lines, ..Default::default() };
    let report = sample_nuts(&model, &options, io).unwrap();
    // It finds no step size; where it did, it would be left out.
    assert!(matches!(&report.chains[1].outcome, Outcome::Failed(_)));
    for c in [0, 2, 3] {
        assert!(report.chains[c].inv_metric.iter().all(|v| (0.5..2.0).contains(v)), "{:?}", report.chains[c]);
    }
}

#[test]
fn together_needs_gradients() {
    let model = Correlated { dim: 2, rho: 0.0 };
    let error = sample_nuts(&model, &options(MetricKind::Diag, WarmupMode::Together), SampleIo::default()).unwrap_err();
    assert!(error.to_string().contains("warmup") && error.to_string().contains("diag_e"), "{error}");
}

#[test]
fn the_step_size_meets_its_target() {
    for (dim, rho) in [(1, 0.0), (20, 0.9), (100, 0.3)] {
        for delta in [0.6, 0.8, 0.9] {
            let adaptation = Some(Adaptation { delta, ..Adaptation::stan() });
            let options = SampleOptions {
                adaptation,
                num_warmup: 300,
                num_samples: 1000,
                ..options(MetricKind::Auto, WarmupMode::Alone)
            };
            let writers = run(&Correlated { dim, rho }, &options).1;
            let all: Vec<f64> = writers.iter().flat_map(|w| column(w, "accept_stat__")).collect();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            assert!((mean - delta).abs() < 0.03, "{dim} coordinates, target {delta}: {mean}");
        }
    }
}

/// stan#3029: the target cannot be normalised.
#[test]
fn improper_targets_end_with_words_or_finite_numbers() {
    let constant = |_: &[f64], g: &mut [f64]| {
        g.fill(0.0);
        0.0
    };
    for dim in [1, 3] {
        let (report, _) = run(&Own { dim, log_density: constant }, &options(MetricKind::Auto, WarmupMode::Alone));
        assert!(failed(&report, 0).contains("improper"), "{}", failed(&report, 0));
    }
    let half = |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0 / (1.0 + x[0].exp());
        -(-x[0]).exp().ln_1p()
    };
    for kind in KINDS {
        let report = run(
            &Own { dim: 1, log_density: half },
            &SampleOptions { max_depth: 6, ..options(kind, WarmupMode::Alone) },
        )
        .0;
        for chain in &report.chains {
            assert!(matches!(chain.outcome, Outcome::Failed(_)) || chain.inv_metric.iter().all(|v| v.is_finite()));
        }
    }
}

/// nuts-rs#7: the gradient where chains start is zero.
#[test]
fn a_start_at_the_mode_is_a_start() {
    let model = Normal::new(2, |_, _| Ok(0.0));
    let start = PositionInit::new(&[0.0; 2]).unwrap();
    for kind in KINDS {
        let io = SampleIo { inits: vec![&start; 4], ..Default::default() };
        let report = sample_nuts(&model, &options(kind, WarmupMode::Alone), io).unwrap();
        report.status().unwrap();
        assert!(report.chains.iter().all(|c| c.inv_metric.iter().all(|v| v.is_finite()) && c.stepsize > 0.1));
    }
}

/// stan#3023: without a last phase the step size was the default one.
#[test]
fn the_step_size_is_the_one_in_use() {
    let narrow = |x: &[f64], g: &mut [f64]| {
        g.iter_mut().zip(x).for_each(|(g, x)| *g = -1e4 * x);
        -0.5e4 * x.iter().map(|x| x * x).sum::<f64>()
    };
    for kind in KINDS {
        let (report, writers) = run(&Own { dim: 10, log_density: narrow }, &options(kind, WarmupMode::Alone));
        for (chain, writer) in report.chains.iter().zip(&writers) {
            assert!(column(writer, "stepsize__").iter().all(|s| *s == chain.stepsize));
            let accepted = column(writer, "accept_stat__").iter().sum::<f64>() / 400.0;
            assert!((0.55..0.85).contains(&accepted), "{kind:?}: {accepted}");
        }
    }
}

#[test]
fn auto_says_what_it_chose() {
    const DIAGONAL: &str = "a diagonal one, because no more stands out, for ";
    let cases = [
        (3, 0.9, "a full matrix, for 3"),
        (200, 0.9, "directions that stand out, for 200"),
        (1, 0.0, &format!("{DIAGONAL}1")),
        (10, 0.0, &format!("{DIAGONAL}10")),
        (200, 0.0, &format!("{DIAGONAL}200")),
    ];
    for (dim, rho, words) in cases {
        let lines = Lines::default();
        let options = SampleOptions { num_chains: 1, num_samples: 1, ..options(MetricKind::Auto, WarmupMode::Alone) };
        let io = SampleIo { logger: &lines, ..Default::default() };
        sample_nuts(&Correlated { dim, rho }, &options, io).unwrap().status().unwrap();
        assert!(lines.take().iter().any(|(.., line)| line.contains(words)), "{words}");
    }
}

/// Where nothing is correlated, `auto` is a diagonal; it is told as a matrix, as of chains that need one.
#[test]
fn auto_is_a_diagonal_where_that_is_enough() {
    let model = Correlated { dim: 6, rho: 0.0 };
    let report = run(&model, &options(MetricKind::Auto, WarmupMode::Alone)).0;
    for chain in &report.chains {
        assert_eq!((chain.metric, chain.inv_metric.len()), (MetricKind::Dense, 36));
        for (k, element) in chain.inv_metric.iter().enumerate() {
            let variance = model.sd(k / 7).powi(2);
            let is_right = if k % 7 == 0 { (element / variance - 1.0).abs() < 1e-9 } else { *element == 0.0 };
            assert!(is_right, "element {k} is {element}");
        }
    }
    // Such a matrix that is given is worked as a diagonal again, as variances are.
    let begun = |kind, inv_metrics: &[Vec<f64>]| {
        let options = SampleOptions { num_samples: 20, adaptation: None, ..options(kind, WarmupMode::Alone) };
        let mut writers = vec![TableWriter::new(); 4];
        let inv_metrics = inv_metrics.iter().map(Vec::as_slice).collect();
        let io = SampleIo { inv_metrics, sample_writers: borrow(&mut writers), ..Default::default() };
        sample_nuts(&model, &options, io).unwrap().status().unwrap();
        writers.iter().map(bits).collect::<Vec<_>>()
    };
    let matrices: Vec<Vec<f64>> = report.chains.iter().map(|chain| chain.inv_metric.clone()).collect();
    let variances: Vec<Vec<f64>> = matrices.iter().map(|m| m.iter().step_by(7).copied().collect()).collect();
    let of_variances = begun(MetricKind::FisherDiag, &variances);
    assert_eq!(begun(MetricKind::Auto, &matrices), of_variances);
    assert_eq!(begun(MetricKind::Auto, &variances), of_variances);
}

/// What a run writes starts another with the same metric.
#[test]
fn a_metric_given_is_the_metric() {
    let model = Correlated { dim: 200, rho: 0.9 };
    for kind in KINDS {
        let report =
            run(&model, &SampleOptions { num_samples: 1, num_chains: 1, ..options(kind, WarmupMode::Alone) }).0;
        let chain = &report.chains[0];
        let file = catena::io::metric_json(chain.stepsize, chain.metric, &chain.inv_metric);
        let given = catena::io::read_metric_file(&file, kind, 200).unwrap();
        assert_eq!(given, chain.inv_metric, "{kind:?}");
        let padded = [&given[..], &[0.0; 7]].concat();
        let given = if chain.metric == MetricKind::LowRank { &padded } else { &given };
        let options =
            SampleOptions { num_samples: 5, num_chains: 1, adaptation: None, ..options(kind, WarmupMode::Alone) };
        let io = SampleIo { inv_metrics: vec![given], ..Default::default() };
        let again = sample_nuts(&model, &options, io).unwrap();
        again.status().unwrap();
        assert_eq!(again.chains[0].inv_metric, chain.inv_metric);
    }
}

/// A chain that finds no step size once it has a metric says after which iteration, not that its start was bad.
#[test]
fn a_chain_that_fails_after_a_new_metric_says_so() {
    // From the 150th evaluation on, which is within the first hundred iterations, nothing is accepted.
    let model = Normal::new(3, {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        move |_, _| {
            let call = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if call >= 150 { Err(Refusal::Reject) } else { Ok(0.0) }
        }
    });
    // Stan's first window ends after 100 iterations.
    let options = SampleOptions {
        num_chains: 1,
        num_threads: 1,
        num_warmup: 1000,
        metric: MetricKind::Diag,
        ..options(MetricKind::Diag, WarmupMode::Alone)
    };
    let message = failed(&run(&model, &options).0, 0);
    assert!(message.contains("at the draw of iteration 100 of warm-up") && !message.contains("initial"), "{message}");
}

/// Chains that begin where the density falls exponentially must not be given a metric with which they can't move.
#[test]
fn chains_together_come_in_from_steep_places() {
    let counts = |x: &[f64], g: &mut [f64]| {
        // Counts with log mean 10 x, of which 50 were seen in 10 trials.
        let mean = (10.0 * x[0]).exp();
        (g[0], g[1]) = (10.0 * (50.0 - 10.0 * mean), -x[1]);
        500.0 * x[0] - 10.0 * mean - 0.5 * x[1] * x[1]
    };
    for seed in 1..=10 {
        let options = SampleOptions { seed, ..options(MetricKind::Auto, WarmupMode::Together) };
        let (report, writers) = run(&Own { dim: 2, log_density: counts }, &options);
        report.status().unwrap();
        for writer in &writers {
            // About log(5) / 10, give or take 1 / (10 sqrt(50)).
            let x = column(writer, "x.1");
            let mean = x.iter().sum::<f64>() / x.len() as f64;
            assert!((mean - 0.1599).abs() < 0.006, "seed {seed}: {mean}");
        }
    }
}
