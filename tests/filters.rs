//! Particle filters: right on a model whose answers are known, and with the same bits however they are run.

#[path = "common/linear.rs"]
mod linear;
#[path = "filters/ranks.rs"]
mod ranks;

use catena::drive::Pool;
use catena::error::Code;
use catena::io::{Never, Silent};
use catena::model::Threading;
use catena::particles::blocks::Serial;
use catena::particles::filter::{self, Benches, FilterOptions, Kind};
use catena::particles::resample::Scheme;
use catena::services::{FilterReport, FilterRun, particle_filter};
use linear::Linear;
use std::sync::Arc;

fn run(model: &Linear, options: &FilterRun) -> FilterReport {
    particle_filter(model, options, &Silent, &Never, None, None).unwrap()
}

const KINDS: [Kind; 3] = [Kind::Bootstrap, Kind::Guided, Kind::Auxiliary];

/// The estimate of the likelihood, not of its logarithm, is unbiased: pooled over 200 sets it is within 4 of its standard
/// errors, for every kind of filter and scheme; and 200 times 4 sets, whose errors are as large as they say.
#[test]
fn the_evidence_is_that_of_the_kalman_filter() {
    let model = Linear::new(1, 12);
    let exact = model.kalman().2;
    for kind in KINDS {
        for scheme in Scheme::ALL {
            for ess_threshold in [0.5, 2.0] {
                let num_particles = if kind == Kind::Guided { 60 } else { 200 };
                let options = FilterRun {
                    num_sets: 200,
                    num_particles,
                    num_times: 12,
                    kind,
                    scheme,
                    ess_threshold,
                    seed: 5,
                    ..FilterRun::default()
                };
                let e = run(&model, &options).evidence();
                let (estimate, error) = (e.log_estimate, e.standard_error);
                let off = (estimate - exact) / error;
                assert!(off.abs() < 4.0 && error < 0.05, "{kind:?} {scheme}: {estimate} for {exact}, {off} errors off");
            }
        }
    }
    let (mut inside, mut sum) = (0, 0.0);
    for seed in 0..200 {
        let options = FilterRun { num_sets: 8, num_particles: 400, num_times: 12, seed, ..FilterRun::default() };
        let e = run(&model, &options).evidence();
        let (estimate, error) = (e.log_estimate, e.standard_error);
        let off = (estimate - exact) / error;
        assert!(off.abs() < 8.0, "{off}");
        inside += usize::from(off.abs() < 2.36);
        sum += off;
    }
    // Student's t of 7 degrees of freedom: 95 % within 2.36.
    assert!((180..=199).contains(&inside) && (sum / 200.0).abs() < 4.0 * 1.2 / 200f64.sqrt(), "{inside} {sum}");
}

#[test]
fn means_and_variances_are_those_of_the_kalman_filter() {
    let model = Linear::new(2, 10);
    let (means, variances, exact) = model.kalman();
    for kind in KINDS {
        let options = FilterRun { num_particles: 100_000, num_times: 10, kind, seed: 3, ..FilterRun::default() };
        let report = run(&model, &options);
        let set = &report.sets[0].filtered;
        assert!((set.log_evidence() - exact).abs() < 0.05, "{kind:?}: {} for {exact}", set.log_evidence());
        assert!(set.cloud(9).is_some() && [8, 10, usize::MAX].iter().all(|&time| set.cloud(time).is_none()));
        for t in 0..10 {
            let bound = 5.0 * (variances[t] / set.steps[t].ess).sqrt();
            for j in 0..2 {
                assert!((set.means[2 * t + j] - means[t]).abs() < 2.0 * bound, "{kind:?}, time {t}");
                assert!((set.variances[2 * t + j] / variances[t] - 1.0).abs() < 0.05, "{kind:?}, time {t}");
            }
        }
    }
}

