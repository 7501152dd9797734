//! Normals and exponentials against theory. Seeds are fixed, so each test passes or fails for good; its bound is one that
//! correct numbers miss with the probability given.

use catena::random::{LANES, MomentumLanes, Purpose, Stream};
use std::f64::consts::SQRT_2;

/// Standard errors allowed: a correct value is further away with probability 6e-7.
const ERRORS: f64 = 5.0;
/// Bound of sqrt(n) D of Kolmogorov and Smirnov, exceeded with probability 2 exp(-2 · 2.3²) = 5e-5.
const KOLMOGOROV: f64 = 2.3;
const BINS: usize = 256;
const BLOCKS: usize = 1 << 21;
/// Where the ziggurat's tail begins, rounded down, so that some of layer 1's wedge is judged with it.
const TAIL: f64 = 4.0388;

fn lane_normals(seed: u64) -> Vec<[f64; LANES]> {
    let mut x = vec![[0.0; LANES]; BLOCKS];
    MomentumLanes::new(seed, 3).fill_normals(&mut x);
    x
}

fn check(what: &str, got: f64, expected: f64, error: f64) {
    let distance = (got - expected) / error;
    assert!(distance.abs() < ERRORS, "{what}: {got} for {expected}, {distance:.2} standard errors away");
}

/// Means of x^k for k = 1.. against `moments[k]`, with the standard error that `moments[2k]` gives.
fn check_moments(x: &[f64], moments: &[f64]) {
    for k in 1..=(moments.len() - 1) / 2 {
        let mean = x.iter().map(|x| x.powi(k as i32)).sum::<f64>() / x.len() as f64;
        let variance = moments[2 * k] - moments[k] * moments[k];
        check(&format!("moment {k}"), mean, moments[k], (variance / x.len() as f64).sqrt());
    }
}

fn check_fraction(what: &str, x: &[f64], p: f64, hit: impl Fn(f64) -> bool) {
    let fraction = x.iter().filter(|&&x| hit(x)).count() as f64 / x.len() as f64;
    check(what, fraction, p, (p * (1.0 - p) / x.len() as f64).sqrt());
}

