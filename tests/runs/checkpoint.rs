//! Chains stopped at random places go on with the same bits.

use crate::common;
use crate::common::bytes::{self, DIM};
use crate::common::{Correlated, bits, borrow};
use catena::io::TableWriter;
use catena::services::{Engine, MetricKind, Outcome, SampleIo, SampleOptions, sample_nuts};
use catena::{Code, Error};

#[test]
fn a_chain_goes_through_bytes_at_random_places() {
    bytes::check(Engine::Nuts);
}

/// Runs in steps of `max_evaluations` gradients, each from the checkpoints of the one before; returns the gathered rows.
fn in_steps(options: &SampleOptions, max_evaluations: impl Fn(usize) -> u64) -> (Vec<Vec<u64>>, usize) {
    let model = Correlated { dim: DIM, rho: 0.8 };
    let mut rows = vec![Vec::new(); options.num_chains];
    let mut checkpoints: Vec<Vec<u8>> = vec![Vec::new(); options.num_chains];
    for step in 0.. {
        let mut writers = vec![TableWriter::new(); options.num_chains];
        let options = SampleOptions { max_evaluations: max_evaluations(step), ..options.clone() };
        let io = SampleIo {
            sample_writers: borrow(&mut writers),
            checkpoints: checkpoints.iter().map(Vec::as_slice).collect(),
            ..Default::default()
        };
        let report = sample_nuts(&model, &options, io).unwrap();
        report.status().unwrap();
        for (rows, writer) in rows.iter_mut().zip(&writers) {
            assert!(writer.finished());
            rows.extend(bits(writer));
        }
        if report.chains.iter().all(|c| c.outcome == Outcome::Finished) {
            for (chain, rows) in report.chains.iter().zip(&rows) {
                let columns = 7 + DIM + 1;
                assert_eq!(chain.rows * columns, rows.len(), "rows are counted over all steps");
            }
            return (rows, step + 1);
        }
        checkpoints = report
            .chains
            .into_iter()
            .map(|c| match c.outcome {
                // A chain that is done stays done: it is stopped no more and writes nothing again.
                Outcome::Finished => c.checkpoint.unwrap_or_default(),
                _ => c.checkpoint.expect("a stopped chain can go on"),
            })
            .collect();
    }
    unreachable!()
}

#[test]
fn a_run_goes_on_where_it_was_stopped() {
    let options = SampleOptions {
        num_chains: 1,
        num_warmup: 120,
        num_samples: 60,
        seed: 5,
        num_threads: 2,
        save_warmup: true,
        ..SampleOptions::stan()
    };
    let (reference, steps) = in_steps(&options, |_| 0);
    assert_eq!(steps, 1);
    let (rows, steps) = in_steps(&options, |step| [1, 7, 100, 333][step % 4]);
    assert!(steps > 3);
    assert_eq!(rows, reference);
}

#[test]
fn a_finished_chain_can_be_asked_for_more() {
    let model = Correlated { dim: DIM, rho: 0.5 };
    let options = SampleOptions { num_chains: 2, num_warmup: 100, num_samples: 30, seed: 5, ..SampleOptions::stan() };
    let long = common::run(&model, &SampleOptions { num_samples: 50, ..options.clone() }).1;
    let (report, first) = common::run(&model, &options);
    let checkpoints: Vec<Vec<u8>> = report.chains.into_iter().map(|c| c.checkpoint.unwrap()).collect();
    let mut rest = vec![TableWriter::new(); 2];
    let io = SampleIo {
        sample_writers: borrow(&mut rest),
        checkpoints: checkpoints.iter().map(Vec::as_slice).collect(),
        ..Default::default()
    };
    sample_nuts(&model, &SampleOptions { num_samples: 50, ..options }, io).unwrap().status().unwrap();
    for i in 0..2 {
        assert_eq!([bits(&first[i]), bits(&rest[i])].concat(), bits(&long[i]));
    }
}

