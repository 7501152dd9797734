//! The seam, by machines that are no chains: blocks of evaluations, meetings, under every driver.

use super::*;
use crate::error::Code;
use crate::io::Silent;
use crate::model::{Ask, Block, Evaluation, Machine, Member, Refusal, Reply, Task, WorkerError};
use crate::random::{Purpose, Stream};
use crate::services::SampleOptions;
use crate::services::service::{After, End, Here};
use serde::{Deserialize, Serialize};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

const DIM: usize = 3;
const ROWS: usize = 5;
const ROUNDS: u64 = 4;
const MACHINES: usize = 5;

/// Log density -x²/2 without, -x²/2 + x_1 with the Jacobian; refuses where x_1 > 1, stops where x_1 = STOP.
struct Normal {
    threading: Threading,
    batch: bool,
    batches: AtomicUsize,
}

const STOP: f64 = 1e9;

impl Normal {
    fn new(threading: Threading, batch: bool) -> Self {
        Self { threading, batch, batches: AtomicUsize::new(0) }
    }

    fn value(x: &[f64], g: Option<&mut [f64]>, jacobian: bool) -> Result<f64, Refusal> {
        match x[0] {
            STOP => return Err(Refusal::Stop),
            x if x > 1.0 => return Err(Refusal::Reject),
            _ => {}
        }
        let first = if jacobian { 1.0 } else { 0.0 };
        if let Some(g) = g {
            g.iter_mut().zip(x).for_each(|(g, x)| *g = -x);
            g[0] += first;
        }
        Ok(first * x[0] - 0.5 * x.iter().map(|x| x * x).sum::<f64>())
    }
}

impl Density for Normal {
    type Worker = ();

    fn dim(&self) -> usize {
        DIM
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, (): &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        Self::value(x, Some(g), true)
    }

    fn log_density(&self, (): &mut (), _: &mut Task<'_>, x: &[f64]) -> Result<f64, Refusal> {
        Self::value(x, None, true)
    }

    fn log_density_without_jacobian(
        &self,
        (): &mut (),
        _: &mut Task<'_>,
        x: &[f64],
        g: Option<&mut [f64]>,
    ) -> Result<f64, Refusal> {
        Self::value(x, g, false)
    }

    fn has_batch(&self) -> bool {
        self.batch
    }

