//! Five posteriors with metrics from draws and gradients: means and standard deviations against reference draws, few
//! gradients, and acceptance at its target.

mod common;
#[allow(dead_code)]
#[path = "../benches/gradients/models.rs"]
mod models;

use catena::adapt::{Adaptation, WarmupMode};
use catena::diagnostics::Statistic;
use catena::model::{Density, Refusal, Task, WorkerError};
use catena::random::{Purpose, Stream};
use catena::services::{MetricKind, SampleOptions};
use common::{column, run, summary};
use std::path::Path;

/// The names of [`models::all`] in tests/data/posteriors.json.
const POSTERIORS: [(&str, &str); 5] = [
    ("arK", "arK-arK"),
    ("eight_schools", "eight_schools-eight_schools_noncentered"),
    ("garch", "garch-garch11"),
    ("kidscore", "kidiq-kidscore_momhsiq"),
    ("sblri", "sblri-blr"),
];
/// Gradients per effective draw, warm-up included, of the geometric mean over the posteriors.
const MOST_GRADIENTS: [(WarmupMode, f64); 2] = [(WarmupMode::Alone, 7.0), (WarmupMode::Together, 6.0)];

/// Runs of each posterior.
const SEEDS: u64 = 6;

fn references() -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/posteriors.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn options(warmup: WarmupMode, delta: f64, num_samples: usize) -> SampleOptions {
    let adaptation = Some(Adaptation { delta, warmup, ..Adaptation::stan() });
    SampleOptions {
        metric: MetricKind::Auto,
        adaptation,
        seed: 3,
        num_warmup: 200,
        num_samples,
        num_threads: 2,
        refresh: 0,
        ..SampleOptions::stan()
    }
}

#[test]
fn means_and_standard_deviations() {
    let references = references();
    for model in models::all() {
        let posterior = POSTERIORS.iter().find(|(name, _)| *name == model.name).unwrap().1;
        for warmup in [WarmupMode::Alone, WarmupMode::Together] {
            let summary = summary(&run(&model, &options(warmup, 0.8, 4000)).1);
            let mut compared = 0;
            for (name, reference) in references[posterior]["params"].as_object().unwrap() {
                let own = name.replace('[', ".").replace(']', "");
                let Some(row) = summary.rows().iter().find(|r| r.name == own) else { continue };
                let (value, given) = (|s| row.value(s), |key: &str| reference[key].as_f64().unwrap());
                let what = format!("{name} of {posterior}, {warmup:?}");
                assert!(value(Statistic::Rhat) < 1.01, "{what}");
                let error = value(Statistic::McseMean).hypot(given("mcse_mean"));
                let off = (value(Statistic::Mean) - given("mean")) / error;
                assert!(off.abs() < 4.0, "{what}: the mean is {off} standard errors off");
                // The reference's error of a standard deviation is about that of its mean.
                let error = value(Statistic::McseSd).hypot(given("mcse_mean"));
                let off = (value(Statistic::Sd) - given("sd")) / error;
                assert!(off.abs() < 5.0, "{what}: the standard deviation is {off} standard errors off");
                compared += 1;
            }
            assert!(compared >= 4, "{posterior}: {compared} parameters compared");
        }
    }
}

#[test]
fn few_gradients_and_acceptance_at_its_target() {
    for (warmup, most) in MOST_GRADIENTS {
        let delta = 0.7;
        let (mut logs, mut off) = (Vec::new(), Vec::new());
        for model in models::all() {
            let mut accepted = 0.0;
            for seed in 1..=SEEDS {
                let (report, writers) = run(&model, &SampleOptions { seed, ..options(warmup, delta, 1000) });
                let summary = summary(&writers);
                let parameters = summary.rows().iter().filter(|r| !r.name.ends_with("__"));
                let ess = parameters.map(|r| r.value(Statistic::EssBulk)).fold(f64::INFINITY, f64::min);
                let gradients: u64 = report.chains.iter().map(|c| c.warmup_gradients + c.sampling_gradients).sum();
                logs.push((gradients as f64 / ess).ln());
                let all: Vec<f64> = writers.iter().flat_map(|w| column(w, "accept_stat__")).collect();
                accepted += all.iter().sum::<f64>() / all.len() as f64 / SEEDS as f64;
            }
            off.push((accepted - delta).abs());
        }
        let mean = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
        assert!(mean < most, "{warmup:?}: {mean} gradients per effective draw");
        off.sort_by(f64::total_cmp);
        assert!(off[off.len() / 2] < 0.03, "{warmup:?}: acceptance is off by {off:?}");
    }
}

