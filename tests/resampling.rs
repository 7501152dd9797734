//! Resampling: fair, as little noise as the scheme promises, and never a particle of weight zero.

use catena::particles::resample::{Scheme, ancestors, rotate};
use catena::random::{Purpose, Stream};

fn stream(seed: u64) -> Stream {
    Stream::of_run(seed, Purpose::Sampler)
}

fn counts(scheme: Scheme, weights: &[f64], n: usize, stream: &mut Stream) -> Vec<usize> {
    let mut out = vec![u32::MAX; n];
    ancestors(scheme, weights, stream, &mut out).unwrap();
    assert!(out.is_sorted(), "{scheme}: {out:?}");
    let mut counts = vec![0; weights.len()];
    out.iter().for_each(|&a| counts[a as usize] += 1);
    counts
}

fn normalised(weights: &[f64]) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

fn vectors() -> Vec<Vec<f64>> {
    let uneven: Vec<f64> = (0..37).map(|i| f64::from(i * i % 11)).collect();
    let steep: Vec<f64> = (0..20).map(|i| (-0.7 * f64::from(i)).exp()).collect();
    let long: Vec<f64> = (0..2500).map(|i| if i % 3 == 0 { 0.0 } else { f64::from(i * 7919 % 101) }).collect();
    let mut ends = vec![0.0; 10];
    ends[4] = 1.0;
    ends[7] = 3.0;
    [vec![1.0], vec![0.3, 0.7], vec![0.1; 10], uneven, steep, ends, long].iter().map(|w| normalised(w)).collect()
}

/// Quantile of chi-square by Wilson and Hilferty, `z` standard deviations out.
fn chi_square_bound(freedom: f64, z: f64) -> f64 {
    let h = 2.0 / (9.0 * freedom);
    freedom * (1.0 - h + z * h.sqrt()).powi(3)
}

/// Offspring on average: n w. For independent draws Pearson's statistic is chi-square; the other schemes vary less.
#[test]
fn every_scheme_is_unbiased() {
    const RUNS: usize = 4000;
    for (v, weights) in vectors().iter().enumerate().filter(|(_, w)| w.len() > 1) {
        for scheme in Scheme::ALL {
            for n in [weights.len(), 3, 2 * weights.len() + 1] {
                let runs = if weights.len() > 100 { RUNS / 20 } else { RUNS };
                let mut stream = stream(v as u64 * 10 + n as u64);
                let mut sums = vec![0usize; weights.len()];
                for _ in 0..runs {
                    counts(scheme, weights, n, &mut stream).iter().zip(&mut sums).for_each(|(c, s)| *s += c);
                }
                let expected = |w: &f64| w * (n * runs) as f64;
                let statistic: f64 = sums
                    .iter()
                    .zip(weights)
                    .filter(|(_, w)| **w > 0.0)
                    .map(|(s, w)| (*s as f64 - expected(w)).powi(2) / expected(w))
                    .sum();
                let freedom = weights.iter().filter(|w| **w > 0.0).count() as f64 - 1.0;
                let bound = chi_square_bound(freedom, 4.0);
                assert!(statistic < bound, "{scheme}, weights {v}, n = {n}: {statistic} above {bound}");
                if scheme == Scheme::Multinomial && freedom > 5.0 {
                    let least = chi_square_bound(freedom, -4.0);
                    assert!(statistic > least, "{scheme}, weights {v}, n = {n}: {statistic} below {least}");
                }
                let lost = sums.iter().zip(weights).any(|(s, w)| *w == 0.0 && *s > 0);
                assert!(!lost, "{scheme} drew a particle of weight zero");
            }
        }
    }
}

/// Variance of the resampled mean of a function of the particle that knows nothing of the particles' order: systematic and
/// SSP <= stratified and residual <= multinomial. (Of sorted particles and a smooth function stratified can be ahead.)
#[test]
fn schemes_vary_in_their_order() {
    let n = 200;
    let weights = normalised(&(0..n).map(|i| (-((i as f64 - 80.0) / 40.0).powi(2)).exp()).collect::<Vec<_>>());
    let value = |i: usize| (i * 7919 % 199) as f64 / n as f64;
    let exact: f64 = weights.iter().enumerate().map(|(i, w)| w * value(i)).sum();
    let variance = |scheme| {
        let mut stream = stream(5);
        let mut sum = 0.0;
        for _ in 0..2000 {
            let counts = counts(scheme, &weights, n, &mut stream);
            let mean: f64 = counts.iter().enumerate().map(|(i, c)| *c as f64 * value(i)).sum::<f64>() / n as f64;
            sum += (mean - exact).powi(2);
        }
        sum / 2000.0
    };
    let [multinomial, stratified, systematic, residual, ssp] = Scheme::ALL.map(variance);
    let all = format!("{systematic} {ssp} {stratified} {residual} {multinomial}");
    assert!(systematic.max(ssp) <= stratified.min(residual) && stratified.max(residual) <= multinomial, "{all}");
    let expected: f64 = weights.iter().enumerate().map(|(i, w)| w * (value(i) - exact).powi(2)).sum::<f64>() / n as f64;
    assert!((multinomial / expected - 1.0).abs() < 0.15, "{multinomial} for {expected}");
}

