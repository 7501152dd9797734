//! What runs begin with: the values of a preset, the ends of another run, random starts.

mod common;

use catena::adapt::Adaptation;
use catena::hmc::{Chain, ChainSettings, Engine, Metric, Reply, Request, Start};
use catena::io::{CsvWriter, Writer};
use catena::random::{Purpose, Stream};
use catena::services::{
    Given, MetricKind, OptionSet, Outcome, SampleIo, SampleOptions, SampleReport, WarmStart, sample_nuts,
};
use common::Correlated;
use common::by_hand::settings;

const MODEL: Correlated = Correlated { dim: 6, rho: 0.9 };
const KINDS: [MetricKind; 5] =
    [MetricKind::Diag, MetricKind::Dense, MetricKind::FisherDiag, MetricKind::FisherDense, MetricKind::LowRank];

fn options(metric: MetricKind) -> SampleOptions {
    SampleOptions {
        metric,
        num_warmup: 300,
        num_samples: 100,
        num_chains: 2,
        seed: 5,
        refresh: 0,
        ..SampleOptions::stan()
    }
}

fn ends(report: &SampleReport) -> Vec<Option<WarmStart>> {
    let bytes = report.chains.iter().map(|chain| chain.checkpoint.as_ref().expect("a finished chain has one"));
    bytes.map(|bytes| Some(WarmStart::from_checkpoint(bytes).unwrap())).collect()
}

fn run_from(options: &SampleOptions, from: Vec<Option<WarmStart>>) -> SampleReport {
    sample_nuts(&MODEL, options, SampleIo { from, ..Default::default() }).unwrap()
}

#[test]
fn a_run_begins_with_position_metric_and_step_size_of_the_other() {
    for kind in KINDS {
        let first = run_from(&options(kind), Vec::new());
        let from = ends(&first);
        for (chain, end) in first.chains.iter().zip(from.iter().flatten()) {
            assert_eq!((end.stepsize, &end.inv_metric), (chain.stepsize, &chain.inv_metric), "{kind:?}");
        }
        // Without warm-up nothing changes them.
        let still = SampleOptions { num_warmup: 0, seed: 6, ..options(kind) };
        let second = run_from(&still, from.clone());
        for (a, b) in first.chains.iter().zip(&second.chains) {
            assert_eq!((a.stepsize, &a.inv_metric), (b.stepsize, &b.inv_metric), "{kind:?}");
        }
        // A short warm-up leaves the metric alone.
        let short = run_from(&SampleOptions { num_warmup: 50, ..still.clone() }, from.clone());
        let kept = first.chains.iter().zip(&short.chains).all(|(a, b)| a.inv_metric == b.inv_metric);
        let moved = first.chains.iter().zip(&short.chains).all(|(a, b)| a.stepsize != b.stepsize);
        assert!(kept && moved, "{kind:?}");
        // A long one learns it anew.
        let long = run_from(&SampleOptions { num_warmup: 200, ..still.clone() }, from.clone());
        assert!(first.chains.iter().zip(&long.chains).all(|(a, b)| a.inv_metric != b.inv_metric), "{kind:?}");
        // What is given wins.
        let given = SampleOptions { stepsize: 0.01, adaptation: None, ..still };
        assert!(run_from(&given, from).chains.iter().all(|chain| chain.stepsize == 0.01));
    }
}

#[test]
fn a_chain_without_an_end_is_the_chain_of_a_run_without() {
    let plain = run_from(&options(MetricKind::FisherDiag), Vec::new());
    let mixed = run_from(&options(MetricKind::FisherDiag), vec![None, ends(&plain)[1].clone()]);
    assert_eq!(mixed.chains[0].inv_metric, plain.chains[0].inv_metric);
    assert_ne!(mixed.chains[1].inv_metric, plain.chains[1].inv_metric);
}

#[test]
fn chains_take_the_ends_in_turn() {
    let first = run_from(&options(MetricKind::FisherDiag), Vec::new());
    let still = SampleOptions { num_warmup: 0, ..options(MetricKind::FisherDiag) };
    let next = run_from(&still, ends(&first)[..1].to_vec());
    for (chain, of) in next.chains.iter().zip([0, 0]) {
        assert_eq!(chain.inv_metric, first.chains[of].inv_metric);
    }
}

