//! Sixty-four starts on two threads against one start on one, in multiples of the latter's mean time, on five posteriors. Nothing
//! here decides a test; at best the ratio is 32. Evaluations beside SciPy's are in `tests/optimize/scipy.rs`.
//!
//! `cargo bench --bench optimize`

#[allow(dead_code)]
#[path = "../gradients/models.rs"]
mod models;

use catena::model::{Density, Refusal, Task, WorkerError};
use catena::services::{OptimizeOptions, SampleIo, SampleOptions, optimize};
use std::time::Instant;

const STARTS: usize = 64;
/// How often each evaluation is made, so that it takes as long as those of a posterior worth several threads.
const TIMES: usize = 50;
/// The shortest of so many runs counts.
const RUNS: usize = 5;

/// A posterior with evaluations that take longer.
struct Slow(models::Model);

impl Density for Slow {
    type Worker = ();

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, w: &mut (), task: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let mut value = Ok(0.0);
        for _ in 0..TIMES {
            value = self.0.log_density_gradient(w, task, std::hint::black_box(x), g);
        }
        value
    }
}

/// Seconds of the shortest run, and evaluations.
fn time(density: &Slow, first: u64, num_starts: usize, num_threads: usize) -> (f64, u64) {
    let options = SampleOptions { init_chain_id: first, num_threads, refresh: 0, ..Default::default() };
    let ways = OptimizeOptions { num_starts, jacobian: true, ..Default::default() };
    let mut shortest = f64::INFINITY;
    let mut evaluations = 0;
    for _ in 0..RUNS {
        let began = Instant::now();
        let report = optimize(density, &options, &ways, SampleIo::default()).expect("the options are good");
        shortest = shortest.min(began.elapsed().as_secs_f64());
        evaluations = report.starts.iter().map(|start| start.evaluations).sum();
    }
    (shortest, evaluations)
}

fn main() {
    println!("{:16}{:>14}{:>14}{:>8}", "posterior", "evaluations", "one, us", "64 / 1");
    for model in models::all() {
        let density = Slow(model);
        let (many, evaluations) = time(&density, 1, STARTS, 2);
        let one: f64 = (1..=STARTS as u64).map(|id| time(&density, id, 1, 1).0).sum::<f64>() / STARTS as f64;
        println!("{:16}{evaluations:14}{:14.0}{:8.1}", density.0.name, one * 1e6, many / one);
    }
}