#[test]
fn counts_are_next_to_what_is_expected() {
    for weights in vectors() {
        for n in [weights.len(), 5, 3 * weights.len() + 2] {
            for seed in 0..50 {
                for scheme in [Scheme::Systematic, Scheme::Ssp, Scheme::Residual] {
                    let counts = counts(scheme, &weights, n, &mut stream(seed));
                    for (i, (&count, w)) in counts.iter().zip(&weights).enumerate() {
                        let expected = w * n as f64;
                        let (least, most) = ((expected - 1e-9).floor(), (expected + 1e-9).ceil());
                        let fits = count as f64 >= least && (scheme == Scheme::Residual || count as f64 <= most);
                        assert!(fits, "{scheme}, n = {n}: particle {i} of {expected} has {count}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_particle_of_weight_zero_is_never_an_ancestor() {
    for n in [4, 1100] {
        for kept in [0, 1, n / 2, n - 1] {
            // Weights that don't sum to one by a rounding error or by much, and nothing around those that do count.
            for scale in [1.0, 1.0 - 1e-16, 0.3, 1e-300, 1e200] {
                let mut weights = vec![0.0; n];
                weights[kept] = scale * (1.0 / 3.0);
                weights[n / 3] = scale * (2.0 / 3.0);
                for seed in 0..100 {
                    for scheme in Scheme::ALL {
                        let counts = counts(scheme, &weights, n, &mut stream(seed));
                        let drawn: usize = counts[kept] + if kept == n / 3 { 0 } else { counts[n / 3] };
                        assert_eq!(drawn, n, "{scheme} {seed}");
                    }
                }
            }
        }
    }
}

#[test]
fn level_weights_keep_every_particle() {
    for n in [1, 2, 3, 10, 49, 1000, 3001] {
        for scheme in [Scheme::Systematic, Scheme::Ssp, Scheme::Residual] {
            for seed in 0..20 {
                // By a power of two, so that n w is 1 without rounding; other scales may miss by one.
                let counts = counts(scheme, &vec![0.25; n], n, &mut stream(seed));
                assert!(counts.iter().all(|&c| c == 1), "{scheme}, {n} particles");
            }
        }
    }
}

#[test]
fn after_a_rotation_each_slot_is_a_fair_draw() {
    let weights = [0.1, 0.4, 0.0, 0.2, 0.3];
    for scheme in Scheme::ALL {
        let mut stream = stream(3);
        let mut seen = [[0usize; 5]; 5];
        const RUNS: usize = 20_000;
        for _ in 0..RUNS {
            let mut out = [0; 5];
            ancestors(scheme, &weights, &mut stream, &mut out).unwrap();
            rotate(&mut out, &mut stream);
            out.iter().enumerate().for_each(|(slot, &a)| seen[slot][a as usize] += 1);
        }
        for (slot, seen) in seen.iter().enumerate() {
            let term = |(s, w): (&usize, &f64)| (*s as f64 - w * RUNS as f64).powi(2) / (w * RUNS as f64);
            let statistic: f64 = seen.iter().zip(&weights).filter(|(_, w)| **w > 0.0).map(term).sum();
            assert!(statistic < chi_square_bound(3.0, 4.0), "{scheme}, slot {slot}: {statistic}");
        }
    }
    rotate(&mut [], &mut stream(1));
}

#[test]
fn bad_weights_are_refused_by_name() {
    for scheme in Scheme::ALL {
        let message = |weights: &[f64], n: usize| {
            let mut out = vec![7; n];
            let error = ancestors(scheme, weights, &mut stream(1), &mut out).unwrap_err().to_string();
            assert!(out.iter().all(|&a| a == 7), "{scheme}");
            error
        };
        assert!(message(&[0.5, f64::NAN], 2).contains("weights[1]"));
        assert!(message(&[-0.5, 1.0], 2).contains("weights[0]"));
        assert!(message(&[0.5, 1.0, f64::INFINITY], 2).contains("weights[2]"));
        assert!(message(&[0.0, 0.0], 2).contains("positive, finite sum"));
        assert!(message(&[], 1).contains("positive, finite sum"));
        assert!(message(&[1e308; 8], 2).contains("positive, finite sum"));
        assert!(ancestors(scheme, &[], &mut stream(1), &mut []).is_ok());
        assert_eq!(scheme.name().parse::<Scheme>(), Ok(scheme));
    }
    let unknown = "systemic".parse::<Scheme>().unwrap_err().to_string();
    assert!(unknown.contains("multinomial, stratified, systematic, residual, ssp"), "{unknown}");
}
