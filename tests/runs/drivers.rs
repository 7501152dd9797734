//! The drivers differ in where the model runs, never in the draws.

use catena::adapt::{Adaptation, MetricKind, WarmupMode};
use catena::drive::Pool;
use catena::io::{TableWriter, Writer};
use catena::model::{Density, Refusal, Task, Threading, WorkerError};
use catena::services::{Control, Outcome, SampleIo, SampleOptions, SampleReport, Session, sample_nuts};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// A normal with scales 1, 2, 3, ... that notes from where it is called.
struct Watched {
    dim: usize,
    threading: Threading,
    batch: bool,
    threads: Mutex<Vec<ThreadId>>,
    inside: AtomicUsize,
    together: AtomicUsize,
    batches: AtomicUsize,
    points: AtomicUsize,
    /// The batch that stops, counted from 1; 0: none. Panics instead where `panics`.
    stop_at: usize,
    panics: bool,
    /// Cancelled when so many points have been evaluated.
    cancel: Mutex<Option<(usize, Arc<Control>)>>,
}

impl Watched {
    fn new(dim: usize, threading: Threading) -> Self {
        Self {
            dim,
            threading,
            batch: false,
            threads: Mutex::default(),
            inside: AtomicUsize::new(0),
            together: AtomicUsize::new(0),
            batches: AtomicUsize::new(0),
            points: AtomicUsize::new(0),
            stop_at: 0,
            panics: false,
            cancel: Mutex::default(),
        }
    }

    fn batched(dim: usize, threading: Threading) -> Self {
        Self { batch: true, ..Self::new(dim, threading) }
    }

    fn note(&self) {
        let id = thread::current().id();
        let mut threads = self.threads.lock().unwrap();
        if !threads.contains(&id) {
            threads.push(id);
        }
    }

    fn count(&self, points: usize) {
        let points = points + self.points.fetch_add(points, Ordering::SeqCst);
        let mut cancel = self.cancel.lock().unwrap();
        if let Some((at, control)) = &*cancel
            && points >= *at
        {
            control.cancel();
            *cancel = None;
        }
    }

    fn value(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let mut sum = 0.0;
        for (i, (x, g)) in x.iter().zip(g).enumerate() {
            let scale = (i % 3 + 1) as f64;
            *g = -x / (scale * scale);
            sum += 0.5 * x * *g;
        }
        sum
    }
}

impl Density for Watched {
    type Worker = ();

    fn dim(&self) -> usize {
        self.dim
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        self.note();
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        self.note();
        let inside = self.inside.fetch_add(1, Ordering::SeqCst);
        self.together.fetch_max(inside + 1, Ordering::SeqCst);
        self.count(1);
        let value = self.value(x, g);
        self.inside.fetch_sub(1, Ordering::SeqCst);
        Ok(value)
    }

    fn has_batch(&self) -> bool {
        self.batch
    }

    fn log_density_gradient_batch(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
        _: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        self.note();
        let batch = self.batches.fetch_add(1, Ordering::SeqCst) + 1;
        self.count(log_densities.len());
        if batch == self.stop_at {
            assert!(!self.panics, "as the test wants it");
            return Err(Refusal::Stop);
        }
        let rows = positions.chunks(self.dim).zip(gradients.chunks_mut(self.dim));
        for (value, (x, g)) in log_densities.iter_mut().zip(rows) {
            *value = self.value(x, g);
        }
        Ok(())
    }

    fn constrain(&self, _: &mut (), task: &mut Task<'_>, x: &[f64], out: &mut [f64]) -> Result<(), Refusal> {
        self.note();
        out.copy_from_slice(x);
        out[0] += task.random().uniform();
        Ok(())
    }
}

const CHAINS: usize = 6;

fn options() -> SampleOptions {
    SampleOptions {
        num_chains: CHAINS,
        seed: 42,
        num_warmup: 150,
        num_samples: 50,
        save_warmup: true,
        num_threads: 3,
        refresh: 0,
        ..SampleOptions::stan()
    }
}

/// The rows of all chains.
fn rows(model: &Watched, options: &SampleOptions) -> (Vec<Vec<f64>>, SampleReport) {
    let mut tables: Vec<TableWriter> = (0..options.num_chains).map(|_| TableWriter::default()).collect();
    let io =
        SampleIo { sample_writers: tables.iter_mut().map(|t| t as &mut dyn Writer).collect(), ..SampleIo::default() };
    let report = sample_nuts(model, options, io).expect("good arguments");
    (tables.iter().map(|t| t.values().to_vec()).collect(), report)
}

