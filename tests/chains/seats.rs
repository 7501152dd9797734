//! A chain's place in a run: where its start comes from, what it logs, how its time is counted, how it is told to stop.

use crate::common::borrow;
use catena::io::{Interrupt, Level, Logger, PositionInit, TableWriter, Writer};
use catena::model::{Density, InitContext, NoInit, Piece, Refusal, Task, Threading, WorkerError};
use catena::random::{Purpose, Stream};
use catena::services::{Outcome, SampleIo, SampleOptions, sample_fixed_param, sample_nuts};
use catena::{Code, Error};
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// A standard normal that takes its time, draws its own initial values and sums in pieces.
struct Model {
    threading: Threading,
    batch: bool,
    time: Duration,
    /// The second chain finds no start, the others begin where there is a density.
    apart: bool,
    /// What a piece of its sums takes.
    piece: Duration,
    /// Evaluations after which it will not go on, so that a run that can't be stopped ends.
    most: u64,
    done: AtomicU64,
    /// How often it was asked for outputs, which it refuses the second time where chains are apart.
    outputs: AtomicU64,
    /// How long each evaluation took.
    took: Mutex<Vec<Duration>>,
    threads: Mutex<Vec<ThreadId>>,
}

impl Model {
    fn new() -> Self {
        Self {
            threading: Threading::Any,
            batch: false,
            apart: false,
            time: Duration::ZERO,
            piece: Duration::ZERO,
            most: u64::MAX,
            done: AtomicU64::new(0),
            outputs: AtomicU64::new(0),
            took: Mutex::default(),
            threads: Mutex::default(),
        }
    }
}

impl Density for Model {
    type Worker = ();

    fn dim(&self) -> usize {
        1
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn has_batch(&self) -> bool {
        self.batch
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), task: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        if self.done.fetch_add(1, Ordering::SeqCst) >= self.most {
            return Err(Refusal::Stop);
        }
        if self.apart && x[0] < 5.0 {
            return Err(Refusal::Reject);
        }
        let begin = Instant::now();
        thread::sleep(self.time);
        self.took.lock().unwrap().push(begin.elapsed());
        // A grain of 0 counts as 1.
        let piece: &Piece<'_> = &|_, range, out| {
            if !self.piece.is_zero() {
                thread::sleep(self.piece);
            }
            let id = thread::current().id();
            let mut threads = self.threads.lock().unwrap();
            if !threads.contains(&id) {
                threads.push(id);
            }
            out[0] = range.len() as f64;
            Ok(())
        };
        let mut sum = [0.0];
        task.reduce(20, 0, piece, &mut sum)?;
        assert_eq!(sum, [20.0]);
        g[0] = -x[0];
        Ok(-0.5 * x[0] * x[0])
    }

    fn initialize(&self, _: &mut (), task: &mut Task<'_>, _: &dyn InitContext, x: &mut [f64]) -> Result<(), Refusal> {
        x[0] = match (self.apart, task.chain_id()) {
            (true, 2) => f64::NAN,
            (true, _) => 10.0,
            (false, _) => task.random().uniform(),
        };
        task.log(Level::Info, &format!("starts at {}", x[0]));
        Ok(())
    }

    fn constrain(&self, _: &mut (), task: &mut Task<'_>, x: &[f64], out: &mut [f64]) -> Result<(), Refusal> {
        if self.apart && self.outputs.fetch_add(1, Ordering::SeqCst) == 1 {
            return Err(Refusal::Reject);
        }
        task.set_message(&format!("said of chain {}", task.chain_id()));
        out.copy_from_slice(x);
        Ok(())
    }
}

