//! Warm-up that ends when its conditions hold.

use super::*;
use catena::services::ChainReport;

/// A warm-up that ends when its conditions hold.
fn until(warmup: WarmupMode, most: usize) -> SampleOptions {
    let adaptation = Some(Adaptation { delta: 0.7, warmup, warmup_until: true, ..Adaptation::stan() });
    SampleOptions { adaptation, num_warmup: most, num_samples: 50, ..options(MetricKind::Auto, warmup) }
}

/// Iterations of each chain's warm-up.
fn lengths(report: &SampleReport, options: &SampleOptions) -> Vec<usize> {
    report.status().unwrap();
    let length = |chain: &ChainReport| {
        assert_eq!(chain.warmup_iterations, chain.iterations - options.num_samples);
        chain.warmup_iterations
    };
    report.chains.iter().map(length).collect()
}

#[test]
fn a_warm_up_ends_when_its_conditions_hold() {
    let easy = Correlated { dim: 5, rho: 0.5 };
    for warmup in [WarmupMode::Alone, WarmupMode::Together] {
        let options = until(warmup, 1000);
        let (report, writers) = run(&easy, &options);
        let took = lengths(&report, &options);
        assert!(took.iter().all(|n| (50..=300).contains(n)), "{warmup:?}: {took:?}");
        assert!(warmup == WarmupMode::Alone || took.iter().all(|n| *n == took[0]), "{took:?}");
        assert!(writers.iter().all(|w| w.rows() == 50));
        // What they learned is the covariance.
        for chain in &report.chains {
            let expected = |i: usize, j: usize| 0.5_f64.powi(i.abs_diff(j) as i32) * easy.sd(i) * easy.sd(j);
            let near = |k: usize, v: &f64| (v / expected(k / 5, k % 5) - 1.0).abs() < 0.5;
            assert!(chain.inv_metric.iter().enumerate().all(|(k, v)| near(k, v)), "{:?}", chain.inv_metric);
        }
        // The least and the most are kept to.
        let set = |min_warmup, num_warmup| {
            let adaptation = options.adaptation.map(|a| Adaptation { min_warmup, ..a });
            let options = SampleOptions { adaptation, num_warmup, ..options.clone() };
            lengths(&run(&easy, &options).0, &options)
        };
        assert!(set(400, 1000).iter().all(|n| (400..1000).contains(n)));
        assert_eq!(set(50, 40), [40; 4]);
    }
}

#[test]
fn a_warm_up_goes_on_where_its_conditions_do_not_hold() {
    // Chains that never meet: each stays on its side of 0.
    let sides = Own {
        dim: 1,
        log_density: |x, g| {
            g[0] = -(x[0] - 20.0 * x[0].signum());
            -0.5 * (x[0].abs() - 20.0).powi(2)
        },
    };
    let starts: Vec<_> = [20.0, -20.0, 20.0, -20.0].map(|x| catena::io::PositionInit::new(&[x]).unwrap()).into();
    let inits = || starts.iter().map(|start| start as &dyn catena::model::InitContext).collect();
    let took = |warmup| {
        let options = until(warmup, 300);
        let report = sample_nuts(&sides, &options, SampleIo { inits: inits(), ..Default::default() }).unwrap();
        lengths(&report, &options)
    };
    assert_eq!(took(WarmupMode::Together), [300; 4]);
    assert!(took(WarmupMode::Alone).iter().all(|n| *n < 300), "alone nobody knows of the other side");
    // A funnel, whose scale changes from place to place.
    let funnel = Own {
        dim: 10,
        log_density: |x, g| {
            let (v, n) = (x[0], x.len() as f64 - 1.0);
            let squares: f64 = x[1..].iter().map(|y| y * y).sum();
            g[0] = -v / 9.0 + 0.5 * squares * (-v).exp() - 0.5 * n;
            g[1..].iter_mut().zip(&x[1..]).for_each(|(g, y)| *g = -y * (-v).exp());
            -v * v / 18.0 - 0.5 * squares * (-v).exp() - 0.5 * n * v
        },
    };
    let options = until(WarmupMode::Together, 300);
    assert_eq!(lengths(&run(&funnel, &options).0, &options), [300; 4]);
}

#[test]
fn a_warm_up_that_ends_by_itself_has_the_same_bits_however_it_runs() {
    let model = Correlated { dim: 6, rho: 0.9 };
    for warmup in [WarmupMode::Alone, WarmupMode::Together] {
        let options = SampleOptions { save_warmup: true, ..until(warmup, 1000) };
        let (report, two) = run(&model, &options);
        let took: Vec<usize> = report.chains.iter().map(|chain| chain.iterations).collect();
        assert!(took.iter().all(|n| *n < 1000), "{warmup:?}: {took:?}");
        for num_threads in [1, 4] {
            let again = run(&model, &SampleOptions { num_threads, ..options.clone() }).1;
            assert!(again.iter().map(bits).eq(two.iter().map(bits)), "{warmup:?}, {num_threads} threads");
        }
        // Stopped and gone on with.
        let part = sample_nuts(&model, &SampleOptions { max_evaluations: 200, ..options.clone() }, SampleIo::default());
        let saved: Vec<Vec<u8>> = part.unwrap().chains.into_iter().map(|c| c.checkpoint.unwrap()).collect();
        let io = SampleIo { checkpoints: saved.iter().map(Vec::as_slice).collect(), ..Default::default() };
        let rest = sample_nuts(&model, &options, io).unwrap();
        for (a, b) in rest.chains.iter().zip(&report.chains) {
            assert_eq!(
                (a.iterations, a.stepsize.to_bits(), &a.inv_metric),
                (b.iterations, b.stepsize.to_bits(), &b.inv_metric)
            );
        }
        if warmup == WarmupMode::Alone {
            let third = SampleOptions { num_chains: 1, init_chain_id: 3, ..options.clone() };
            assert_eq!(bits(&run(&model, &third).1[0]), bits(&two[2]));
        }
    }
    let stans = SampleOptions { metric: MetricKind::Diag, ..until(WarmupMode::Alone, 100) };
    let error = sample_nuts(&model, &stans, SampleIo::default()).unwrap_err().to_string();
    assert!(error.contains("'warmup_until'") && error.contains("diag_e"), "{error}");
}
