//! A gradient that is wrong is found before a chain starts.

use super::*;

/// Forgets an element of the gradient.
struct Forgetful;

impl Density for Forgetful {
    type Worker = ();

    fn dim(&self) -> usize {
        3
    }

    fn names(&self) -> Vec<String> {
        ["mu", "tau", "theta"].map(String::from).into()
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn has_batch(&self) -> bool {
        true
    }

    fn log_density_gradient(
        &self,
        (): &mut (),
        _: &mut Task<'_>,
        x: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Refusal> {
        (gradient[0], gradient[2]) = (-x[0], -x[2]);
        Ok(-0.5 * x.iter().map(|x| x * x).sum::<f64>())
    }
}

#[test]
fn a_forgotten_element_of_the_gradient_is_found_by_name() {
    let metrics = [MetricKind::Unit, MetricKind::Diag, MetricKind::Dense];
    for (metric, batch_size) in metrics.into_iter().flat_map(|metric| [(metric, 0), (metric, 4)]) {
        let options = SampleOptions { num_chains: 1, metric, batch_size, ..SampleOptions::stan() };
        let report = sample_nuts(&Forgetful, &options, SampleIo::default()).unwrap();
        let error = report.status().unwrap_err();
        assert_eq!(error.code(), Code::Initialization);
        for words in ["after 1 try", "element 1", "never written", "'tau'"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

/// The words of a run of `dim` coordinates that looks at its gradients, whose log density has `extra` that they lack.
fn looked_at(dim: usize, options: &SampleOptions, extra: impl Fn(&[f64]) -> f64 + Sync) -> Result<(), Error> {
    let options =
        SampleOptions { check_gradient: true, num_chains: 1, num_warmup: 0, num_samples: 1, ..options.clone() };
    let report = sample_nuts(&Normal::new(dim, |_, x| Ok(extra(x))), &options, SampleIo::default())?;
    match &report.chains[0].outcome {
        Outcome::Failed(error) => Err(error.clone()),
        _ => Ok(()),
    }
}

#[test]
fn a_wrong_gradient_is_found_at_the_start_by_name() {
    let words = |dim, extra: fn(&[f64]) -> f64| {
        let found = looked_at(dim, &options(), extra).unwrap_err();
        assert_eq!((found.code(), found.chain()), (Code::Initialization, Some(1)), "{found}");
        found.to_string()
    };
    let one = words(3, |x| 0.3 * x[1]);
    assert!(one.contains("by 'x.2'") && one.contains("check_gradient=false") && !one.contains("so it is"), "{one}");
    // A derivative with the wrong sign, and one that is 0; both are counted.
    let two = words(3, |x| x[0] * x[0] + 0.5 * x[2] * x[2]);
    assert!(two.contains("by 'x.1'") && two.contains("2 of 3 coordinates"), "{two}");
    // Among many coordinates, which are looked at in groups.
    let many = words(1000, |x| 0.3 * x[776]);
    assert!(many.contains("by 'x.777'"), "{many}");
    let far = SampleOptions { init_radius: 1e6, ..options() };
    let far = looked_at(2, &far, |x| 0.1 * x[1] * x[1]).unwrap_err().to_string();
    assert!(far.contains("by 'x.2'"), "{far}");
}

#[test]
fn a_right_gradient_is_left_in_peace() {
    let peaceful = |dim, extra: fn(&[f64]) -> f64| {
        for seed in 0..100 {
            looked_at(dim, &SampleOptions { seed, ..options() }, extra).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        }
    };
    peaceful(10, |_| 0.0);
    peaceful(300, |_| 1e9);
    // Computed in single precision, and with steps that no derivative shows.
    peaceful(10, |x| {
        let sum: f64 = x.iter().map(|x| -0.5 * x * x).sum();
        f64::from(100.0 + sum as f32) - 100.0 - sum
    });
    peaceful(10, |x| x.iter().map(|x| (x * 1e4).floor() % 2.0).sum());
    // Nothing but the point itself has a density.
    let calls = AtomicU64::new(0);
    let lonely = move |_: &[f64]| if calls.fetch_add(1, Ordering::Relaxed) == 0 { 0.0 } else { f64::NAN };
    looked_at(3, &options(), lonely).unwrap();
}

#[test]
fn a_look_at_the_gradient_costs_little_and_no_bits() {
    let first = |check_gradient, dim, batch_size| {
        let calls = AtomicU64::new(0);
        let model = Normal::new(dim, |task: &mut Task<'_>, _: &[f64]| {
            calls.fetch_add(1, Ordering::Relaxed);
            // A model with random numbers of its own.
            Ok(1e-9 * task.random().uniform())
        });
        let options = SampleOptions { check_gradient, batch_size, num_chains: 2, num_samples: 20, ..options() };
        let (report, writers) = run(&model, &options);
        report.status().unwrap();
        let gradients: u64 = report.chains.iter().map(|c| c.warmup_gradients + c.sampling_gradients).sum();
        (writers.iter().map(bits).collect::<Vec<_>>(), gradients, calls.load(Ordering::Relaxed))
    };
    for (dim, directions) in [(5, 5), (64, 64), (200, 50)] {
        let (with, without) = (first(true, dim, 0), first(false, dim, 0));
        assert_eq!(with.0, without.0);
        assert_eq!(with.1, without.1);
        assert_eq!(with.2, without.2 + 2 * 2 * directions);
    }
    assert_eq!(first(true, 5, 2).0, first(false, 5, 2).0);
}
