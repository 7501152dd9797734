//! The five posteriors, with their gradients by hand; data from `tests/stan`. What is reported are the parameters on their
//! own scales, as the Stan programs do.

use catena::model::{Density, Refusal, Task, WorkerError};
use serde_json::Value;
use std::path::Path;

/// Log density and gradient at a position.
type LogDensity = Box<dyn Fn(&[f64], &mut [f64]) -> f64 + Sync + Send>;
/// What is reported of a position.
type Outputs = Box<dyn Fn(&[f64], &mut [f64]) + Sync + Send>;

/// A posterior.
pub struct Model {
    pub name: &'static str,
    dim: usize,
    outputs: Vec<String>,
    density: LogDensity,
    constrain: Outputs,
}

impl Model {
    /// A density that reports its coordinates.
    pub fn plain(name: &'static str, dim: usize, density: LogDensity) -> Self {
        let outputs = (1..=dim).map(|i| format!("x.{i}")).collect();
        Self { name, dim, outputs, density, constrain: Box::new(|x, out| out.copy_from_slice(x)) }
    }
}

impl Density for Model {
    type Worker = ();

    fn dim(&self) -> usize {
        self.dim
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let value = (self.density)(x, g);
        if value.is_finite() { Ok(value) } else { Err(Refusal::Reject) }
    }

    fn output_names(&self) -> Vec<String> {
        self.outputs.clone()
    }

    fn constrain(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], outputs: &mut [f64]) -> Result<(), Refusal> {
        (self.constrain)(x, outputs);
        Ok(())
    }
}

/// All five.
pub fn all() -> Vec<Model> {
    vec![ar_k(), eight_schools(), garch(), kidscore(), regression()]
}

fn data(program: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stan/{program}.json"));
    serde_json::from_slice(&std::fs::read(path).expect("data of tests/stan")).expect("JSON")
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn indexed(name: &str, n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("{name}.{i}")).collect()
}

/// Half-Cauchy log density of sigma without constants, and its derivative by log sigma.
fn half_cauchy(sigma: f64, scale: f64) -> (f64, f64) {
    let square = (sigma / scale).powi(2);
    (-square.ln_1p(), -2.0 * square / (1.0 + square))
}

/// A linear model: rows of terms, coefficients and log sigma; `prior` adds to value and gradient.
fn linear(
    rows: Vec<Vec<f64>>,
    y: Vec<f64>,
    prior: impl Fn(&[f64], f64, &mut [f64]) -> f64 + Sync + Send + 'static,
) -> LogDensity {
    let terms = rows[0].len();
    Box::new(move |x, g| {
        let sigma = x[terms].exp();
        let precision = 1.0 / (sigma * sigma);
        g.fill(0.0);
        let mut squares = 0.0;
        for (row, y) in rows.iter().zip(&y) {
            let residual = y - row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
            squares += residual * residual;
            g.iter_mut().zip(row).for_each(|(g, a)| *g += precision * residual * a);
        }
        // + log sigma of the Jacobian.
        let n = y.len() as f64 - 1.0;
        g[terms] = precision * squares - n;
        -0.5 * precision * squares - n * x[terms] + prior(x, sigma, g)
    })
}

/// Normal(0, 10) on the coefficients.
fn normal_prior(x: &[f64], terms: usize, g: &mut [f64]) -> f64 {
    x[..terms]
        .iter()
        .zip(g)
        .map(|(x, g)| {
            *g -= x / 100.0;
            -0.5 * x * x / 100.0
        })
        .sum()
}

fn with_sigma(names: Vec<String>) -> (Vec<String>, Outputs) {
    let terms = names.len();
    let names = names.into_iter().chain(["sigma".to_string()]).collect();
    (
        names,
        Box::new(move |x, out| {
            out.copy_from_slice(x);
            out[terms] = x[terms].exp();
        }),
    )
}

fn ar_k() -> Model {
    const K: usize = 5;
    let y = list(&data("ar_k")["y"]);
    let rows = (K..y.len()).map(|t| std::iter::once(1.0).chain((1..=K).map(|k| y[t - k])).collect()).collect();
    let density = linear(rows, y[K..].to_vec(), |x, sigma, g| {
        let (value, slope) = half_cauchy(sigma, 2.5);
        g[K + 1] += slope;
        value + normal_prior(x, K + 1, g)
    });
    let (outputs, constrain) = with_sigma(std::iter::once("alpha".to_string()).chain(indexed("beta", K)).collect());
    Model { name: "arK", dim: K + 2, outputs, density, constrain }
}

