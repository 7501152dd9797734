//! Posteriors on which chains get stuck: roots of time series outside of the unit circle, a predator and its prey from bad
//! starts, hidden states whose labels may change places.

use super::dual::Dual;
use super::models::Model;
use super::wide::{Noise, dual};

/// All of them.
pub fn all() -> Vec<Model> {
    vec![ar_roots(), ma_roots(), arma_roots(), lotka_volterra(), hidden_markov(), mixture()]
}

/// Second-order moving average about mu: mu, two coefficients, log sigma.
fn moving_average(x: &[Dual<4>; 4], y: &[f64]) -> Dual<4> {
    let (mu, sigma) = (x[0], x[3].exp());
    let prior = mu.normal(0.0, 10.0) + x[1].normal(0.0, 2.0) + x[2].normal(0.0, 2.0) + sigma.half_cauchy(2.5) + x[3];
    let (mut last, mut before) = (Dual::of(0.0), Dual::of(0.0));
    let mut sum = prior;
    for y in y {
        let error = -mu - x[1] * last - x[2] * before + *y;
        (before, last) = (last, error);
        sum = sum + error.normal(0.0, sigma);
    }
    sum
}

/// mu, an autoregression's and a moving average's coefficient, log sigma, with the wide priors that such models get.
fn arma(x: &[Dual<4>; 4], y: &[f64]) -> Dual<4> {
    let (mu, phi, theta, sigma) = (x[0], x[1], x[2], x[3].exp());
    let prior = mu.normal(0.0, 10.0) + phi.normal(0.0, 2.0) + theta.normal(0.0, 2.0) + sigma.half_cauchy(2.5) + x[3];
    let mut error = -mu - phi * mu + y[0];
    let mut sum = prior + error.normal(0.0, sigma);
    for w in y.windows(2) {
        error = -mu - phi * w[0] - theta * error + w[1];
        sum = sum + error.normal(0.0, sigma);
    }
    sum
}

/// Fifth-order autoregression of a series that is nearly a random walk, with a starting error that is carried on.
fn ar_roots() -> Model {
    let mut noise = Noise::new(21);
    let mut y = vec![0.0; 5];
    for t in 5..120 {
        let next = 0.7 * y[t - 1] + 0.4 * y[t - 2] - 0.15 * y[t - 5] + 0.2 * noise.normal();
        y.push(next);
    }
    dual::<7>("ar_roots", move |x| {
        let sigma = x[6].exp();
        let prior = x[..6].iter().map(|b| b.normal(0.0, 10.0)).sum::<Dual<7>>() + sigma.half_cauchy(2.5) + x[6];
        // Forecasts from forecasts over three steps: the powers of the roots are what counts.
        let mut sum = prior;
        for w in y.windows(8).step_by(3) {
            let mut known: Vec<Dual<7>> = w[..5].iter().map(|y| Dual::of(*y)).collect();
            for y in &w[5..] {
                let n = known.len();
                let next = x[0] + (1..=5).map(|k| x[k] * known[n - k]).sum::<Dual<7>>();
                sum = sum + Dual::of(*y).normal(next, sigma);
                known.push(next);
            }
        }
        sum
    })
}

fn ma_roots() -> Model {
    let mut noise = Noise::new(22);
    let z: Vec<f64> = (0..102).map(|_| noise.normal()).collect();
    let y: Vec<f64> = z.windows(3).map(|z| 0.5 + z[2] + 1.1 * z[1] + 0.5 * z[0]).collect();
    dual::<4>("ma_roots", move |x| moving_average(x, &y))
}

fn arma_roots() -> Model {
    let mut noise = Noise::new(23);
    let (mut y, mut last) = (vec![0.0], 0.0);
    for t in 1..100 {
        let z = 0.2 * noise.normal();
        y.push(0.9 * y[t - 1] + z + 0.7 * last);
        last = z;
    }
    dual::<4>("arma_roots", move |x| arma(x, &y))
}