fn same_bits(a: &[Vec<f64>], b: &[Vec<f64>]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!(a.len() > 300 && a.len() == b.len());
        assert!(a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn batches_change_no_bit_whatever_their_size() {
    let expected = rows(&Watched::new(5, Threading::Any), &options()).0;
    for (batch_size, num_threads) in [(1, 2), (2, 1), (4, 3), (CHAINS, 2), (1000, 3)] {
        let model = Watched::batched(5, Threading::Any);
        let (got, report) = rows(&model, &SampleOptions { batch_size, num_threads, ..options() });
        report.status().unwrap();
        same_bits(&got, &expected);
        let gradients: u64 = report.chains.iter().map(|c| c.warmup_gradients + c.sampling_gradients).sum();
        assert_eq!(model.points.load(Ordering::SeqCst) as u64, gradients, "every evaluation asked for is useful");
        assert!(model.batches.load(Ordering::SeqCst) >= gradients as usize / batch_size.min(CHAINS));
    }
}

#[test]
fn full_batches_are_the_rule_while_all_chains_run() {
    let model = Watched::batched(5, Threading::Any);
    let patient = SampleOptions { batch_size: CHAINS, batch_wait: Duration::from_secs(10), ..options() };
    rows(&model, &patient).1.status().unwrap();
    let mean = model.points.load(Ordering::SeqCst) as f64 / model.batches.load(Ordering::SeqCst) as f64;
    // Only at the end, when some chains are done, are batches smaller.
    assert!(mean > 0.6 * CHAINS as f64, "mean batch of {mean}");
}

#[test]
fn a_model_for_the_caller_is_called_by_nobody_else() {
    // Below and above the dimension from which on arithmetic is handed over.
    for dim in [5, 1500] {
        let options = SampleOptions { num_warmup: 30, num_samples: 10, max_depth: 4, ..options() };
        let expected = rows(&Watched::new(dim, Threading::Any), &options).0;
        for batch_size in [0, 1, 4, 100] {
            let model = Watched { batch: true, ..Watched::new(dim, Threading::Caller) };
            let (got, report) = rows(&model, &SampleOptions { batch_size, ..options.clone() });
            report.status().unwrap();
            same_bits(&got, &expected);
            assert_eq!(*model.threads.lock().unwrap(), [thread::current().id()]);
        }
    }
}

#[test]
fn chains_that_warm_up_together_have_the_same_bits_under_every_driver() {
    for warmup_until in [false, true] {
        let adaptation = Some(Adaptation { warmup: WarmupMode::Together, warmup_until, ..Adaptation::default() });
        let options = SampleOptions { adaptation, metric: MetricKind::Auto, ..options() };
        let expected = rows(&Watched::new(5, Threading::Any), &options).0;
        for (threading, batch_size, num_threads) in
            [(Threading::Any, 0, 1), (Threading::Any, 4, 2), (Threading::Caller, 0, 2), (Threading::Caller, 3, 2)]
        {
            let model = Watched::batched(5, threading);
            let (got, report) = rows(&model, &SampleOptions { batch_size, num_threads, ..options.clone() });
            report.status().unwrap();
            same_bits(&got, &expected);
            let shortest = report.chains.iter().map(|chain| chain.iterations).min();
            assert_eq!(shortest < Some(200), warmup_until, "warm-up ended early where it was to");
        }
    }
}

#[test]
fn a_model_for_one_thread_at_a_time_gets_one() {
    let model = Watched::new(5, Threading::One);
    let (got, _) = rows(&model, &options());
    same_bits(&got, &rows(&Watched::new(5, Threading::Any), &options()).0);
    assert_eq!(model.together.load(Ordering::SeqCst), 1);
    assert_eq!(model.threads.lock().unwrap().len(), 1);
    let io = SampleIo { pool: Some(Arc::new(Pool::new(2).unwrap())), ..SampleIo::default() };
    let error = sample_nuts(&model, &options(), io).unwrap_err();
    assert!(error.argument_name() == Some("pool") && error.to_string().contains("2 threads"), "{error}");
}

#[test]
fn a_caller_s_run_goes_on_where_it_was_left() {
    let model = Watched::new(5, Threading::Caller);
    let long = SampleOptions { num_samples: 3000, ..options() };
    let mut session = Session::new(&model, &long, SampleIo::default()).unwrap();
    assert!(session.needs_caller());
    let control = session.control();
    let mut turns = 0;
    while !session.run(Some(Instant::now()), || false) {
        turns += 1;
    }
    assert!(turns > CHAINS, "a turn ends soon after its time: {turns}");
    for chain in 0..CHAINS {
        let progress = control.progress(chain).unwrap();
        assert!(progress.over && !progress.in_warmup && progress.iteration == 3150, "{progress:?}");
        assert!(progress.stepsize > 0.1 && progress.gradients > 3150, "{progress:?}");
    }
    assert_eq!(control.progress(CHAINS), None);
    let report = session.into_report();
    report.status().unwrap();
    assert_eq!(report, without_times(report.clone(), sample_nuts(&model, &long, SampleIo::default()).unwrap()));
}

/// `other` with the times of `report`, the only numbers that may differ.
fn without_times(report: SampleReport, mut other: SampleReport) -> SampleReport {
    for (a, b) in report.chains.iter().zip(&mut other.chains) {
        (b.warmup_seconds, b.sampling_seconds) = (a.warmup_seconds, a.sampling_seconds);
        b.checkpoint.clone_from(&a.checkpoint);
    }
    other
}

#[test]
fn a_batch_that_fails_fails_its_chains() {
    for panics in [false, true] {
        for threading in [Threading::Any, Threading::Caller] {
            let model = Watched { stop_at: 300, panics, ..Watched::batched(5, threading) };
            let (rows, report) = rows(&model, &SampleOptions { batch_size: CHAINS, ..options() });
            let failed: Vec<_> = report.chains.iter().filter(|c| matches!(c.outcome, Outcome::Failed(_))).collect();
            assert!(!failed.is_empty());
            let words = if panics { "as the test wants it" } else { "the model stopped the run" };
            for chain in &failed {
                let Outcome::Failed(error) = &chain.outcome else { unreachable!() };
                assert!(error.to_string().contains(words) && error.chain() == Some(chain.chain_id), "{error}");
            }
            assert!(report.chains.iter().all(|c| c.rows > 0) && rows.iter().all(|r| !r.is_empty()));
        }
    }
}

#[test]
fn batches_need_a_function() {
    let model = Watched::new(5, Threading::Any);
    let error = sample_nuts(&model, &SampleOptions { batch_size: 4, ..options() }, SampleIo::default()).unwrap_err();
    assert_eq!(error.argument_name(), Some("batch_size"), "{error}");
}

#[test]
fn cancelling_ends_every_driver_with_chains_that_can_go_on() {
    for (threading, batch_size) in
        [(Threading::Any, 0), (Threading::Any, 4), (Threading::Caller, 0), (Threading::Caller, 4)]
    {
        for dim in [5, 1500] {
            let model = Watched::batched(dim, threading);
            let settings = SampleOptions { num_samples: 40, num_warmup: 20, max_depth: 4, batch_size, ..options() };
            let expected =
                rows(&Watched::new(dim, Threading::Any), &SampleOptions { batch_size: 0, ..settings.clone() }).0;
            let mut tables: Vec<TableWriter> = (0..CHAINS).map(|_| TableWriter::default()).collect();
            let mut checkpoints: Vec<Vec<u8>> = vec![Vec::new(); CHAINS];
            let mut parts = 0;
            loop {
                let io = SampleIo {
                    sample_writers: tables.iter_mut().map(|t| t as &mut dyn Writer).collect(),
                    checkpoints: checkpoints.iter().map(Vec::as_slice).collect(),
                    ..SampleIo::default()
                };
                let mut session = Session::new(&model, &settings, io).unwrap();
                let at = model.points.load(Ordering::SeqCst) + 397;
                *model.cancel.lock().unwrap() = Some((at, session.control()));
                assert!(session.run(None, || false));
                parts += 1;
                let report = session.into_report();
                checkpoints = report.chains.iter().map(|c| c.checkpoint.clone().unwrap_or_default()).collect();
                if report.chains.iter().all(|c| c.outcome == Outcome::Finished) {
                    assert!(!report.interrupted);
                    break;
                }
                assert!(report.interrupted);
            }
            assert!(parts > 3, "cancelled {parts} times");
            let got: Vec<Vec<f64>> = tables.iter().map(|t| t.values().to_vec()).collect();
            same_bits(&got, &expected);
        }
    }
}

#[test]
fn runs_share_a_pool() {
    let pool = Arc::new(Pool::new(2).unwrap());
    let expected = rows(&Watched::new(5, Threading::Any), &options()).0;
    thread::scope(|scope| {
        for batch_size in [0, 3, 0] {
            let (pool, expected) = (Arc::clone(&pool), &expected);
            scope.spawn(move || {
                let model = Watched::batched(5, Threading::Any);
                let mut tables: Vec<TableWriter> = (0..CHAINS).map(|_| TableWriter::default()).collect();
                let io = SampleIo {
                    sample_writers: tables.iter_mut().map(|t| t as &mut dyn Writer).collect(),
                    pool: Some(pool),
                    ..SampleIo::default()
                };
                sample_nuts(&model, &SampleOptions { batch_size, ..options() }, io).unwrap().status().unwrap();
                same_bits(&tables.iter().map(|t| t.values().to_vec()).collect::<Vec<_>>(), expected);
            });
        }
    });
}