/// Everything of a report but how states lie in memory.
fn bits(report: &FilterReport) -> Vec<u64> {
    let mut all = Vec::new();
    for set in &report.sets {
        let of = &set.filtered;
        all.push(of.set);
        all.extend(of.steps.iter().flat_map(|s| [s.log_evidence.to_bits(), s.ess.to_bits(), u64::from(s.resampled)]));
        let mut column = vec![0.0; of.layout.particles];
        for j in 0..of.layout.dim {
            of.layout.column(&of.last.states, j, &mut column);
            all.extend(column.iter().map(|x| x.to_bits()));
        }
        let numbers = [&of.means, &of.variances, &of.last.log_weights, &set.trajectories];
        all.extend(numbers.into_iter().flatten().map(|x| x.to_bits()));
        all.extend(of.last.ancestors.iter().map(|a| u64::from(*a)));
    }
    all
}

#[test]
fn same_bits_on_any_number_of_threads_in_any_cut_and_any_grouping() {
    for dim in [1, 3] {
        for kind in KINDS {
            for (scheme, num_particles) in [(Scheme::Systematic, 9000), (Scheme::Ssp, 3000), (Scheme::Stratified, 500)]
            {
                let model = Linear { bounded: dim == 1, ..Linear::new(dim, 6) };
                let options = FilterRun {
                    num_sets: 3,
                    num_particles,
                    num_times: 6,
                    kind,
                    scheme,
                    seed: 17,
                    ess_threshold: 0.9,
                    num_trajectories: if num_particles == 500 { 600 } else { 0 },
                    num_threads: 1,
                    ..FilterRun::default()
                };
                let expected = bits(&run(&model, &options));
                let mut seen = vec![];
                for num_threads in [2, 4] {
                    seen.push(bits(&run(&model, &FilterRun { num_threads, ..options.clone() })));
                }
                for threading in [Threading::Caller, Threading::One, Threading::Any] {
                    for whole in [false, true] {
                        let model = Linear { threading, whole, ..model.clone() };
                        seen.push(bits(&run(&model, &FilterRun { num_threads: 2, ..options.clone() })));
                    }
                }
                let first = bits(&run(&model, &FilterRun { num_sets: 1, ..options.clone() }));
                let others = bits(&run(&model, &FilterRun { num_sets: 2, init_set_id: 2, ..options.clone() }));
                seen.push([first, others].concat());
                let same = seen.iter().all(|bits| *bits == expected);
                assert!(same, "{kind:?}, {scheme}, d = {dim}");
            }
        }
    }
}

/// Backward sampling against Rauch, Tung and Striebel, by rejection and by weighing all; so are lineages in the mean.
#[test]
fn trajectories_come_from_the_smoothing_distribution() {
    let times = 6;
    for bounded in [false, true] {
        let model = Linear { bounded, ..Linear::new(1, times) };
        let (means, variances) = model.smoother();
        let count = 2000;
        let options = FilterRun {
            num_particles: 3000,
            num_times: times,
            num_trajectories: count,
            history: true,
            ..FilterRun::default()
        };
        let report = run(&model, &options);
        let drawn = &report.sets[0].trajectories;
        assert_eq!(drawn.len(), count * times);
        let mut products = 0.0;
        for t in 0..times {
            let column = &drawn[t * count..(t + 1) * count];
            let mean = column.iter().sum::<f64>() / count as f64;
            let variance = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64;
            let bound = 4.0 * (variances[t] / count as f64 + variances[t] / 1500.0).sqrt();
            assert!((mean - means[t]).abs() < bound, "time {t}: {mean} for {}", means[t]);
            assert!((variance / variances[t] - 1.0).abs() < 0.2, "time {t}: {variance} for {}", variances[t]);
            if t > 0 {
                let pairs = drawn[(t - 1) * count..].iter().zip(column);
                products += pairs.take(count).map(|(a, b)| (a - means[t - 1]) * (b - mean)).sum::<f64>() / count as f64;
            }
        }
        assert!(products > 0.5, "neighbours go together: {products}");
        let filtered = &report.sets[0].filtered;
        let survivors = filtered.survivors();
        assert!(survivors.is_sorted() && survivors[times - 1] == 3000 && survivors[0] < 3000, "{survivors:?}");
        let path = filtered.lineage(17);
        assert_eq!(path[times - 1], filtered.last.states[17]);
    }
}