#[test]
fn ends_of_other_models_and_chains_without_draws_are_refused() {
    let first = run_from(&options(MetricKind::FisherDense), Vec::new());
    let small = Correlated { dim: 5, rho: 0.9 };
    let io = SampleIo { from: ends(&first), ..Default::default() };
    let error = sample_nuts(&small, &options(MetricKind::FisherDense), io).unwrap_err();
    assert_eq!((error.argument_name(), error.chain()), (Some("from"), Some(1)), "{error}");
    let begun = SampleOptions { max_evaluations: 1, ..options(MetricKind::Diag) };
    let stopped = run_from(&begun, Vec::new());
    assert!(stopped.chains.iter().all(|chain| chain.outcome == Outcome::Stopped));
    let error = WarmStart::from_checkpoint(stopped.chains[0].checkpoint.as_ref().unwrap()).unwrap_err();
    assert!(error.to_string().contains("a chain with draws"), "{error}");
    assert!(WarmStart::from_checkpoint(b"no checkpoint").is_err());
}

#[test]
fn a_warm_started_run_is_resumed_with_the_same_ends() {
    let from = ends(&run_from(&options(MetricKind::FisherDense), Vec::new()));
    let adaptation = Some(Adaptation { delta: 0.7, ..Adaptation::stan() });
    let options = SampleOptions { num_warmup: 50, seed: 9, adaptation, ..options(MetricKind::FisherDense) };
    let whole = run_from(&options, from.clone());
    let half = run_from(&SampleOptions { max_evaluations: 150, ..options.clone() }, from.clone());
    let checkpoints = || half.chains.iter().map(|chain| chain.checkpoint.as_deref().unwrap()).collect();
    let io = SampleIo { from, checkpoints: checkpoints(), ..Default::default() };
    let rest = sample_nuts(&MODEL, &options, io).unwrap();
    assert!(whole.chains.iter().zip(&rest.chains).all(|(a, b)| a.stepsize.to_bits() == b.stepsize.to_bits()));
    let error =
        sample_nuts(&MODEL, &options, SampleIo { checkpoints: checkpoints(), ..Default::default() }).unwrap_err();
    assert!(error.to_string().contains("the checkpoint's"), "{error}");
}

/// What Stan's services take, and what is theirs where nothing is said.
const STANS: [(&str, &str); 17] = [
    ("metric", "diag_e"),
    ("num_warmup", "1000"),
    ("num_samples", "1000"),
    ("delta", "0.8"),
    ("gamma", "0.05"),
    ("kappa", "0.75"),
    ("t0", "10"),
    ("init_buffer", "75"),
    ("term_buffer", "50"),
    ("window", "25"),
    ("stepsize", "1"),
    ("stepsize_jitter", "0"),
    ("max_depth", "10"),
    ("init_radius", "2"),
    ("thin", "1"),
    ("adapt", "true"),
    ("warmup", "alone"),
];

fn set(options: &[(&str, &str)]) -> OptionSet {
    let mut set = OptionSet::default();
    options.iter().for_each(|(name, text)| set.set(name, Given::Text(text)).unwrap());
    set
}

/// The bytes of a chain's file, but for the lines that tell how long it took.
fn file(options: &SampleOptions) -> Vec<String> {
    let mut bytes = Vec::new();
    let mut writer = CsvWriter::new(&mut bytes, 0).unwrap();
    let io = SampleIo { sample_writers: vec![&mut writer as &mut dyn Writer], ..Default::default() };
    sample_nuts(&MODEL, &SampleOptions { num_chains: 1, seed: 3, ..options.clone() }, io).unwrap().status().unwrap();
    drop(writer);
    let text = String::from_utf8(bytes).unwrap();
    text.lines().filter(|line| !line.contains("seconds")).map(str::to_string).collect()
}

#[test]
fn the_preset_of_stan_is_stans_defaults_to_the_byte() {
    let stan = file(&set(&[("preset", "stan")]).options());
    assert!(stan.len() > 1000 && stan.iter().any(|line| line.contains("Diagonal elements")));
    for mut spelt in [STANS.to_vec(), STANS.into_iter().rev().collect()] {
        // In any place, before and after what is given.
        for (place, preset) in [(0, "catena"), (9, "stan"), (17, "catena")] {
            spelt.insert(place, ("preset", preset));
            assert!(file(&set(&spelt).options()) == stan, "preset={preset} at {place}");
            spelt.remove(place);
        }
    }
    assert!(file(&SampleOptions::stan()) == stan);
    assert!(file(&set(&[("preset", "catena")]).options()) != stan);
}

/// A normal whose log density falls exponentially beyond a few standard deviations: of random starts one in ten is above
/// -1000, the farthest have -10^10.
fn falling(x: &[f64], g: &mut [f64]) -> f64 {
    const STEEP: f64 = 12.0;
    for (x, g) in x.iter().zip(g.iter_mut()) {
        *g = -STEEP * (STEEP * x).sinh();
    }
    -x.iter().map(|x| (STEEP * x).cosh()).sum::<f64>()
}

const COORDINATES: usize = 2;
const SEED: u64 = 20_262;

