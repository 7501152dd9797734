//! Starts where the density is exponentially small.

use super::common::{column, run};
use super::{Own, options};
use catena::adapt::WarmupMode;
use catena::random::{Purpose, Stream};
use catena::services::{MetricKind, Outcome, SampleOptions};
use std::sync::LazyLock;

/// An ARMA(1, 1) series with coefficients 0.9 and 0.7 and a standard deviation of 0.2.
static SERIES: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let mut random = Stream::new(23, 1, Purpose::Model);
    let (mut y, mut last) = (vec![0.0], 0.0);
    for t in 1..100 {
        let shock = 0.2 * random.normal();
        y.push(0.9 * y[t - 1] + shock + 0.7 * last);
        last = shock;
    }
    y
});

/// Mean, both coefficients and log standard deviation, with wide priors. With a moving average's coefficient above 1 the errors
/// grow from each time to the next, by 10³⁰ for 2.
fn arma(x: &[f64], g: &mut [f64]) -> f64 {
    let [mu, phi, theta, log_sigma] = [x[0], x[1], x[2], x[3]];
    let precision = (-2.0 * log_sigma).exp();
    let wide = (2.0 * log_sigma).exp() / 6.25;
    let mut value = -0.005 * mu * mu - 0.125 * (phi * phi + theta * theta) - wide.ln_1p() + log_sigma;
    g.copy_from_slice(&[-0.01 * mu, -0.25 * phi, -0.25 * theta, 1.0 - 2.0 * wide / (1.0 + wide)]);
    // The error, and its slopes along mean and coefficients.
    let (mut error, mut slopes) = (0.0, [0.0; 3]);
    for (t, y) in SERIES.iter().enumerate() {
        let before = if t == 0 { mu } else { SERIES[t - 1] };
        let own = [if t == 0 { -1.0 - phi } else { -1.0 }, -before, -error];
        slopes.iter_mut().zip(own).for_each(|(slope, own)| *slope = own - theta * *slope);
        error = y - mu - phi * before - theta * error;
        value -= log_sigma + 0.5 * precision * error * error;
        g.iter_mut().zip(slopes).for_each(|(g, slope)| *g -= precision * error * slope);
        g[3] += precision * error * error - 1.0;
    }
    value
}

#[test]
fn few_chains_from_exponentially_far_out_get_stuck() {
    let model = Own { dim: 4, log_density: arma };
    let options = SampleOptions {
        num_chains: 60,
        num_warmup: 200,
        num_samples: 100,
        ..options(MetricKind::Auto, WarmupMode::Alone)
    };
    let (report, tables) = run(&model, &options);
    for chain in &report.chains {
        assert!(matches!(chain.outcome, Outcome::Finished), "chain {}: {:?}", chain.chain_id, chain.outcome);
    }
    let means: Vec<f64> = tables.iter().map(|t| column(t, "lp__").iter().sum::<f64>() / 100.0).collect();
    let best = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let stuck = means.iter().filter(|mean| best - **mean > 10.0).count();
    // With a first metric of 1/|g| 16 are.
    assert!(stuck <= 6, "{stuck} of 60 chains are stuck");
}
