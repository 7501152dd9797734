//! What a run of four chains costs, and which of its chains are stuck.

use super::models::Model;
use catena::diagnostics::{Statistic, Summary, SummaryInput};
use catena::io::{Layout, TableWriter, Writer};
use catena::services::{ChainReport, Given, OptionSet, Outcome, SampleIo, SampleOptions, sample_nuts};
use std::time::Instant;

/// A chain is stuck when its mean log density is below the best chain's by this, or by so many of the best chain's standard
/// deviations, whichever is more.
const STUCK: (f64, f64) = (10.0, 5.0);

/// What one run showed.
#[derive(Clone, Copy, Default)]
pub struct Figures {
    /// Gradients per effective draw, warm-up included.
    pub total: f64,
    /// Those of sampling alone.
    pub sampling: f64,
    /// Mean acceptance statistic over sampling.
    pub acceptance: f64,
    /// What it was to be, as far as warm-up has raised it.
    pub target: f64,
    /// Nanoseconds per effective draw.
    pub time: f64,
    pub divergences: f64,
    /// Chains that failed, or stayed where the density is far lower than where another was.
    pub stuck: f64,
    /// The largest R-hat.
    pub rhat: f64,
}

/// The options that these words, as `metric=auto num_warmup=150`, set.
pub fn options(settings: &str) -> SampleOptions {
    let mut options = OptionSet::default();
    for setting in settings.split_whitespace() {
        let (option, value) = setting.split_once('=').expect("an option and its value");
        options.set(option, Given::Text(value)).unwrap_or_else(|e| panic!("{e}"));
    }
    options.options()
}

/// Geometric means of what is counted per draw; the others' are plain ones.
pub fn mean(of: &[Figures]) -> Figures {
    let n = of.len() as f64;
    let geometric = |f: fn(&Figures) -> f64| (of.iter().map(|x| f(x).ln()).sum::<f64>() / n).exp();
    let plain = |f: fn(&Figures) -> f64| of.iter().map(f).sum::<f64>() / n;
    Figures {
        total: geometric(|f| f.total),
        sampling: geometric(|f| f.sampling),
        time: geometric(|f| f.time),
        acceptance: plain(|f| f.acceptance),
        target: plain(|f| f.target),
        divergences: plain(|f| f.divergences),
        stuck: plain(|f| f.stuck),
        rhat: plain(|f| f.rhat),
    }
}

/// Four chains of `seed`.
pub fn run(model: &Model, options: &SampleOptions, seed: u64) -> Figures {
    let options = SampleOptions { seed, refresh: 0, num_threads: 1, ..options.clone() };
    let mut writers = vec![TableWriter::new(); options.num_chains];
    let io =
        SampleIo { sample_writers: writers.iter_mut().map(|w| w as &mut dyn Writer).collect(), ..Default::default() };
    let start = Instant::now();
    let report = sample_nuts(model, &options, io).expect("options that are right");
    let nanoseconds = start.elapsed().as_nanos() as f64;
    let names = writers[0].column_names();
    if std::env::var("DEBUG").is_ok() {
        for (c, w) in report.chains.iter().zip(&writers) {
            eprintln!(
                "seed {seed} {:?} step {} grads {} {} metric {:?}",
                c.outcome,
                c.stepsize,
                c.warmup_gradients,
                c.sampling_gradients,
                &c.inv_metric[..c.inv_metric.len().min(6)]
            );
            if let Some(n) = w.column("n_leapfrog__") {
                eprintln!("  {:?}", n.iter().take(200).map(|x| *x as u32).collect::<Vec<_>>());
            }
            if let Some(n) = w.column("lp__") {
                eprintln!("  {:?}", n.iter().take(200).step_by(10).map(|x| *x as i64).collect::<Vec<_>>());
            }
        }
    }
    let whole: Vec<&TableWriter> = writers
        .iter()
        .zip(&report.chains)
        .filter(|(_, c)| matches!(c.outcome, Outcome::Finished))
        .map(|(w, _)| w)
        .collect();
    let values: Vec<f64> = whole.iter().flat_map(|w| w.values().to_vec()).collect();
    let (chains, draws, columns) = (whole.len(), whole.first().map_or(0, |w| w.rows()), names.len());
    let failed = report.chains.len() - chains;
    if chains == 0 {
        let none = f64::NAN;
        return Figures {
            total: none,
            sampling: none,
            time: none,
            stuck: failed as f64,
            rhat: none,
            ..Default::default()
        };
    }
    let input = SummaryInput { values: &values, chains, draws, columns, layout: Layout::Rows, names, max_depth: None };
    let summary = Summary::new(&input).expect("a table of draws");
    let parameters = || summary.rows().iter().filter(|r| !r.name.ends_with("__"));
    let ess = parameters().map(|r| r.value(Statistic::EssBulk)).fold(f64::INFINITY, f64::min);
    let acceptances = whole.iter().flat_map(|w| w.column("accept_stat__").expect("a column of NUTS"));
    let acceptance = acceptances.sum::<f64>() / (chains * draws) as f64;
    let gradients = |f: fn(&ChainReport) -> u64| report.chains.iter().map(f).sum::<u64>() as f64;
    let sampling = gradients(|c| c.sampling_gradients);
    Figures {
        total: (gradients(|c| c.warmup_gradients) + sampling) / ess,
        sampling: sampling / ess,
        acceptance,
        target: report.chains.iter().filter_map(|c| c.delta).sum::<f64>() / report.chains.len() as f64,
        time: nanoseconds / ess,
        divergences: gradients(|c| c.divergences),
        stuck: (failed + stuck(&whole)) as f64,
        rhat: parameters().map(|r| r.value(Statistic::Rhat)).fold(0.0, f64::max),
    }
}

fn stuck(writers: &[&TableWriter]) -> usize {
    let moments: Vec<(f64, f64)> = writers
        .iter()
        .map(|w| {
            let values = w.column("lp__").expect("a column of NUTS");
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            (mean, (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
        })
        .collect();
    let best = moments.iter().copied().fold((f64::NEG_INFINITY, 0.0), |a, b| if b.0 > a.0 { b } else { a });
    moments.iter().filter(|m| best.0 - m.0 > STUCK.0.max(STUCK.1 * best.1)).count()
}

/// The smallest bulk effective sample size of the columns of a table, chain after chain.
pub fn least_ess(values: &[f64], chains: usize, columns: usize) -> f64 {
    let names: Vec<String> = (0..columns).map(|i| format!("x.{i}")).collect();
    let (draws, layout) = (values.len() / chains / columns, Layout::Rows);
    let input = SummaryInput { values, chains, draws, columns, layout, names: &names, max_depth: None };
    let summary = Summary::new(&input).expect("a table of draws");
    summary.rows().iter().map(|r| r.value(Statistic::EssBulk)).fold(f64::INFINITY, f64::min)
}
