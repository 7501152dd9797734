//! Chains over ranks: the bits of one process whatever the number of ranks, one end for all, and no rank that waits for ever.

use crate::common;
use crate::common::ranks::{Given, Had, TIME_OUT, checkpoints, lasting, on_ranks, run_given, run_on, run_over};
use crate::common::{Normal, bits, run};
use catena::adapt::{Adaptation, MetricKind, WarmupMode};
use catena::model::{Density, Refusal, Task, Threading};
use catena::services::{FailurePolicy, Outcome, SampleOptions, StopReason};
use catena::{Code, Error};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const CHAINS: usize = 7;

fn options() -> SampleOptions {
    SampleOptions {
        num_chains: CHAINS,
        num_warmup: 150,
        num_samples: 200,
        num_threads: 1,
        refresh: 0,
        seed: 3,
        ..SampleOptions::stan()
    }
}

fn together(options: SampleOptions) -> SampleOptions {
    let adaptation = Some(Adaptation { warmup: WarmupMode::Together, ..Adaptation::stan() });
    SampleOptions { adaptation, metric: MetricKind::FisherDiag, ..options }
}

fn normal(dim: usize) -> Normal<'static> {
    Normal::new(dim, |_, _| Ok(0.0))
}

fn drivers() -> Vec<(Normal<'static>, SampleOptions)> {
    let mut all = Vec::new();
    for (threading, num_threads) in [(Threading::Any, 1), (Threading::Any, 2), (Threading::Caller, 1)] {
        for batch_size in [0, 3] {
            let options = SampleOptions { num_threads, batch_size, ..options() };
            all.push((normal(2).called_from(threading), options));
        }
    }
    all
}

/// Whether each rank has the draws and reports of one process.
fn assert_as_one<D: Density>(density: &D, options: &SampleOptions, all: &[Had], what: &str) {
    let (report, tables) = run(density, options);
    for (rank, (had, theirs)) in all.iter().enumerate() {
        let had = had.as_ref().unwrap();
        assert_eq!(lasting(had), lasting(&report), "{what}, rank {rank} of {}", all.len());
        for (chain, (ours, theirs)) in tables.iter().zip(theirs).enumerate() {
            assert_eq!(bits(ours), bits(theirs), "{what}, chain {chain}, rank {rank} of {}", all.len());
            // A chain that goes on is not told the names again.
            assert!(theirs.column_names().is_empty() || theirs.column_names() == ours.column_names());
        }
    }
}

#[test]
fn bits_are_those_of_one_process() {
    for (density, plain) in drivers() {
        let enough = SampleOptions { until_ess: 300.0, num_samples: 2000, ..plain.clone() };
        let runs = [("alone", plain.clone()), ("together", together(plain)), ("together, enough", together(enough))];
        for (what, options) in runs {
            // More ranks than chains are idle, and take part.
            for size in [1, 2, 3, 4, CHAINS + 2] {
                assert_as_one(&density, &options, &run_over(size, &density, &options), what);
            }
        }
    }
}

#[test]
fn gathered_starts_are_in_the_order_of_the_ids() {
    use catena::services::{Engine, SampleIo, Session};
    struct At([f64; 1]);
    impl catena::model::InitContext for At {
        fn position(&self) -> Option<&[f64]> {
            Some(&self.0)
        }
        fn variable(&self, _: &str) -> Result<Option<catena::model::Variable>, Error> {
            Ok(None)
        }
    }
    let starts: Vec<At> = (0..CHAINS).map(|k| At([k as f64])).collect();
    let options = SampleOptions { num_samples: 1, ..options() };
    for size in [1, 3, 4] {
        on_ranks(size, TIME_OUT, |rank| {
            let mut tables = vec![catena::io::TableWriter::new(); CHAINS];
            let io = SampleIo {
                inits: starts.iter().map(|s| s as _).collect(),
                sample_writers: common::borrow(&mut tables),
                communicator: Some(&rank),
                ..Default::default()
            };
            let density = normal(1);
            let mut session = Session::with_engine(&density, Engine::FixedParam, &options, io).unwrap();
            session.run(None, || false);
            session.into_report().status().unwrap();
            let gathered: Vec<f64> = tables.iter().map(|t| *t.values().last().unwrap()).collect();
            assert_eq!(gathered, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        });
    }
}

/// Ranks that are slower than others by much stop at the same draw, each seed.
#[test]
fn the_decision_to_stop_is_one_for_all() {
    let slow = |task: &mut Task<'_>, _: &[f64]| {
        thread::sleep(Duration::from_micros(20 * task.chain_id()));
        Ok(0.0)
    };
    for seed in 0..4 {
        let enough =
            SampleOptions { num_chains: 4, until_ess: 150.0, until_rhat: 1.1, seed, num_samples: 5000, ..options() };
        let all = run_over(4, &Normal::new(1, slow), &enough);
        let rows = all[0].0.as_ref().unwrap().chains[0].rows;
        assert!((100..5000).contains(&rows));
        for (report, _) in &all {
            let same = |c: &catena::services::ChainReport| (c.rows, c.reason) == (rows, StopReason::Enough);
            assert!(report.as_ref().unwrap().chains.iter().all(same));
        }
        assert_as_one(&normal(1), &enough, &all, "enough");
    }
}

