//! Normals of many coordinates, whose gradients cost little.

use super::models::Model;

/// A stationary AR(1) process with correlation `rho` and variance 1.
pub fn ar1(name: &'static str, dim: usize, rho: f64) -> Model {
    let scale = 1.0 / (1.0 - rho * rho);
    let density = move |x: &[f64], g: &mut [f64]| {
        let mut sum = 0.0;
        for i in 0..dim {
            let inner = i > 0 && i + 1 < dim;
            let mut q = if inner { 1.0 + rho * rho } else { 1.0 } * x[i];
            q -= rho * (if i > 0 { x[i - 1] } else { 0.0 } + if i + 1 < dim { x[i + 1] } else { 0.0 });
            g[i] = -scale * q;
            sum -= 0.5 * scale * q * x[i];
        }
        sum
    };
    Model::plain(name, dim, Box::new(density))
}

/// Variance 1 but along `count` directions, whose variance is `variance`; each is a block of coordinates with signs in turn.
pub fn spiked(dim: usize, count: usize, variance: f64) -> Model {
    let block = dim / count;
    let density = move |x: &[f64], g: &mut [f64]| {
        let mut sum = 0.0;
        let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        for (x, g) in x.chunks(block).zip(g.chunks_mut(block)) {
            let norm = 1.0 / (x.len() as f64).sqrt();
            let along: f64 = x.iter().enumerate().map(|(i, x)| sign(i) * x).sum::<f64>() * norm;
            let pull = (1.0 - 1.0 / variance) * along * norm;
            for (i, (x, g)) in x.iter().zip(g).enumerate() {
                *g = sign(i) * pull - x;
                sum += 0.5 * *g * x;
            }
        }
        sum
    };
    Model::plain("spiked", dim, Box::new(density))
}

/// Logistic regression of `rows` by `dim` correlated predictors with a normal prior.
pub fn logistic(name: &'static str, dim: usize, rows: usize) -> Model {
    let mut state = 1u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut x = vec![0.0; dim * rows];
    let mut y = vec![0.0; rows];
    for r in 0..rows {
        let common = 2.0 * uniform() - 1.0;
        for c in 0..dim {
            x[r * dim + c] = (2.0 * common + 2.0 * uniform() - 1.0) * (1.0 + c as f64);
        }
        let eta = common + x[r * dim] - x[r * dim + 1] / 2.0;
        y[r] = f64::from(u8::from(uniform() < 1.0 / (1.0 + (-eta).exp())));
    }
    let density = move |b: &[f64], g: &mut [f64]| {
        let mut sum = 0.0;
        g.iter_mut().zip(b).for_each(|(g, b)| *g = -b / 4.0);
        sum -= b.iter().map(|b| b * b).sum::<f64>() / 8.0;
        for (row, y) in x.chunks(dim).zip(&y) {
            let eta: f64 = row.iter().zip(b).map(|(x, b)| x * b).sum();
            sum += y * eta - eta.max(0.0) - (-eta.abs()).exp().ln_1p();
            let residual = y - 1.0 / (1.0 + (-eta).exp());
            g.iter_mut().zip(row).for_each(|(g, x)| *g += residual * x);
        }
        sum
    };
    Model::plain(name, dim, Box::new(density))
}
