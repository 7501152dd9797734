//! What a leapfrog step takes with a low-rank metric and with a diagonal one, in pairs, on a standard normal.

use catena::adapt::LowRank;
use catena::hmc::{Chain, ChainSettings, Metric, MetricKind, Reply, Request, Start};
use std::time::Instant;

const ROUNDS: usize = 15;
/// Leapfrog steps times coordinates of one measurement, about.
const WORK: usize = 20_000_000;

pub fn print() {
    // All dimensions are multiples of eight.
    println!("ns per leapfrog step, the normal's gradient included: d, k, diagonal, low rank, ratio (median of pairs)");
    for (dim, count) in [(104, 20), (1000, 5), (1000, 10), (1000, 20), (1000, 32), (10_000, 20)] {
        let mut pairs: Vec<(f64, f64)> = (0..ROUNDS)
            .map(|_| {
                let diagonal = time(dim, Metric::diag(&vec![1.0; dim]).expect("a metric"));
                (diagonal, time(dim, low_rank(dim, count)))
            })
            .collect();
        pairs.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
        let (diagonal, low_rank) = pairs[ROUNDS / 2];
        println!("{dim:>6} {count:>3} {diagonal:>9.0} {low_rank:>9.0} {:>6.2}", low_rank / diagonal);
    }
}

/// Directions that are blocks of coordinates.
fn low_rank(dim: usize, count: usize) -> Metric {
    let block = dim / count;
    let mut vectors = vec![0.0; count * dim];
    for j in 0..count {
        vectors[j * dim + j * block..][..block].fill(1.0 / (block as f64).sqrt());
    }
    Metric::low_rank(dim, &LowRank { variances: vec![1.0; dim], values: vec![1.5; count], vectors }).expect("a metric")
}

fn time(dim: usize, metric: Metric) -> f64 {
    let settings = ChainSettings {
        metric_kind: MetricKind::Unit,
        metric_from_gradient: false,
        seed: 1,
        chain_id: 1,
        dim,
        num_warmup: 0,
        num_samples: usize::MAX / 2,
        metric,
        stepsize: 0.05,
        stepsize_jitter: 0.0,
        max_depth: 6,
        max_energy_error: 1000.0,
        adaptation: None,
        init_radius: 2.0,
        keep_momentum: false,
    };
    let mut chain = Chain::new(settings, Start(vec![0.1; dim]));
    let mut reply = Reply::Continue;
    let (mut steps, mut start) = (0, Instant::now());
    // The first tenth warms caches.
    let most = WORK / dim;
    while steps < most {
        reply = match chain.resume(reply) {
            Request::Evaluate => {
                let (position, gradient, _) = chain.evaluation();
                // Eight sums, or the gradient would take longer than the step.
                let mut sums = [0.0; 8];
                for (g, x) in gradient.as_chunks_mut::<8>().0.iter_mut().zip(position.as_chunks::<8>().0) {
                    for ((g, x), sum) in g.iter_mut().zip(x).zip(&mut sums) {
                        *g = -x;
                        *sum += x * x;
                    }
                }
                let sum: f64 = sums.iter().sum();
                steps += 1;
                if steps == most / 10 {
                    start = Instant::now();
                }
                Reply::LogDensity(-0.5 * sum)
            }
            _ => Reply::Continue,
        };
    }
    start.elapsed().as_nanos() as f64 / (most - most / 10) as f64
}
