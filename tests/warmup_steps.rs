//! Warm-up step by step: the step-size search, what dual averaging starts from, the draws a metric is estimated from,
//! what a chain without coordinates reports, metrics that are refused.

mod common;

use catena::adapt::Adaptation;
use catena::hmc::{Chain, ChainSettings, Metric, Reply, Request, Start};
use catena::io::{PositionInit, TableWriter};
use catena::model::{Density, Refusal, Task, WorkerError};
use catena::services::{Given, MetricKind, OptionSet, Outcome, SampleIo, SampleOptions, SampleReport, sample_nuts};
use common::bridgestan::Lines;
use common::{Correlated, bits, borrow, column, run};

fn settings(dim: usize, num_warmup: usize, metric: Metric) -> ChainSettings {
    ChainSettings {
        metric_kind: metric.kind(),
        metric_from_gradient: false,
        seed: 4,
        chain_id: 1,
        dim,
        num_warmup,
        num_samples: 1,
        metric,
        stepsize: 1.0 / 1024.0,
        stepsize_jitter: 0.0,
        max_depth: 10,
        max_energy_error: 1000.0,
        adaptation: Some(Adaptation::stan()),
        init_radius: 2.0,
        keep_momentum: false,
    }
}

/// Answers a chain on a standard normal until its next request that is no evaluation.
fn go_on(chain: &mut Chain) -> Request {
    let mut request = match chain.request() {
        Some(Request::Evaluate) => Request::Evaluate,
        _ => chain.resume(Reply::Continue),
    };
    while request == Request::Evaluate {
        let (position, gradient, _) = chain.evaluation();
        for (g, x) in gradient.iter_mut().zip(position) {
            *g = -x;
        }
        let value = -0.5 * position.iter().map(|x| x * x).sum::<f64>();
        request = chain.resume(Reply::LogDensity(value));
    }
    request
}

#[test]
fn dual_averaging_starts_from_the_step_size_that_the_search_found() {
    let mut chain = Chain::new(settings(3, 20, Metric::unit()), Start(vec![f64::NAN; 3]));
    assert_eq!(go_on(&mut chain), Request::Initialized);
    assert_eq!(go_on(&mut chain), Request::Draw);
    let t = *chain.transition();
    // A power of two from the one given, far from it.
    assert!(t.stepsize > 0.1 && t.stepsize.log2().fract() == 0.0, "{}", t.stepsize);
    // One step of dual averaging towards ten times that: eta = 1 / (1 + t0).
    let expected = (10.0 * t.stepsize).ln() - (0.8 - t.accept_stat) / 11.0 / 0.05;
    assert!((chain.stepsize().ln() - expected).abs() < 1e-12);
}

#[test]
fn the_metric_is_estimated_from_the_draws_of_its_window() {
    let dim = 3;
    for dense in [false, true] {
        let metric = if dense { Metric::dense_identity(dim).unwrap() } else { Metric::diag(&[1.0; 3]).unwrap() };
        // One window, from iteration 75 to 99.
        let mut chain = Chain::new(settings(dim, 150, metric), Start(vec![3.0; 3]));
        let mut draws: Vec<Vec<f64>> = Vec::new();
        loop {
            match go_on(&mut chain) {
                Request::Draw if chain.transition().iteration < 150 => draws.push(chain.position().to_vec()),
                Request::WarmupDone => break,
                _ => {}
            }
        }
        let window = &draws[75..100];
        let n = window.len() as f64;
        let mean = |i: usize| window.iter().map(|d| d[i]).sum::<f64>() / n;
        let covariance = |i: usize, j: usize| {
            let sum: f64 = window.iter().map(|d| (d[i] - mean(i)) * (d[j] - mean(j))).sum();
            sum / (n - 1.0) * n / (n + 5.0) + if i == j { 1e-3 * 5.0 / (n + 5.0) } else { 0.0 }
        };
        let expected: Vec<f64> = if dense {
            (0..9).map(|k| covariance(k / 3, k % 3)).collect()
        } else {
            (0..3).map(|i| covariance(i, i)).collect()
        };
        let got = chain.metric().inverse();
        assert_eq!(got.len(), expected.len());
        for (a, b) in got.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-12, "{got:?}, expected {expected:?}");
        }
    }
}