/// A chain of [`falling`] that warms up with metrics of this kind, asked for its first evaluation.
fn chain_of_falling(chain_id: u64, metric_kind: MetricKind, start: [f64; COORDINATES]) -> Chain {
    let settings = ChainSettings {
        seed: SEED,
        num_warmup: 100,
        metric: Metric::unit(),
        metric_kind,
        metric_from_gradient: metric_kind.is_fisher(),
        adaptation: Some(Adaptation::stan()),
        keep_momentum: false,
        ..settings(chain_id, &[1.0, 0.0, 0.0, 1.0], 1.0, 10)
    };
    let mut chain = Chain::with_engine(settings, Engine::Nuts, Start(start.to_vec()));
    assert_eq!(chain.resume(Reply::Continue), Request::Evaluate);
    chain
}

/// Where the chain sets out, and after how many evaluations; it goes through bytes before each answer. Of the starts those are
/// refused whose place in the order of the evaluations is in `refused`.
fn sets_out(mut chain: Chain, refused: std::ops::Range<usize>) -> (Vec<f64>, usize) {
    for evaluation in 0.. {
        chain = Chain::from_bytes(&chain.to_bytes()).unwrap();
        let (position, gradient, _) = chain.evaluation();
        let value = falling(position, gradient);
        let reply = if refused.contains(&evaluation) { Reply::Rejected } else { Reply::LogDensity(value) };
        match chain.resume(reply) {
            Request::Initialized => return (chain.position().to_vec(), evaluation + 1),
            Request::Evaluate => {}
            other => panic!("{other:?}"),
        }
    }
    unreachable!()
}

#[test]
fn random_starts_that_are_exponentially_far_out_give_way() {
    const LOOKS: usize = 20;
    const FAR: f64 = -1000.0;
    let nowhere = [f64::NAN; COORDINATES];
    let log_density = |x: &Vec<f64>| falling(x, &mut [0.0; COORDINATES]);
    let (mut ordinary, mut best_of_far) = (0, 0);
    for id in 1..=60 {
        let mut stream = Stream::new(SEED, id, Purpose::Init);
        let mut drawn = || -> Vec<f64> { (0..COORDINATES).map(|_| stream.uniform_between(-2.0, 2.0)).collect() };
        let starts: Vec<Vec<f64>> = (0..LOOKS).map(|_| drawn()).collect();
        // The first that is not far out, or the one that no later one was ten times better than.
        let near = starts.iter().position(|x| log_density(x) >= FAR);
        let kept = (1..LOOKS)
            .fold(0, |kept, i| if log_density(&starts[i]) * 10.0 > log_density(&starts[kept]) { i } else { kept });
        let (at, evaluations) = sets_out(chain_of_falling(id, MetricKind::Auto, nowhere), 0..0);
        match near {
            Some(near) => {
                assert_eq!((&at, evaluations), (&starts[near], near + 1), "chain {id}");
                ordinary += 1;
            }
            None => {
                let again = usize::from(kept + 1 < LOOKS);
                assert_eq!((&at, evaluations), (&starts[kept], LOOKS + again), "chain {id}");
                best_of_far += 1;
            }
        }
        // Stan's sets out from the first.
        let (at, evaluations) = sets_out(chain_of_falling(id, MetricKind::Diag, nowhere), 0..0);
        assert_eq!((&at, evaluations), (&starts[0], 1), "chain {id}");
        // Refusals beside a start that is kept are no failure, and before one they are as ever.
        if near.is_none_or(|near| near > 1) {
            let (at, _) = sets_out(chain_of_falling(id, MetricKind::Auto, nowhere), 1..LOOKS);
            assert_eq!(at, starts[0], "chain {id}");
            let (at, _) = sets_out(chain_of_falling(id, MetricKind::Auto, nowhere), 0..1);
            match near {
                Some(near) => assert_eq!(at, starts[near], "chain {id}"),
                None => assert!(log_density(&at) >= 10.0 * log_density(&starts[kept.max(1)]), "chain {id}"),
            }
        }
    }
    assert!(ordinary > 20 && best_of_far > 2, "{ordinary} and {best_of_far}");
}

#[test]
fn what_is_given_is_where_a_chain_sets_out_however_far() {
    let far = [1.9, -1.9];
    assert_eq!(sets_out(chain_of_falling(1, MetricKind::Auto, far), 0..0), (far.to_vec(), 1));
    // What isn't given is drawn.
    let looks: Vec<usize> = (1..=10)
        .map(|id| {
            let (at, evaluations) = sets_out(chain_of_falling(id, MetricKind::Auto, [0.01, f64::NAN]), 0..0);
            assert!(at[0] == 0.01 && falling(&at, &mut [0.0; COORDINATES]) >= -1000.0, "{at:?}");
            evaluations
        })
        .collect();
    assert!(looks.iter().any(|looks| *looks > 1), "{looks:?}");
}