/// P4: all weights zero at the second of three times.
#[test]
fn when_all_are_lost_the_set_says_when() {
    for num_particles in [1, 8, 3000] {
        for kind in [Kind::Bootstrap, Kind::Auxiliary] {
            let model = Linear { fault: Some((1, None, f64::NEG_INFINITY)), ..Linear::new(1, 3) };
            let options = FilterRun { num_sets: 2, num_particles, num_times: 3, kind, ..FilterRun::default() };
            let report = run(&model, &options);
            for set in &report.sets {
                let of = &set.filtered;
                assert_eq!((of.lost_at, of.log_evidence(), of.steps.len()), (Some(1), f64::NEG_INFINITY, 2));
                assert_eq!(of.steps[1].ess, 0.0);
                assert!(of.last.states.iter().all(|x| x.is_finite()));
                assert!(of.last.log_weights.iter().all(|w| *w == f64::NEG_INFINITY));
            }
            assert_eq!(report.evidence().log_estimate, f64::NEG_INFINITY);
            let error = report.status().unwrap_err();
            assert_eq!((error.code(), error.set()), (Code::AllLost, Some(1)));
            assert_eq!(error.to_string(), format!("set 1: all {num_particles} particles were lost at time 1"));
        }
    }
    // One lost set of several counts as evidence 0.
    let level = Linear { fault: Some((0, None, 0.0)), ..Linear::new(1, 1) };
    assert_eq!(run(&level, &FilterRun { num_particles: 7, ..FilterRun::default() }).evidence().log_estimate, 0.0);
}

/// P5: what is no weight is an error that names set, particle and time.
#[test]
fn what_is_no_weight_is_named() {
    for (value, word) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        for (particle, num_particles) in [(1, 4), (5, 500)] {
            let model = Linear { fault: Some((2, Some(particle), value)), ..Linear::new(1, 4) };
            let options = FilterRun { init_set_id: 9, num_particles, num_times: 4, ..FilterRun::default() };
            let error = particle_filter(&model, &options, &Silent, &Never, None, None).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with(&format!("set 9, particle {particle}: ")), "{text}");
            assert!(text.contains("time 2") && text.ends_with(word), "{text}");
        }
    }
    // One lost particle of four is none: logZ = log(3/4), and it is never an ancestor.
    for seed in 0..100 {
        for scheme in Scheme::ALL {
            let mut model = Linear { fault: Some((0, Some(1), f64::NEG_INFINITY)), ..Linear::new(1, 2) };
            model.r = 1e300;
            let options =
                FilterRun { num_particles: 4, num_times: 2, seed, scheme, ess_threshold: 2.0, ..FilterRun::default() };
            let report = run(&model, &options);
            let of = &report.sets[0].filtered;
            let level = linear::log_normal(0.0, 0.0, model.r);
            assert!((of.steps[0].log_evidence - level - 0.75f64.ln()).abs() < 1e-12);
            assert!(of.last.ancestors.len() == 4 && !of.last.ancestors.contains(&1), "{scheme} {seed}");
        }
    }
}

fn conditional(particles: usize, times: usize, seed: u64, path: &[f64]) -> FilterOptions {
    FilterOptions {
        particles,
        times,
        kind: Kind::Bootstrap,
        scheme: Scheme::Multinomial,
        threshold: 2.0,
        seed,
        moments: false,
        history: true,
        retained: Some(Arc::from(path)),
    }
}