/// A log density that is the same everywhere.
struct Flat(usize);

impl Density for Flat {
    type Worker = ();

    fn dim(&self) -> usize {
        self.0
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, _: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        g.fill(0.0);
        Ok(-1.5)
    }
}

#[test]
fn the_search_gives_up_at_ten_million() {
    let options = SampleOptions { num_chains: 1, num_warmup: 10, num_samples: 1, ..SampleOptions::stan() };
    let report = sample_nuts(&Flat(1), &options, SampleIo::default()).unwrap();
    let Outcome::Failed(error) = &report.chains[0].outcome else { panic!("must fail") };
    // The first power of two above 10^7.
    assert!(error.message().contains("steps of size 16777216 are still accepted"), "{error}");
}

#[test]
fn a_model_without_coordinates_reports_its_energy() {
    let mut writers = vec![TableWriter::new()];
    let io = SampleIo { sample_writers: borrow(&mut writers), ..Default::default() };
    let options = SampleOptions { num_chains: 1, num_warmup: 2, num_samples: 5, ..SampleOptions::stan() };
    sample_nuts(&Flat(0), &options, io).unwrap().status().unwrap();
    for (name, expected) in [("lp__", -1.5), ("accept_stat__", 1.0), ("energy__", 1.5), ("divergent__", 0.0)] {
        assert_eq!(column(&writers[0], name), [expected; 5], "{name}");
    }
}

#[test]
fn the_same_draws_in_every_version() {
    let model = Correlated { dim: 2, rho: 0.5 };
    let init = PositionInit::new(&[0.5, 1.5]).unwrap();
    let mut writers = vec![TableWriter::new()];
    let options = SampleOptions {
        num_chains: 1,
        num_warmup: 0,
        num_samples: 4,
        adaptation: None,
        stepsize: 0.4,
        seed: 17,
        ..SampleOptions::stan()
    };
    let io = SampleIo { inits: vec![&init], sample_writers: borrow(&mut writers), ..Default::default() };
    sample_nuts(&model, &options, io).unwrap().status().unwrap();
    let expected: [f64; 4] = DRAWS;
    for (got, expected) in column(&writers[0], "x.1").iter().zip(expected) {
        assert!((got - expected).abs() < 1e-9, "{:?}", column(&writers[0], "x.1"));
    }
}

/// Seed 17, chain 1, written down when the streams were.
const DRAWS: [f64; 4] =
    [1.580_847_004_012_005_5, 0.828_852_242_638_575_6, 0.805_336_799_697_405_1, 0.652_514_407_800_350_1];

#[test]
fn dense_metrics_are_checked() {
    let refused = |dim: usize, covariance: &[f64]| Metric::dense(dim, covariance).err().map(|e| e.to_string());
    // Symmetric within 1e-8 of the size of the variances, whatever their scale.
    assert_eq!(refused(2, &[100.0, 50.0, 50.0 + 5e-7, 100.0]), None);
    assert!(refused(2, &[0.01, 0.005, 0.005 + 5e-10, 0.01]).unwrap().contains("mirror image"));
    assert_eq!(refused(2, &[1e4, 0.0, 5e-9, 1e-4]), None);
    // The size is that of both coordinates.
    let three = [1.0, 0.0, 0.0, 0.0, 1e-6, 1e-13, 0.0, 0.0, 1e-6];
    assert!(refused(3, &three).unwrap().contains("inv_metric[2][1]"));
    assert_eq!(refused(3, &[1e-6, 0.0, 0.0, 0.0, 1.0, 5e-9, 0.0, 0.0, 1.0]), None);
    for bad in [f64::NAN, f64::INFINITY] {
        for at in [1, 2] {
            let mut covariance = [1.0, 0.0, 0.0, 1.0];
            covariance[at] = bad;
            let message = refused(2, &covariance).unwrap();
            assert!(message.contains("'inv_metric[1][0]': expected a finite number"), "{message}");
        }
    }
    let message = refused(2, &[1.0, f64::NEG_INFINITY, 2.0, 1.0]).unwrap();
    assert!(message.ends_with("got -inf"), "{message}");
    let message = refused(2, &[1.0, 0.0, f64::INFINITY, 1.0]).unwrap();
    assert!(message.ends_with("got inf"), "{message}");
    assert!(refused(1, &[0.0]).unwrap().contains("positive definite"));
}

