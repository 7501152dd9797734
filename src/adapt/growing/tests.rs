use super::*;
use crate::adapt::Place;

#[test]
fn windows_grow_to_the_settling_of_the_step_size() {
    assert_eq!(ends(150), [10, 15, 22, 33, 49, 73, 120]);
    assert_eq!(ends(300), [10, 15, 22, 33, 49, 73, 109, 163, 240]);
    assert_eq!(ends(10), [8]);
    assert!(ends(1).is_empty() && ends(0).is_empty());
    for length in 2..2000 {
        let ends = ends(length);
        assert!(ends.windows(2).all(|w| w[0] < w[1]) && ends[ends.len() - 1] <= length);
    }
}

#[test]
fn many_coordinates_keep_more_draws() {
    assert_eq!((forgotten(120, 0), forgotten(120, 50)), (60, 60));
    assert_eq!((forgotten(120, 60), forgotten(120, 80), forgotten(120, 128)), (48, 24, 18));
}

#[test]
fn the_metric_follows_the_later_half_of_the_draws() {
    let mut growing = Growing::new(20, Adaptation::default(), 1.0, MetricKind::FisherDiag, 1);
    assert_eq!(growing.first(0.0, &[-4.0]), Some(InverseMetric::Diag(vec![0.25])));
    // A normal of variance 9 after a way in: gradients are -x / 9.
    let mut last = None;
    for i in 0..20 {
        let x = if i < 5 { 1e6 } else { i as f64 };
        let change = growing.learn(Lesson {
            iteration: i,
            accept_stat: 0.8,
            divergent: false,
            log_density: 0.0,
            position: &[x],
            gradient: &[-x / 9.0],
        });
        if let Some(InverseMetric::Diag(v)) = change.metric {
            assert!((v[0] - 9.0).abs() < 1e-12, "{v:?} after {i}");
            assert_eq!(change.searches, last.is_none());
            // The average begins anew with the metric.
            assert_eq!(growing.average(), None);
            last = Some(i);
        }
    }
    assert_eq!(last, Some(15));
}

#[test]
fn the_last_estimate_has_the_last_draw() {
    let options = Adaptation { warmup: WarmupMode::Together, ..Adaptation::default() };
    let mut growing = Growing::new(12, options, 1.0, MetricKind::FisherDiag, 1);
    for i in 0..12 {
        growing.learn(Lesson {
            iteration: i,
            accept_stat: 0.8,
            divergent: false,
            log_density: 0.0,
            position: &[i as f64],
            gradient: &[-1.0],
        });
    }
    let mut brought = Vec::new();
    growing.bring(&mut brought);
    assert_eq!(Brought::read(1, &brought).positions, [5.0, 6.0, 7.0, 8.0, 9.0]);
}

#[test]
fn a_full_matrix_of_one_chain_keeps_more_draws() {
    let dim = 40;
    for (warmup, kind, kept) in [
        (WarmupMode::Alone, MetricKind::FisherDense, 48),
        (WarmupMode::Together, MetricKind::FisherDense, 40),
        (WarmupMode::Alone, MetricKind::FisherDiag, 40),
    ] {
        let options = Adaptation { warmup, ..Adaptation::default() };
        let mut growing = Growing::new(100, options, 1.0, kind, dim);
        for i in 0..100 {
            let position: Vec<f64> = (1..=dim).map(|k| ((i * k * k) as f64).sin()).collect();
            growing.learn(Lesson {
                iteration: i,
                accept_stat: 0.8,
                divergent: false,
                log_density: 0.0,
                position: &position,
                gradient: &position,
            });
        }
        let mut brought = Vec::new();
        growing.bring(&mut brought);
        assert_eq!(Brought::read(dim, &brought).positions.len() / dim, kept, "{warmup:?} {kind:?}");
    }
}

#[test]
fn early_trajectories_are_short() {
    let growing = Growing::new(100, Adaptation::default(), 1.0, MetricKind::FisherDiag, 1);
    assert_eq!([(0, 10), (19, 10), (20, 10), (0, 4)].map(|(i, most)| growing.depth(i, most)), [6, 6, 10, 4]);
}

