//! Posteriors of many kinds with made-up data, so that no rule of a warm-up is fitted to the few that others publish.

use super::dual::Dual;
use super::large;
use super::models::Model;

/// A model written with [`Dual`] numbers.
pub fn dual<const N: usize>(
    name: &'static str,
    log_density: impl Fn(&[Dual<N>; N]) -> Dual<N> + Sync + Send + 'static,
) -> Model {
    let density = move |x: &[f64], g: &mut [f64]| {
        let value = log_density(&Dual::position(x));
        g.copy_from_slice(&value.slopes);
        value.value
    };
    Model::plain(name, N, Box::new(density))
}

/// Numbers for made-up data.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn normals(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.normal()).collect()
    }

    /// A Poisson number, by its waiting times.
    fn poisson(&mut self, mean: f64) -> f64 {
        let (mut count, mut time) = (0.0, -self.uniform().ln());
        while time < mean {
            count += 1.0;
            time -= self.uniform().ln();
        }
        count
    }
}

/// Posteriors that no metric suits everywhere: figures of single seeds differ by factors of three, so that these are run over
/// [`MORE`] times as many seeds as the others.
pub const VARIED: [&str; 4] = ["narrow_funnel", "funnel", "banana", "volatility"];
/// See [`VARIED`].
pub const MORE: u64 = 8;

/// All of them.
pub fn all() -> Vec<Model> {
    vec![
        pair(),
        scales(),
        equicorrelated(),
        large::ar1("ar1_100", 100, 0.9),
        student(),
        narrow_funnel(),
        funnel(),
        banana(),
        skewed(),
        large::logistic("logistic_20", 20, 200),
        poisson(),
        centred(),
        non_centred(),
        surgical(),
        autoregression(),
        volatility(),
        ordered_mixture(),
        process(),
        michaelis(),
        elimination(),
        items(),
        robust(),
        changepoint(),
    ]
}

fn pair() -> Model {
    dual::<2>("pair", |[x, y]| x.normal(0.0, 1.0) + y.normal(*x * 0.99, 0.14))
}

fn scales() -> Model {
    dual::<10>("scales", |x| {
        x.iter()
            .enumerate()
            .map(|(i, x)| x.normal(10f64.powi(i as i32 - 5), 10f64.powi(i as i32 - 5)))
            .sum::<Dual<10>>()
    })
}

/// Correlation 0.9 among all of 30.
fn equicorrelated() -> Model {
    const DIM: usize = 30;
    let density = |x: &[f64], g: &mut [f64]| {
        let (rho, n) = (0.9, DIM as f64);
        let shared = rho / (1.0 - rho + n * rho) * x.iter().sum::<f64>();
        let mut sum = 0.0;
        for (x, g) in x.iter().zip(g) {
            *g = (shared - x) / (1.0 - rho);
            sum += 0.5 * *g * x;
        }
        sum
    };
    Model::plain("equicorrelated", DIM, Box::new(density))
}

/// Student's t with 4 degrees of freedom in each of 8 coordinates.
fn student() -> Model {
    dual::<8>("student", |x| x.iter().map(|x| (x.square() / 4.0 + 1.0).ln() * -2.5).sum::<Dual<8>>())
}

fn narrow_funnel() -> Model {
    dual::<10>("narrow_funnel", |x| {
        x[0].normal(0.0, 0.7) + x[1..].iter().map(|y| y.normal(0.0, x[0].exp())).sum::<Dual<10>>()
    })
}

/// Neal's, less extreme.
fn funnel() -> Model {
    dual::<6>("funnel", |x| {
        x[0].normal(0.0, 2.0) + x[1..].iter().map(|y| y.normal(0.0, (x[0] * 0.5).exp())).sum::<Dual<6>>()
    })
}

fn banana() -> Model {
    dual::<2>("banana", |[x, y]| x.normal(0.0, 1.0) + y.normal(x.square() - 1.0, 0.5))
}

