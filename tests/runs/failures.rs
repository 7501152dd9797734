//! What goes wrong in one chain is reported with its id and leaves the others, and what was written, intact.

mod gradient;
mod inits;

use crate::common::bytes::METRICS;
use crate::common::{Correlated, Normal, bits, borrow, column, run};
use catena::io::{Interrupt, Level, Logger, PositionInit, TableWriter, Values, Writer};
use catena::model::INIT_TRIES;
use catena::model::{Density, InitContext, Refusal, Task, WorkerError};
use catena::services::{FailurePolicy, MetricKind, Outcome, SampleIo, SampleOptions, SampleReport, sample_nuts};
use catena::{Code, Error};
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A standard normal that misbehaves as `f` says, given the chain's id and the position.
fn moody<'a>(f: impl Fn(u64, &[f64]) -> Result<f64, Refusal> + Sync + 'a) -> Normal<'a> {
    Normal::new(2, move |task, x| f(task.chain_id(), x).inspect_err(|_| task.set_message("as the test wants it")))
}

fn options() -> SampleOptions {
    SampleOptions { num_warmup: 100, num_samples: 100, seed: 1, num_threads: 2, ..SampleOptions::stan() }
}

fn failure(report: &SampleReport, index: usize) -> &Error {
    match &report.chains[index].outcome {
        Outcome::Failed(error) => error,
        other => panic!("chain {index} should have failed, but: {other:?}"),
    }
}

/// Chain 3 fails with `bad`; the others must draw what they draw without it.
fn only_chain_3_fails(bad: impl Fn(&[f64]) -> Result<f64, Refusal> + Sync, code: Code, words: &[&str]) {
    let reference = run(&moody(|_, _: &[f64]| Ok(0.0)), &options()).1;
    let (report, writers) = run(&moody(|id, x: &[f64]| if id == 3 { bad(x) } else { Ok(0.0) }), &options());
    let error = failure(&report, 2);
    assert_eq!((error.code(), error.chain()), (code, Some(3)), "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{error}");
    }
    for i in [0, 1, 3] {
        assert_eq!(report.chains[i].outcome, Outcome::Finished);
        assert_eq!(bits(&writers[i]), bits(&reference[i]));
    }
    assert!(writers[2].finished());
    let status = report.status().unwrap_err();
    assert_eq!(status.code(), Code::ChainFailed);
    assert!(status.message().contains("1 of 4 chains failed (ids 3)"), "{status}");
}

#[test]
fn a_chain_without_initial_value_fails_alone() {
    only_chain_3_fails(
        |_| Err(Refusal::Reject),
        Code::Initialization,
        &["100 tries", "refused", "as the test wants it"],
    );
    only_chain_3_fails(|_| Ok(f64::NAN), Code::Initialization, &["100 tries", "log density is NaN"]);
    only_chain_3_fails(|_| Ok(f64::INFINITY), Code::Initialization, &["log density is inf"]);
}

#[test]
fn a_model_that_stops_fails_its_chain_alone() {
    let evaluations = AtomicU64::new(0);
    let stop_later = |_: &[f64]| {
        if evaluations.fetch_add(1, Ordering::Relaxed) > 500 { Err(Refusal::Stop) } else { Ok(0.0) }
    };
    only_chain_3_fails(stop_later, Code::Model, &["stopped the run", "as the test wants it"]);
}

#[test]
fn a_panicking_model_fails_its_chain_alone() {
    let evaluations = AtomicU64::new(0);
    let panic_later = |_: &[f64]| {
        assert!(evaluations.fetch_add(1, Ordering::Relaxed) < 500, "a planted panic");
        Ok(0.0)
    };
    only_chain_3_fails(panic_later, Code::Internal, &["a planted panic"]);
}

#[test]
fn the_whole_run_stops_when_the_user_chose_so() {
    let options = SampleOptions {
        on_failure: FailurePolicy::StopRun,
        num_samples: 1_000_000_000,
        num_threads: 1,
        refresh: 0,
        ..options()
    };
    let model = moody(|id, _: &[f64]| if id == 3 { Err(Refusal::Stop) } else { Ok(0.0) });
    let report = sample_nuts(&model, &options, SampleIo::default()).unwrap();
    assert_eq!(failure(&report, 2).chain(), Some(3));
    for i in [0, 1, 3] {
        assert_eq!(report.chains[i].outcome, Outcome::Stopped);
    }
}

/// Fails at its fifth row.
#[derive(Default)]
struct Full(usize);

impl Writer for Full {
    fn names(&mut self, _: &[String]) -> Result<(), Error> {
        Ok(())
    }

    fn row(&mut self, _: &[f64]) -> Result<(), Error> {
        self.0 += 1;
        if self.0 == 5 { Err(Error::new(Code::Writer, "the disk is full")) } else { Ok(()) }
    }

