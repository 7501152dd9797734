//! Pathfinder against variational inference on five posteriors, and NUTS begun where paths lead against NUTS as it is.
//! Nothing here decides a test.
//!
//! `cargo bench --bench approximations [-- [seeds=N] [part=distances|starts|stuck]]`

mod distance;
#[allow(dead_code)]
#[path = "../gradients/models.rs"]
mod models;

use catena::diagnostics::{Statistic, Summary, SummaryInput};
use catena::io::{Layout, TableWriter, Writer};
use catena::model::Density;
use catena::services::{
    ApproximationReport, InitKind, MetricKind, PathfinderOptions, SampleIo, SampleOptions, VariationalOptions,
    pathfinder, sample_nuts, variational,
};
use catena::variational::Family;
use distance::Reference;

/// Draws of a reference.
const REFERENCE_DRAWS: usize = 40_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let seeds = arguments.iter().find_map(|a| a.strip_prefix("seeds=")).map_or(5, |n| n.parse().expect("a number"));
    let part =
        |name: &str| !arguments.iter().any(|a| a.starts_with("part=")) || arguments.contains(&format!("part={name}"));
    if part("distances") {
        distances(seeds);
    }
    if part("starts") {
        starts(seeds);
    }
    if part("stuck") {
        stuck();
    }
}

fn options(seed: u64) -> SampleOptions {
    SampleOptions { seed, num_chains: 1, num_threads: 2, refresh: 0, ..SampleOptions::stan() }
}

fn geometric(values: &[f64]) -> f64 {
    (values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// Evaluations until the approximation stands: without those of the draws in the end.
fn spent(report: &ApproximationReport) -> f64 {
    report.fits.iter().map(|fit| (fit.evaluations.iter().sum::<u64>() - fit.draws as u64) as f64).sum()
}

type Fit<'a> = Box<dyn Fn(&models::Model, u64) -> (ApproximationReport, TableWriter) + 'a>;

fn by_paths(paths: PathfinderOptions) -> Fit<'static> {
    Box::new(move |model, seed| {
        let mut table = TableWriter::new();
        let io = SampleIo { sample_writers: vec![&mut table], ..Default::default() };
        let report = pathfinder(model, &options(seed), &paths, io).expect("a run");
        (report, table)
    })
}

fn by_ascent(advi: VariationalOptions) -> Fit<'static> {
    Box::new(move |model, seed| {
        let mut table = TableWriter::new();
        let io = SampleIo { sample_writers: vec![&mut table], ..Default::default() };
        let report = variational(model, &options(seed), &advi, io).expect("a run");
        (report, table)
    })
}