/// Logarithms of gamma variables of shapes 1/2 to 5, and logits of beta ones.
fn skewed() -> Model {
    dual::<8>("skewed", |x| {
        let gammas = [0.5, 1.0, 2.0, 5.0].iter().zip(x).map(|(shape, x)| *x * *shape - x.exp());
        let betas = [(0.5, 2.0), (1.0, 1.0), (3.0, 0.7), (5.0, 5.0)].iter().zip(&x[4..]);
        gammas.sum::<Dual<8>>() + betas.map(|((a, b), x)| (-*x).softplus() * -*a - x.softplus() * *b).sum::<Dual<8>>()
    })
}

/// Counts on 5 predictors of unlike scales, with an intercept.
fn poisson() -> Model {
    let mut noise = Noise::new(2);
    let rows: Vec<([f64; 5], f64)> = (0..60)
        .map(|_| {
            let x = [1.0, noise.normal(), 30.0 + 5.0 * noise.normal(), 0.1 * noise.normal(), noise.uniform().round()];
            let log_mean = 0.5 + 0.3 * x[1] + 0.03 * (x[2] - 30.0) + 2.0 * x[3] - 0.4 * x[4];
            (x, noise.poisson(log_mean.exp()))
        })
        .collect();
    dual::<5>("poisson", move |b| {
        let prior = b.iter().map(|b| b.normal(0.0, 5.0)).sum::<Dual<5>>();
        let one = |(x, y): &([f64; 5], f64)| {
            let eta = b.iter().zip(x).map(|(b, x)| *b * *x).sum::<Dual<5>>();
            eta * *y - eta.exp()
        };
        prior + rows.iter().map(one).sum::<Dual<5>>()
    })
}

/// Means of 10 groups of 8 whose spread is well known: mu, log tau, log sigma, then the groups.
fn centred() -> Model {
    let mut noise = Noise::new(3);
    let groups: Vec<Vec<f64>> = (0..10)
        .map(|_| {
            let mean = 50.0 + 10.0 * noise.normal();
            noise.normals(8).iter().map(|z| mean + 5.0 * z).collect()
        })
        .collect();
    dual::<13>("centred", move |x| {
        let (mu, tau, sigma) = (x[0], x[1].exp(), x[2].exp());
        let mut sum = mu.normal(0.0, 100.0) + tau.half_cauchy(25.0) + sigma.half_cauchy(25.0) + x[1] + x[2];
        for (theta, group) in x[3..].iter().zip(&groups) {
            let n = group.len() as f64;
            let mean = group.iter().sum::<f64>() / n;
            let squares: f64 = group.iter().map(|y| (y - mean).powi(2)).sum();
            sum = sum + theta.normal(mu, tau) - x[2] * n;
            sum = sum - ((*theta - mean).square() * n + squares) / sigma.square() * 0.5;
        }
        sum
    })
}

/// Effects of 10 groups that are hardly seen: mu, log tau, then the groups in units of tau.
fn non_centred() -> Model {
    let mut noise = Noise::new(4);
    let y: Vec<f64> = (0..10).map(|_| 3.0 + 4.0 * noise.normal()).collect();
    dual::<12>("non_centred", move |x| {
        let (mu, tau) = (x[0], x[1].exp());
        let prior = mu.normal(0.0, 5.0) + tau.half_cauchy(5.0) + x[1];
        let one = |(z, y): (&Dual<12>, &f64)| z.normal(0.0, 1.0) + (*z * tau + mu).normal(*y, 4.0);
        prior + x[2..].iter().zip(&y).map(one).sum::<Dual<12>>()
    })
}

