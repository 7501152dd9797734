//! Runs that stop when they have enough: together, at the same draw, whatever the threads and the driver.

use crate::common::{Normal, bits, borrow, run};
use catena::io::TableWriter;
use catena::model::{Refusal, Task, Threading};
use catena::services::{ChainReport, Outcome, SampleIo, SampleOptions, StopReason, sample_nuts};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn options() -> SampleOptions {
    SampleOptions {
        num_chains: 4,
        num_warmup: 200,
        num_samples: 5000,
        num_threads: 1,
        refresh: 0,
        until_ess: 200.0,
        until_rhat: 1.05,
        ..SampleOptions::stan()
    }
}

fn normal() -> Normal<'static> {
    Normal::new(1, |_, _| Ok(0.0))
}

fn all(report: &[ChainReport], reason: StopReason) -> bool {
    report.iter().all(|c| c.reason == reason)
}

#[test]
fn all_chains_stop_at_the_same_draw_and_their_draws_are_those_of_the_long_run() {
    let (report, tables) = run(&normal(), &options());
    assert!(report.status().is_ok());
    assert!(all(&report.chains, StopReason::Enough), "{:?}", report.chains[0].reason);
    let rows = report.chains[0].rows;
    assert!((100..5000).contains(&rows), "{rows}");
    assert!(report.chains.iter().all(|c| c.rows == rows && c.outcome == Outcome::Finished));
    let told = tables[2].messages().iter().find(|m| m.starts_with("Stopped with enough")).cloned();
    let told = told.expect("a line in each chain's file");
    assert!(
        told.contains(&format!("after {rows} draws of each chain the smallest effective sample size is ")),
        "{told}"
    );
    let (long, whole) = run(&normal(), &SampleOptions { until_ess: 0.0, until_rhat: 0.0, ..options() });
    assert!(all(&long.chains, StopReason::AllIterations));
    for (short, long) in tables.iter().zip(&whole) {
        let short = bits(short);
        assert_eq!(short, bits(long)[..short.len()]);
    }
    // Which is the next one that has enough depends on how much is asked for.
    let more = run(&normal(), &SampleOptions { until_ess: 1000.0, ..options() }).0;
    assert!(more.chains[0].rows > rows && all(&more.chains, StopReason::Enough));
}

#[test]
fn threads_and_drivers_change_no_bit() {
    let expected: Vec<_> = run(&normal(), &options()).1.iter().map(bits).collect();
    for num_threads in [1, 2, 4] {
        for threading in [Threading::Any, Threading::Caller] {
            for batch_size in [0, 1, 3, 8] {
                let density = normal().called_from(threading);
                let (report, tables) = run(&density, &SampleOptions { num_threads, batch_size, ..options() });
                assert!(all(&report.chains, StopReason::Enough));
                assert_eq!(tables.iter().map(bits).collect::<Vec<_>>(), expected, "{num_threads} {batch_size}");
            }
        }
    }
}

/// Estimates are not believed before there are some draws, even where all chains begin at one point.
#[test]
fn no_run_stops_before_its_first_look() {
    let easy = SampleOptions { until_ess: 1e-3, until_rhat: 100.0, init_radius: 0.0, num_warmup: 0, ..options() };
    let (report, _) = run(&normal(), &easy);
    assert!(report.chains.iter().all(|c| c.rows == 100));
    let (report, _) = run(&normal(), &SampleOptions { num_samples: 100, ..easy.clone() });
    assert!(all(&report.chains, StopReason::AllIterations), "nothing is left to be saved");
    let (report, _) = run(&normal(), &SampleOptions { thin: 7, ..easy.clone() });
    assert!(report.chains.iter().all(|c| c.rows == 100 && c.iterations == 99 * 7 + 1), "kept draws count");
    let (report, _) = run(&normal(), &SampleOptions { num_chains: 1, until_ess: 30.0, ..easy });
    assert!(all(&report.chains, StopReason::Enough), "one chain is a group too");
}

