//! Chains stopped at random places go on with the same bits.

mod common;

use catena::hmc::{Chain, ChainSettings, Metric, Reply, Request, Start};
use catena::io::TableWriter;
use catena::model::{Density, SerialReducer, Task};
use catena::services::{MetricKind, Outcome, SampleIo, SampleOptions, sample_nuts};
use catena::{Code, Error};
use common::{Correlated, bits, borrow};

const DIM: usize = 4;
const NUM_WARMUP: usize = 120;
const NUM_SAMPLES: usize = 60;

fn settings(metric: MetricKind) -> ChainSettings {
    ChainSettings {
        seed: 11,
        chain_id: 3,
        dim: DIM,
        num_warmup: NUM_WARMUP,
        num_samples: NUM_SAMPLES,
        metric: match metric {
            MetricKind::Unit => Metric::unit(),
            MetricKind::Diag => Metric::diag(&[1.0; DIM]).unwrap(),
            MetricKind::Dense => Metric::dense_identity(DIM).unwrap(),
        },
        stepsize: 1.0,
        stepsize_jitter: 0.3,
        max_depth: 10,
        max_energy_error: 1000.0,
        adaptation: Some(Default::default()),
        init_radius: 2.0,
        keep_momentum: true,
    }
}

/// All draws' bits; after each evaluation for which `stop` says so the chain goes through bytes.
fn draws(metric: MetricKind, mut stop: impl FnMut(u64) -> bool) -> Vec<u64> {
    let model = Correlated { dim: DIM, rho: 0.8 };
    let reducer = SerialReducer(|| ());
    let mut chain = Chain::new(settings(metric), Start(vec![f64::NAN; DIM]));
    let (mut out, mut momentum, mut evaluations) = (Vec::new(), [0.0; DIM], 0);
    let mut request = chain.resume(Reply::Continue);
    loop {
        request = match request {
            Request::Evaluate => {
                evaluations += 1;
                if stop(evaluations) {
                    chain = Chain::from_bytes(&chain.to_bytes()).unwrap();
                    assert_eq!(chain.request(), Some(Request::Evaluate));
                }
                let mut message = String::new();
                let (position, gradient, stream) = chain.evaluation();
                let mut task = Task::new(3, stream, &mut message, &reducer);
                let value = model.log_density_gradient(&mut (), &mut task, position, gradient).unwrap();
                let request = chain.resume(Reply::LogDensity(value));
                if stop(u64::MAX - evaluations) {
                    chain = Chain::from_bytes(&chain.to_bytes()).unwrap();
                    assert_eq!(chain.request(), Some(request.clone()));
                }
                request
            }
            Request::Draw => {
                assert!(chain.momentum(&mut momentum));
                let t = chain.transition();
                let numbers = [t.log_density, t.accept_stat, t.stepsize, t.n_leapfrog as f64, t.energy];
                let all = chain.position().iter().chain(chain.gradient()).chain(&momentum).chain(&numbers);
                out.extend(all.map(|v| v.to_bits()));
                chain.resume(Reply::Continue)
            }
            Request::Done => return out,
            Request::Failed(failure) => panic!("{failure}"),
            Request::Initialized | Request::WarmupDone => chain.resume(Reply::Continue),
        };
    }
}

/// A small generator of test decisions.
fn xorshift(seed: u64) -> impl FnMut() -> u64 {
    let mut s = seed;
    move || {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        s
    }
}

#[test]
fn a_chain_goes_through_bytes_at_random_places() {
    for metric in [MetricKind::Unit, MetricKind::Diag, MetricKind::Dense] {
        let reference = draws(metric, |_| false);
        for seed in 1..4 {
            let mut random = xorshift(seed);
            assert_eq!(draws(metric, |_| random().is_multiple_of(50)), reference, "{metric:?}, seed {seed}");
        }
        let mut random = xorshift(99);
        let sparse = draws(metric, |n| n < 300 || random().is_multiple_of(3));
        assert_eq!(sparse, reference, "{metric:?}, at every early evaluation");
    }
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
        num_warmup: NUM_WARMUP,
        num_samples: NUM_SAMPLES,
        seed: 5,
        num_threads: 2,
        save_warmup: true,
        ..Default::default()
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
    let options = SampleOptions { num_chains: 2, num_warmup: 100, num_samples: 30, seed: 5, ..Default::default() };
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

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let model = Correlated { dim: DIM, rho: 0.5 };
    let options = SampleOptions { num_chains: 1, num_warmup: 50, num_samples: 5, ..Default::default() };
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
