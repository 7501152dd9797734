//! Starts of optimisers, paths, and chains that begin by paths, over ranks: each is one rank's alone.

use super::over;
use crate::conjugate::Conjugate;
use crate::sets::run_options;
use catena::io::{TableWriter, Writer};
use catena::random::{Purpose, Stream};
use catena::services::{SampleIo, SampleOptions};
use catena::{model, services};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A density that counts its evaluations.
struct Watched(Conjugate, AtomicUsize);

impl model::Density for Watched {
    type Worker = <Conjugate as model::Density>::Worker;

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn new_worker(&self) -> Result<Self::Worker, model::WorkerError> {
        self.0.new_worker()
    }

    fn log_density_gradient(
        &self,
        worker: &mut Self::Worker,
        task: &mut model::Task<'_>,
        position: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, model::Refusal> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.log_density_gradient(worker, task, position, gradient)
    }
}

/// What `f` says on one process and on each of several ranks, and how many evaluations each made.
fn as_one(f: impl Fn(&Watched, SampleIo<'_>) -> String + Sync) {
    let watched = || Watched(Conjugate::new(4), Default::default());
    let calls = |model: Watched| model.1.into_inner();
    let one = watched();
    let expected = f(&one, SampleIo::default());
    let all = calls(one);
    for size in [1, 2, 3, 4] {
        let had = over(size, |rank| {
            let model = watched();
            let said = f(&model, SampleIo { communicator: Some(&rank), ..SampleIo::default() });
            assert_eq!(said, expected, "{size} ranks");
            calls(model)
        });
        assert_eq!(had.iter().sum::<usize>(), all, "{size} ranks: each start or path is one rank's alone: {had:?}");
        assert!(had.iter().all(|own| *own > 0));
    }
}

#[test]
fn starts_of_an_optimiser_are_spread() {
    as_one(|model, io| {
        let optimize = services::OptimizeOptions { num_starts: 7, jacobian: true, ..Default::default() };
        let report = services::optimize(model, &run_options(4), &optimize, io).unwrap();
        let starts: Vec<_> = report
            .starts
            .iter()
            .map(|s| {
                (
                    s.id,
                    s.outcome.clone(),
                    s.iterations,
                    s.evaluations,
                    s.log_density,
                    s.position.clone(),
                    s.outputs.clone(),
                )
            })
            .collect();
        format!("{starts:?} {:?} {:?}", report.best, report.modes)
    });
}

#[test]
fn paths_are_spread() {
    as_one(|model, io| {
        let paths = services::PathfinderOptions { num_paths: 5, ..Default::default() };
        let report = services::pathfinder(model, &run_options(4), &paths, io).unwrap();
        let fits: Vec<_> =
            report.fits.iter().map(|f| (f.id, f.iterations, f.elbo, f.mean.clone(), f.sd.clone())).collect();
        format!("{fits:?} {} {} {:?}", report.khat, report.rows, report.positions)
    });
}

/// Chains that paths begin: a path is followed where its chain is.
#[test]
fn chains_begin_by_their_own_paths() {
    as_one(|model, io| {
        let options = SampleOptions {
            num_chains: 5,
            num_warmup: 20,
            num_samples: 20,
            num_threads: 1,
            init_from: services::InitKind::Pathfinder,
            ..run_options(4)
        };
        let mut writers = vec![TableWriter::default(); options.num_chains];
        let sample_writers = writers.iter_mut().map(|t| t as &mut dyn Writer).collect();
        let io = SampleIo { sample_writers, communicator: io.communicator, ..SampleIo::default() };
        let report = services::sample_nuts(model, &options, io).unwrap();
        report.status().unwrap();
        format!("{:?}", writers.iter().map(|t| t.values().to_vec()).collect::<Vec<_>>())
    });
}

/// Where chains of these ids begin.
fn begun(seed: u64, ids: std::ops::RangeInclusive<u64>) -> Vec<Vec<f64>> {
    let options = SampleOptions {
        seed,
        init_chain_id: *ids.start(),
        num_chains: ids.count(),
        num_warmup: 0,
        num_samples: 1,
        init_from: services::InitKind::Pathfinder,
        ..run_options(seed)
    };
    let mut writers = vec![TableWriter::default(); options.num_chains];
    let init_writers = writers.iter_mut().map(|t| t as &mut dyn Writer).collect();
    let io = SampleIo { init_writers, ..SampleIo::default() };
    services::sample_nuts(&Conjugate::new(2), &options, io).unwrap().status().unwrap();
    writers.iter().map(|t| t.values().to_vec()).collect()
}

/// docs/random-streams.md: the streams of paths that chains are begun by are those of the run's seed plus a number, and stream 4
/// there says which of a path's draws it is.
#[test]
fn a_chain_begins_where_its_seed_and_id_say() {
    const OTHER: u64 = 8097881596732468836;
    let starts = begun(4, 3..=6);
    let paths = services::PathfinderOptions { num_paths: 4, num_draws: 100, ..Default::default() };
    let options = SampleOptions { init_chain_id: 3, ..run_options(4 + OTHER) };
    let mut draws = vec![TableWriter::default(); 4];
    let diagnostic_writers = draws.iter_mut().map(|t| t as &mut dyn Writer).collect();
    let io = SampleIo { diagnostic_writers, ..SampleIo::default() };
    services::pathfinder(&Conjugate::new(2), &options, &paths, io).unwrap();
    for (id, (start, draws)) in (3..).zip(starts.iter().zip(&draws)) {
        let column = |name: &str| draws.column(name).unwrap();
        let ratios: Vec<f64> = column("lp__").iter().zip(column("lp_approx__")).map(|(p, q)| p - q).collect();
        let weights = catena::diagnostics::Psis::new(&ratios).unwrap().log_weights;
        let mut left =
            Stream::new(4 + OTHER, id, Purpose::Start).uniform() * weights.iter().map(|w| w.exp()).sum::<f64>();
        let beyond = |w: &f64| {
            left -= w.exp();
            left < 0.0
        };
        let at = weights.iter().position(beyond).unwrap();
        let width = draws.column_names().len();
        assert_eq!(start[..], draws.values()[at * width + 3..(at + 1) * width], "chain {id}, draw {at}");
    }
    // One run or several, with others or alone; and nothing else begins there.
    assert_eq!(begun(4, 4..=5), starts[1..3]);
    let mut all: Vec<Vec<f64>> = [starts, begun(5, 3..=6)].concat();
    all.sort_by(|a, b| a[0].total_cmp(&b[0]));
    all.dedup();
    assert_eq!(all.len(), 8);
}

/// What is not spread says so, and is not done by each rank for itself.
#[test]
fn what_is_not_spread_is_refused() {
    let errors = over(2, |rank| {
        let io = SampleIo { communicator: Some(&rank), ..SampleIo::default() };
        services::variational(&Conjugate::new(2), &run_options(1), &Default::default(), io).unwrap_err()
    });
    assert!(errors.iter().all(|e| e.argument_name() == Some("io.communicator")));
}
