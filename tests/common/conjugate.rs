//! Models whose evidence is known in closed form.
#![allow(dead_code, reason = "each test uses a part")]

use catena::model::{Density, Refusal, Task, Threading, WorkerError};
use std::f64::consts::TAU;

/// log of the density of N(mean, sd²) at `x`.
pub fn log_normal(x: f64, mean: f64, sd: f64) -> f64 {
    let z = (x - mean) / sd;
    -0.5 * z * z - sd.ln() - 0.5 * TAU.ln()
}

/// log Γ(n) of a whole number.
pub fn log_gamma(n: u32) -> f64 {
    (1..n).map(|k| f64::from(k).ln()).sum()
}

/// x ~ N(0, I), and of each coordinate one observation y_j ~ N(x_j, sd²).
pub struct Conjugate {
    pub y: Vec<f64>,
    pub sd: f64,
    pub threading: Threading,
    /// Offers batches.
    pub batch: bool,
    /// Offers the data one by one.
    pub data: bool,
    /// Tells prior and likelihood apart.
    pub parts: bool,
}

impl Conjugate {
    pub fn new(dim: usize) -> Self {
        let y = (0..dim).map(|j| 1.5 * ((j as f64 * 1.7).sin() + 0.3)).collect();
        Self { y, sd: 0.3, threading: Threading::Any, batch: false, data: false, parts: true }
    }

    pub fn log_evidence(&self) -> f64 {
        self.y.iter().map(|y| log_normal(*y, 0.0, self.sd.hypot(1.0))).sum()
    }

    /// Mean and variance of a coordinate under the posterior.
    pub fn posterior(&self, j: usize) -> (f64, f64) {
        let precision = 1.0 + 1.0 / (self.sd * self.sd);
        (self.y[j] / (self.sd * self.sd) / precision, 1.0 / precision)
    }

    fn values(&self, x: &[f64], gradients: Option<[&mut [f64]; 2]>) -> [f64; 2] {
        let prior = x.iter().map(|x| log_normal(*x, 0.0, 1.0)).sum();
        let likelihood = x.iter().zip(&self.y).map(|(x, y)| log_normal(*y, *x, self.sd)).sum();
        if let Some([of_prior, of_likelihood]) = gradients {
            for (j, x) in x.iter().enumerate() {
                of_prior[j] = -x;
                of_likelihood[j] = (self.y[j] - x) / (self.sd * self.sd);
            }
        }
        [prior, likelihood]
    }
}

impl Density for Conjugate {
    type Worker = ();

    fn dim(&self) -> usize {
        self.y.len()
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let mut of_likelihood = vec![0.0; x.len()];
        let [prior, likelihood] = self.values(x, Some([g, &mut of_likelihood]));
        g.iter_mut().zip(&of_likelihood).for_each(|(g, l)| *g += l);
        Ok(prior + likelihood)
    }

    fn has_parts(&self) -> bool {
        self.parts
    }

    fn log_density_parts(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        x: &[f64],
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        Ok(self.values(x, gradients))
    }

    fn has_parts_batch(&self) -> bool {
        self.batch
    }

    fn log_density_parts_batch(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        positions: &[f64],
        [priors, likelihoods]: [&mut [f64]; 2],
        mut gradients: Option<[&mut [f64]; 2]>,
        _: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        let dim = self.dim();
        for (i, x) in positions.chunks_exact(dim).enumerate() {
            let of = gradients.as_mut().map(|both| both.each_mut().map(|g| &mut g[i * dim..(i + 1) * dim]));
            [priors[i], likelihoods[i]] = self.values(x, of);
        }
        Ok(())
    }

    fn has_prior(&self) -> bool {
        self.parts || self.data
    }

    fn sample_prior(&self, _: &mut (), task: &mut Task<'_>, x: &mut [f64]) -> Result<(), Refusal> {
        x.iter_mut().for_each(|x| *x = task.random().normal());
        Ok(())
    }

    fn data_count(&self) -> usize {
        if self.data { self.dim() } else { 0 }
    }