/// Failures of 12 hospitals with logits about a common mean.
fn surgical() -> Model {
    let mut noise = Noise::new(5);
    let rows: Vec<(f64, f64)> = (0..12)
        .map(|_| {
            let (n, p) = ((40.0 + 300.0 * noise.uniform()).round(), 1.0 / (1.0 + (2.5 - 0.4 * noise.normal()).exp()));
            (n, (0..n as usize).filter(|_| noise.uniform() < p).count() as f64)
        })
        .collect();
    dual::<14>("surgical", move |x| {
        let (mu, tau) = (x[0], x[1].exp());
        let prior = mu.normal(0.0, 10.0) + tau.half_cauchy(1.0) + x[1];
        let one = |(b, (n, y)): (&Dual<14>, &(f64, f64))| b.normal(mu, tau) + *b * *y - b.softplus() * *n;
        prior + x[2..].iter().zip(&rows).map(one).sum::<Dual<14>>()
    })
}

/// A series y(t) = 0.6 y(t-1) + 0.3 y(t-2) + 0.5 noise + 0.4 noise(t-1).
fn series(n: usize, seed: u64, level: f64) -> Vec<f64> {
    let mut noise = Noise::new(seed);
    let (mut out, mut last) = (vec![level, level], 0.0);
    for t in 2..n {
        let z = 0.5 * noise.normal();
        out.push(level + 0.6 * (out[t - 1] - level) + 0.3 * (out[t - 2] - level) + z + 0.4 * last);
        last = z;
    }
    out
}

fn autoregression() -> Model {
    let y = series(150, 6, 20.0);
    dual::<4>("autoregression", move |[alpha, a, b, s]| {
        let sigma = s.exp();
        let prior = alpha.normal(0.0, 50.0) + a.normal(0.0, 1.0) + b.normal(0.0, 1.0) + sigma.half_cauchy(2.0) + *s;
        let one = |w: &[f64]| Dual::of(w[2]).normal(*alpha + *a * w[1] + *b * w[0], sigma);
        prior + y.windows(3).map(one).sum::<Dual<4>>()
    })
}

/// Stochastic volatility, non-centred: mu, logit of the persistence, log of the spread, then 40 shocks.
fn volatility() -> Model {
    const T: usize = 40;
    let mut noise = Noise::new(9);
    let mut h = 0.0;
    let y: Vec<f64> = (0..T)
        .map(|_| {
            h = 0.9 * h + 0.3 * noise.normal();
            (0.5 * h).exp() * noise.normal()
        })
        .collect();
    // A tape of one pass would do; dual numbers of 43 coordinates are quick enough.
    dual::<43>("volatility", move |x| {
        let (mu, phi, sd) = (x[0], (x[1] * 0.5).tanh(), x[2].exp());
        let prior = mu.normal(0.0, 3.0) + x[1].normal(2.0, 1.0) + x[2].normal(-1.0, 0.7);
        let mut h = Dual::of(0.0);
        let mut sum = prior;
        for (z, y) in x[3..].iter().zip(&y) {
            h = phi * h + sd * *z;
            let log_variance = mu + h;
            sum = sum + z.square() * -0.5 - log_variance * 0.5 - (-log_variance).exp() * (0.5 * y * y);
        }
        sum
    })
}

/// Two normals, the lower one first: mean, log distance, two log standard deviations, logit of the share.
fn ordered_mixture() -> Model {
    let mut noise = Noise::new(10);
    let y: Vec<f64> = (0..100)
        .map(|_| if noise.uniform() < 0.4 { -1.5 + noise.normal() } else { 2.0 + 0.8 * noise.normal() })
        .collect();
    dual::<5>("ordered_mixture", move |[low, d, s, t, logit]| {
        let high = *low + d.exp();
        let prior = low.normal(0.0, 5.0) + high.normal(0.0, 5.0) + *d + s.normal(0.0, 1.0) + t.normal(0.0, 1.0);
        let (first, second) = (-(-*logit).softplus(), -logit.softplus());
        let (s, t) = (s.exp(), t.exp());
        let one = |y: &f64| (Dual::of(*y).normal(*low, s) + first).log_sum_exp(Dual::of(*y).normal(high, t) + second);
        prior + logit.normal(0.0, 1.5) + y.iter().map(one).sum::<Dual<5>>()
    })
}

