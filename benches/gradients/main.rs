//! Gradients per effective draw (smallest bulk ESS of 4 chains of 1000 draws), warm-up included and sampling alone, on five
//! posteriors, by metric and way of warming up; then the geometric means. Nothing here decides a test.
//!
//! `cargo bench --bench gradients [-- [seeds=N] [posterior=NAME] [OPTION=VALUE …]]`: with options, one line per posterior
//! for these alone, else a table of metrics. `posterior=` also names `ar1`, `spiked` and `logistic`, of many coordinates.
//! `-- steps`: the time of a leapfrog step with a low-rank metric over that with a diagonal one.

mod large;
mod models;
mod steps;

use catena::diagnostics::Statistic;
use catena::diagnostics::{Summary, SummaryInput};
use catena::io::{Layout, TableWriter, Writer};
use catena::services::{Given, OptionSet, SampleIo, SampleOptions, sample_nuts};
use models::Model;
use std::time::Instant;

/// Seeds that every figure is averaged over (geometrically), unless another number is asked for.
const SEEDS: u64 = 5;

/// What one run showed.
#[derive(Clone, Copy, Default)]
struct Figures {
    total: f64,
    sampling: f64,
    /// Mean acceptance statistic over sampling.
    acceptance: f64,
    /// Nanoseconds per effective draw.
    time: f64,
    divergences: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let mut models = models::all();
    if arguments == ["steps"] {
        return steps::print();
    }
    let mut seeds = SEEDS;
    let mut given = OptionSet::default();
    let mut alone = false;
    for argument in &arguments {
        let (name, value) = argument.split_once('=').unwrap_or_else(|| panic!("expected NAME=VALUE, got {argument}"));
        if name == "seeds" {
            seeds = value.parse().expect("a number of seeds");
        } else if name == "posterior" {
            models.extend([large::ar1(1000, 0.99), large::spiked(10_000, 20, 1e4), large::logistic(100, 400)]);
            models.retain(|m| m.name == value);
        } else {
            given.set(name, Given::Text(value)).unwrap_or_else(|e| panic!("{e}"));
            alone = true;
        }
    }
    println!("gradients per effective draw: total / sampling alone, acceptance, ns per effective draw; {seeds} seeds");
    if alone {
        table(&models, &given.options(), seeds, true);
        return;
    }
    let own = [
        ("diag_e", "metric=diag_e"),
        ("dense_e", "metric=dense_e"),
        ("fisher_diag", "metric=fisher_diag num_warmup=150 delta=0.7"),
        ("low_rank", "metric=low_rank num_warmup=150 delta=0.7"),
        ("auto", "metric=auto num_warmup=150 delta=0.7"),
        ("auto, 300", "metric=auto num_warmup=300 delta=0.7"),
        ("together", "metric=auto num_warmup=130 delta=0.7 warmup=together"),
    ];
    for (name, settings) in own {
        let mut options = OptionSet::default();
        for setting in settings.split(' ') {
            let (option, value) = setting.split_once('=').expect("an option and its value");
            options.set(option, Given::Text(value)).expect("a setting of the table");
        }
        print!("{name:<14}");
        table(&models, &options.options(), seeds, false);
    }
}

/// All posteriors under these options.
fn table(models: &[Model], options: &SampleOptions, seeds: u64, each: bool) {
    let mut all = Vec::new();
    for model in models {
        let runs: Vec<Figures> = (1..=seeds).map(|seed| run(model, options, seed)).collect();
        let figures = mean(&runs);
        if each {
            print!("{:<14}", model.name);
            show(&figures);
        }
        all.push(figures);
    }
    if each {
        print!("{:<14}", "all");
    }
    show(&mean(&all));
}

fn show(f: &Figures) {
    println!("{:>8.2} / {:>6.2} {:>8.3} {:>9.0} {:>6.1}", f.total, f.sampling, f.acceptance, f.time, f.divergences);
}

/// Geometric means; the acceptance's is the plain one.
fn mean(of: &[Figures]) -> Figures {
    let n = of.len() as f64;
    let geometric = |f: fn(&Figures) -> f64| (of.iter().map(|x| f(x).ln()).sum::<f64>() / n).exp();
    Figures {
        total: geometric(|f| f.total),
        sampling: geometric(|f| f.sampling),
        time: geometric(|f| f.time),
        acceptance: of.iter().map(|f| f.acceptance).sum::<f64>() / n,
        divergences: of.iter().map(|f| f.divergences).sum::<f64>() / n,
    }
}

fn run(model: &Model, options: &SampleOptions, seed: u64) -> Figures {
    let options = SampleOptions { seed, refresh: 0, num_threads: 1, ..options.clone() };
    let mut writers = vec![TableWriter::new(); options.num_chains];
    let io =
        SampleIo { sample_writers: writers.iter_mut().map(|w| w as &mut dyn Writer).collect(), ..Default::default() };
    let start = Instant::now();
    let report = sample_nuts(model, &options, io).expect("options that are right");
    let nanoseconds = start.elapsed().as_nanos() as f64;
    report.status().unwrap_or_else(|e| panic!("{}: {e}", model.name));
    let names = writers[0].column_names();
    let values: Vec<f64> = writers.iter().flat_map(|w| w.values().to_vec()).collect();
    let (chains, draws, columns) = (writers.len(), writers[0].rows(), names.len());
    let input = SummaryInput { values: &values, chains, draws, columns, layout: Layout::Rows, names, max_depth: None };
    let summary = Summary::new(&input).expect("a table of draws");
    let parameters = summary.rows().iter().filter(|r| !r.name.ends_with("__"));
    let ess = parameters.map(|r| r.value(Statistic::EssBulk)).fold(f64::INFINITY, f64::min);
    let acceptances = writers.iter().flat_map(|w| w.column("accept_stat__").expect("a column of NUTS"));
    let acceptance = acceptances.sum::<f64>() / (chains * draws) as f64;
    let gradients = |f: fn(&catena::services::ChainReport) -> u64| report.chains.iter().map(f).sum::<u64>() as f64;
    let sampling = gradients(|c| c.sampling_gradients);
    Figures {
        total: (gradients(|c| c.warmup_gradients) + sampling) / ess,
        sampling: sampling / ess,
        acceptance,
        time: nanoseconds / ess,
        divergences: gradients(|c| c.divergences),
    }
}
