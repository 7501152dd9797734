//! Likelihoods whose answers are known.

use catena::drive::Pool;
use catena::learn::{Prior, UpdaterOptions, cos_squared};
use catena::model::{
    Domain, Experiments, Field, Likelihood, Number, OutcomeShape, Refusal, Task, Threading, WorkerError,
};
use catena::services::{LearnIo, Learner};
use std::sync::Arc;

pub fn learner<M: Likelihood>(model: M, options: UpdaterOptions, prior: Prior) -> Learner<M> {
    learner_on(2, model, options, prior)
}

pub fn learner_on<M: Likelihood>(threads: usize, model: M, options: UpdaterOptions, prior: Prior) -> Learner<M> {
    Learner::new(model, options, prior, LearnIo::default(), Arc::new(Pool::new(threads).unwrap())).unwrap()
}

/// How a likelihood is called; results must not depend on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    pub threading: Threading,
    pub whole: bool,
    pub log: bool,
}

/// A two-level system that precesses for the time t: outcome 0 with probability e^(-t/T2) cos²(omega t/2) + (1 - e^(-t/T2))/2.
#[derive(Debug, Clone)]
pub struct Precession {
    pub t2: f64,
    pub how: How,
    /// Impossible above this.
    pub most: f64,
    /// Drift of the frequency per experiment.
    pub drift: f64,
}

impl Default for Precession {
    fn default() -> Self {
        Self { t2: f64::INFINITY, how: How::default(), most: f64::INFINITY, drift: 0.0 }
    }
}

impl Precession {
    pub fn probability(&self, outcome: f64, omega: f64, t: f64) -> f64 {
        let visible = (-t / self.t2).exp();
        let zero = visible * (0.5 * omega * t).cos().powi(2) + 0.5 * (1.0 - visible);
        if outcome == 0.0 { zero } else { 1.0 - zero }
    }
}

impl Likelihood for Precession {
    type Worker = Vec<f64>;
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        vec!["omega".into()]
    }

    fn fields(&self) -> Arc<[Field]> {
        [Field::real("t")].into()
    }

    fn threading(&self) -> Threading {
        self.how.threading
    }

    fn whole(&self) -> bool {
        self.how.whole
    }

    fn is_log(&self) -> bool {
        self.how.log
    }

    fn new_worker(&self) -> Result<Vec<f64>, WorkerError> {
        Ok(Vec::new())
    }

    fn prepare(&self, _: &mut Task<'_>, _: &Experiments) -> Result<(), Refusal> {
        Ok(())
    }

    fn likelihood(
        &self,
        phases: &mut Vec<f64>,
        (): &(),
        _: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let n = models.len();
        for (e, block) in out.chunks_mut(n * outcomes.len()).enumerate() {
            let t = experiments.get(0, e);
            let visible = (-t / self.t2).exp();
            for (out, outcome) in block.chunks_mut(n).zip(outcomes) {
                phases.clear();
                phases.extend(models.iter().map(|omega| 0.5 * omega * t));
                cos_squared(phases, out);
                let (scale, shift) =
                    if *outcome == 0.0 { (visible, 0.5 * (1.0 - visible)) } else { (-visible, 0.5 * (1.0 + visible)) };
                out.iter_mut().for_each(|x| *x = scale * *x + shift);
                if self.how.log {
                    out.iter_mut().for_each(|x| *x = x.max(0.0).ln());
                }
            }
        }
        Ok(())
    }

    fn has_validity(&self) -> bool {
        self.most.is_finite()
    }

    fn are_valid(&self, _: &mut Vec<f64>, _: &mut Task<'_>, models: &[f64], valid: &mut [bool]) -> Result<(), Refusal> {
        valid.iter_mut().zip(models).for_each(|(valid, omega)| *valid = (0.0..=self.most).contains(omega));
        Ok(())
    }

    fn has_timestep(&self) -> bool {
        self.drift > 0.0
    }

    fn update_timestep(
        &self,
        _: &mut Vec<f64>,
        task: &mut Task<'_>,
        _: &Experiments,
        models: &mut [f64],
    ) -> Result<(), Refusal> {
        let mut noise = vec![0.0; models.len()];
        task.fill_normals(&mut noise)?;
        models.iter_mut().zip(noise).for_each(|(omega, z)| *omega = (*omega + self.drift * z).abs());
        Ok(())
    }

    fn has_score(&self) -> bool {
        true
    }

    fn score(
        &self,
        _: &mut Vec<f64>,
        (): &(),
        _: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let n = models.len();
        for (e, block) in out.chunks_mut(n * outcomes.len()).enumerate() {
            let t = experiments.get(0, e);
            for (out, outcome) in block.chunks_mut(n).zip(outcomes) {
                for (out, omega) in out.iter_mut().zip(models) {
                    let slope = -0.5 * t * (omega * t).sin() * (-t / self.t2).exp();
                    let slope = if *outcome == 0.0 { slope } else { -slope };
                    *out = slope / self.probability(*outcome, *omega, t);
                }
            }
        }
        Ok(())
    }
}