/// Pearson's chi-square of [`BINS`] bins of equal probability, whose mean is BINS - 1 and variance twice that.
fn check_bins(x: &[f64], cdf: impl Fn(f64) -> f64) {
    let mut counts = [0u32; BINS];
    for &x in x {
        counts[((cdf(x) * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    let expected = x.len() as f64 / BINS as f64;
    let chi_square = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum::<f64>();
    let freedom = (BINS - 1) as f64;
    check("chi-square", chi_square, freedom, (2.0 * freedom).sqrt());
}

fn check_kolmogorov(mut x: Vec<f64>, cdf: impl Fn(f64) -> f64) {
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let distance = x.iter().enumerate().fold(0.0f64, |d, (i, &x)| {
        let p = cdf(x);
        d.max((p - i as f64 / n).abs()).max(((i + 1) as f64 / n - p).abs())
    });
    assert!(distance * n.sqrt() < KOLMOGOROV, "{} of {n} numbers", distance * n.sqrt());
}

fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// P(|x| > t)
fn beyond(t: f64) -> f64 {
    libm::erfc(t / SQRT_2)
}

/// E x^k for k = 0..=16: (k - 1)!! or 0.
fn normal_moments() -> Vec<f64> {
    (0..=16).map(|k| if k % 2 == 0 { (1..k).step_by(2).map(f64::from).product() } else { 0.0 }).collect()
}

fn check_normals(x: &[f64]) {
    check_moments(x, &normal_moments());
    for t in [0.5, 1.0, 2.0, 3.0, 3.65, TAIL, 4.5] {
        check_fraction(&format!("above {t}"), x, 0.5 * beyond(t), |x| x > t);
        check_fraction(&format!("below -{t}"), x, 0.5 * beyond(t), |x| x < -t);
    }
    check_bins(x, normal_cdf);
    // In the middle, where the topmost layers are almost all wedge.
    check_fraction("near 0", x, 1.0 - beyond(0.06), |x| x.abs() < 0.06);
}

#[test]
fn normals_of_the_lanes() {
    check_normals(lane_normals(1).as_flattened());
}

#[test]
fn normals_of_one_stream() {
    let mut stream = Stream::new(2, 5, Purpose::Sampler);
    let x: Vec<f64> = (0..BLOCKS * LANES).map(|_| stream.normal()).collect();
    check_normals(&x);
}

#[test]
fn the_tail_of_the_normals() {
    let mut lanes = MomentumLanes::new(4, 1);
    let mut block = vec![[0.0; LANES]; 1 << 12];
    let (mut medium, mut tail, mut drawn) = (Vec::new(), Vec::new(), 0usize);
    while tail.len() < 10_000 {
        lanes.fill_normals(&mut block);
        drawn += block.len() * LANES;
        medium.extend(block.iter().flatten().map(|x| x.abs()).filter(|&x| x > 3.65));
        tail.extend(block.iter().flatten().map(|x| x.abs()).filter(|&x| x > TAIL));
    }
    let p = beyond(TAIL);
    check("share of the tail", tail.len() as f64 / drawn as f64, p, (p / drawn as f64).sqrt());
    check_kolmogorov(tail, |x| 1.0 - beyond(x) / p);
    let p = beyond(3.65);
    check_kolmogorov(medium, |x| 1.0 - beyond(x) / p);
}

#[test]
fn a_kolmogorov_bound_that_rejects_a_wrong_tail() {
    let mut stream = Stream::new(6, 1, Purpose::Sampler);
    let wrong: Vec<f64> = (0..10_000).map(|_| TAIL + stream.exponential() / TAIL).collect();
    let judged = std::panic::catch_unwind(|| check_kolmogorov(wrong, |x| 1.0 - beyond(x) / beyond(TAIL)));
    assert!(judged.is_err());
}

#[test]
fn lanes_are_uncorrelated() {
    let x = lane_normals(7);
    let error = 1.0 / (BLOCKS as f64).sqrt();
    for a in 0..LANES {
        for b in 0..LANES {
            let later: f64 = x.windows(2).map(|w| w[0][a] * w[1][b]).sum();
            check("next block", later / (BLOCKS - 1) as f64, 0.0, error);
            if a < b {
                let product: f64 = x.iter().map(|x| x[a] * x[b]).sum();
                check("same block", product / BLOCKS as f64, 0.0, error);
                // E (x² - 1)² (y² - 1)² = 4
                let squares: f64 = x.iter().map(|x| (x[a] * x[a] - 1.0) * (x[b] * x[b] - 1.0)).sum();
                check("squares", squares / BLOCKS as f64, 0.0, 2.0 * error);
            }
        }
    }
}

#[test]
fn exponentials() {
    let mut stream = Stream::new(8, 2, Purpose::Outputs);
    let x: Vec<f64> = (0..BLOCKS * LANES).map(|_| stream.exponential()).collect();
    let factorials: Vec<f64> = (0..=12).map(|k| (1..=k).map(f64::from).product()).collect();
    check_moments(&x, &factorials);
    for t in [0.001f64, 0.1, 1.0, 3.0, 7.0, 10.0, 12.0] {
        check_fraction(&format!("above {t}"), &x, (-t).exp(), |x| x > t);
    }
    check_bins(&x, |x| -(-x).exp_m1());
    let tail: Vec<f64> = x.iter().copied().filter(|&x| x > 7.0).collect();
    check_kolmogorov(tail, |x| -(7.0 - x).exp_m1());
}

#[test]
fn uniforms() {
    let mut stream = Stream::new(9, 4, Purpose::Init);
    let moments: Vec<f64> = (0..=12).map(|k| 1.0 / f64::from(k + 1)).collect();
    let closed: Vec<f64> = (0..BLOCKS * LANES).map(|_| stream.uniform()).collect();
    let open: Vec<f64> = (0..BLOCKS * LANES).map(|_| stream.uniform_open()).collect();
    for x in [&closed, &open] {
        check_moments(x, &moments);
        check_bins(x, |x| x);
    }
    let between: Vec<f64> = (0..BLOCKS).map(|_| stream.uniform_between(-3.0, 3.0)).collect();
    assert!(between.iter().all(|x| x.abs() < 3.0));
    check_bins(&between, |x| (x + 3.0) / 6.0);
}
