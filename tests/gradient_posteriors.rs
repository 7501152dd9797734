//! Five posteriors with metrics from draws and gradients: means and standard deviations against reference draws, few
//! gradients, and acceptance at its target.

mod common;
#[allow(dead_code)]
#[path = "../benches/gradients/models.rs"]
mod models;

use catena::adapt::{Adaptation, WarmupMode};
use catena::diagnostics::Statistic;
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
