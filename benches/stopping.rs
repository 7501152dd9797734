//! What stopping on estimates does to them: many runs that end by `until_ess`, and as many of a fixed length, the mean length
//! of the others. Prints, for the mean of a normal coordinate and for that of its exponential, the bias in units of the
//! mean's own standard deviation over runs, and in how many runs the truth lies within 1.96 reported standard errors.
//!
//! The chain is static HMC with short trajectories, whose draws are correlated as those of a hard posterior are.

use catena::diagnostics::{Draws, mcse_mean};
use catena::io::{TableWriter, Writer};
use catena::model::{Density, Refusal, Task, WorkerError};
use catena::services::{SampleIo, SampleOptions, StopReason, sample_hmc_static};

const RUNS: u64 = 4000;
const CHAINS: usize = 4;
const LONGEST: usize = 100_000;

struct Normal;

impl Density for Normal {
    type Worker = ();

    fn dim(&self) -> usize {
        1
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        g[0] = -x[0];
        Ok(-0.5 * x[0] * x[0])
    }

    fn output_names(&self) -> Vec<String> {
        vec!["x".into(), "exp_x".into()]
    }

    fn constrain(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], out: &mut [f64]) -> Result<(), Refusal> {
        (out[0], out[1]) = (x[0], x[0].exp());
        Ok(())
    }
}

/// The mean and its reported standard error of both outputs, and the draws of a chain.
fn run(options: &SampleOptions) -> ([(f64, f64); 2], usize) {
    let mut tables = vec![TableWriter::new(); CHAINS];
    let sample_writers = tables.iter_mut().map(|t| t as &mut dyn Writer).collect();
    let report = sample_hmc_static(&Normal, options, SampleIo { sample_writers, ..Default::default() }).expect("a run");
    let asked = options.until_ess > 0.0;
    assert!(report.chains.iter().all(|c| (c.reason == StopReason::Enough) == asked), "every run ends as it should");
    let rows = tables[0].rows();
    let of = |name: &str| {
        let values: Vec<f64> = tables.iter().flat_map(|t| t.column(name).expect("a column")).collect();
        let draws = Draws::new(&values, CHAINS, rows, rows, 1).expect("draws");
        (values.iter().sum::<f64>() / values.len() as f64, mcse_mean(&draws))
    };
    ([of("x"), of("exp_x")], rows)
}

fn main() {
    for (int_time, until_ess) in [(1.5, 100.0), (1.5, 400.0), (0.4, 100.0), (0.4, 400.0)] {
        let plan = |seed: u64, until_ess: f64, num_samples: usize| SampleOptions {
            num_chains: CHAINS,
            num_warmup: 50,
            num_samples,
            adaptation: None,
            stepsize: 0.2,
            int_time,
            refresh: 0,
            num_threads: 1,
            seed,
            until_ess,
            until_columns: vec!["x".into()],
            ..SampleOptions::stan()
        };
        let stopped: Vec<_> = (0..RUNS).map(|seed| run(&plan(seed, until_ess, LONGEST))).collect();
        let mean_length = stopped.iter().map(|r| r.1).sum::<usize>() / RUNS as usize;
        let fixed: Vec<_> = (0..RUNS).map(|seed| run(&plan(RUNS + seed, 0.0, mean_length))).collect();
        println!("integration time {int_time}, until_ess = {until_ess}: {mean_length} draws of each chain on average");
        for (k, name, truth) in [(0, "x", 0.0), (1, "exp(x)", 0.5f64.exp())] {
            for (how, runs) in [("stopped", &stopped), ("fixed", &fixed)] {
                let n = RUNS as f64;
                let errors: Vec<f64> = runs.iter().map(|r| r.0[k].0 - truth).collect();
                let bias = errors.iter().sum::<f64>() / n;
                let sd = (errors.iter().map(|e| (e - bias) * (e - bias)).sum::<f64>() / (n - 1.0)).sqrt();
                let covered = runs.iter().filter(|r| (r.0[k].0 - truth).abs() <= 1.96 * r.0[k].1).count();
                let reported = runs.iter().map(|r| r.0[k].1).sum::<f64>() / n;
                println!(
                    "  {name:6} {how:8} bias {:6.3} sd (+-{:.3}), reported error / sd over runs {:.3}, 95 % intervals cover {:.1} %",
                    bias / sd,
                    1.0 / n.sqrt(),
                    reported / sd,
                    100.0 * covered as f64 / n
                );
            }
        }
    }
}
