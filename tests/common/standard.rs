//! Standard functions of unconstrained optimisation (Moré, Garbow and Hillstrom 1981), with their gradients, starts and
//! known minima.

/// A function: its name, its start, the value and gradient, and a minimum.
pub struct Standard {
    pub name: &'static str,
    pub start: Vec<f64>,
    /// Value; the gradient is written.
    pub value: fn(&[f64], &mut [f64]) -> f64,
    /// The minimum's value and, where it is at one place, that place.
    pub minimum: f64,
    pub at: Option<Vec<f64>>,
    /// Other minima, where an optimiser may as well end.
    pub others: &'static [f64],
}

/// Adds r² and its gradient, `slopes` holding those of the residual r.
fn square(residual: f64, slopes: &[(usize, f64)], gradient: &mut [f64]) -> f64 {
    for &(i, slope) in slopes {
        gradient[i] += 2.0 * residual * slope;
    }
    residual * residual
}

fn rosenbrock(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let mut value = 0.0;
    for i in (0..x.len()).step_by(2) {
        value += square(10.0 * (x[i + 1] - x[i] * x[i]), &[(i, -20.0 * x[i]), (i + 1, 10.0)], gradient);
        value += square(1.0 - x[i], &[(i, -1.0)], gradient);
    }
    value
}

fn chained_rosenbrock(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let mut value = 0.0;
    for i in 0..x.len() - 1 {
        value += square(10.0 * (x[i + 1] - x[i] * x[i]), &[(i, -20.0 * x[i]), (i + 1, 10.0)], gradient);
        value += square(1.0 - x[i], &[(i, -1.0)], gradient);
    }
    value
}

fn beale(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let [a, b] = [x[0], x[1]];
    let mut value = 0.0;
    for (k, target) in [1.5, 2.25, 2.625].into_iter().enumerate() {
        let power = b.powi(k as i32 + 1);
        let slope = a * (k as f64 + 1.0) * b.powi(k as i32);
        value += square(target - a * (1.0 - power), &[(0, power - 1.0), (1, slope)], gradient);
    }
    value
}

fn wood(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let (root_90, root_10) = (90f64.sqrt(), 10f64.sqrt());
    square(10.0 * (x[1] - x[0] * x[0]), &[(0, -20.0 * x[0]), (1, 10.0)], gradient)
        + square(1.0 - x[0], &[(0, -1.0)], gradient)
        + square(root_90 * (x[3] - x[2] * x[2]), &[(2, -2.0 * root_90 * x[2]), (3, root_90)], gradient)
        + square(1.0 - x[2], &[(2, -1.0)], gradient)
        + square(root_10 * (x[1] + x[3] - 2.0), &[(1, root_10), (3, root_10)], gradient)
        + square((x[1] - x[3]) / root_10, &[(1, 1.0 / root_10), (3, -1.0 / root_10)], gradient)
}

fn powell_singular(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let (root_5, root_10) = (5f64.sqrt(), 10f64.sqrt());
    let (near, far) = (x[1] - 2.0 * x[2], x[0] - x[3]);
    square(x[0] + 10.0 * x[1], &[(0, 1.0), (1, 10.0)], gradient)
        + square(root_5 * (x[2] - x[3]), &[(2, root_5), (3, -root_5)], gradient)
        + square(near * near, &[(1, 2.0 * near), (2, -4.0 * near)], gradient)
        + square(root_10 * far * far, &[(0, 2.0 * root_10 * far), (3, -2.0 * root_10 * far)], gradient)
}

fn brown(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    square(x[0] - 1e6, &[(0, 1.0)], gradient)
        + square(x[1] - 2e-6, &[(1, 1.0)], gradient)
        + square(x[0] * x[1] - 2.0, &[(0, x[1]), (1, x[0])], gradient)
}

fn helical_valley(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let tau = std::f64::consts::TAU;
    let turn = libm::atan(x[1] / x[0]) / tau + if x[0] < 0.0 { 0.5 } else { 0.0 };
    let (square_radius, radius) = (x[0] * x[0] + x[1] * x[1], libm::hypot(x[0], x[1]));
    let turns = [-x[1] / square_radius / tau, x[0] / square_radius / tau];
    square(10.0 * (x[2] - 10.0 * turn), &[(0, -100.0 * turns[0]), (1, -100.0 * turns[1]), (2, 10.0)], gradient)
        + square(10.0 * (radius - 1.0), &[(0, 10.0 * x[0] / radius), (1, 10.0 * x[1] / radius)], gradient)
        + square(x[2], &[(2, 1.0)], gradient)
}

fn box_3d(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let mut value = 0.0;
    for i in 1..=10 {
        let t = 0.1 * f64::from(i);
        let (first, second) = (libm::exp(-t * x[0]), libm::exp(-t * x[1]));
        let shape = libm::exp(-t) - libm::exp(-10.0 * t);
        let slopes = [(0, -t * first), (1, t * second), (2, -shape)];
        value += square(first - second - x[2] * shape, &slopes, gradient);
    }
    value
}

fn trigonometric(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let n = x.len();
    let cosines: f64 = x.iter().map(|&x| libm::cos(x)).sum();
    let mut value = 0.0;
    let mut slopes = vec![(0, 0.0); n];
    for i in 0..n {
        let weight = i as f64 + 1.0;
        let (sine, cosine) = (libm::sin(x[i]), libm::cos(x[i]));
        for (j, slope) in slopes.iter_mut().enumerate() {
            *slope = (j, libm::sin(x[j]));
        }
        slopes[i].1 += weight * sine - cosine;
        value += square(n as f64 - cosines + weight * (1.0 - cosine) - sine, &slopes, gradient);
    }
    value
}

fn repeat(pattern: &[f64], dim: usize) -> Vec<f64> {
    pattern.iter().copied().cycle().take(dim).collect()
}

/// The ten.
pub fn all() -> Vec<Standard> {
    let one = |name, start: Vec<f64>, value, at: Option<Vec<f64>>| Standard {
        name,
        start,
        value,
        minimum: 0.0,
        at,
        others: &[],
    };
    vec![
        one("Rosenbrock, 2", vec![-1.2, 1.0], rosenbrock, Some(vec![1.0; 2])),
        one("extended Rosenbrock, 100", repeat(&[-1.2, 1.0], 100), rosenbrock, Some(vec![1.0; 100])),
        Standard {
            others: &[3.986_623_854_308],
            ..one("chained Rosenbrock, 100", repeat(&[-1.2, 1.0], 100), chained_rosenbrock, Some(vec![1.0; 100]))
        },
        one("Beale", vec![1.0, 1.0], beale, Some(vec![3.0, 0.5])),
        one("Wood", vec![-3.0, -1.0, -3.0, -1.0], wood, Some(vec![1.0; 4])),
        one("Powell's singular", vec![3.0, -1.0, 0.0, 1.0], powell_singular, None),
        one("Brown's badly scaled", vec![1.0, 1.0], brown, Some(vec![1e6, 2e-6])),
        one("helical valley", vec![-1.0, 0.0, 0.0], helical_valley, Some(vec![1.0, 0.0, 0.0])),
        Standard { others: &[0.075_588_719_3], ..one("Box, 3", vec![0.0, 10.0, 20.0], box_3d, None) },
        Standard { others: &[2.795_056_121_88e-5], ..one("trigonometric, 10", vec![0.1; 10], trigonometric, None) },
    ]
}
