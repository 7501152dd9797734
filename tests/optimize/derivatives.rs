//! What models give beside the density with the Jacobian and its gradient: the density without it, and Hessians.

use super::*;

/// A log-normal with median 2 and sd 0.5 of its logarithm, which is the coordinate; it counts how it was called.
#[derive(Default)]
struct LogNormal {
    threading: Threading,
    /// It has a batch function without the Jacobian too.
    batches: bool,
    called: AtomicUsize,
    points: AtomicUsize,
    one_by_one: AtomicUsize,
}

/// Beyond it there is no density without the Jacobian.
const EDGE: f64 = 1.9;

impl LogNormal {
    fn value(&self, x: f64, jacobian: bool, gradient: &mut [f64]) -> f64 {
        let z = (x - 2f64.ln()) / 0.5;
        let extra = if jacobian { 0.0 } else { 1.0 };
        gradient[0] = -z / 0.5 - extra;
        -0.5 * z * z - extra * x
    }
}

impl Density for LogNormal {
    type Worker = ();

    fn dim(&self) -> usize {
        1
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        Ok(self.value(x[0], true, g))
    }

    fn has_batch(&self) -> bool {
        true
    }

    fn has_log_density_without_jacobian(&self) -> bool {
        true
    }

    fn has_batch_without_jacobian(&self) -> bool {
        self.batches
    }

    fn log_density_without_jacobian_batch(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        self.called.fetch_add(1, Ordering::Relaxed);
        self.points.fetch_add(positions.len(), Ordering::Relaxed);
        let answers = log_densities.iter_mut().zip(gradients.chunks_mut(1)).zip(outcomes);
        for (x, ((value, gradient), outcome)) in positions.iter().zip(answers) {
            match *x {
                x if x > EDGE => *outcome = Err(Refusal::Reject),
                x => *value = self.value(x, false, gradient),
            }
        }
        Ok(())
    }

    fn log_density_without_jacobian(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        x: &[f64],
        gradient: Option<&mut [f64]>,
    ) -> Result<f64, Refusal> {
        self.one_by_one.fetch_add(1, Ordering::Relaxed);
        if x[0] > EDGE {
            return Err(Refusal::Reject);
        }
        Ok(self.value(x[0], false, gradient.unwrap_or(&mut [0.0])))
    }

    fn constrain(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], outputs: &mut [f64]) -> Result<(), Refusal> {
        outputs[0] = x[0].exp();
        Ok(())
    }
}

#[test]
fn the_jacobian_is_included_or_left_out() {
    for algorithm in Algorithm::ALL {
        // On the log scale the mode is the median, on the other one it is the median times exp(-sd²).
        for (jacobian, mode) in [(true, 2.0), (false, 2.0 * (-0.25f64).exp())] {
            let ways = OptimizeOptions { algorithm, jacobian, ..Default::default() };
            let report = optimize(&LogNormal::default(), &options(), &ways, SampleIo::default()).unwrap();
            report.status().unwrap();
            let found = report.best_start().unwrap().outputs[0];
            assert!((found / mode - 1.0).abs() < 1e-8, "{algorithm:?}, {jacobian}: {found} against {mode}");
        }
    }
    let model = common::Normal::new(2, |_, _| Ok(0.0));
    let error = optimize(&model, &options(), &OptimizeOptions::default(), SampleIo::default()).unwrap_err();
    assert_eq!(error.argument_name(), Some("jacobian"));
    assert!(error.to_string().contains("no log density without the Jacobian"), "{error}");
}