/// Rates and first numbers of prey and predators over 20 years, all logarithms, by Runge and Kutta's fourth-order steps.
fn lotka_volterra() -> Model {
    const YEARS: usize = 20;
    const STEPS: usize = 5;
    fn year(p: &[Dual<8>; 8], z: &mut [Dual<8>; 2]) {
        let slope = |z: &[Dual<8>; 2]| [z[0] * (p[0] - p[1] * z[1]), z[1] * (p[3] * z[0] - p[2])];
        let moved = |z: &[Dual<8>; 2], k: &[Dual<8>; 2], by: f64| [z[0] + k[0] * by, z[1] + k[1] * by];
        let h = 1.0 / STEPS as f64;
        for _ in 0..STEPS {
            let a = slope(z);
            let b = slope(&moved(z, &a, 0.5 * h));
            let c = slope(&moved(z, &b, 0.5 * h));
            let d = slope(&moved(z, &c, h));
            for i in 0..2 {
                z[i] = z[i] + (a[i] + b[i] * 2.0 + c[i] * 2.0 + d[i]) * (h / 6.0);
            }
        }
    }
    let mut noise = Noise::new(24);
    let truth = [0.55f64, 0.028, 0.8, 0.024, 34.0, 6.0, 0.25, 0.25].map(Dual::<8>::of);
    let mut z = [truth[4], truth[5]];
    let mut data = vec![[34.0f64.ln(), 6.0f64.ln()]];
    for _ in 0..YEARS {
        year(&truth, &mut z);
        data.push([0, 1].map(|i| z[i].value.ln() + 0.2 * noise.normal()));
    }
    dual::<8>("lotka_volterra", move |x| {
        let p = x.map(Dual::exp);
        let mut sum = x[4].normal(10f64.ln(), 1.0) + x[5].normal(10f64.ln(), 1.0);
        sum = sum + x[6].normal(-1.0, 1.0) + x[7].normal(-1.0, 1.0);
        // Normal priors on the rates themselves, with the Jacobian of the logarithm.
        for (i, (mean, sd)) in [(0, (1.0, 0.5)), (1, (0.05, 0.05)), (2, (1.0, 0.5)), (3, (0.05, 0.05))] {
            sum = sum + p[i].normal(mean, sd) + x[i];
        }
        let mut z = [p[4], p[5]];
        for (t, row) in data.iter().enumerate() {
            if t > 0 {
                year(&p, &mut z);
            }
            for i in 0..2 {
                // A number below zero has no logarithm: the point is refused.
                sum = sum + z[i].ln().normal(row[i], p[6 + i]);
            }
        }
        sum
    })
}

/// Two states whose means are ordered by nothing: logits to stay, means, log of the common standard deviation.
fn hidden_markov() -> Model {
    let mut noise = Noise::new(25);
    let mut state = 0;
    let y: Vec<f64> = (0..80)
        .map(|_| {
            if noise.uniform() > [0.85, 0.7][state] {
                state = 1 - state;
            }
            [3.0, 9.0][state] + 1.2 * noise.normal()
        })
        .collect();
    dual::<5>("hidden_markov", move |x| {
        let stay = [-(-x[0]).softplus(), -(-x[1]).softplus()];
        let leave = [-x[0].softplus(), -x[1].softplus()];
        let sigma = x[4].exp();
        let mut sum = x[0].normal(0.5, 1.5) + x[1].normal(0.5, 1.5) + x[4].normal(0.0, 1.0);
        sum = sum + x[2].normal(5.0, 5.0) + x[3].normal(5.0, 5.0);
        let seen = |y: f64| [Dual::of(y).normal(x[2], sigma), Dual::of(y).normal(x[3], sigma)];
        let mut forward = seen(y[0]);
        for y in &y[1..] {
            let emitted = seen(*y);
            forward = [
                (forward[0] + stay[0]).log_sum_exp(forward[1] + leave[1]) + emitted[0],
                (forward[0] + leave[0]).log_sum_exp(forward[1] + stay[1]) + emitted[1],
            ];
        }
        sum = sum + forward[0].log_sum_exp(forward[1]);
        sum
    })
}

/// Two normals of like shares, either of which may be the first.
fn mixture() -> Model {
    let mut noise = Noise::new(26);
    let y: Vec<f64> =
        (0..60).map(|_| if noise.uniform() < 0.5 { -2.0 + noise.normal() } else { 2.0 + noise.normal() }).collect();
    dual::<4>("mixture", move |[a, b, s, t]| {
        let prior = a.normal(0.0, 3.0) + b.normal(0.0, 3.0) + s.normal(0.0, 0.5) + t.normal(0.0, 0.5);
        let (s, t) = (s.exp(), t.exp());
        prior + y.iter().map(|y| Dual::of(*y).normal(*a, s).log_sum_exp(Dual::of(*y).normal(*b, t))).sum::<Dual<4>>()
    })
}