/// `shots` throws of a coin: the number of heads. Where the domain is not listed it is simulated.
#[derive(Debug, Clone, Default)]
pub struct Binomial {
    pub sampled: bool,
    pub how: How,
}

impl Likelihood for Binomial {
    type Worker = ();
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        vec!["p".into()]
    }

    fn fields(&self) -> Arc<[Field]> {
        [Field::integer("shots")].into()
    }

    fn whole(&self) -> bool {
        self.how.whole
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn prepare(&self, _: &mut Task<'_>, _: &Experiments) -> Result<(), Refusal> {
        Ok(())
    }

    fn likelihood(
        &self,
        (): &mut (),
        (): &(),
        _: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let mut at = 0;
        for e in 0..experiments.len() {
            let shots = experiments.get(0, e) as i32;
            for k in outcomes {
                let k = *k as i32;
                let ways: f64 = (0..k).map(|i| f64::from(shots - i) / f64::from(i + 1)).product();
                for p in models {
                    out[at] = if k > shots { 0.0 } else { ways * p.powi(k) * (1.0 - p).powi(shots - k) };
                    at += 1;
                }
            }
        }
        Ok(())
    }

    fn domain(&self, _: &mut Task<'_>, experiment: &Experiments) -> Result<Domain, Refusal> {
        let shots = experiment.get(0, 0) as usize;
        Ok(if self.sampled { Domain::Sampled } else { Domain::Finite((0..=shots).map(|k| k as f64).collect()) })
    }

    fn has_simulator(&self) -> bool {
        self.sampled
    }

    fn simulate(
        &self,
        (): &mut (),
        (): &(),
        task: &mut Task<'_>,
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let n = models.len();
        let mut u = vec![0.0; n];
        for (e, out) in out.chunks_mut(n).enumerate() {
            out.fill(0.0);
            for _ in 0..experiments.get(0, e) as usize {
                task.fill_uniforms(&mut u)?;
                out.iter_mut().zip(&u).zip(models).for_each(|((k, u), p)| *k += f64::from(u8::from(u < p)));
            }
        }
        Ok(())
    }
}

/// The likelihood of model j is what the experiment says: a field for each model. Outcome 0 alone is ever seen.
#[derive(Debug, Clone)]
pub struct Told {
    pub models: usize,
    pub log: bool,
    pub kind: Number,
}

impl Likelihood for Told {
    type Worker = ();
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        vec!["number".into()]
    }

    fn fields(&self) -> Arc<[Field]> {
        (0..self.models).map(|j| Field::real(format!("of_{j}"))).collect()
    }

    fn outcome(&self) -> OutcomeShape {
        OutcomeShape { kind: self.kind, width: 1 }
    }

    fn is_log(&self) -> bool {
        self.log
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn prepare(&self, _: &mut Task<'_>, _: &Experiments) -> Result<(), Refusal> {
        Ok(())
    }

    fn likelihood(
        &self,
        (): &mut (),
        (): &(),
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let n = models.len();
        for (row, out) in out.chunks_mut(n).enumerate() {
            for (out, j) in out.iter_mut().zip(models) {
                *out = experiments.get(*j as usize, row / outcomes.len());
                // A value that stands for what cannot be held in a table.
                *out = if *out == -7.0 { f64::NAN } else { *out };
                if *out == -8.0 {
                    return Err(task.stop("told to stop"));
                }
            }
        }
        Ok(())
    }

    fn domain(&self, _: &mut Task<'_>, _: &Experiments) -> Result<Domain, Refusal> {
        Ok(if self.kind == Number::Real { Domain::Sampled } else { Domain::Finite(vec![0.0]) })
    }
}

/// Models numbered 0, 1, ... of these weights, never resampled.
pub fn told(log: bool, weights: &[f64]) -> Learner<Told> {
    let n = weights.len();
    let options = UpdaterOptions { num_models: n, ess_threshold: 0.0, ..UpdaterOptions::default() };
    let model = Told { models: n, log, kind: if log { Number::Real } else { Number::Integer } };
    let mut learner = learner(model, options, Prior::uniform(0.0, 0.0));
    let numbers: Vec<f64> = (0..n).map(|j| j as f64).collect();
    learner.set_models(1, &numbers, weights).unwrap();
    learner
}

/// One experiment of these values.
pub fn experiment<M: Likelihood>(model: &M, values: &[f64]) -> Experiments {
    Experiments::new(model.fields(), 1, values.to_vec()).unwrap()
}