    fn log_density_gradient_batch(
        &self,
        (): &mut (),
        _: &mut Task<'_>,
        positions: &[f64],
        values: &mut [f64],
        gradients: &mut [f64],
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        let rows = positions.chunks(DIM).zip(gradients.chunks_mut(DIM));
        for ((x, g), (value, outcome)) in rows.zip(values.iter_mut().zip(outcomes)) {
            *outcome = Self::value(x, Some(g), true).map(|v| *value = v);
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Step {
    Fresh,
    Block,
    Single,
    Meeting,
    Telling,
    Over,
}

/// A walk: each round evaluates a block around the present place, then one point by itself, then meets the others and
/// goes where the meeting says.
#[derive(Serialize, Deserialize)]
struct Walk {
    id: u64,
    step: Step,
    round: u64,
    block: Block,
    jacobian: bool,
    place: Vec<f64>,
    noise: Stream,
    model: Stream,
    sum: f64,
    /// The round in which the model stops.
    stops_in: u64,
}

impl Walk {
    fn ask_block(&mut self) -> Ask<bool> {
        for (k, x) in self.block.positions_mut().iter_mut().enumerate() {
            *x = self.place[k % DIM] + self.noise.normal();
        }
        if self.round == self.stops_in {
            self.block.positions_mut()[DIM] = STOP;
        }
        self.block.ask();
        self.step = Step::Block;
        Ask::EvaluateBlock
    }
}

impl Machine for Walk {
    /// Whether it is done.
    type Event = bool;

    fn id(&self) -> u64 {
        self.id
    }

    fn resume(&mut self, reply: Reply) -> Ask<bool> {
        match self.step {
            Step::Fresh => return self.ask_block(),
            Step::Block => {
                assert_eq!(reply, Reply::Continue);
                for row in 0..self.block.rows() {
                    // What stands for the gradient at a refused position means nothing.
                    let (value, slope) = match self.block.log_density(row) {
                        Some(value) => (value, self.block.gradient(row).iter().sum()),
                        None => (-1.0, 0.0),
                    };
                    self.sum += value + slope;
                }
                self.step = Step::Single;
            }
            Step::Single => {
                match reply {
                    Reply::LogDensity(value) => self.sum += value,
                    reply => assert_eq!(reply, Reply::Rejected),
                }
                self.step = Step::Meeting;
            }
            Step::Meeting => self.step = Step::Telling,
            Step::Telling => {
                self.round += 1;
                if self.round < ROUNDS {
                    return self.ask_block();
                }
                self.step = Step::Over;
            }
            Step::Over => {}
        }
        self.asked().unwrap()
    }

    fn asked(&self) -> Option<Ask<bool>> {
        match self.step {
            Step::Fresh => None,
            Step::Block => Some(Ask::EvaluateBlock),
            Step::Single => Some(Ask::Evaluate),
            Step::Meeting => Some(Ask::Meet(self.round)),
            Step::Telling => Some(Ask::Event(false)),
            Step::Over => Some(Ask::Event(true)),
        }
    }

    fn progress(&self) -> f64 {
        self.round as f64 / ROUNDS as f64
    }

    fn evaluation(&mut self) -> Evaluation<'_> {
        Evaluation { position: &self.place, gradient: None, jacobian: self.jacobian, stream: &mut self.model }
    }

    fn block(&mut self) -> (&mut Block, &mut Stream) {
        (&mut self.block, &mut self.model)
    }

    fn bring(&self, out: &mut Vec<f64>) {
        out.push(self.sum);
        out.extend(&self.place);
    }

    fn take(&mut self, answer: &[f64]) {
        self.place.copy_from_slice(answer);
    }
}

/// Everybody goes to the mean place, moved by the mean sum and by the number of members.
struct Mean;

impl Fold for Mean {
    fn fold(&self, meeting: u64, members: &[Member]) -> Vec<Vec<f64>> {
        assert!(members.is_sorted_by_key(|m| m.id), "the order of the run");
        let n = members.len() as f64;
        let mean = |k: usize| members.iter().map(|m| m.brings[k]).sum::<f64>() / n;
        let place: Vec<f64> = (1..=DIM).map(|k| mean(k) + 1e-3 * mean(0) / n + meeting as f64 * 1e-6).collect();
        vec![place; members.len()]
    }
}

/// Ids of walks with what was noted of them.
type Notes = Mutex<Vec<(u64, Vec<f64>)>>;

/// Notes the walk's sum after each round.
struct Noting {
    jacobian: bool,
    stops_in: u64,
    notes: Vec<f64>,
    out: Arc<Notes>,
    /// Set after the first round of the first walk.
    cancel: Option<Arc<AtomicBool>>,
}

impl<D: Density> Service<D> for Noting {
    type Machine = Walk;
    type Record = Vec<f64>;

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Walk, Error> {
        let id = here.id();
        let stream = |purpose| Stream::new(7, id, purpose);
        Ok(Walk {
            id,
            step: Step::Fresh,
            round: 0,
            block: Block::new(ROWS, DIM, id.is_multiple_of(2), self.jacobian),
            jacobian: self.jacobian,
            place: vec![0.0; DIM],
            noise: stream(Purpose::Sampler),
            model: stream(Purpose::Model),
            sum: 0.0,
            stops_in: self.stops_in,
        })
    }

    fn go_on(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, walk: &mut Walk, done: bool, _: &mut Here<'_, D>) -> Result<After, Error> {
        if done {
            return Ok(After::Done);
        }
        self.notes.push(walk.sum);
        if let Some(cancel) = &self.cancel {
            cancel.store(true, Ordering::Relaxed);
        }
        Ok(After::GoOn)
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn record(&self) -> Option<&Vec<f64>> {
        Some(&self.notes)
    }

    fn reopen(&mut self, _: &mut Walk, record: Vec<f64>) -> Result<(), Error> {
        self.notes = record;
        Ok(())
    }

    fn report(self, walk: Option<&Walk>, end: End) -> ChainReport {
        self.out.lock().unwrap().push((end.chain_id, self.notes));
        ChainReport { iterations: walk.map_or(0, |w| w.round as usize), ..ChainReport::of(end) }
    }
}

#[derive(Clone)]
struct Plan {
    options: SampleOptions,
    jacobian: bool,
    /// The id and round of a walk whose model stops.
    stop: (u64, u64),
    cancels: bool,
    hands_over: bool,
    checkpoints: Vec<Vec<u8>>,
    fold: Arc<dyn Fold + Send>,
}

impl Default for Plan {
    fn default() -> Self {
        let options = SampleOptions { num_chains: MACHINES, num_threads: 1, ..Default::default() };
        let (jacobian, stop, fold) = (true, (0, 0), Arc::new(Mean));
        Self { options, jacobian, stop, cancels: false, hands_over: false, checkpoints: Vec::new(), fold }
    }
}

impl Plan {
    fn threads(num_threads: usize) -> Self {
        let plan = Self::default();
        Self { options: SampleOptions { num_threads, ..plan.options }, ..plan }
    }

    fn run(&self, density: &Normal) -> (SampleReport, Vec<Vec<f64>>) {
        let mut run = Run::new(density, &self.options, &Silent, None, 0).unwrap();
        if self.hands_over {
            run.evaluations = Evaluations::HandedOver;
        }
        let out = Arc::default();
        let cancel = Arc::new(AtomicBool::new(false));
        let services = (1..=MACHINES as u64).map(|id| Noting {
            jacobian: self.jacobian,
            stops_in: if id == self.stop.0 { self.stop.1 } else { ROUNDS },
            notes: Vec::new(),
            out: Arc::clone(&out),
            cancel: (self.cancels && id == 1).then(|| Arc::clone(&cancel)),
        });
        let checkpoints: Vec<&[u8]> = self.checkpoints.iter().map(Vec::as_slice).collect();
        let mut session = Session::seat(run, services.collect(), &checkpoints, Some(Arc::clone(&self.fold))).unwrap();
        session.run(None, || cancel.load(Ordering::Relaxed));
        let report = session.into_report();
        let mut out = std::mem::take(&mut *out.lock().unwrap());
        out.sort_by_key(|(id, _)| *id);
        (report, out.into_iter().map(|(_, notes)| notes).collect())
    }

    fn checkpoints(report: &SampleReport) -> Vec<Vec<u8>> {
        report.chains.iter().map(|c| c.checkpoint.clone().expect("resumable")).collect()
    }
}

/// Every way to drive: threads, the caller's thread, batches of several sizes on either.
fn drivers() -> Vec<(Normal, Plan)> {
    let mut all = Vec::new();
    for threads in [1, 2, 4] {
        for threading in [Threading::Any, Threading::Caller] {
            all.push((Normal::new(threading, false), Plan::threads(threads)));
            if threading == Threading::Caller {
                all.push((Normal::new(threading, false), Plan { hands_over: true, ..Plan::threads(threads) }));
            }
            for batch_size in [1, 3, 8, 64] {
                let mut plan = Plan::threads(threads);
                plan.options.batch_size = batch_size;
                plan.options.batch_wait = Duration::from_micros(200);
                all.push((Normal::new(threading, true), plan));
            }
        }
    }
    all
}

#[test]
fn drivers_and_threads_change_no_bit() {
    for jacobian in [true, false] {
        let mut first = None;
        for (density, plan) in drivers() {
            let (report, notes) = Plan { jacobian, ..plan }.run(&density);
            assert_eq!(report.status(), Ok(()));
            assert!(notes.iter().all(|n| n.len() == ROUNDS as usize));
            assert_eq!(&notes, first.get_or_insert_with(|| notes.clone()));
        }
    }
}

#[test]
fn the_numbers_are_those_of_a_loop() {
    // Machine 1 alone, by hand: no gradients in its block, and a meeting of one.
    let mut plan = Plan::default();
    plan.options.num_chains = 1;
    let mut noise = Stream::new(7, 1, Purpose::Sampler);
    let (mut place, mut sum, mut expected) = ([0.0; DIM], 0.0, Vec::new());
    for round in 0..ROUNDS {
        let points: Vec<f64> = (0..ROWS * DIM).map(|k| place[k % DIM] + noise.normal()).collect();
        points.chunks(DIM).for_each(|x| sum += Normal::value(x, None, true).unwrap_or(-1.0) + 0.0);
        sum += Normal::value(&place, None, true).unwrap_or(0.0);
        place.iter_mut().for_each(|x| *x = *x / 1.0 + 1e-3 * sum / 1.0 + round as f64 * 1e-6);
        expected.push(sum);
    }
    let out = Arc::default();
    let density = Normal::new(Threading::Any, false);
    let noting = Noting { jacobian: true, stops_in: ROUNDS, notes: Vec::new(), out: Arc::clone(&out), cancel: None };
    let run = Run::new(&density, &plan.options, &Silent, None, 0).unwrap();
    let mut session = Session::seat(run, vec![noting], &[], Some(Arc::new(Mean))).unwrap();
    session.run(None, || false);
    session.into_report().status().unwrap();
    assert_eq!(out.lock().unwrap()[0].1, expected);
}

#[test]
fn a_machine_that_fails_leaves_and_holds_nobody_up() {
    let mut first = None;
    for (density, plan) in drivers() {
        let (report, notes) = Plan { stop: (3, 1), ..plan }.run(&density);
        for chain in &report.chains {
            let failed = matches!(&chain.outcome, Outcome::Failed(e) if e.code() == Code::Model);
            assert_eq!(failed, chain.chain_id == 3, "{:?}", chain.outcome);
            assert_eq!(chain.iterations as u64, if failed { 1 } else { ROUNDS });
        }
        assert_eq!(&notes, first.get_or_insert_with(|| notes.clone()));
    }
    let (_, undisturbed) = Plan::default().run(&Normal::new(Threading::Any, false));
    let failed = first.unwrap();
    assert_eq!(failed[0][0], undisturbed[0][0], "before the failure");
    assert_ne!(failed[0][2], undisturbed[0][2], "the meeting without it is another one");
}

#[test]
fn a_run_that_is_stopped_goes_on_with_the_same_bits() {
    let (_, undisturbed) = Plan::default().run(&Normal::new(Threading::Any, false));
    for (density, plan) in drivers() {
        // By a limit of evaluations for each, which ends within blocks, before meetings and at them.
        for limit in [1, 4, 6, 11] {
            let mut part = plan.clone();
            part.options.max_evaluations = limit;
            let mut calls = 0;
            let notes = loop {
                let (report, notes) = part.run(&density);
                calls += 1;
                if report.chains.iter().all(|c| c.outcome == Outcome::Finished) {
                    break notes;
                }
                assert!(calls < 100, "no way forward at {limit} evaluations a call");
                // Those that have finished do so again, at once.
                part.checkpoints = Plan::checkpoints(&report);
            };
            assert!(calls > 1);
            assert_eq!(notes, undisturbed, "limit {limit}");
        }
    }
}

#[test]
fn an_interrupt_finds_those_who_wait_at_a_meeting() {
    let (_, undisturbed) = Plan::default().run(&Normal::new(Threading::Any, false));
    for (density, plan) in drivers() {
        let (report, _) = Plan { cancels: true, ..plan.clone() }.run(&density);
        assert!(report.chains.iter().all(|c| !matches!(c.outcome, Outcome::Failed(_))));
        let (report, notes) = Plan { checkpoints: Plan::checkpoints(&report), ..plan }.run(&density);
        assert_eq!(report.status(), Ok(()));
        assert_eq!(notes, undisturbed);
    }
}

#[test]
fn a_fold_that_errs_fails_its_members_alone() {
    struct Wrong;
    impl Fold for Wrong {
        fn fold(&self, meeting: u64, members: &[Member]) -> Vec<Vec<f64>> {
            if meeting < 2 { Mean.fold(meeting, members) } else { Vec::new() }
        }
    }
    for (density, plan) in drivers() {
        let (report, _) = Plan { fold: Arc::new(Wrong), ..plan }.run(&density);
        for chain in &report.chains {
            let Outcome::Failed(error) = &chain.outcome else { panic!("{:?}", chain.outcome) };
            assert!(error.code() == Code::Internal && error.message().contains("an answer for each"), "{error}");
            assert_eq!(chain.iterations, 2);
        }
    }
}

#[test]
fn blocks_fill_batches() {
    // Each round has 25 rows of blocks and 5 single points: three full batches of 10, and at most two more where the last
    // ones wait for nobody. A batch per job would make ten.
    let mut plan = Plan::threads(2);
    plan.options.batch_size = 10;
    plan.options.batch_wait = Duration::from_secs(10);
    let density = Normal::new(Threading::Any, true);
    assert_eq!(plan.run(&density).0.status(), Ok(()));
    let batches = density.batches.load(Ordering::Relaxed);
    assert!((12..=20).contains(&batches), "{batches} batches");
}