#[test]
fn a_checkpoint_of_another_metric_is_refused() {
    let model = Correlated { dim: 2, rho: 0.5 };
    let options = SampleOptions { num_chains: 1, num_warmup: 0, num_samples: 5, ..SampleOptions::stan() };
    let (first, second) = ([1.0, 2.0], [1.0, 3.0]);
    let run = |metric: &[f64], checkpoint: &[u8]| {
        let io = SampleIo { inv_metrics: vec![metric], checkpoints: vec![checkpoint], ..Default::default() };
        sample_nuts(&model, &options, io)
    };
    let checkpoint = run(&first, &[]).unwrap().chains.remove(0).checkpoint.unwrap();
    run(&first, &checkpoint).unwrap().status().unwrap();
    let error = run(&second, &checkpoint).unwrap_err();
    assert!(error.message().contains("initial metric"), "{error}");
    assert_eq!(options.metric, MetricKind::Diag);
}

#[test]
fn a_chain_knows_the_memory_of_its_metric() {
    let dim = 64;
    let bytes = |metric| Chain::new(settings(dim, 0, metric), Start(vec![0.0; dim])).bytes();
    let unit = bytes(Metric::unit());
    // Variances and standard deviations, with padding.
    let diag = bytes(Metric::diag(&vec![1.0; dim]).unwrap()) - unit;
    assert!((2 * 8 * dim..2 * 8 * (dim + 24)).contains(&diag), "{diag}");
    // The matrix, its factor, and positions and gradients in the sampler's coordinates.
    let dense = bytes(Metric::dense_identity(dim).unwrap()) - unit;
    let least = 8 * (2 * dim * dim + 12 * dim);
    assert!((least..least + 8 * (dim + 14) * 16).contains(&dense), "{dense}, at least {least}");
}

/// A normal coordinate, and one that is narrow about its square: steep where the first is far from 0.
struct Banana;

impl Density for Banana {
    type Worker = ();
    fn dim(&self) -> usize {
        2
    }
    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }
    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let off = x[1] - x[0] * x[0];
        g[0] = -x[0] + 8.0 * off * x[0];
        g[1] = -4.0 * off;
        Ok(-0.5 * x[0] * x[0] - 2.0 * off * off)
    }
}

/// So many bananas that the target of some of them rises.
const CHAINS: usize = 8;

/// Options by their names.
fn named(options: &[(&str, &str)]) -> SampleOptions {
    let mut set = OptionSet::default();
    let chains = CHAINS.to_string();
    let common =
        [("seed", "3"), ("num_chains", &*chains), ("num_samples", "500"), ("refresh", "0"), ("num_threads", "2")];
    common.iter().chain(options).for_each(|(name, text)| set.set(name, Given::Text(text)).unwrap());
    set.options()
}