/// It was stopped in a transition, which waits for a run that asks for more.
#[test]
fn a_stopped_chain_that_has_what_is_asked_for_draws_no_more() {
    let model = Correlated { dim: DIM, rho: 0.5 };
    let options = SampleOptions { num_chains: 1, num_warmup: 100, num_samples: 200, seed: 5, ..SampleOptions::stan() };
    let whole = common::run(&model, &options).1;
    let on = |options: &SampleOptions, checkpoint: &[u8]| {
        let mut writers = vec![TableWriter::new()];
        let io = SampleIo { sample_writers: borrow(&mut writers), checkpoints: vec![checkpoint], ..Default::default() };
        let mut report = sample_nuts(&model, options, io).unwrap();
        report.status().unwrap();
        (report.chains.remove(0), bits(&writers[0]))
    };
    let mut seen = 0;
    for max_evaluations in (100..6000).step_by(97) {
        let (part, first) = on(&SampleOptions { max_evaluations, ..options.clone() }, &[]);
        if part.outcome != Outcome::Stopped || part.rows < 2 {
            continue;
        }
        let asked = SampleOptions { num_samples: part.rows, ..options.clone() };
        let (same, none) = on(&asked, part.checkpoint.as_ref().unwrap());
        assert_eq!((same.outcome, same.rows, none.len()), (Outcome::Finished, part.rows, 0));
        let (_, rest) = on(&options, &same.checkpoint.unwrap());
        assert_eq!([first, rest].concat(), bits(&whole[0]));
        seen += 1;
    }
    assert!(seen > 10, "{seen} chains were stopped after warm-up");
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let model = Correlated { dim: DIM, rho: 0.5 };
    let options = SampleOptions { num_chains: 1, num_warmup: 50, num_samples: 5, ..SampleOptions::stan() };
    let bytes = common::run(&model, &options).0.chains.remove(0).checkpoint.unwrap();
    let go_on = |options: &SampleOptions, bytes: &[u8]| -> Result<(), Error> {
        sample_nuts(&model, options, SampleIo { checkpoints: vec![bytes], ..Default::default() }).map(|_| ())
    };
    let refused = |options: SampleOptions, word: &str| {
        let error = go_on(&options, &bytes).unwrap_err();
        assert_eq!((error.code(), error.chain()), (Code::Checkpoint, Some(options.init_chain_id)));
        assert!(error.message().contains(word), "{error}");
    };
    go_on(&options, &bytes).unwrap();
    refused(SampleOptions { seed: 1, ..options.clone() }, "seed");
    refused(SampleOptions { init_chain_id: 2, ..options.clone() }, "chain id");
    refused(SampleOptions { num_warmup: 51, ..options.clone() }, "num_warmup");
    refused(SampleOptions { thin: 2, ..options.clone() }, "thin");
    refused(SampleOptions { metric: MetricKind::Dense, ..options.clone() }, "metric");
    let error = go_on(&options, &bytes[..bytes.len() - 1]).unwrap_err();
    assert_eq!(error.code(), Code::Checkpoint);
}

/// The same checkpoint with one number for another wherever it stands, and the checksum of that.
fn forged(checkpoint: &[u8], number: f64, other: f64) -> Vec<u8> {
    const CHECKSUM: std::ops::Range<usize> = 20..24;
    let (number, mut bytes) = (number.to_le_bytes(), checkpoint.to_vec());
    let places: Vec<_> = (CHECKSUM.end..bytes.len() - 7).filter(|&at| bytes[at..at + 8] == number).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 8].copy_from_slice(&other.to_le_bytes());
    }
    let checksum = crc32fast::hash(&bytes[CHECKSUM.end..]).to_le_bytes();
    bytes[CHECKSUM].copy_from_slice(&checksum);
    bytes
}

#[test]
fn what_no_chain_of_a_run_has_is_refused_though_its_checksum_is_right() {
    let model = Correlated { dim: DIM, rho: 0.8 };
    for metric in [MetricKind::Unit, MetricKind::Diag, MetricKind::Dense] {
        let options = SampleOptions { num_chains: 1, num_warmup: 60, num_samples: 20, metric, ..Default::default() };
        let mut writers = vec![TableWriter::new()];
        let io = SampleIo { sample_writers: borrow(&mut writers), ..Default::default() };
        let report = sample_nuts(&model, &options, io).unwrap();
        let chain = &report.chains[0];
        let good = chain.checkpoint.as_deref().unwrap();
        let last = writers[0].column("x.2").unwrap().pop().unwrap();
        let refused = |bytes: &[u8]| {
            let io = SampleIo { checkpoints: vec![bytes], ..Default::default() };
            sample_nuts(&model, &SampleOptions { num_samples: 40, ..options.clone() }, io).map(|_| ()).unwrap_err()
        };
        for (number, other, words) in [
            (last, f64::NAN, "a position whose coordinate 1 is NaN"),
            (last, f64::NEG_INFINITY, "coordinate 1 is -inf"),
            (chain.stepsize, -1.0, "a step size of -1"),
            (chain.stepsize, f64::INFINITY, "a step size of inf"),
        ] {
            let error = refused(&forged(good, number, other));
            assert_eq!((error.code(), error.chain()), (Code::Checkpoint, Some(1)), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        let io = SampleIo { checkpoints: vec![good], ..Default::default() };
        sample_nuts(&model, &SampleOptions { num_samples: 40, ..options.clone() }, io).unwrap().status().unwrap();
    }
}