#[test]
fn the_least_counts_the_iterations_in_which_the_step_size_settles() {
    let options = Adaptation { warmup_until: true, min_warmup: 42, ..Adaptation::default() };
    let end = |x: fn(usize) -> f64| {
        let mut growing = Growing::new(300, options, 1.0, MetricKind::FisherDiag, 1);
        let mut learn = |i: usize| {
            let (position, gradient) = (&[x(i)], &[-x(i)]);
            growing
                .learn(Lesson {
                    iteration: i,
                    accept_stat: options.delta,
                    divergent: false,
                    log_density: 0.0,
                    position,
                    gradient,
                })
                .ends
        };
        (0..300).find_map(&mut learn)
    };
    // An estimate after 33, and a fifth of all.
    assert_eq!(end(|i| if i % 2 == 0 { 1.0 } else { -1.0 }), Some(42));
    // Never where the later half of the draws lies elsewhere.
    assert_eq!(end(|i| i as f64), None);
}

#[test]
fn a_chain_apart_goes_by_its_own_draws() {
    let options = Adaptation { warmup: WarmupMode::Together, ..Adaptation::default() };
    let mut growing = Growing::new(40, options, 1.0, MetricKind::FisherDiag, 1);
    for i in 0..10 {
        let x = i as f64;
        let change = growing.learn(Lesson {
            iteration: i,
            accept_stat: 0.8,
            divergent: false,
            log_density: 0.0,
            position: &[x],
            gradient: &[-x / 9.0],
        });
        assert_eq!(change.meets, (i == 9).then_some(10));
    }
    let others = |apart, anew| Pooled {
        metric: Some(InverseMetric::Diag(vec![2.0])),
        log_step: 0.0,
        counted: Counted::default(),
        apart: vec![apart],
        anew: vec![anew],
        is_over: false,
    };
    let Some(InverseMetric::Diag(own)) = growing.take(&others(true, None)).metric else { panic!("no metric") };
    assert!((own[0] - 9.0).abs() < 1e-12, "{own:?}");
    assert_eq!(growing.take(&others(false, None)).metric, others(false, None).metric);
    // One that sets out anew has that of the others, and no draws that it goes by later.
    let place = Place { log_density: 0.0, position: vec![0.0], gradient: vec![0.0] };
    let anew = others(true, Some(place));
    let change = growing.take(&anew);
    assert_eq!((change.metric, change.stepsize), (anew.metric, Some(1.0)));
    let mut brought = Vec::new();
    growing.bring(&mut brought);
    assert_eq!(Brought::read(1, &brought).draws(), 0);
}

/// After each of `log_densities`, with gradients as large: the variances that change, and how many iterations were on the way in.
fn way_in(log_densities: &[f64]) -> (Growing, Vec<(usize, Vec<f64>)>) {
    let mut growing = Growing::new(100, Adaptation::default(), 1.0, MetricKind::FisherDiag, 2);
    let gradient = |value: f64| [-value / 4.0, value];
    let first = growing.first(log_densities[0], &gradient(log_densities[0])).unwrap();
    let mut changes = vec![(0, first.variances(2))];
    for (i, &log_density) in log_densities[1..].iter().enumerate() {
        let (position, gradient) = ([i as f64, 2.0 * i as f64], gradient(log_density));
        let position = &position;
        let gradient = &gradient;
        let change =
            growing.learn(Lesson { iteration: i, accept_stat: 0.7, divergent: false, log_density, position, gradient });
        changes.extend(change.metric.map(|metric| (i + 1, metric.variances(2))));
    }
    (growing, changes)
}

#[test]
fn from_exponentially_far_out_all_coordinates_have_one_variance() {
    // A factor of 10 nearer with each of 20 transitions, then no more.
    let log_densities: Vec<f64> = (0..=41).map(|i| -(10f64.powi(24 - i.min(20)))).collect();
    let (growing, changes) = way_in(&log_densities);
    for (i, variances) in &changes[..21] {
        assert_eq!(*variances, [10f64.powi(24 - *i as i32).recip(); 2]);
    }
    // Looked at after 10, then after 3 each; over at the 25th, the first look since the last that all was as before, from where
    // estimates are made after 10 more, of 5 draws.
    assert_eq!((growing.arrived, changes.len(), changes[21].0), (25, 23, 35));
    assert_eq!(growing.ends, [35, 40, 47, 58, 80]);
    assert_eq!(growing.sample.len(), 9);
}

#[test]
fn an_ordinary_start_is_no_way_in() {
    let (growing, changes) = way_in(&[-800.0, -80.0, -8.0]);
    assert_eq!(changes, [(0, vec![1.0 / 200.0, 1.0 / 800.0])]);
    assert!(growing.way_in.is_none() && growing.sample.len() == 2);
}
