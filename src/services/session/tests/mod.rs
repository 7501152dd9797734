//! The seam, by machines that are no chains: blocks of evaluations, meetings, under every driver.

mod walk;

use super::*;
use crate::error::Code;
use crate::io::Silent;
use crate::model::Member;
use crate::random::{Purpose, Stream};
use crate::services::SampleOptions;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use walk::{DIM, Mean, Normal, Noting, ROUNDS, ROWS};

const MACHINES: usize = 5;

#[derive(Clone)]
struct Plan {
    options: SampleOptions,
    jacobian: bool,
    /// The id and round of a walk whose model stops.
    stop: (u64, u64),
    /// The id and round of a walk that panics.
    panic: (u64, u64),
    thinks: Duration,
    cancels: bool,
    hands_over: bool,
    checkpoints: Vec<Vec<u8>>,
    fold: Arc<dyn Fold + Send>,
}

impl Default for Plan {
    fn default() -> Self {
        let options = SampleOptions { num_chains: MACHINES, num_threads: 1, ..Default::default() };
        let (nobody, thinks, fold) = ((0, 0), Duration::ZERO, Arc::new(Mean));
        Self {
            options,
            jacobian: true,
            stop: nobody,
            panic: nobody,
            thinks,
            cancels: false,
            hands_over: false,
            checkpoints: Vec::new(),
            fold,
        }
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
            panics_in: if id == self.panic.0 { self.panic.1 } else { ROUNDS },
            thinks: self.thinks,
            hands_over: self.hands_over,
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
    let noting = Noting {
        jacobian: true,
        stops_in: ROUNDS,
        panics_in: ROUNDS,
        thinks: Duration::ZERO,
        hands_over: false,
        notes: Vec::new(),
        out: Arc::clone(&out),
        cancel: None,
    };
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
fn a_machine_that_panics_fails_alone() {
    for (density, plan) in drivers() {
        let (report, _) = Plan { panic: (2, 1), ..plan }.run(&density);
        for chain in &report.chains {
            let panicked = |e: &Error| e.code() == Code::Internal && e.message().contains("a planted panic");
            let failed = matches!(&chain.outcome, Outcome::Failed(e) if panicked(e));
            assert_eq!((failed, chain.iterations as u64), (chain.chain_id == 2, if failed { 1 } else { ROUNDS }));
        }
    }
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

/// A machine's own time is counted wherever it is spent: in slices, or on the pool while the caller's thread answers others.
#[test]
fn the_time_of_a_machine_is_counted_on_every_thread() {
    let thinks = Duration::from_millis(3);
    for (density, plan) in drivers().into_iter().filter(|(density, _)| !density.has_batch()) {
        let begin = Instant::now();
        let (report, _) = Plan { thinks, ..plan }.run(&density);
        let run = begin.elapsed().as_secs_f64();
        for chain in &report.chains {
            let counted = chain.warmup_seconds + chain.sampling_seconds;
            let least = ROUNDS as f64 * thinks.as_secs_f64();
            assert!((least..run).contains(&counted), "{counted} s of {run} s, at least {least} s");
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