/// A chain that no longer moves has no effective sample size, and no run stops with it.
#[test]
fn a_stuck_chain_is_never_enough() {
    let first = AtomicUsize::new(0);
    let stuck = Normal::new(1, |task: &mut Task<'_>, _: &[f64]| {
        let is_stuck = task.chain_id() == 2 && first.fetch_add(1, Ordering::Relaxed) > 0;
        if is_stuck { Err(Refusal::Reject) } else { Ok(0.0) }
    });
    let fixed = SampleOptions { num_warmup: 0, adaptation: None, num_samples: 1000, ..options() };
    let (report, _) = run(&stuck, &SampleOptions { until_rhat: 0.0, ..fixed.clone() });
    assert!(all(&report.chains, StopReason::AllIterations));
    assert!(report.chains.iter().all(|c| c.rows == 1000));
    assert!(all(&run(&normal(), &fixed).0.chains, StopReason::Enough));
}

#[test]
fn a_chain_that_fails_leaves_and_holds_nobody_up() {
    let mut expected = None;
    for num_threads in [1, 2, 4] {
        let calls = AtomicUsize::new(0);
        let failing = Normal::new(1, |task: &mut Task<'_>, _: &[f64]| {
            let fails = task.chain_id() == 3 && calls.fetch_add(1, Ordering::Relaxed) == 1000;
            if fails { Err(Refusal::Stop) } else { Ok(0.0) }
        });
        let (report, tables) = run(&failing, &SampleOptions { num_threads, until_ess: 1000.0, ..options() });
        let reasons: Vec<StopReason> = report.chains.iter().map(|c| c.reason).collect();
        use StopReason::{Enough, Failure};
        assert_eq!(reasons, [Enough, Enough, Failure, Enough]);
        let found: Vec<_> = tables.iter().map(bits).collect();
        assert_eq!(*expected.get_or_insert_with(|| found.clone()), found);
    }
}

/// Continues a run that is stopped every so many evaluations until it has ended.
fn in_pieces(options: &SampleOptions, piece: u64) -> (Vec<ChainReport>, Vec<TableWriter>) {
    let mut tables = vec![TableWriter::new(); options.num_chains];
    let mut checkpoints: Vec<Vec<u8>> = Vec::new();
    let options = SampleOptions { max_evaluations: piece, ..options.clone() };
    loop {
        let io = SampleIo {
            sample_writers: borrow(&mut tables),
            checkpoints: checkpoints.iter().map(Vec::as_slice).collect(),
            ..Default::default()
        };
        let report = sample_nuts(&normal(), &options, io).unwrap();
        if report.chains.iter().all(|c| c.outcome == Outcome::Finished) {
            return (report.chains, tables);
        }
        checkpoints = report.chains.into_iter().map(|c| c.checkpoint.unwrap()).collect();
    }
}

#[test]
fn a_run_in_pieces_stops_where_the_whole_one_does() {
    let expected = run(&normal(), &options());
    for piece in [37, 1000] {
        let (chains, tables) = in_pieces(&options(), piece);
        assert!(all(&chains, StopReason::Enough));
        assert_eq!(tables.iter().map(bits).collect::<Vec<_>>(), expected.1.iter().map(bits).collect::<Vec<_>>());
    }
    // A run that has enough goes on where more is asked for, to the same draws.
    let more = SampleOptions { until_ess: 1000.0, ..options() };
    let whole = run(&normal(), &more);
    let mut tables = expected.1;
    let checkpoints: Vec<Vec<u8>> = expected.0.chains.into_iter().map(|c| c.checkpoint.unwrap()).collect();
    let again = |options: &SampleOptions, tables: &mut [TableWriter]| {
        let checkpoints = checkpoints.iter().map(Vec::as_slice).collect();
        sample_nuts(&normal(), options, SampleIo { sample_writers: borrow(tables), checkpoints, ..Default::default() })
    };
    let report = again(&more, &mut tables).unwrap();
    assert!(all(&report.chains, StopReason::Enough));
    assert_eq!(tables.iter().map(bits).collect::<Vec<_>>(), whole.1.iter().map(bits).collect::<Vec<_>>());
    // Draws that were not kept can't be looked at.
    let other = SampleOptions { until_columns: vec!["x.1".into()], ..more };
    let error = again(&other, &mut vec![TableWriter::new(); 4]).unwrap_err();
    assert!(error.to_string().contains("until_columns"), "{error}");
}