/// A Gaussian process' length scale, amplitude and noise, at 12 points.
fn process() -> Model {
    const T: usize = 12;
    let mut noise = Noise::new(11);
    let y: Vec<f64> = (0..T).map(|t| (t as f64 / 2.0).sin() * 1.5 + 0.3 * noise.normal()).collect();
    dual::<3>("process", move |[r, a, s]| {
        let (length, amplitude, sigma) = (r.exp(), a.exp(), s.exp());
        let mut sum = *r * 4.0 - length + *a * 2.0 - amplitude + *s - sigma.square() * 0.5;
        // The Cholesky factor row by row, and the residuals it leaves.
        let mut rows: Vec<Vec<Dual<3>>> = Vec::new();
        let mut left: Vec<Dual<3>> = Vec::new();
        for i in 0..T {
            let mut row: Vec<Dual<3>> = Vec::new();
            #[expect(clippy::needless_range_loop, reason = "j counts columns, too")]
            for j in 0..=i {
                let apart = (i as f64 - j as f64) / 2.0;
                let mut k = (-(Dual::of(apart) / length).square() * 0.5).exp() * amplitude.square();
                if i == j {
                    k = k + sigma.square() + 1e-9;
                }
                let others = if i == j { &row } else { &rows[j] };
                let inner = row.iter().zip(others).map(|(a, b)| *a * *b).sum::<Dual<3>>();
                row.push(if i == j { (k - inner).sqrt() } else { (k - inner) / rows[j][j] });
            }
            let known = row.iter().zip(&left).map(|(a, b)| *a * *b).sum::<Dual<3>>();
            left.push((-known + y[i]) / row[i]);
            sum = sum - row[i].ln() - left[i].square() * 0.5;
            rows.push(row);
        }
        sum
    })
}

/// y = a x / (b + x), with few points.
fn michaelis() -> Model {
    let mut noise = Noise::new(12);
    let rows: Vec<(f64, f64)> =
        (1..=12).map(|i| (i as f64 / 4.0, 2.0 * i as f64 / (4.0 + i as f64) + 0.1 * noise.normal())).collect();
    dual::<3>("michaelis", move |[a, b, s]| {
        let (most, half, sigma) = (a.exp(), b.exp(), s.exp());
        let prior = a.normal(0.0, 1.0) + b.normal(0.0, 1.0) + s.normal(-1.0, 1.0);
        prior + rows.iter().map(|(x, y)| Dual::of(*y).normal(most * *x / (half + *x), sigma)).sum::<Dual<3>>()
    })
}

/// Two exponentials of a dose, with relative errors.
fn elimination() -> Model {
    let mut noise = Noise::new(13);
    let rows: Vec<(f64, f64)> = (1..=15)
        .map(|i| i as f64 / 2.0)
        .map(|t| (t, (10.0 * ((-0.3 * t).exp() - (-1.5 * t).exp())).ln() + 0.1 * noise.normal()))
        .collect();
    dual::<4>("elimination", move |[scale, slow, more, s]| {
        let (slow, sigma) = (slow.exp(), s.exp());
        let fast = slow + more.exp();
        let prior = scale.normal(2.0, 1.0) + slow.ln().normal(-1.0, 1.0) + more.normal(0.0, 1.0) + s.normal(-2.0, 1.0);
        let one = |(t, y): &(f64, f64)| {
            let level = ((slow * -*t).exp() - (fast * -*t).exp()).ln() + *scale;
            Dual::of(*y).normal(level, sigma)
        };
        prior + rows.iter().map(one).sum::<Dual<4>>()
    })
}