#[test]
fn a_chain_that_fails_is_named_on_all_ranks() {
    // Chain 6 is of the last of three ranks; its model stops at its tenth call.
    let calls = AtomicUsize::new(0);
    let stops = |task: &mut Task<'_>, _: &[f64]| match task.chain_id() {
        6 if calls.fetch_add(1, Ordering::Relaxed) == 10 => Err(Refusal::Stop),
        _ => Ok(0.0),
    };
    let nowhere = |task: &mut Task<'_>, _: &[f64]| Ok(if task.chain_id() == 3 { f64::NAN } else { 0.0 });
    for (on_failure, plain) in [(FailurePolicy::StopChain, options()), (FailurePolicy::StopRun, options())] {
        for options in [plain.clone(), together(plain)] {
            let options = SampleOptions { on_failure, ..options };
            calls.store(0, Ordering::Relaxed);
            let failed = [
                (6, run_over(3, &Normal::new(2, stops), &options)),
                (3, run_over(3, &Normal::new(2, nowhere), &options)),
            ];
            for (id, all) in failed {
                for (report, _) in &all {
                    let report = report.as_ref().unwrap();
                    let error = report.status().unwrap_err();
                    assert!(error.code() == Code::ChainFailed, "{error}");
                    assert!(error.message().contains(&format!("chain {id}")), "{error}");
                    for chain in &report.chains {
                        let expected = match on_failure {
                            _ if chain.chain_id == id => StopReason::Failure,
                            FailurePolicy::StopChain => StopReason::AllIterations,
                            FailurePolicy::StopRun => continue,
                        };
                        assert_eq!(chain.reason, expected, "chain {}", chain.chain_id);
                    }
                }
            }
        }
    }
}

/// The failure of one chain that ends the run reaches ranks whose chains would take very long.
#[test]
fn a_failure_ends_the_run_on_all_ranks() {
    let begun = Instant::now();
    let first = |task: &mut Task<'_>, _: &[f64]| {
        thread::sleep(Duration::from_millis(1));
        if task.chain_id() == 1 { Err(Refusal::Stop) } else { Ok(0.0) }
    };
    let options =
        SampleOptions { num_chains: 4, num_samples: 1_000_000, on_failure: FailurePolicy::StopRun, ..options() };
    for (report, _) in run_over(4, &Normal::new(1, first), &options) {
        let report = report.unwrap();
        assert_eq!(report.status().unwrap_err().code(), Code::ChainFailed);
        assert!(report.chains.iter().all(|c| c.reason == StopReason::Failure));
        assert!(matches!(report.chains[0].outcome, Outcome::Failed(_)) && report.chains[3].outcome == Outcome::Stopped);
    }
    assert!(begun.elapsed() < TIME_OUT);
}

/// A rank that dies, at its first evaluation or later, is named with its chains, and the others end: by themselves where they need
/// nobody, and where they would have met.
#[test]
fn a_rank_that_dies_is_named_and_nobody_waits_for_it() {
    let begun = Instant::now();
    let soon = Duration::from_millis(400);
    for (options, meets) in [(options(), false), (together(options()), true)] {
        let all = on_ranks(3, soon, |rank| {
            let dies = catena::model::Communicator::rank(&rank) == 1;
            let (given, calls) = (Given::default(), AtomicUsize::new(0));
            let first = |_: &mut Task<'_>, _: &[f64]| {
                // A process that hangs: it tells nothing any more. Its thread ends when the test's others have given up.
                if dies && calls.fetch_add(1, Ordering::Relaxed) == 100 {
                    thread::sleep(4 * soon);
                    return Err(Refusal::Stop);
                }
                Ok(0.0)
            };
            let (report, _) = run_on(&rank, &Normal::new(1, first).called_from(Threading::Caller), &options, &given);
            report
        });
        for rank in [0, 2] {
            let report = all[rank].as_ref().unwrap();
            let words = report.status().unwrap_err().to_string();
            assert!(words.contains("rank 1 did not answer within 0.4 s"), "{words}");
            for chain in &report.chains {
                match (&chain.outcome, meets) {
                    (Outcome::Failed(error), _) => {
                        assert!(error.code() == Code::Communicator && error.chain() == Some(chain.chain_id));
                    }
                    // It can go on when all ranks are there again.
                    (Outcome::Stopped, true) => {
                        assert!(chain.checkpoint.is_some() && chain.reason == StopReason::Failure)
                    }
                    (outcome, meets) => assert!(!meets && *outcome == Outcome::Finished),
                }
            }
            let own = catena::drive::share(CHAINS, rank, 3);
            assert!(own.clone().all(|place| !matches!(report.chains[place].outcome, Outcome::Failed(_))), "{words}");
        }
    }
    assert!(begun.elapsed() < TIME_OUT);
}

