//! Gradients per effective draw (smallest bulk ESS of 4 chains of 1000 draws), warm-up included and sampling alone, by metric
//! and way of warming up. Nothing here decides a test.
//!
//! `cargo bench --bench gradients [-- [WHAT] [seeds=N] [posterior=NAME] [OPTION=VALUE …]]`: with options, one line per
//! posterior for these alone, else a table of metrics. WHAT is one of
//!
//! - `five`, what there is without a word: five published posteriors; `posterior=` also names `ar1`, `spiked` and
//!   `logistic`, of many coordinates;
//! - `wide`: posteriors of many kinds, `auto` against Stan's algorithm;
//! - `stuck`: how many chains get stuck where some do, by way of warming up;
//! - `steps`: the time of a leapfrog step with a low-rank metric over that with a diagonal one;
//! - `meetings`: what 64 chains on two threads lose by waiting for each other.
//!
//! nutpie's figures follow those of the five, by the Python that PYTHON names, or python3; skipped with words where it is not.

mod dual;
mod figures;
mod large;
mod meetings;
mod models;
mod peers;
mod steps;
mod stuck;
mod wide;

use catena::services::SampleOptions;
use figures::{Figures, mean, run};
use models::Model;

/// Seeds that every figure is averaged over (geometrically), unless another number is asked for.
const SEEDS: u64 = 5;

/// Stan's algorithm, the default, and chains together, as they are compared.
const STAN: &str = "metric=diag_e";
const ALONE: &str = "preset=catena";
const TOGETHER: &str = "num_warmup=130 warmup=together";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let (mut seeds, mut posterior, mut what, mut settings) = (SEEDS, None, "five", String::new());
    for argument in &arguments {
        match argument.split_once('=') {
            None => what = argument,
            Some(("seeds", value)) => seeds = value.parse().expect("a number of seeds"),
            Some(("posterior", value)) => posterior = Some(value),
            Some(_) => settings = format!("{settings} {argument}"),
        }
    }
    let mut models = match what {
        "steps" => return steps::print(),
        "meetings" => return meetings::print(),
        "five" => models::all(),
        "wide" => wide::all(),
        "stuck" => stuck::all(),
        _ => panic!("expected five, wide, stuck, steps or meetings, got {what}"),
    };
    if let Some(name) = posterior {
        if what == "five" {
            models.extend([
                large::ar1("ar1", 1000, 0.99),
                large::spiked(10_000, 20, 1e4),
                large::logistic("logistic", 100, 400),
            ]);
        }
        models.retain(|m| m.name == name);
        assert!(!models.is_empty(), "no posterior of {what} is named {name}");
    }
    println!("{what}, {seeds} seeds");
    if what == "stuck" {
        return stuck_chains(&models, seeds, settings.trim());
    }
    println!("gradients per effective draw: total / sampling alone, acceptance, ns per effective draw, divergences");
    if !settings.is_empty() {
        table(&models, &figures::options(&settings), seeds, true);
        return;
    }
    if what == "wide" {
        return against_stan(&models, seeds);
    }
    let own = [
        ("diag_e", STAN),
        ("dense_e", "metric=dense_e"),
        ("fisher_diag", "metric=fisher_diag num_warmup=150 delta=0.7"),
        ("low_rank", "metric=low_rank num_warmup=150 delta=0.7"),
        ("auto", ALONE),
        ("auto, 300", "num_warmup=300"),
        ("together", TOGETHER),
    ];
    for (name, settings) in own {
        print!("{name:<16}");
        table(&models, &figures::options(settings), seeds, false);
    }
    if posterior.is_none() {
        beside_nutpie(seeds);
    }
}

/// The peer's geometric means over all five posteriors.
fn beside_nutpie(seeds: u64) {
    let found = match peers::nutpie(seeds) {
        Ok(found) => found,
        Err(why) => return println!("nutpie is skipped: {why}"),
    };
    for way in ["nutpie, diagonal", "nutpie, low rank"] {
        print!("{way:<16}");
        let all: Vec<Figures> = found.iter().filter(|(w, ..)| w == way).map(|(.., f)| *f).collect();
        show(&mean(&all));
    }
}

/// All posteriors under these options.
fn table(models: &[Model], options: &SampleOptions, seeds: u64, each: bool) {
    let mut all = Vec::new();
    for model in models {
        let figures = averaged(model, options, seeds);
        if each {
            print!("{:<16}", model.name);
            show(&figures);
        }
        all.push(figures);
    }
    if each {
        print!("{:<16}", "all");
    }
    show(&mean(&all));
}

fn averaged(model: &Model, options: &SampleOptions, seeds: u64) -> Figures {
    mean(&(1..=seeds).map(|seed| run(model, options, seed)).collect::<Vec<_>>())
}

fn show(f: &Figures) {
    println!("{:>8.2} / {:>6.2} {:>8.3} {:>9.0} {:>6.1}", f.total, f.sampling, f.acceptance, f.time, f.divergences);
}

/// One line per posterior: Stan's, alone, together, each as total and sampling alone; then how `auto` compares.
fn against_stan(models: &[Model], seeds: u64) {
    println!(
        "{:<16}{:>18}{:>18}{:>18}{:>7}{:>7}{:>7}{:>8}",
        "", "Stan's", "alone", "together", "ratio", "accept", "target", "diverge"
    );
    let mut all = [const { Vec::new() }; 3];
    let line = |name: &str, f: &[Figures]| {
        print!("{name:<16}");
        f.iter().for_each(|f| print!("{:>9.2} /{:>7.2}", f.total, f.sampling));
        let ratio = f[1].total.max(f[2].total) / f[0].total;
        println!("{ratio:>7.2}{:>7.3}{:>7.3}{:>8.1}", f[1].acceptance, f[1].target, f[1].divergences);
    };
    for model in models {
        let seeds = if wide::VARIED.contains(&model.name) { seeds * wide::MORE } else { seeds };
        let figures = [STAN, ALONE, TOGETHER].map(|settings| averaged(model, &figures::options(settings), seeds));
        line(model.name, &figures);
        all.iter_mut().zip(figures).for_each(|(all, f)| all.push(f));
    }
    // How far the acceptance of sampling is from what it was to be, where the median posterior has it.
    for (name, of) in ["Stan's", "alone", "together"].iter().zip(&all) {
        let mut misses: Vec<f64> = of.iter().map(|f| (f.acceptance - f.target).abs()).collect();
        misses.sort_by(f64::total_cmp);
        println!("{name}: median distance of acceptance from its target {:.4}", misses[misses.len() / 2]);
    }
    line("all", &all.map(|of| mean(&of)));
}

/// One line per posterior: of all chains of all seeds those that are stuck, and the seeds whose R-hat is above 1.05.
fn stuck_chains(models: &[Model], seeds: u64, settings: &str) {
    let ways = if settings.is_empty() { vec![STAN, ALONE, TOGETHER] } else { vec![settings] };
    println!(
        "chains stuck / seeds with R-hat above 1.05: {}",
        if settings.is_empty() { "Stan's, alone, together" } else { settings }
    );
    for model in models {
        print!("{:<16}", model.name);
        for settings in &ways {
            // Whether a chain is stuck shows in a few draws.
            let options = SampleOptions { num_samples: 200, ..figures::options(settings) };
            let runs: Vec<Figures> = (1..=seeds).map(|seed| run(model, &options, seed)).collect();
            let apart = runs.iter().filter(|f| f.rhat.is_nan() || f.rhat > 1.05).count();
            print!("{:>8} / {apart:<5}", runs.iter().map(|f| f.stuck).sum::<f64>());
        }
        println!();
    }
}