fn distances(seeds: u64) {
    let stan = VariationalOptions { tol_average: 0.0, ..Default::default() };
    let full = VariationalOptions { family: Family::FullRank, ..Default::default() };
    let ways: [(&str, Fit<'_>); 5] = [
        ("4 paths", by_paths(PathfinderOptions::default())),
        ("1 path", by_paths(PathfinderOptions { num_paths: 1, ..Default::default() })),
        ("mean-field, as Stan", by_ascent(stan)),
        ("mean-field", by_ascent(VariationalOptions::default())),
        ("full-rank", by_ascent(full)),
    ];
    println!("1-Wasserstein distance in sd / evaluations / k-hat / runs that failed; {seeds} seeds");
    print!("{:<14}", "");
    ways.iter().for_each(|(name, _)| print!("{name:>32}"));
    println!();
    let mut all: Vec<[Vec<f64>; 2]> = ways.iter().map(|_| Default::default()).collect();
    for model in models::all() {
        let reference = Reference::new(&model, REFERENCE_DRAWS);
        print!("{:<14}", model.name);
        for ((_, fit), all) in ways.iter().zip(&mut all) {
            let (mut distance, mut evaluations, mut khat, mut failed) = (Vec::new(), Vec::new(), Vec::new(), 0);
            for seed in 1..=seeds {
                let (report, table) = fit(&model, seed);
                if report.status().is_err() {
                    failed += 1;
                    continue;
                }
                distance.push(reference.distance(&table));
                evaluations.push(spent(&report));
                khat.push(report.khat);
            }
            if distance.is_empty() {
                print!("{:>32}", format!("all {failed} failed"));
                continue;
            }
            khat.sort_by(f64::total_cmp);
            let (d, e, k) = (geometric(&distance), geometric(&evaluations), khat[khat.len() / 2]);
            all[0].push(d);
            all[1].push(e);
            print!("{:>32}", format!("{d:.3} / {e:.0} / {k:.2} / {failed}"));
        }
        println!();
    }
    print!("{:<14}", "mean");
    all.iter().for_each(|[d, e]| print!("{:>32}", format!("{:.3} / {:.0}", geometric(d), geometric(e))));
    println!("\n");
}

/// Warm-up gradients until the smallest effective sample size of a thousand draws is what it is: gradients per effective
/// draw with a short warm-up and Stan's, begun by paths over begun as given; and chains that stand still.
fn starts(seeds: u64) {
    println!(
        "NUTS from init_from=pathfinder over NUTS as it is, {seeds} seeds: ratio of (warm-up gradients, gradients per effective draw)"
    );
    let settings = [
        ("diag_e, 1000", MetricKind::Diag, 1000),
        ("diag_e, 150", MetricKind::Diag, 150),
        ("auto, 150", MetricKind::Auto, 150),
        ("dense_e, 150", MetricKind::Dense, 150),
    ];
    for (name, metric, num_warmup) in settings {
        print!("{name:<14}");
        let mut all = [Vec::new(), Vec::new()];
        for model in models::all() {
            let ratio: Vec<[f64; 2]> = (1..=seeds)
                .map(|seed| {
                    let of = |init_from| {
                        measure(
                            &model,
                            &SampleOptions { num_chains: 4, metric, num_warmup, init_from, ..options(seed) },
                        )
                    };
                    let (by_path, given) = (of(InitKind::Pathfinder), of(InitKind::Given));
                    [by_path[0] / given[0], by_path[1] / given[1]]
                })
                .collect();
            let means = [0, 1].map(|k| geometric(&ratio.iter().map(|r| r[k]).collect::<Vec<_>>()));
            all[0].push(means[0]);
            all[1].push(means[1]);
            print!("{:>28}", format!("{} {:.2} {:.2}", model.name, means[0], means[1]));
        }
        println!("   mean {:.2} {:.2}", geometric(&all[0]), geometric(&all[1]));
    }
}

/// How many chains stand still or stay apart, begun far out.
fn stuck() {
    println!(
        "\nchains that stand still or stay apart, of 4 per seed, 50 seeds at radius 10, 300 iterations of warm-up: given / by paths"
    );
    for model in models::all() {
        let count = |init_from| -> usize {
            (1..=50)
                .map(|seed| {
                    let run = SampleOptions {
                        num_chains: 4,
                        num_warmup: 300,
                        num_samples: 200,
                        init_radius: 10.0,
                        max_gradients: 200_000,
                        init_from,
                        ..options(seed)
                    };
                    apart(&model, &run)
                })
                .sum()
        };
        println!("{:<14}{} / {}", model.name, count(InitKind::Given), count(InitKind::Pathfinder));
    }
}

fn sampled<D: Density>(model: &D, options: &SampleOptions) -> (Vec<TableWriter>, [u64; 2], usize) {
    let mut tables = vec![TableWriter::new(); options.num_chains];
    let sample_writers = tables.iter_mut().map(|table| table as &mut dyn Writer).collect();
    let report = sample_nuts(model, options, SampleIo { sample_writers, ..Default::default() }).expect("a run");
    let sum = |of: fn(&catena::services::ChainReport) -> u64| report.chains.iter().map(of).sum();
    let failed = report.chains.iter().filter(|chain| chain.rows == 0).count();
    (tables, [sum(|chain| chain.warmup_gradients), sum(|chain| chain.sampling_gradients)], failed)
}

/// Warm-up gradients, and gradients per effective draw.
fn measure<D: Density>(model: &D, options: &SampleOptions) -> [f64; 2] {
    let (tables, [warmup, sampling], _) = sampled(model, options);
    let names = tables[0].column_names();
    let values: Vec<f64> = tables.iter().flat_map(|w| w.values().to_vec()).collect();
    let (chains, draws, columns) = (tables.len(), tables[0].rows(), names.len());
    let input = SummaryInput { values: &values, chains, draws, columns, layout: Layout::Rows, names, max_depth: None };
    let summary = Summary::new(&input).expect("a summary");
    let parameters = summary.rows().iter().filter(|row| !row.name.ends_with("__"));
    let ess = parameters.map(|row| row.value(Statistic::EssBulk)).fold(f64::INFINITY, f64::min);
    [warmup as f64, (warmup + sampling) as f64 / ess]
}

/// Chains without draws, or whose mean log density is far from the median chain's, by its own spread.
fn apart<D: Density>(model: &D, options: &SampleOptions) -> usize {
    let (tables, _, failed) = sampled(model, options);
    let moments = |table: &TableWriter| {
        let values = table.column("lp__").expect("lp__");
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    };
    let mut each: Vec<(f64, f64)> = tables.iter().filter(|table| table.rows() > 0).map(moments).collect();
    each.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((middle, spread)) = each.last().copied() else { return failed };
    failed + each.iter().filter(|(mean, own)| (mean - middle).abs() > 5.0 * spread || *own < 1e-3 * spread).count()
}