fn refused(all: Vec<Had>) -> Vec<Error> {
    all.into_iter().map(|(report, _)| report.unwrap_err()).collect()
}

#[test]
fn ranks_that_are_told_different_things_are_refused_everywhere() {
    // Of each rank, what it has differently.
    let differ = |change: fn(&mut SampleOptions)| {
        let runs = on_ranks(3, TIME_OUT, |rank| {
            let mut options = options();
            if catena::model::Communicator::rank(&rank) == 2 {
                change(&mut options);
            }
            run_on(&rank, &normal(1), &options, &Given::default())
        });
        refused(runs)
    };
    for error in differ(|options| options.seed = 4) {
        assert_eq!((error.code(), error.argument_name()), (Code::InvalidArgument, Some("seed")), "{error}");
        assert!(error.message().contains("on rank 0") && error.message().contains("on rank 2"), "{error}");
    }
    assert!(differ(|options| options.num_samples += 1).iter().all(|e| e.argument_name() == Some("num_samples")));
    // One that is refused itself says so to all.
    let errors = differ(|options| options.until_rhat = 0.5);
    assert!(!errors[2].message().contains("rank"), "{}", errors[2]);
    for error in &errors[..2] {
        assert!(error.argument_name() == Some("until_rhat") && error.message().contains("on rank 2"), "{error}");
    }
    // What changes no draw may differ.
    for (report, _) in on_ranks(2, TIME_OUT, |rank| {
        let num_threads = 1 + catena::model::Communicator::rank(&rank);
        run_on(&rank, &normal(1), &SampleOptions { num_threads, ..options() }, &Given::default())
    }) {
        report.unwrap().status().unwrap();
    }
}

/// An interrupt that one rank gets ends all, resumably, on as many ranks as there are then.
#[test]
fn an_interrupt_on_one_rank_ends_all_and_any_number_of_ranks_goes_on() {
    struct Once(AtomicBool);
    impl catena::io::Interrupt for Once {
        fn requested(&self) -> bool {
            self.0.swap(false, Ordering::Relaxed)
        }
    }
    let slow = |_: &mut Task<'_>, _: &[f64]| {
        // So that the interrupt comes in warm-up, however busy the machine is.
        thread::sleep(Duration::from_millis(3));
        Ok(0.0)
    };
    for options in [options(), together(options())] {
        let once = Once(AtomicBool::new(true));
        let given = Given { interrupt: Some(&once), ..Given::default() };
        let stopped = run_given(4, &Normal::new(1, slow), &options, &given);
        for (report, _) in &stopped {
            let report = report.as_ref().unwrap();
            assert_eq!(report.status().unwrap_err().code(), Code::Interrupted);
            assert!(report.chains.iter().all(|c| c.reason == StopReason::Interrupt));
        }
        for size in [1, 2, 3] {
            let given = Given { checkpoints: checkpoints(&stopped), ..Given::default() };
            let all = run_given(size, &normal(1), &options, &given);
            // Nothing was drawn before but in warm-up, which is not written.
            assert_as_one(&normal(1), &options, &all, "resumed");
        }
    }
}

/// Chains that stop at their limits of evaluations, before meetings and at them, on ranks that change from call to call.
#[test]
fn limits_of_evaluations_change_no_bit() {
    let options = SampleOptions { num_chains: 4, num_samples: 20, ..together(options()) };
    let whole = run(&normal(1), &options).1;
    let (mut given, mut tables, mut calls) = (Given::default(), vec![Vec::new(); 4], 0);
    loop {
        let part = SampleOptions { max_evaluations: 97, ..options.clone() };
        let all = run_given(1 + calls % 3, &normal(1), &part, &given);
        calls += 1;
        assert!(calls < 200, "no way forward");
        for (all, part) in tables.iter_mut().zip(&all[0].1) {
            all.extend(bits(part));
        }
        if all[0].0.as_ref().unwrap().chains.iter().all(|c| c.outcome == Outcome::Finished) {
            break;
        }
        given.checkpoints = checkpoints(&all);
    }
    assert!(calls > 3);
    assert_eq!(tables, whole.iter().map(bits).collect::<Vec<_>>());
}
