//! Ids of chains: they begin at 1, end at 2^63 - 1, and what belongs to no one chain has a place of its own.

use crate::common::{self, Normal};
use catena::io::Silent;
use catena::model::{Level, Logger, MAX_CHAIN_ID, NO_CHAIN};
use catena::random::{Purpose, Stream};
use catena::services::{GradientOptions, SampleIo, SampleOptions, diagnose_gradient, log_density, sample_nuts};
use std::sync::Mutex;

/// Who asked for an evaluation, and the first random bits that it got.
#[derive(Default)]
struct Asked(Mutex<Vec<(u64, u64)>>);

impl Asked {
    /// A density whose every evaluation is noted, and says so to the logger.
    fn density(&self) -> Normal<'_> {
        Normal::new(1, |task, _| {
            let bits = task.random().bits();
            self.0.lock().unwrap().push((task.chain_id(), bits));
            task.log(Level::Info, "asked");
            Ok(0.0)
        })
    }

    fn all(&self) -> Vec<(u64, u64)> {
        let mut all = self.0.lock().unwrap().clone();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Of which chains lines were logged.
#[derive(Default)]
struct Chains(Mutex<Vec<Option<u64>>>);

impl Logger for Chains {
    fn log(&self, _level: Level, chain: Option<u64>, line: &str) {
        if line == "asked" {
            self.0.lock().unwrap().push(chain);
        }
    }
}

fn options() -> SampleOptions {
    SampleOptions { num_chains: 2, num_warmup: 5, num_samples: 5, seed: 9, refresh: 0, ..SampleOptions::stan() }
}

#[test]
fn a_batch_belongs_to_no_chain() {
    let (asked, logger) = (Asked::default(), Chains::default());
    let io = SampleIo { logger: &logger, ..Default::default() };
    sample_nuts(&asked.density(), &SampleOptions { batch_size: 2, ..options() }, io).unwrap().status().unwrap();
    assert_eq!(asked.all(), [(NO_CHAIN, Stream::of_run(9, Purpose::Model).bits())]);
    let chains = logger.0.into_inner().unwrap();
    assert!(!chains.is_empty() && chains.iter().all(Option::is_none), "{chains:?}");
}

#[test]
fn an_evaluation_outside_a_run_belongs_to_no_chain() {
    let asked = Asked::default();
    log_density(&asked.density(), &[1.0], Some(&mut [0.0])).unwrap();
    assert_eq!(asked.all(), [(NO_CHAIN, Stream::of_run(0, Purpose::Model).bits())]);
}

#[test]
fn an_evaluation_of_a_chain_is_its_own() {
    let (asked, logger) = (Asked::default(), Chains::default());
    let io = SampleIo { logger: &logger, ..Default::default() };
    sample_nuts(&asked.density(), &options(), io).unwrap().status().unwrap();
    let mut chains = logger.0.into_inner().unwrap();
    chains.sort_unstable();
    chains.dedup();
    assert_eq!(chains, [Some(1), Some(2)]);
    assert!(asked.all().iter().all(|(id, _)| [1, 2].contains(id)));
}

/// The ids of a run and each chain's draws.
fn run(options: &SampleOptions) -> (Vec<u64>, Vec<f64>) {
    let (report, tables) = common::run(&Asked::default().density(), options);
    report.status().unwrap();
    let draws = tables.iter().flat_map(|table| table.values().to_vec()).collect();
    (report.chains.iter().map(|chain| chain.chain_id).collect(), draws)
}

#[test]
fn the_largest_ids_work() {
    let first = MAX_CHAIN_ID - 1;
    let (ids, draws) = run(&SampleOptions { init_chain_id: first, ..options() });
    assert_eq!(ids, [first, MAX_CHAIN_ID]);
    let (ids, last) = run(&SampleOptions { init_chain_id: MAX_CHAIN_ID, num_chains: 1, ..options() });
    assert_eq!(ids, [MAX_CHAIN_ID]);
    assert_eq!(last, draws[draws.len() / 2..], "one run of two chains is two runs of one");
}

#[test]
fn a_gradient_check_has_an_id_of_a_chain() {
    for chain_id in [0, MAX_CHAIN_ID + 1, u64::MAX] {
        let options = GradientOptions { chain_id, logger: &Silent, ..Default::default() };
        let error = diagnose_gradient(&Asked::default().density(), &options).unwrap_err();
        assert_eq!(error.argument_name(), Some("chain_id"), "{error}");
        assert!(error.to_string().ends_with(&format!("got {chain_id}")), "{error}");
    }
    for chain_id in [1, MAX_CHAIN_ID] {
        let options = GradientOptions { chain_id, logger: &Silent, ..Default::default() };
        assert_eq!(diagnose_gradient(&Asked::default().density(), &options).unwrap().failures, 0);
    }
}