#[test]
fn the_target_rises_where_transitions_diverge() {
    let deltas = |report: &SampleReport| report.chains.iter().map(|c| c.delta.unwrap()).collect::<Vec<_>>();
    let lines = Lines::default();
    let mut writers = vec![TableWriter::new(); CHAINS];
    let io = SampleIo { sample_writers: borrow(&mut writers), logger: &lines, ..Default::default() };
    let report = sample_nuts(&Banana, &named(&[]), io).unwrap();
    let risen = deltas(&report);
    assert!(risen.iter().filter(|delta| **delta > 0.7).count() >= 2, "{risen:?}");
    let lines = lines.take();
    for (i, delta) in risen.iter().enumerate() {
        let told = format!("so delta rose from 0.7 to {delta}");
        let in_file = writers[i].messages().iter().filter(|line| line.contains(&told)).count();
        let chain = report.chains[i].chain_id;
        let in_log = lines.iter().filter(|(_, id, line)| *id == Some(chain) && line.contains(&told)).count();
        let expected = usize::from(*delta > 0.7);
        assert_eq!((in_file, in_log), (expected, expected), "chain {chain}, {delta}");
    }
    // A target that is given stays, unless it is to rise; then fewer transitions diverge.
    let (kept, _) = run(&Banana, &named(&[("delta", "0.7")]));
    assert_eq!(deltas(&kept), [0.7; CHAINS]);
    let asked = run(&Banana, &named(&[("delta", "0.7"), ("raise_delta", "true")]));
    assert!(asked.1.iter().map(bits).eq(writers.iter().map(bits)));
    let of_risen = |r: &SampleReport| {
        r.chains.iter().zip(&risen).filter(|(_, delta)| **delta > 0.7).map(|(c, _)| c.divergences).sum::<u64>()
    };
    let (few, many) = (of_risen(&report), of_risen(&kept));
    assert!(many > 20 && 2 * few < many, "{few} {many}, {risen:?}");
    // Together all have one target. Stan's stays.
    let together = deltas(&run(&Banana, &named(&[("warmup", "together")])).0);
    assert!(together[0] > 0.7 && together == [together[0]; CHAINS], "{together:?}");
    assert_eq!(deltas(&run(&Banana, &named(&[("preset", "stan"), ("raise_delta", "true")])).0), [0.8; CHAINS]);
}

#[test]
fn a_target_that_may_rise_changes_nothing_where_nothing_diverges() {
    let model = Correlated { dim: 3, rho: 0.5 };
    let (report, may) = run(&model, &named(&[]));
    let may_not = run(&model, &named(&[("raise_delta", "false")])).1;
    assert!(may.iter().map(bits).eq(may_not.iter().map(bits)));
    assert!(report.chains.iter().all(|c| c.delta == Some(0.7)));
}

#[test]
fn runs_whose_target_rises_have_the_same_bits_however_they_run() {
    for warmup in ["alone", "together"] {
        let options = named(&[("warmup", warmup), ("num_samples", "50")]);
        let (report, two) = run(&Banana, &options);
        assert!(report.chains.iter().any(|c| c.delta > Some(0.7)));
        let one = run(&Banana, &SampleOptions { num_threads: 1, ..options.clone() }).1;
        assert!(one.iter().map(bits).eq(two.iter().map(bits)), "{warmup}");
        // Stopped in the midst of warm-up and gone on with.
        let part =
            sample_nuts(&Banana, &SampleOptions { max_evaluations: 700, ..options.clone() }, SampleIo::default());
        let saved: Vec<Vec<u8>> = part.unwrap().chains.into_iter().map(|c| c.checkpoint.unwrap()).collect();
        let mut writers = vec![TableWriter::new(); CHAINS];
        let checkpoints = saved.iter().map(Vec::as_slice).collect();
        let io = SampleIo { sample_writers: borrow(&mut writers), checkpoints, ..Default::default() };
        let rest = sample_nuts(&Banana, &options, io).unwrap();
        rest.status().unwrap();
        assert!(writers.iter().map(bits).eq(two.iter().map(bits)), "{warmup}");
        assert!(rest.chains.iter().zip(&report.chains).all(|(a, b)| a.delta == b.delta));
    }
}