/// One-parameter items answered by 25 persons: 10 difficulties, the log spread of abilities, then the persons.
fn items() -> Model {
    const ITEMS: usize = 10;
    const PERSONS: usize = 25;
    let mut noise = Noise::new(14);
    let answers: Vec<Vec<f64>> = (0..PERSONS)
        .map(|_| {
            let able = 1.3 * noise.normal();
            let right = |i: usize, u: f64| u < 1.0 / (1.0 + (i as f64 / 4.0 - 1.2 - able).exp());
            (0..ITEMS).map(|i| f64::from(u8::from(right(i, noise.uniform())))).collect()
        })
        .collect();
    let density = move |x: &[f64], g: &mut [f64]| {
        let spread = x[ITEMS].exp();
        let mut sum = 0.0;
        for (i, (x, g)) in x.iter().zip(g.iter_mut()).enumerate() {
            let sd = if i < ITEMS { 2.0 } else { 1.0 };
            *g = -x / (sd * sd);
            sum += 0.5 * *g * x;
        }
        for (p, answers) in answers.iter().enumerate() {
            let z = x[ITEMS + 1 + p];
            for (i, y) in answers.iter().enumerate() {
                let eta = spread * z - x[i];
                sum += y * eta - eta.max(0.0) - (-eta.abs()).exp().ln_1p();
                let residual = y - 1.0 / (1.0 + (-eta).exp());
                g[i] -= residual;
                g[ITEMS] += residual * spread * z;
                g[ITEMS + 1 + p] += residual * spread;
            }
        }
        sum
    };
    Model::plain("items", ITEMS + 1 + PERSONS, Box::new(density))
}

/// A line through points with errors of Student's t, whose degrees of freedom are not known.
fn robust() -> Model {
    let mut noise = Noise::new(15);
    let rows: Vec<(f64, f64)> = (0..50)
        .map(|i| {
            let x = 1950.0 + i as f64;
            let wide = if i % 12 == 0 { 8.0 } else { 1.0 };
            (x, 0.1 * x - 180.0 + wide * noise.normal())
        })
        .collect();
    dual::<4>("robust", move |[a, b, s, nu]| {
        let (sigma, nu, log_nu) = (s.exp(), nu.exp() + 1.0, *nu);
        // Stirling's series is good enough from 1/2 on for log gamma((nu + 1) / 2) - log gamma(nu / 2).
        let half = nu * 0.5;
        let gammas = half.ln() * 0.5 - Dual::of(0.125) / half;
        let prior = a.normal(0.0, 1000.0) + b.normal(0.0, 10.0) + s.normal(0.0, 2.0) + log_nu.normal(2.0, 1.0);
        let one = |(x, y): &(f64, f64)| {
            let z = (*a + *b * *x - *y) / sigma;
            gammas - nu.ln() * 0.5 - sigma.ln() - ((z.square() / nu) + 1.0).ln() * (nu + 1.0) * 0.5
        };
        prior + rows.iter().map(one).sum::<Dual<4>>()
    })
}

/// A level that changes smoothly about a time that is not known well.
fn changepoint() -> Model {
    let mut noise = Noise::new(16);
    let y: Vec<f64> = (0..40).map(|t| if t < 17 { 1.0 } else { 2.0 } + 0.7 * noise.normal()).collect();
    dual::<5>("changepoint", move |[a, b, when, width, s]| {
        let (sigma, sharp, at) = (s.exp(), (-*width).exp(), when.inv_logit() * 40.0);
        let prior = a.normal(0.0, 5.0) + b.normal(0.0, 5.0) + when.normal(0.0, 1.0) + width.normal(0.0, 0.7);
        let one = |(t, y): (usize, &f64)| {
            let share = ((-at + t as f64) * sharp).inv_logit();
            Dual::of(*y).normal(*a + (*b - *a) * share, sigma)
        };
        prior + s.normal(0.0, 1.0) + y.iter().enumerate().map(one).sum::<Dual<5>>()
    })
}
