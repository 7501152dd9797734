use std::hint::black_box;
use std::time::Instant;

/// What is sampled.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// Independent standard normals.
    Normal,
    /// A stationary AR(1) process with unit variances and correlation [`RHO`].
    Ar1,
}

const RHO: f64 = 0.9;

impl Target {
    pub fn named(name: &str) -> Option<Self> {
        [Self::Normal, Self::Ar1].into_iter().find(|t| t.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Ar1 => "ar1",
        }
    }

    #[inline]
    pub fn log_density_gradient(self, x: &[f64], g: &mut [f64]) -> f64 {
        match self {
            Self::Normal => normal(x, g),
            Self::Ar1 => ar1(x, g),
        }
    }

    pub fn gradient_ns(self, dim: usize) -> f64 {
        let (mut x, mut g) = (vec![0.3; dim], vec![0.0; dim]);
        let repetitions = (20_000_000 / dim).max(100);
        let start = Instant::now();
        for _ in 0..repetitions {
            black_box(self.log_density_gradient(black_box(&x), &mut g));
            x[0] += 1e-12;
        }
        start.elapsed().as_nanos() as f64 / repetitions as f64
    }
}

#[inline(never)]
fn normal(x: &[f64], g: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for (x, g) in x.iter().zip(g.iter_mut()) {
        *g = -x;
        sum -= 0.5 * x * x;
    }
    sum
}

#[inline(never)]
fn ar1(x: &[f64], g: &mut [f64]) -> f64 {
    let scale = 1.0 / (1.0 - RHO * RHO);
    let n = x.len();
    let mut sum = 0.0;
    for i in 0..n {
        let diagonal = if i == 0 || i == n - 1 { scale } else { scale * (1.0 + RHO * RHO) };
        let mut q = diagonal * x[i];
        if i > 0 {
            q -= scale * RHO * x[i - 1];
        }
        if i + 1 < n {
            q -= scale * RHO * x[i + 1];
        }
        g[i] = -q;
        sum -= 0.5 * x[i] * q;
    }
    sum
}