/// Five observations of a normal whose mean and log standard deviation have normal priors.
struct Simulated {
    y: [f64; 5],
}

/// Standard deviations of the priors of the mean and of the log standard deviation.
const PRIOR: [f64; 2] = [1.0, 0.5];

impl Density for Simulated {
    type Worker = ();
    fn dim(&self) -> usize {
        2
    }
    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }
    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let precision = (-2.0 * x[1]).exp();
        let n = self.y.len() as f64;
        let squares: f64 = self.y.iter().map(|y| (y - x[0]).powi(2)).sum();
        let sum: f64 = self.y.iter().map(|y| y - x[0]).sum();
        g[0] = precision * sum - x[0] / PRIOR[0].powi(2);
        g[1] = precision * squares - n - x[1] / PRIOR[1].powi(2);
        let prior = (x[0] / PRIOR[0]).powi(2) + (x[1] / PRIOR[1]).powi(2);
        Ok(-0.5 * precision * squares - n * x[1] - 0.5 * prior)
    }
}

/// Simulation-based calibration (Talts et al. 2018): true values drawn from the prior, data from these; the rank of each true
/// value among draws of its posterior is uniform if the draws are right. Chi-square over [`BINS`] bins for both parameters
/// and their product.
fn calibration(replications: u64, options: &SampleOptions) -> [f64; 3] {
    /// Draws that a rank is among, and equal bins of the ranks from 0 to that.
    const AMONG: usize = 79;
    const BINS: usize = 20;
    let mut counts = [[0u32; BINS]; 3];
    for replication in 1..=replications {
        let mut stream = Stream::new(replication, 1, Purpose::Model);
        let truth = PRIOR.map(|sd| sd * stream.normal());
        let model = Simulated { y: std::array::from_fn(|_| truth[0] + truth[1].exp() * stream.normal()) };
        let (report, writers) = run(&model, &SampleOptions { seed: replication, ..options.clone() });
        report.status().unwrap();
        let columns = ["x.1", "x.2"].map(|name| writers.iter().map(|w| column(w, name)).collect::<Vec<_>>());
        let draws = columns[0][0].len();
        // Draws that are far apart, from all chains in turn.
        let place = |i: usize| (i % writers.len(), (i / writers.len()) * writers.len() * draws / (AMONG + 1));
        let quantities = |x: [f64; 2]| [x[0], x[1], x[0] * x[1]];
        let mut ranks = [0; 3];
        for i in 0..AMONG {
            let (chain, draw) = place(i);
            let drawn = quantities([columns[0][chain][draw], columns[1][chain][draw]]);
            ranks.iter_mut().zip(drawn).zip(quantities(truth)).for_each(|((r, x), t)| *r += usize::from(x < t));
        }
        counts.iter_mut().zip(ranks).for_each(|(counts, rank)| counts[rank * BINS / (AMONG + 1)] += 1);
    }
    let expected = replications as f64 / BINS as f64;
    counts.map(|counts| counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum())
}

/// The ways of running that share what they learn, or stop on what they estimate.
fn sharing() -> [(&'static str, SampleOptions); 2] {
    let together =
        SampleOptions { num_warmup: 100, num_samples: 120, num_threads: 1, ..options(WarmupMode::Together, 0.7, 0) };
    let enough = SampleOptions { num_samples: 2000, until_ess: 200.0, ..together.clone() };
    let alone = Some(Adaptation { delta: 0.7, ..Default::default() });
    [("together", together), ("until_ess", SampleOptions { adaptation: alone, ..enough })]
}

/// The 0.999 quantile of chi-square with 19 degrees of freedom.
const UNLIKELY: f64 = 43.82;

#[test]
fn ranks_are_uniform() {
    for (name, options) in sharing() {
        let found = calibration(1000, &options);
        println!("{name}: chi-square of mean, log standard deviation and product {found:?}, 19 degrees of freedom");
        assert!(found.iter().all(|x| *x < UNLIKELY), "{name}: {found:?}");
    }
}

/// What the check would say of draws that are too narrow.
#[test]
fn ranks_show_a_posterior_that_is_too_narrow() {
    let wrong =
        SampleOptions { num_warmup: 0, adaptation: None, stepsize: 0.02, max_depth: 2, ..sharing()[0].1.clone() };
    assert!(calibration(200, &wrong).iter().any(|x| *x > UNLIKELY));
}
