use crate::target::Target;
use nuts_rs::{Chain, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError, Settings};
use std::collections::HashMap;
use std::time::Instant;

#[derive(Debug, thiserror::Error)]
enum Never {}

impl LogpError for Never {
    fn is_recoverable(&self) -> bool {
        false
    }
}

#[derive(Clone)]
struct Model {
    target: Target,
    dim: usize,
}

impl HasDims for Model {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::from([("unconstrained_parameter".into(), self.dim as u64)])
    }
}

impl CpuLogpFunc for Model {
    type LogpError = Never;
    type ExpandedVector = Vec<f64>;
    type FlowParameters = ();

    fn dim(&self) -> usize {
        self.dim
    }

    fn logp(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, Never> {
        Ok(self.target.log_density_gradient(x, g))
    }

    fn expand_vector<R: rand::Rng + ?Sized>(&mut self, _: &mut R, x: &[f64]) -> Result<Vec<f64>, CpuMathError> {
        Ok(x.to_vec())
    }
}

pub fn ns_per_leapfrog(target: Target, dim: usize, draws: usize, seed: u64) -> f64 {
    let mut settings = DiagNutsSettings::default();
    settings.num_tune = super::ours::WARMUP as u64;
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(seed);
    let mut chain = settings.new_chain(seed, CpuMath::new(Model { target, dim }), &mut rng).unwrap();
    chain.set_position(&vec![0.1; dim]).unwrap();
    for _ in 0..super::ours::WARMUP {
        chain.draw().unwrap();
    }
    let start = Instant::now();
    let mut steps = 0;
    for _ in 0..draws {
        steps += chain.draw().unwrap().1.num_steps;
    }
    start.elapsed().as_nanos() as f64 / steps as f64
}