fn eight_schools() -> Model {
    let data = data("eight_schools");
    let (y, sd) = (list(&data["y"]), list(&data["sigma"]));
    let n = y.len();
    let outputs = [indexed("theta_trans", n), vec!["mu".into(), "tau".into()], indexed("theta", n)].concat();
    let density = Box::new(move |x: &[f64], g: &mut [f64]| {
        let (mu, tau) = (x[n], x[n + 1].exp());
        let (prior, slope) = half_cauchy(tau, 5.0);
        let mut value = -0.5 * mu * mu / 25.0 + prior + x[n + 1];
        (g[n], g[n + 1]) = (-mu / 25.0, slope + 1.0);
        for j in 0..n {
            let pull = (y[j] - mu - tau * x[j]) / sd[j];
            value -= 0.5 * (x[j] * x[j] + pull * pull);
            g[j] = -x[j] + pull * tau / sd[j];
            g[n] += pull / sd[j];
            g[n + 1] += pull * tau * x[j] / sd[j];
        }
        value
    });
    let constrain = Box::new(move |x: &[f64], out: &mut [f64]| {
        out[..=n].copy_from_slice(&x[..=n]);
        out[n + 1] = x[n + 1].exp();
        for j in 0..n {
            out[n + 2 + j] = x[n] + out[n + 1] * x[j];
        }
    });
    Model { name: "eight_schools", dim: n + 2, outputs, density, constrain }
}

/// log of 1 / (1 + exp(-u)).
fn log_inv_logit(u: f64) -> f64 {
    u.min(0.0) - (-u.abs()).exp().ln_1p()
}

fn garch() -> Model {
    const DIM: usize = 4;
    let data = data("garch11");
    let (y, sigma1) = (list(&data["y"]), data["sigma1"].as_f64().expect("a number"));
    let density = Box::new(move |x: &[f64], g: &mut [f64]| {
        let (mu, alpha0) = (x[0], x[1].exp());
        let (alpha1, rest) = (log_inv_logit(x[2]).exp(), log_inv_logit(-x[2]).exp());
        let (share, unshare) = (log_inv_logit(x[3]).exp(), log_inv_logit(-x[3]).exp());
        let beta1 = rest * share;
        let (mut variance, mut slopes, mut d) = (sigma1 * sigma1, [0.0; DIM], [0.0; DIM]);
        let mut value = 0.0;
        for y in &y {
            let residual = y - mu;
            let square = residual * residual;
            value -= 0.5 * (variance.ln() + square / variance);
            let slope = 0.5 * (square / variance - 1.0) / variance;
            d.iter_mut().zip(&slopes).for_each(|(d, s)| *d += slope * s);
            d[0] += residual / variance;
            slopes.iter_mut().for_each(|s| *s *= beta1);
            slopes[0] -= 2.0 * alpha1 * residual;
            slopes[1] += 1.0;
            slopes[2] += square;
            slopes[3] += variance;
            variance = alpha0 + alpha1 * square + beta1 * variance;
        }
        g[0] = d[0];
        g[1] = d[1] * alpha0 + 1.0;
        g[2] = (d[2] - d[3] * share) * alpha1 * rest + rest - 2.0 * alpha1;
        g[3] = d[3] * rest * share * unshare + unshare - share;
        value + x[1] + log_inv_logit(x[2]) + 2.0 * log_inv_logit(-x[2]) + log_inv_logit(x[3]) + log_inv_logit(-x[3])
    });
    let constrain = Box::new(|x: &[f64], out: &mut [f64]| {
        out[0] = x[0];
        out[1] = x[1].exp();
        out[2] = log_inv_logit(x[2]).exp();
        out[3] = (log_inv_logit(-x[2]) + log_inv_logit(x[3])).exp();
    });
    let outputs = ["mu", "alpha0", "alpha1", "beta1"].map(String::from).to_vec();
    Model { name: "garch", dim: DIM, outputs, density, constrain }
}

fn kidscore() -> Model {
    const TERMS: usize = 3;
    let data = data("kidscore");
    let (schooling, iq) = (list(&data["mom_hs"]), list(&data["mom_iq"]));
    let rows = schooling.iter().zip(&iq).map(|(&a, &b)| vec![1.0, a, b]).collect();
    let density = linear(rows, list(&data["kid_score"]), |_, sigma, g| {
        let (value, slope) = half_cauchy(sigma, 2.5);
        g[TERMS] += slope;
        value
    });
    let (outputs, constrain) = with_sigma(indexed("beta", TERMS));
    Model { name: "kidscore", dim: TERMS + 1, outputs, density, constrain }
}

fn regression() -> Model {
    const TERMS: usize = 5;
    let data = data("linear_regression");
    let rows = data["X"].as_array().expect("rows").iter().map(list).collect();
    let density = linear(rows, list(&data["y"]), |x, sigma, g| {
        g[TERMS] -= sigma * sigma / 100.0;
        normal_prior(x, TERMS, g) - 0.5 * sigma * sigma / 100.0
    });
    let (outputs, constrain) = with_sigma(indexed("beta", TERMS));
    Model { name: "sblri", dim: TERMS + 1, outputs, density, constrain }
}
