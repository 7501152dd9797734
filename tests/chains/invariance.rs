//! Exact invariance: chains that start from exact draws of a density stay there, whatever the step size.
//!
//! Chains start from independent exact draws and move a few times without adaptation. Every position is mapped to two
//! independent uniforms by the density's distribution functions, so means, tails and quantiles are known; chains are
//! independent, so their averages give the standard errors.

use crate::common::by_hand::{ByHand, METRICS, Pair, Target, heavy, settings, skewed};
use catena::hmc::Engine;
use catena::random::{Purpose, Stream};

/// Transitions of each chain.
const MOVES: usize = 3;

/// A density whose draws and distribution functions are known.
struct Known {
    name: &'static str,
    target: Target,
    draw: fn(&mut Stream) -> Pair,
    /// Independent uniforms of a draw.
    uniforms: fn(&Pair) -> Pair,
    /// Mean and variance of the first coordinate, where there are any.
    moments: Option<(f64, f64)>,
}

fn standard_normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

const SKEWED: Known = Known {
    name: "skewed pair",
    target: skewed,
    // Half a normal's square is Gamma(1/2).
    draw: |random| {
        let z = random.normal();
        let x = (0.5 * z * z).ln();
        [x, 0.7 * x + random.normal()]
    },
    uniforms: |x| [libm::erf((0.5 * x[0]).exp()), standard_normal(x[1] - 0.7 * x[0])],
    // Digamma and trigamma of 1/2.
    moments: Some((-1.963_510_026_021_423_5, 4.934_802_200_544_679)),
};

const HEAVY: Known = Known {
    name: "Student t",
    target: heavy,
    // A normal over the root of a chi-square divided by its degrees of freedom.
    draw: |random| {
        [2, 3].map(|dof| {
            let z = random.normal();
            let square: f64 = (0..dof).map(|_| random.normal().powi(2)).sum();
            z / (square / f64::from(dof)).sqrt()
        })
    },
    uniforms: |x| {
        let (t, angle) = (x[1] / 3f64.sqrt(), (x[1] / 3f64.sqrt()).atan());
        [0.5 + x[0] / (2.0 * (2.0 + x[0] * x[0]).sqrt()), 0.5 + (t / (1.0 + t * t) + angle) / std::f64::consts::PI]
    },
    moments: None,
};

/// A function of two successive uniforms whose mean is known.
type Moment = (&'static str, f64, Box<dyn Fn(&Pair, &Pair) -> f64>);

fn moments() -> Vec<Moment> {
    let mut out: Vec<Moment> = vec![
        ("mean 1", 0.5, Box::new(|_, u| u[0])),
        ("mean 2", 0.5, Box::new(|_, u| u[1])),
        ("square 1", 1.0 / 3.0, Box::new(|_, u| u[0] * u[0])),
        ("square 2", 1.0 / 3.0, Box::new(|_, u| u[1] * u[1])),
        ("product", 0.25, Box::new(|_, u| u[0] * u[1])),
        // A reversible chain goes up as often as down, and as often from here to there as back.
        ("up or down 1", 0.0, Box::new(|v, u| if u[0] == v[0] { 0.0 } else { (u[0] - v[0]).signum() })),
        ("up or down 2", 0.0, Box::new(|v, u| if u[1] == v[1] { 0.0 } else { (u[1] - v[1]).signum() })),
        ("there and back 1", 0.0, Box::new(|v, u| v[0] * u[0] * (u[0] - v[0]))),
        ("there and back 2", 0.0, Box::new(|v, u| v[1] * u[0] - u[1] * v[0])),
    ];
    for q in [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] {
        out.push(("below a quantile of 1", q, Box::new(move |_, u| f64::from(u8::from(u[0] < q)))));
        out.push(("below a quantile of 2", q, Box::new(move |_, u| f64::from(u8::from(u[1] < q)))));
    }
    out
}

/// `chains` chains of a kind; every mean within 4 standard errors.
fn check(known: &Known, engine: Engine, inverse: &[f64; 4], stepsize: f64, jitter: f64, depth: u32, chains: u64) {
    let moments = moments();
    let mut sums = vec![[0.0; 2]; moments.len() + 2];
    let mut random = Stream::new(77, 1, Purpose::Model);
    for id in 1..=chains {
        let start = (known.draw)(&mut random);
        let mut settings = settings(id, inverse, stepsize, MOVES);
        settings.stepsize_jitter = jitter;
        settings.max_depth = depth;
        let mut chain = ByHand::new(settings, engine, start, known.target);
        let mut averages = vec![0.0; sums.len()];
        let mut before = (known.uniforms)(&start);
        for _ in 0..MOVES {
            chain.transition();
            let x = chain.position();
            let now = (known.uniforms)(&x);
            for (average, (_, _, f)) in averages.iter_mut().zip(&moments) {
                *average += f(&before, &now) / MOVES as f64;
            }
            if let Some((mean, _)) = known.moments {
                averages[moments.len()] += x[0] / MOVES as f64;
                averages[moments.len() + 1] += (x[0] - mean) * (x[0] - mean) / MOVES as f64;
            }
            before = now;
        }
        for (sum, average) in sums.iter_mut().zip(&averages) {
            sum[0] += average;
            sum[1] += average * average;
        }
    }
    let expected = moments.iter().map(|(name, mean, _)| (*name, *mean));
    let plain =
        known.moments.into_iter().flat_map(|(mean, variance)| [("plain mean", mean), ("plain variance", variance)]);
    for ((name, mean), [sum, squares]) in expected.chain(plain).zip(&sums) {
        let n = chains as f64;
        let average = sum / n;
        let error = ((squares / n - average * average) / n).sqrt();
        assert!(
            (average - mean).abs() < 4.0 * error,
            "{}, {engine:?}, metric {inverse:?}, step {stepsize} ± {jitter}, depth {depth}: {name} is {average} ± {error}, not {mean}",
            known.name
        );
    }
}

/// From small steps that saturate the depth to crude ones.
fn nuts(known: &Known) {
    for inverse in &METRICS {
        for (stepsize, jitter, depth) in [(0.15, 0.0, 3), (0.6, 0.5, 10), (1.5, 0.0, 10), (1.0, 1.0, 2)] {
            check(known, Engine::Nuts, inverse, stepsize, jitter, depth, 8_000);
        }
    }
}

#[test]
fn nuts_on_a_skewed_density() {
    nuts(&SKEWED);
}

#[test]
fn nuts_on_heavy_tails() {
    nuts(&HEAVY);
}

#[test]
fn static_hmc() {
    for known in [&SKEWED, &HEAVY] {
        for inverse in &METRICS {
            for (stepsize, jitter, int_time) in [(0.1, 0.0, 1.0), (0.6, 0.5, 3.0), (1.4, 0.0, 1.0)] {
                check(known, Engine::Static { int_time }, inverse, stepsize, jitter, 10, 6_000);
            }
        }
    }
}