/// P9: one particle keeps its path for ever; two have the smoothing distribution as stationary law.
#[test]
fn conditional_sweeps_keep_the_path_and_the_law() {
    let model = Linear::new(1, 5);
    let mut path: Vec<f64> = (0..5).map(|t| f64::from(t) * 0.3 - 0.1).collect();
    let kept = path.clone();
    let benches = Benches::default();
    for seed in 0..1000 {
        let of = filter::run(&model, &conditional(1, 5, seed, &path), 1, &Silent, &Serial, &benches).unwrap();
        path = of.lineage(0);
        assert_eq!(path, kept);
    }
    let mut model = Linear::new(1, 3);
    (model.a, model.q, model.r, model.y) = (1.0, 1.0, 1.0, vec![0.5, -0.3, 1.2]);
    let (means, variances) = model.smoother();
    let (sweeps, batch) = (60_000, 600);
    let mut path = vec![0.0; 3];
    let mut sums = vec![[0.0; 3]; sweeps / batch];
    for sweep in 0..sweeps {
        let options = conditional(2, 3, sweep as u64, &path);
        let of = filter::run(&model, &options, 1, &Silent, &Serial, &benches).unwrap();
        path = of.lineage(of.drawn(sweep as u64).unwrap());
        path.iter().zip(&mut sums[sweep / batch]).for_each(|(x, sum)| *sum += x / batch as f64);
    }
    for t in 0..3 {
        let n = sums.len() as f64;
        let mean = sums.iter().map(|s| s[t]).sum::<f64>() / n;
        let error = (sums.iter().map(|s| (s[t] - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
        let off = (mean - means[t]) / error;
        assert!(off.abs() < 5.0 && error < 0.05 * variances[t].sqrt(), "time {t}: {mean} for {}: {off}", means[t]);
    }
}

#[test]
fn options_out_of_range_are_named() {
    let model = Linear::new(1, 3);
    let good = FilterRun { num_times: 3, num_particles: 10, ..FilterRun::default() };
    let refused = |options: FilterRun| {
        let error = particle_filter(&model, &options, &Silent, &Never, None, None).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        error.argument_name().unwrap_or_default().to_string()
    };
    assert_eq!(refused(FilterRun { num_sets: 0, ..good.clone() }), "num_sets");
    assert_eq!(refused(FilterRun { num_times: 0, ..good.clone() }), "num_times");
    assert_eq!(refused(FilterRun { num_particles: 0, ..good.clone() }), "num_particles");
    assert_eq!(refused(FilterRun { num_particles: 1 << 32, ..good.clone() }), "num_particles");
    assert_eq!(refused(FilterRun { init_set_id: 0, ..good.clone() }), "init_set_id");
    assert_eq!(refused(FilterRun { init_set_id: u64::MAX, num_sets: 2, ..good.clone() }), "init_set_id");
    assert_eq!(refused(FilterRun { ess_threshold: f64::NAN, ..good.clone() }), "ess_threshold");
    let one = Linear { threading: Threading::One, ..model.clone() };
    let pool = Some(Arc::new(Pool::new(2).unwrap()));
    let error = particle_filter(&one, &good, &Silent, &Never, pool, None).unwrap_err();
    assert_eq!(error.argument_name(), Some("pool"));
}

#[test]
fn sizes_without_memory_get_words() {
    let model = Linear::new(1000, 3);
    let refused = |options: FilterRun| {
        let error = particle_filter(&model, &options, &Silent, &Never, None, None).err().unwrap();
        assert_eq!(error.code(), Code::InvalidArgument);
        error.to_string()
    };
    let options = FilterRun { num_particles: 1 << 31, num_times: 3, ..FilterRun::default() };
    assert!(
        refused(options.clone()).starts_with("argument 'num_particles': expected a size for which there is memory")
    );
    let options = FilterRun { num_particles: 100, num_times: 1 << 40, ..options };
    assert!(refused(options.clone()).starts_with("argument 'num_times'"));
    assert!(refused(FilterRun { num_times: 1 << 30, history: true, ..options }).starts_with("argument 'num_times'"));
}
