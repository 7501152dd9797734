use crate::target::Target;
use catena::hmc::{Chain, ChainSettings, Metric, MetricKind, Reply, Request, Start};
use std::time::Instant;

pub const WARMUP: usize = 1000;

/// Answers the chain's requests until a draw is complete; true until the chain is done.
fn draw(chain: &mut Chain, target: Target) -> bool {
    let mut reply = Reply::Continue;
    loop {
        match chain.resume(reply) {
            Request::Evaluate => {
                let (position, gradient, _) = chain.evaluation();
                reply = Reply::LogDensity(target.log_density_gradient(position, gradient));
            }
            Request::Draw => return true,
            Request::Meet(_) => unreachable!("it warms up alone"),
            Request::Done => return false,
            Request::Failed(failure) => panic!("{failure}"),
            Request::Initialized | Request::WarmupDone => reply = Reply::Continue,
        }
    }
}

pub fn ns_per_leapfrog(target: Target, dim: usize, draws: usize, seed: u64) -> f64 {
    let settings = ChainSettings {
        metric_kind: MetricKind::Diag,
        metric_from_gradient: false,
        seed,
        chain_id: 1,
        dim,
        num_warmup: WARMUP,
        num_samples: draws,
        metric: Metric::diag(&vec![1.0; dim]).unwrap(),
        stepsize: 1.0,
        stepsize_jitter: 0.0,
        max_depth: 10,
        max_energy_error: 1000.0,
        adaptation: Some(Default::default()),
        init_radius: 2.0,
        keep_momentum: false,
    };
    let mut chain = Chain::new(settings, Start(vec![0.1; dim]));
    for _ in 0..WARMUP {
        draw(&mut chain, target);
    }
    let start = Instant::now();
    let mut steps = 0;
    for _ in 0..draws {
        draw(&mut chain, target);
        steps += chain.transition().n_leapfrog;
    }
    if std::env::var_os("VERBOSE").is_some() {
        println!("  d={dim} stepsize={:.3} leapfrogs/draw={:.2}", chain.stepsize(), steps as f64 / draws as f64);
    }
    start.elapsed().as_nanos() as f64 / steps as f64
}
