//! A chain that goes through bytes while it runs.

use super::Correlated;
use catena::hmc::{Chain, ChainSettings, Engine, Metric, Reply, Request, Start};
use catena::model::{Density, SerialReducer, Task};
use catena::services::MetricKind;

pub const DIM: usize = 4;

/// Every kind of metric but the one that chooses among the others.
pub const METRICS: [MetricKind; 6] = [
    MetricKind::Unit,
    MetricKind::Diag,
    MetricKind::Dense,
    MetricKind::FisherDiag,
    MetricKind::FisherDense,
    MetricKind::LowRank,
];

fn settings(metric: MetricKind) -> ChainSettings {
    ChainSettings {
        metric_kind: metric,
        metric_from_gradient: true,
        seed: 11,
        chain_id: 3,
        dim: DIM,
        num_warmup: 120,
        num_samples: 60,
        metric: Metric::identity(metric, DIM).unwrap(),
        stepsize: 1.0,
        stepsize_jitter: 0.3,
        max_depth: 10,
        max_energy_error: 1000.0,
        adaptation: Some(Default::default()),
        init_radius: 2.0,
        keep_momentum: true,
    }
}

/// All draws' bits; the chain goes through bytes before each reply for which `stop` says so, given how many came before.
fn draws(engine: Engine, metric: MetricKind, mut stop: impl FnMut(u64) -> bool) -> Vec<u64> {
    let model = Correlated { dim: DIM, rho: 0.8 };
    let reducer = SerialReducer(|| ());
    let mut chain = Chain::with_engine(settings(metric), engine, Start(vec![f64::NAN; DIM]));
    let (mut out, mut momentum, mut message) = (Vec::new(), [0.0; DIM], String::new());
    let mut request = chain.resume(Reply::Continue);
    for replies in 0.. {
        if stop(replies) {
            chain = Chain::from_bytes(&chain.to_bytes()).unwrap();
            assert_eq!(chain.request(), Some(request.clone()));
        }
        request = match request {
            Request::Evaluate => {
                let (position, gradient, stream) = chain.evaluation();
                let mut task = Task::new(3, stream, &mut message, &reducer);
                let value = model.log_density_gradient(&mut (), &mut task, position, gradient).unwrap();
                chain.resume(Reply::LogDensity(value))
            }
            Request::Draw => {
                assert!(chain.momentum(&mut momentum));
                let t = chain.transition();
                // The energy is the kinetic one of the momentum kept and the potential of the draw.
                if metric == MetricKind::Unit {
                    let energy = 0.5 * momentum.iter().map(|p| p * p).sum::<f64>() - t.log_density;
                    assert!((t.energy - energy).abs() < 1e-12 * energy.abs().max(1.0));
                }
                let numbers = [t.log_density, t.accept_stat, t.stepsize, t.n_leapfrog as f64, t.energy];
                let all = chain.position().iter().chain(chain.gradient()).chain(&momentum).chain(&numbers);
                out.extend(all.map(|v| v.to_bits()));
                chain.resume(Reply::Continue)
            }
            Request::Meet(_) => unreachable!("it warms up alone"),
            Request::Done => break,
            Request::Failed(failure) => panic!("{failure}"),
            Request::Initialized | Request::WarmupDone => chain.resume(Reply::Continue),
        };
    }
    out
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

/// Whatever the places where a chain goes through bytes, its draws are the same.
pub fn check(engine: Engine) {
    for metric in METRICS {
        let reference = draws(engine, metric, |_| false);
        for (seed, every, always_before) in [(1, 50, 0), (2, 50, 0), (3, 7, 0), (4, 1, 0), (99, 3, 600)] {
            let mut random = xorshift(seed);
            let through = draws(engine, metric, |n| n < always_before || random().is_multiple_of(every));
            assert_eq!(through, reference, "{metric:?}, seed {seed}");
        }
    }
}