#[test]
fn columns_are_named() {
    let model = Normal::new(2, |_, _| Ok(0.0));
    let named = |columns: &[&str]| {
        let until_columns = columns.iter().map(|c| c.to_string()).collect();
        sample_nuts(&model, &SampleOptions { until_columns, until_ess: 400.0, ..options() }, SampleIo::default())
    };
    // Without a writer too.
    let report = named(&["x"]).unwrap();
    assert!(all(&report.chains, StopReason::Enough));
    let alone = named(&["x.2"]).unwrap();
    assert!(alone.chains[0].iterations <= report.chains[0].iterations);
    assert_eq!(named(&["x", "y"]).unwrap_err().argument_name(), Some("until_columns"));
    for rhat in [0.5, 1.0] {
        let error = sample_nuts(&model, &SampleOptions { until_rhat: rhat, ..options() }, SampleIo::default());
        assert_eq!(error.unwrap_err().argument_name(), Some("until_rhat"));
    }
}

/// Each chain counts its own gradients, so that one run of four ids is four runs of one.
#[test]
fn gradients_are_counted_chain_by_chain() {
    for most in [50, 2000] {
        let limited = SampleOptions { until_ess: 0.0, until_rhat: 0.0, max_gradients: most, ..options() };
        let (report, tables) = run(&normal(), &limited);
        assert!(all(&report.chains, StopReason::MaxGradients));
        for (i, (chain, table)) in report.chains.iter().zip(&tables).enumerate() {
            let used = chain.warmup_gradients + chain.sampling_gradients;
            assert!(used >= most && used < most + 1024 && chain.outcome == Outcome::Finished);
            assert_eq!(chain.rows > 0, most == 2000);
            assert!(table.messages().iter().any(|m| m.starts_with(&format!("Stopped by max_gradients = {most}"))));
            let own = SampleOptions { num_chains: 1, init_chain_id: 1 + i as u64, ..limited.clone() };
            assert_eq!(bits(&run(&normal(), &own).1[0]), bits(table));
        }
    }
}

#[test]
fn a_run_ends_when_its_time_is_up_and_goes_on_with_the_same_bits() {
    let slow = Normal::new(1, |_: &mut Task<'_>, _: &[f64]| {
        std::thread::sleep(Duration::from_micros(300));
        Ok(0.0)
    });
    let brief = SampleOptions {
        num_samples: 50,
        num_warmup: 30,
        until_ess: 0.0,
        until_rhat: 0.0,
        num_threads: 2,
        max_seconds: Duration::from_millis(20),
        ..options()
    };
    let (report, _) = run(&slow, &brief);
    assert!(report.status().is_ok() && !report.interrupted);
    assert!(report.chains.iter().any(|c| c.reason == StopReason::MaxSeconds && c.outcome == Outcome::Stopped));
    let mut tables = vec![TableWriter::new(); 4];
    let checkpoints: Vec<Vec<u8>> = report.chains.into_iter().map(|c| c.checkpoint.unwrap_or_default()).collect();
    let checkpoints = checkpoints.iter().map(Vec::as_slice).collect();
    let rest = SampleOptions { max_seconds: Duration::ZERO, ..brief };
    let io = SampleIo { sample_writers: borrow(&mut tables), checkpoints, ..Default::default() };
    let report = sample_nuts(&normal(), &rest, io).unwrap();
    assert!(all(&report.chains, StopReason::AllIterations));
    for (table, whole) in tables.iter().zip(&run(&normal(), &rest).1) {
        let (part, whole) = (bits(table), bits(whole));
        assert_eq!(part, whole[whole.len() - part.len()..]);
    }
}