    fn message(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_fails_its_chain_alone() {
    let (mut good, mut full) = (TableWriter::new(), Full::default());
    let io = SampleIo { sample_writers: vec![&mut full, &mut good], ..Default::default() };
    let report =
        sample_nuts(&Correlated { dim: 2, rho: 0.0 }, &SampleOptions { num_chains: 2, ..options() }, io).unwrap();
    assert_eq!((failure(&report, 0).code(), failure(&report, 0).chain()), (Code::Writer, Some(1)));
    assert_eq!(report.chains[0].rows, 4);
    assert_eq!((full.0, good.rows()), (5, 100));
}

#[test]
fn rejections_are_divergences() {
    // A wall beyond which every point is refused: the draws stay before it and trajectories that cross diverge.
    let (report, writers) =
        run(&moody(|_, x: &[f64]| if x[0] > 1.0 { Err(Refusal::Reject) } else { Ok(0.0) }), &options());
    report.status().unwrap();
    for (chain, writer) in report.chains.iter().zip(&writers) {
        assert!(column(writer, "x.1").iter().all(|&x| x <= 1.0));
        let divergent = column(writer, "divergent__").iter().sum::<f64>();
        assert!(divergent > 0.0);
        assert_eq!(chain.divergences as f64, divergent);
    }
}

#[test]
fn an_improper_posterior_is_an_error_not_an_empty_file() {
    struct Flat;
    impl Density for Flat {
        type Worker = ();
        fn dim(&self) -> usize {
            1
        }
        fn new_worker(&self) -> Result<(), WorkerError> {
            Ok(())
        }
        fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, _: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
            g[0] = 0.0;
            Ok(0.0)
        }
    }
    let (report, _) = run(&Flat, &SampleOptions { num_chains: 1, ..options() });
    assert!(failure(&report, 0).message().contains("improper"));
    // Finite at the initial point only: no step is small enough.
    let first = Mutex::new(None::<Vec<f64>>);
    let only_there = |_, x: &[f64]| {
        let mut first = first.lock().unwrap();
        if first.get_or_insert_with(|| x.to_vec()) == x { Ok(0.0) } else { Err(Refusal::Reject) }
    };
    let (report, _) = run(&moody(only_there), &SampleOptions { num_chains: 1, ..options() });
    assert!(failure(&report, 0).message().contains("no step size is small enough"));
}

#[test]
fn an_empty_model_samples_its_outputs() {
    struct Empty;
    impl Density for Empty {
        type Worker = ();
        fn dim(&self) -> usize {
            0
        }
        fn new_worker(&self) -> Result<(), WorkerError> {
            Ok(())
        }
        fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, _: &[f64], _: &mut [f64]) -> Result<f64, Refusal> {
            Ok(-1.5)
        }
        fn output_names(&self) -> Vec<String> {
            vec!["u".into()]
        }
        fn constrain(&self, _: &mut (), task: &mut Task<'_>, _: &[f64], out: &mut [f64]) -> Result<(), Refusal> {
            out[0] = task.random().uniform();
            Ok(())
        }
    }
    for metric in METRICS {
        let (report, writers) = run(&Empty, &SampleOptions { metric, num_samples: 10_000, ..options() });
        report.status().unwrap();
        let u = column(&writers[0], "u");
        let mean = u.iter().sum::<f64>() / u.len() as f64;
        // Four standard errors of a uniform mean.
        assert!((mean - 0.5).abs() < 4.0 / (12.0 * u.len() as f64).sqrt(), "{mean}");
        assert!(column(&writers[0], "lp__").iter().all(|&lp| lp == -1.5));
        assert!(column(&writers[0], "stepsize__").iter().all(|s| s.is_nan()));
    }
}

#[test]
fn outputs_that_are_refused_are_nan_and_the_chain_goes_on() {
    struct Picky;
    impl Density for Picky {
        type Worker = ();
        fn dim(&self) -> usize {
            1
        }
        fn new_worker(&self) -> Result<(), WorkerError> {
            Ok(())
        }
        fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
            g[0] = -x[0];
            Ok(-0.5 * x[0] * x[0])
        }
        fn constrain(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], out: &mut [f64]) -> Result<(), Refusal> {
            out[0] = x[0];
            if x[0] < 0.0 { Err(Refusal::Reject) } else { Ok(()) }
        }
    }
    let (report, writers) = run(&Picky, &SampleOptions { num_chains: 1, ..options() });
    report.status().unwrap();
    let x = column(&writers[0], "x.1");
    let refused = x.iter().filter(|x| x.is_nan()).count();
    assert!(refused > 20 && refused < 80 && x.iter().all(|x| x.is_nan() || *x >= 0.0));
}

/// Asks to stop from the `n`-th time on; only the calling thread may ask.
struct After {
    left: Cell<u32>,
}

impl Interrupt for After {
    fn requested(&self) -> bool {
        self.left.set(self.left.get().saturating_sub(1));
        self.left.get() == 0
    }
}

