//! Tempered sequential Monte Carlo with HMC moves: the seconds of a set of 10^4 particles in 10 dimensions, 5 moves of 10
//! leapfrog steps at each temperature, on one thread and on two. `benches/smc_peer.py` does the same with BlackJAX.
//!
//! The model: x ~ N(0, 5² I), and of each coordinate one observation with standard deviation 0.1; its evidence is known.

use catena::model::{Density, Refusal, Task, WorkerError};
use catena::services::{SampleIo, SampleOptions, SmcOptions, sample_smc};
use std::f64::consts::TAU;
use std::time::Instant;

const DIM: usize = 10;
const PARTICLES: usize = 10_000;
const MOVES: usize = 5;
const LEAPFROGS: u32 = 10;
const PRIOR_SD: f64 = 5.0;
const NOISE_SD: f64 = 0.1;
const REPEATS: usize = 7;

struct Normals;

fn observed(j: usize) -> f64 {
    0.5 * j as f64 - 2.0
}

impl Density for Normals {
    type Worker = ();

    fn dim(&self) -> usize {
        DIM
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, _: &[f64], _: &mut [f64]) -> Result<f64, Refusal> {
        unreachable!("prior and likelihood are asked for by themselves")
    }

    fn has_parts(&self) -> bool {
        true
    }

    fn log_density_parts(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        x: &[f64],
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        const PRIOR: f64 = 1.0 / (PRIOR_SD * PRIOR_SD);
        const NOISE: f64 = 1.0 / (NOISE_SD * NOISE_SD);
        let (mut prior, mut likelihood) = (0.0, 0.0);
        for (j, x) in x.iter().enumerate() {
            let apart = observed(j) - x;
            prior += x * x;
            likelihood += apart * apart;
        }
        if let Some([of_prior, of_likelihood]) = gradients {
            for (j, x) in x.iter().enumerate() {
                of_prior[j] = -PRIOR * x;
                of_likelihood[j] = NOISE * (observed(j) - x);
            }
        }
        let constant = |sd: f64| DIM as f64 * (sd.ln() + 0.5 * TAU.ln());
        Ok([-0.5 * PRIOR * prior - constant(PRIOR_SD), -0.5 * NOISE * likelihood - constant(NOISE_SD)])
    }

    fn has_prior(&self) -> bool {
        true
    }

    fn sample_prior(&self, _: &mut (), task: &mut Task<'_>, x: &mut [f64]) -> Result<(), Refusal> {
        x.iter_mut().for_each(|x| *x = PRIOR_SD * task.random().normal());
        Ok(())
    }
}

fn exact() -> f64 {
    let variance = PRIOR_SD * PRIOR_SD + NOISE_SD * NOISE_SD;
    let squares: f64 = (0..DIM).map(|j| observed(j) * observed(j)).sum();
    -0.5 * squares / variance - DIM as f64 * 0.5 * (variance.ln() + TAU.ln())
}

fn main() {
    for num_threads in [1, 2] {
        let options = SampleOptions { num_threads, refresh: 0, ..SampleOptions::stan() };
        let mut best = f64::INFINITY;
        let (mut stages, mut worst) = (0, 0.0f64);
        for seed in 0..REPEATS as u64 {
            let options = SampleOptions { seed, ..options.clone() };
            let smc = SmcOptions {
                num_sets: 1,
                num_particles: PARTICLES,
                num_moves: MOVES,
                num_leapfrog: LEAPFROGS,
                ..SmcOptions::default()
            };
            let start = Instant::now();
            let report = sample_smc(&Normals, &options, &smc, None, SampleIo::default()).expect("good arguments");
            best = best.min(start.elapsed().as_secs_f64());
            stages = report.sets[0].stages.len();
            worst = worst.max((report.log_evidence - exact()).abs());
        }
        let leapfrogs = stages * MOVES * LEAPFROGS as usize * PARTICLES;
        println!(
            "{num_threads} threads: {best:.3} s of {stages} temperatures, {:.1} ns per particle and leapfrog step; log evidence within {worst:.3} of {:.3}",
            best * 1e9 / leapfrogs as f64,
            exact()
        );
    }
}
