//! A linear-Gaussian state-space model whose filter, likelihood and smoother are known exactly.

use catena::model::{Refusal, StateSpace, Task, Threading, WorkerError};
use std::f64::consts::TAU;

/// d independent copies of x_0 ~ N(0, 1), x_t = a x_{t-1} + N(0, q), y_t = x_t + N(0, r); all see the same y.
#[derive(Debug, Clone)]
pub struct Linear {
    pub dim: usize,
    pub a: f64,
    pub q: f64,
    pub r: f64,
    pub y: Vec<f64>,
    pub threading: Threading,
    pub whole: bool,
    pub bounded: bool,
    /// Time and particle whose log weight is replaced (every one's where there is no particle).
    pub fault: Option<(usize, Option<usize>, f64)>,
}

pub fn log_normal(x: f64, mean: f64, variance: f64) -> f64 {
    -0.5 * ((x - mean) * (x - mean) / variance + (TAU * variance).ln())
}

impl Linear {
    pub fn new(dim: usize, times: usize) -> Self {
        let y = (0..times).map(|t| (t as f64 * 0.9).sin() * 1.5 + (t * t % 7) as f64 * 0.1).collect();
        let threading = Threading::Any;
        Self { dim, a: 0.9, q: 0.5, r: 0.7, y, threading, whole: false, bounded: false, fault: None }
    }

    /// Filtered means and variances of one coordinate, and the log likelihood of all.
    pub fn kalman(&self) -> (Vec<f64>, Vec<f64>, f64) {
        let (mut mean, mut variance, mut log_likelihood) = (0.0, 1.0, 0.0);
        let (mut means, mut variances) = (Vec::new(), Vec::new());
        for (t, y) in self.y.iter().enumerate() {
            if t > 0 {
                (mean, variance) = (self.a * mean, self.a * self.a * variance + self.q);
            }
            log_likelihood += self.dim as f64 * log_normal(*y, mean, variance + self.r);
            let gain = variance / (variance + self.r);
            (mean, variance) = (mean + gain * (y - mean), variance * (1.0 - gain));
            means.push(mean);
            variances.push(variance);
        }
        (means, variances, log_likelihood)
    }

    /// Smoothed means and variances of one coordinate (Rauch, Tung and Striebel).
    pub fn smoother(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut means, mut variances, _) = self.kalman();
        for t in (0..means.len() - 1).rev() {
            let (predicted, spread) = (self.a * means[t], self.a * self.a * variances[t] + self.q);
            let gain = variances[t] * self.a / spread;
            means[t] += gain * (means[t + 1] - predicted);
            variances[t] += gain * gain * (variances[t + 1] - spread);
        }
        (means, variances)
    }

    fn each(&self, out: &mut [f64], f: impl Fn(usize) -> f64) {
        let n = out.len();
        for (i, out) in out.iter_mut().enumerate() {
            *out = (0..self.dim).map(|j| f(j * n + i)).sum();
        }
    }
}

impl StateSpace for Linear {
    type Worker = ();

    fn dim(&self) -> usize {
        self.dim
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn whole_sets(&self) -> bool {
        self.whole
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn initial(&self, _: &mut (), task: &mut Task<'_>, states: &mut [f64]) -> Result<(), Refusal> {
        task.fill_normals(states)
    }

    fn transition(
        &self,
        _: &mut (),
        task: &mut Task<'_>,
        _: usize,
        previous: &[f64],
        states: &mut [f64],
    ) -> Result<(), Refusal> {
        task.fill_normals(states)?;
        let (a, sd) = (self.a, self.q.sqrt());
        states.iter_mut().zip(previous).for_each(|(x, before)| *x = a * before + sd * *x);
        Ok(())
    }

    fn log_weight(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &[f64],
        log_weights: &mut [f64],
    ) -> Result<(), Refusal> {
        assert_eq!(previous.len(), if time == 0 { 0 } else { states.len() });
        let y = self.y[time];
        self.each(log_weights, |k| log_normal(y, states[k], self.r));
        if let Some((at, particle, value)) = self.fault
            && at == time
        {
            match particle {
                Some(i) => log_weights[i] = value,
                None => log_weights.fill(value),
            }
        }
        Ok(())
    }

    fn has_proposal(&self) -> bool {
        true
    }

    /// The optimal one: the state given the state before and the observation.
    fn propose(
        &self,
        _: &mut (),
        task: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        states: &mut [f64],
    ) -> Result<(), Refusal> {
        task.fill_normals(states)?;
        let variance = if time == 0 { 1.0 } else { self.q };
        let gain = variance / (variance + self.r);
        let sd = (variance * (1.0 - gain)).sqrt();
        for (k, x) in states.iter_mut().enumerate() {
            let mean = if time == 0 { 0.0 } else { self.a * previous[k] };
            *x = mean + gain * (self.y[time] - mean) + sd * *x;
        }
        Ok(())
    }

    fn proposal_log_weight(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        _: &[f64],
        log_weights: &mut [f64],
    ) -> Result<(), Refusal> {
        let variance = if time == 0 { 1.0 } else { self.q };
        let mean = |k: usize| if time == 0 { 0.0 } else { self.a * previous[k] };
        self.each(log_weights, |k| log_normal(self.y[time], mean(k), variance + self.r));
        Ok(())
    }

    fn has_auxiliary(&self) -> bool {
        true
    }

    fn auxiliary_log_weight(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        time: usize,
        previous: &[f64],
        log_weights: &mut [f64],
    ) -> Result<(), Refusal> {
        // Wider than it is, as is wise.
        self.each(log_weights, |k| log_normal(self.y[time], self.a * previous[k], 1.5 * (self.q + self.r)));
        Ok(())
    }

    fn has_transition_density(&self) -> bool {
        true
    }

    fn transition_log_density(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        _: usize,
        previous: &[f64],
        states: &[f64],
        log_densities: &mut [f64],
    ) -> Result<(), Refusal> {
        self.each(log_densities, |k| log_normal(states[k], self.a * previous[k], self.q));
        Ok(())
    }

    fn transition_log_density_bound(&self) -> Option<f64> {
        self.bounded.then(|| self.dim as f64 * log_normal(0.0, 0.0, self.q) + 1e-9)
    }
}