#[test]
fn an_interrupt_ends_the_run_with_all_rows_whole() {
    let options = SampleOptions { num_samples: 1_000_000_000, num_chains: 3, refresh: 0, ..options() };
    let model = Correlated { dim: 3, rho: 0.2 };
    let mut writers = vec![TableWriter::new(); 3];
    let interrupt = After { left: Cell::new(5) };
    let io = SampleIo { sample_writers: borrow(&mut writers), interrupt: &interrupt, ..Default::default() };
    let report = sample_nuts(&model, &options, io).unwrap();
    assert!(report.interrupted);
    assert_eq!(report.status().unwrap_err().code(), Code::Interrupted);
    for (chain, writer) in report.chains.iter().zip(&writers) {
        assert_eq!(chain.outcome, Outcome::Stopped);
        assert!(writer.finished() && chain.checkpoint.is_some());
        assert_eq!(chain.rows, writer.rows());
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<(Level, Option<u64>, String)>>);

impl Logger for Lines {
    fn log(&self, level: Level, chain: Option<u64>, line: &str) {
        assert!(!line.contains('\n'));
        self.0.lock().unwrap().push((level, chain, line.into()));
    }
}

#[test]
fn progress_and_failures_are_logged_with_the_chain() {
    let lines = Lines::default();
    let io = SampleIo { logger: &lines, ..Default::default() };
    let model = moody(|id, _: &[f64]| if id == 2 { Err(Refusal::Stop) } else { Ok(0.0) });
    sample_nuts(&model, &SampleOptions { num_chains: 2, refresh: 50, ..options() }, io).unwrap();
    let lines = lines.0.into_inner().unwrap();
    let of = |id: u64| lines.iter().filter(move |l| l.1 == Some(id)).map(|l| l.2.as_str()).collect::<Vec<_>>();
    assert_eq!(
        of(1),
        [
            "Iteration:   1 / 200 [  0%]  (Warmup)",
            "Iteration:  50 / 200 [ 25%]  (Warmup)",
            "Iteration: 100 / 200 [ 50%]  (Warmup)",
            "Iteration: 150 / 200 [ 75%]  (Sampling)",
            "Iteration: 200 / 200 [100%]  (Sampling)",
        ]
    );
    assert!(of(2)[0].starts_with("chain 2: the model stopped the run"), "{:?}", of(2));
}

#[test]
fn wrong_arguments_are_named_before_any_chain_runs() {
    let model = moody(|_, _: &[f64]| panic!("must not be evaluated"));
    let bad = |options: SampleOptions, name: &str| {
        let error = sample_nuts(&model, &options, SampleIo::default()).unwrap_err();
        assert_eq!((error.code(), error.argument_name()), (Code::InvalidArgument, Some(name)), "{error}");
    };
    bad(SampleOptions { num_chains: 0, ..options() }, "num_chains");
    bad(SampleOptions { init_chain_id: u64::MAX, ..options() }, "init_chain_id");
    bad(SampleOptions { thin: 0, ..options() }, "thin");
    bad(SampleOptions { init_radius: f64::NAN, ..options() }, "init_radius");
    bad(SampleOptions { stepsize: 0.0, ..options() }, "stepsize");
    bad(SampleOptions { stepsize: f64::INFINITY, ..options() }, "stepsize");
    bad(SampleOptions { stepsize_jitter: 1.5, ..options() }, "stepsize_jitter");
    bad(SampleOptions { max_depth: 0, ..options() }, "max_depth");
    bad(SampleOptions { max_energy_error: -1.0, ..options() }, "max_energy_error");
    let adaptation = |f: fn(&mut catena::services::Adaptation)| {
        let mut a = catena::services::Adaptation::stan();
        f(&mut a);
        SampleOptions { adaptation: Some(a), ..options() }
    };
    bad(adaptation(|a| a.delta = 2.0), "delta");
    bad(adaptation(|a| a.gamma = 0.0), "gamma");
    bad(adaptation(|a| a.kappa = f64::NAN), "kappa");
    bad(adaptation(|a| a.t0 = -1.0), "t0");
    fn error_of<'a, D: Density>(model: &'a D, io: SampleIo<'a>, options: &SampleOptions) -> Error {
        sample_nuts(model, options, io).unwrap_err()
    }
    let error = error_of(&model, SampleIo { inv_metrics: vec![&[1.0, 1.0]], ..Default::default() }, &options());
    assert_eq!(error.argument_name(), Some("inv_metrics"));
    let metrics: Vec<&[f64]> = vec![&[1.0, 1.0], &[1.0, 1.0], &[1.0, -1.0], &[1.0, 1.0]];
    let error = error_of(&model, SampleIo { inv_metrics: metrics, ..Default::default() }, &options());
    assert_eq!((error.chain(), error.argument_name()), (Some(3), Some("inv_metric[1]")), "{error}");
    let metrics: Vec<&[f64]> = vec![&[1.0]; 4];
    let error = error_of(&model, SampleIo { inv_metrics: metrics.clone(), ..Default::default() }, &options());
    assert!(error.to_string().contains("expected 2 numbers, got 1"), "{error}");
    let dense = SampleOptions { metric: MetricKind::Dense, ..options() };
    let error = error_of(&model, SampleIo { inv_metrics: metrics, ..Default::default() }, &dense);
    assert!(error.to_string().contains("2 x 2"), "{error}");
}