#[test]
fn batches_leave_the_jacobian_out() {
    const SIZE: usize = 8;
    for algorithm in Algorithm::ALL {
        let ways = OptimizeOptions { num_starts: 64, algorithm, save_iterations: true, ..Default::default() };
        let expected = written(&LogNormal::default(), &options(), &ways);
        for threading in [Threading::Any, Threading::Caller] {
            for (batches, num_threads, batch_size) in [(false, 2, SIZE), (true, 1, SIZE), (true, 2, SIZE), (true, 2, 1)]
            {
                let model = LogNormal { threading, batches, ..Default::default() };
                let batch_wait = std::time::Duration::from_secs(1);
                let options = SampleOptions { num_threads, batch_size, batch_wait, ..options() };
                assert!(written(&model, &options, &ways) == expected, "{algorithm:?} {threading:?} {batch_size}");
                let [called, points, alone] =
                    [&model.called, &model.points, &model.one_by_one].map(|count| count.load(Ordering::Relaxed));
                // Every point goes the same way.
                assert_eq!((called > 0, points > 0, alone > 0), (batches, batches, !batches));
                if batches && algorithm == Algorithm::Newton {
                    let share = points as f64 / (called * batch_size) as f64;
                    assert!(share >= 0.95, "{share}");
                }
            }
        }
    }
    // Draws at a mode, and what the Hessian there is made of.
    let normal = |batches, batch_size| {
        let model = LogNormal { batches, ..Default::default() };
        let mut writers = [TableWriter::new()];
        let io = SampleIo { sample_writers: borrow(&mut writers), ..Default::default() };
        let ways = LaplaceOptions { jacobian: false, draws: 50, ..Default::default() };
        let options = SampleOptions { num_chains: 1, batch_size, ..options() };
        laplace(&model, &options, &ways, io).unwrap().status().unwrap();
        (bits(&writers[0]), model.one_by_one.into_inner() == 0)
    };
    let alone = normal(true, 0);
    assert_eq!((alone.0, true), normal(true, SIZE));
    assert_eq!(normal(false, SIZE), (normal(true, 0).0, false));
}

/// A quartic well that gives its own Hessian, and counts how it is asked.
struct Quartic {
    gives: Option<f64>,
    gradients: AtomicUsize,
    hessians: AtomicUsize,
}

impl Density for Quartic {
    type Worker = ();

    fn dim(&self) -> usize {
        2
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn is_untransformed(&self) -> bool {
        true
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        self.gradients.fetch_add(1, Ordering::Relaxed);
        (g[0], g[1]) = (-x[0] - x[0].powi(3), -4.0 * x[1]);
        Ok(-0.5 * x[0] * x[0] - 0.25 * x[0].powi(4) - 2.0 * x[1] * x[1])
    }

    fn has_hessian(&self) -> bool {
        self.gives.is_some()
    }

    fn log_density_hessian(
        &self,
        worker: &mut (),
        task: &mut Task<'_>,
        x: &[f64],
        _: bool,
        g: &mut [f64],
        hessian: &mut [f64],
    ) -> Result<f64, Refusal> {
        self.hessians.fetch_add(1, Ordering::Relaxed);
        hessian.copy_from_slice(&[-1.0 - 3.0 * x[0] * x[0], 0.0, 0.0, -4.0]);
        hessian[3] *= self.gives.unwrap();
        self.log_density_gradient(worker, task, x, g)
    }
}

#[test]
fn a_model_gives_its_own_hessian() {
    let quartic = |gives| Quartic { gives, gradients: AtomicUsize::new(0), hessians: AtomicUsize::new(0) };
    let ways = OptimizeOptions { algorithm: Algorithm::Newton, ..Default::default() };
    let run = |model: &Quartic| {
        let report = optimize(model, &options(), &ways, SampleIo::default()).unwrap();
        report.starts[0].clone()
    };
    let (own, made) = (quartic(Some(1.0)), quartic(None));
    let (with, without) = (run(&own), run(&made));
    assert!(with.is_converged() && without.is_converged());
    assert!(with.position.iter().chain(&without.position).all(|x| x.abs() < 1e-7), "{with:?} {without:?}");
    assert_eq!(own.hessians.load(Ordering::Relaxed), with.iterations + 1);
    assert_eq!(made.hessians.load(Ordering::Relaxed), 0);
    assert!(with.evaluations * 4 < without.evaluations, "{} {}", with.evaluations, without.evaluations);
    // A Hessian that is none, and one of a saddle.
    let StartOutcome::Ended(ending) = run(&quartic(Some(f64::NAN))).outcome else { panic!("it ended") };
    assert_eq!(ending, Ending::NoHessian(1));
    let StartOutcome::Ended(ending) = run(&quartic(Some(-1.0))).outcome else { panic!("it ended") };
    assert!(matches!(ending, Ending::NoMode(Curvature::Saddle(rise)) if (rise - 4.0).abs() < 1e-9), "{ending}");
    // Normal distributions at modes go by it as well.
    let own = quartic(Some(1.0));
    let alone = SampleOptions { num_chains: 1, ..options() };
    let fit = laplace(&own, &alone, &LaplaceOptions::default(), SampleIo::default()).unwrap().fits.remove(0);
    assert!((fit.sd[0] - 1.0).abs() < 1e-6 && (fit.sd[1] - 0.5).abs() < 1e-9, "{:?}", fit.sd);
    assert_eq!(own.hessians.load(Ordering::Relaxed), 1);
}