fn options() -> SampleOptions {
    SampleOptions {
        num_chains: 3,
        num_warmup: 0,
        num_samples: 2,
        seed: 9,
        adaptation: None,
        max_depth: 1,
        refresh: 0,
        num_threads: 2,
        ..SampleOptions::stan()
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<(Level, Option<u64>, String)>>);

impl Logger for Lines {
    fn log(&self, level: Level, chain: Option<u64>, line: &str) {
        self.0.lock().unwrap().push((level, chain, line.into()));
    }
}

#[test]
fn what_a_model_draws_for_its_start_is_the_chain_s_own_and_logged() {
    let (lines, mut writers) = (Lines::default(), vec![TableWriter::new(); 3]);
    let io = SampleIo {
        inits: vec![&NoInit as &dyn InitContext; 3],
        init_writers: borrow(&mut writers),
        logger: &lines,
        ..Default::default()
    };
    sample_nuts(&Model::new(), &options(), io).unwrap().status().unwrap();
    let mut lines = lines.0.into_inner().unwrap();
    lines.sort_by_key(|l| l.1);
    assert_eq!(lines.len(), 3);
    for (id, (writer, line)) in (1..).zip(writers.iter().zip(&lines)) {
        let start = Stream::new(9, id, Purpose::Start).uniform();
        assert_eq!(writer.values(), [start], "chain {id}");
        assert_eq!(*line, (Level::Info, Some(id), format!("starts at {start}")));
    }
}

#[test]
fn what_a_model_says_of_a_chain_is_not_told_of_another() {
    // While the second chain looks for a start the first one draws; both are evaluated together.
    let apart = || Model { batch: true, apart: true, ..Model::new() };
    let mut writers = vec![TableWriter::new(); 2];
    let inits = |chains| vec![&NoInit as &dyn InitContext; chains];
    let with = SampleOptions { num_chains: 2, num_threads: 1, batch_size: 2, num_samples: 200, ..options() };
    let io = SampleIo { inits: inits(2), sample_writers: borrow(&mut writers), ..Default::default() };
    let report = sample_nuts(&apart(), &SampleOptions { stepsize: 0.03, ..with.clone() }, io).unwrap();
    let Outcome::Failed(error) = &report.chains[1].outcome else { panic!("must fail") };
    assert!(error.message().contains("refused") && !error.message().contains("said of"), "{error}");
    assert_eq!(writers[0].rows(), 200);
    // Nor of a draw what it said of the one before.
    let (lines, mut writer) = (Lines::default(), TableWriter::new());
    let io = SampleIo { inits: inits(1), sample_writers: vec![&mut writer], logger: &lines, ..Default::default() };
    let with = SampleOptions { num_chains: 1, num_samples: 3, ..with };
    sample_fixed_param(&apart(), &with, io).unwrap().status().unwrap();
    let lines = lines.0.into_inner().unwrap();
    assert!(
        lines.iter().any(|l| l.2.contains("refused")) && lines.iter().all(|l| !l.2.contains("said of")),
        "{lines:?}"
    );
}

#[test]
fn a_position_of_another_length_is_refused_in_words() {
    let init = PositionInit::new(&[0.1, 0.2]).unwrap();
    let io = SampleIo { inits: vec![&init], ..Default::default() };
    let report = sample_nuts(&Model::new(), &SampleOptions { num_chains: 1, ..options() }, io).unwrap();
    let Outcome::Failed(error) = &report.chains[0].outcome else { panic!("must fail") };
    assert_eq!((error.code(), error.argument_name(), error.chain()), (Code::InvalidArgument, Some("inits"), Some(1)));
    assert!(error.message().contains("expected a position of 1 numbers, got 2"), "{error}");
}

/// Fails where it is told to.
struct Failing {
    row: bool,
}

impl Writer for Failing {
    fn names(&mut self, _: &[String]) -> Result<(), Error> {
        Ok(())
    }

    fn row(&mut self, _: &[f64]) -> Result<(), Error> {
        if self.row { Err(Error::new(Code::Writer, "no room for a row")) } else { Ok(()) }
    }

    fn message(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        Err(Error::new(Code::Writer, "could not be closed"))
    }
}

#[test]
fn a_writer_that_cannot_be_closed_fails_its_chain_and_the_first_failure_counts() {
    for (row, words) in [(false, "could not be closed"), (true, "no room for a row")] {
        let mut writer = Failing { row };
        let io = SampleIo { sample_writers: vec![&mut writer], ..Default::default() };
        let report = sample_nuts(&Model::new(), &SampleOptions { num_chains: 1, ..options() }, io).unwrap();
        let Outcome::Failed(error) = &report.chains[0].outcome else { panic!("must fail") };
        assert!(error.code() == Code::Writer && error.message().contains(words), "{error}");
    }
}

#[test]
fn time_is_counted_once_and_where_it_was_spent() {
    let time = Duration::from_millis(20);
    for (num_warmup, num_samples) in [(2, 0), (0, 2), (1, 2)] {
        let model = Model { time, ..Model::new() };
        let options = SampleOptions { num_chains: 1, num_warmup, num_samples, num_threads: 1, ..options() };
        let mut writer = TableWriter::new();
        let io = SampleIo { sample_writers: vec![&mut writer], ..Default::default() };
        let begin = Instant::now();
        let report = sample_nuts(&model, &options, io).unwrap();
        let run = begin.elapsed().as_secs_f64();
        report.status().unwrap();
        let chain = &report.chains[0];
        // One evaluation a transition, and one for the initial point, which belongs to warm-up also where there is none.
        assert_eq!((chain.warmup_gradients, chain.sampling_gradients), (1 + num_warmup as u64, num_samples as u64));
        let took = model.took.lock().unwrap();
        let (warmup, sampling) = took.split_at(1 + num_warmup);
        for (what, got, took) in
            [("Warm-up", chain.warmup_seconds, warmup), ("Sampling", chain.sampling_seconds, sampling)]
        {
            let least = took.iter().sum::<Duration>().as_secs_f64();
            assert!(got >= least, "{what} of {num_warmup} + {num_samples}: {got}, at least {least}");
            // In milliseconds.
            let line = writer.messages().iter().find(|line| line.contains(what)).unwrap();
            let told = line.split_whitespace().find_map(|word| word.parse::<f64>().ok()).unwrap();
            assert!(told >= least - 6e-4 && told <= got + 6e-4, "{line}, {least} to {got}");
        }
        let counted = chain.warmup_seconds + chain.sampling_seconds;
        assert!(counted <= run, "{num_warmup} + {num_samples}: {counted} of {run}");
    }
}

/// Asks to stop from the `n`-th time on.
struct After(Cell<u32>);

impl Interrupt for After {
    fn requested(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        self.0.get() == 0
    }
}

#[test]
fn every_driver_of_a_slow_model_asks_whether_to_stop() {
    for (threading, batch_size) in
        [(Threading::Any, 0), (Threading::Any, 2), (Threading::Caller, 0), (Threading::Caller, 2)]
    {
        let time = Duration::from_millis(6);
        let model = Model { threading, batch: batch_size > 0, time, most: 300, ..Model::new() };
        let interrupt = After(Cell::new(4));
        let options = SampleOptions { num_samples: 1_000_000, batch_size, ..options() };
        let report = sample_nuts(&model, &options, SampleIo { interrupt: &interrupt, ..Default::default() }).unwrap();
        assert!(report.interrupted, "{threading:?}, batches of {batch_size}");
        assert!(report.chains.iter().all(|c| c.outcome == Outcome::Stopped));
    }
}

/// Asks to stop once so many evaluations were begun.
struct Begun<'a>(&'a AtomicU64, u64);

impl Interrupt for Begun<'_> {
    fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= self.1
    }
}

#[test]
fn a_run_of_fixed_parameters_can_be_stopped() {
    // The chains take turns on one thread: the last evaluates its initial point long before the first is done.
    let model = Model::new();
    let interrupt = Begun(&model.done, 3);
    let options = SampleOptions { num_samples: 20_000_000, num_threads: 1, ..options() };
    let io = SampleIo { interrupt: &interrupt, ..Default::default() };
    let report = sample_fixed_param(&model, &options, io).unwrap();
    assert!(report.interrupted && report.chains.iter().all(|c| c.iterations < 20_000_000), "{:?}", report.chains);
}

#[test]
fn the_sums_of_a_caller_s_model_stay_with_the_caller() {
    // Long enough for idle threads to come and help, if they were asked.
    let piece = Duration::from_micros(200);
    let model = Model { threading: Threading::Caller, piece, ..Model::new() };
    let options = SampleOptions { num_threads: 4, num_samples: 2, ..options() };
    sample_nuts(&model, &options, SampleIo::default()).unwrap().status().unwrap();
    assert_eq!(*model.threads.lock().unwrap(), [thread::current().id()]);
}