    fn log_density_data(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        x: &[f64],
        count: usize,
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        let datum = |j: usize| log_normal(self.y[j], x[j], self.sd);
        let slope = |j: usize| (self.y[j] - x[j]) / (self.sd * self.sd);
        if let Some([of_base, of_datum]) = gradients {
            of_datum.fill(0.0);
            of_datum[count] = slope(count);
            for j in 0..x.len() {
                of_base[j] = -x[j] + if j < count { slope(j) } else { 0.0 };
            }
        }
        let prior: f64 = x.iter().map(|x| log_normal(*x, 0.0, 1.0)).sum();
        Ok([prior + (0..count).map(datum).sum::<f64>(), datum(count)])
    }
}

/// p ~ Beta(a, b), and draws of 0 and 1; on the scale of log(p / (1 - p)).
pub struct BetaBinomial {
    pub a: u32,
    pub b: u32,
    pub data: Vec<bool>,
    /// One datum after the other.
    one_by_one: bool,
    ones: usize,
    constant: f64,
}

impl BetaBinomial {
    pub fn new(a: u32, b: u32, data: &[bool], one_by_one: bool) -> Self {
        let constant = log_gamma(a + b) - log_gamma(a) - log_gamma(b);
        let ones = data.iter().filter(|y| **y).count();
        Self { a, b, data: data.to_vec(), one_by_one, ones, constant }
    }

    pub fn log_evidence(&self) -> f64 {
        let ones = self.ones as u32;
        let zeros = self.data.len() as u32 - ones;
        let log_beta = |a, b| log_gamma(a) + log_gamma(b) - log_gamma(a + b);
        log_beta(self.a + ones, self.b + zeros) - log_beta(self.a, self.b)
    }

    /// Value and slope of a log Beta(a, b) density with the Jacobian, up to its constant.
    fn kernel(a: f64, b: f64, x: f64) -> [f64; 2] {
        let p = 1.0 / (1.0 + (-x).exp());
        let (log_p, log_q) = (-(-x).exp().ln_1p(), -x.exp().ln_1p());
        [a * log_p + b * log_q, a - (a + b) * p]
    }
}

impl Density for BetaBinomial {
    type Worker = ();

    fn dim(&self) -> usize {
        1
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), task: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let mut of_likelihood = [0.0];
        let [prior, likelihood] = self.log_density_parts(&mut (), task, x, Some([g, &mut of_likelihood]))?;
        g[0] += of_likelihood[0];
        Ok(prior + likelihood)
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
        let ones = self.ones as f64;
        let [prior, of_prior] = Self::kernel(f64::from(self.a), f64::from(self.b), x[0]);
        let [likelihood, of_likelihood] = Self::kernel(ones, self.data.len() as f64 - ones, x[0]);
        if let Some([into_prior, into_likelihood]) = gradients {
            (into_prior[0], into_likelihood[0]) = (of_prior, of_likelihood);
        }
        Ok([self.constant + prior, likelihood])
    }

    fn has_prior(&self) -> bool {
        true
    }

    /// The a-th smallest of a + b - 1 uniforms.
    fn sample_prior(&self, _: &mut (), task: &mut Task<'_>, x: &mut [f64]) -> Result<(), Refusal> {
        let mut uniforms: Vec<f64> = (1..self.a + self.b).map(|_| task.random().uniform_open()).collect();
        uniforms.sort_by(f64::total_cmp);
        let p = uniforms[self.a as usize - 1];
        x[0] = (p / (1.0 - p)).ln();
        Ok(())
    }

    fn data_count(&self) -> usize {
        if self.one_by_one { self.data.len() } else { 0 }
    }

    fn log_density_data(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        x: &[f64],
        count: usize,
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        let ones = self.data[..count].iter().filter(|y| **y).count() as f64;
        let (a, b) = (f64::from(self.a) + ones, f64::from(self.b) + count as f64 - ones);
        let [base, of_base] = Self::kernel(a, b, x[0]);
        let (one, zero) = if self.data[count] { (1.0, 0.0) } else { (0.0, 1.0) };
        let [datum, of_datum] = Self::kernel(one, zero, x[0]);
        if let Some([into_base, into_datum]) = gradients {
            (into_base[0], into_datum[0]) = (of_base, of_datum);
        }
        Ok([self.constant + base, datum])
    }
}
