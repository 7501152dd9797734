//! Sums inside a model: the same bits for any number of threads, and no worker entered twice at once.

use crate::common::{Normal, bits, run};
use catena::model::{Density, Refusal, Task, WorkerError};
use catena::services::SampleOptions;
use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Scratch memory that notices when it is entered twice.
struct Scratch {
    entered: AtomicBool,
    clashes: Arc<AtomicUsize>,
}

impl Scratch {
    fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.entered.swap(true, Ordering::SeqCst) {
            self.clashes.fetch_add(1, Ordering::SeqCst);
        }
        let result = f();
        self.entered.store(false, Ordering::SeqCst);
        result
    }
}

/// A normal mean with many observations, summed in pieces.
struct Sums {
    data: Vec<f64>,
    grain: usize,
    clashes: Arc<AtomicUsize>,
    workers: AtomicUsize,
    pieces: AtomicUsize,
}

impl Sums {
    fn new(terms: usize, grain: usize) -> Self {
        Self {
            data: (0..terms).map(|i| ((i * 7919) % 1000) as f64 * 1e-3 - 0.5).collect(),
            grain,
            clashes: Arc::default(),
            workers: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
        }
    }
}

impl Density for Sums {
    type Worker = Scratch;

    fn dim(&self) -> usize {
        1
    }

    fn new_worker(&self) -> Result<Scratch, WorkerError> {
        self.workers.fetch_add(1, Ordering::Relaxed);
        Ok(Scratch { entered: AtomicBool::new(false), clashes: Arc::clone(&self.clashes) })
    }

    fn log_density_gradient(
        &self,
        worker: &mut Scratch,
        task: &mut Task<'_>,
        x: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Refusal> {
        worker.enter(|| {
            let piece = |worker: &mut dyn Any, range: Range<usize>, out: &mut [f64]| {
                let worker: &mut Scratch = worker.downcast_mut().expect("the model's own worker");
                worker.enter(|| {
                    self.pieces.fetch_add(1, Ordering::Relaxed);
                    out.fill(0.0);
                    for y in &self.data[range] {
                        out[0] -= 0.5 * (y - x[0]) * (y - x[0]);
                        out[1] += y - x[0];
                    }
                    Ok(())
                })
            };
            let mut sums = [0.0; 2];
            task.reduce(self.data.len(), self.grain, &piece, &mut sums)?;
            gradient[0] = sums[1];
            Ok(sums[0])
        })
    }
}

fn options(num_chains: usize, num_threads: usize) -> SampleOptions {
    SampleOptions {
        num_chains,
        num_threads,
        num_warmup: 60,
        num_samples: 40,
        save_warmup: true,
        ..SampleOptions::stan()
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads_and_no_worker_twice() {
    for num_chains in [1, 3] {
        let reference = Sums::new(5000, 100);
        let expected: Vec<_> = run(&reference, &options(num_chains, 1)).1.iter().map(bits).collect();
        for num_threads in [2, 4, 7] {
            let model = Sums::new(5000, 100);
            let (report, writers) = run(&model, &options(num_chains, num_threads));
            report.status().unwrap();
            assert_eq!(writers.iter().map(bits).collect::<Vec<_>>(), expected, "{num_threads} threads");
            assert_eq!(model.clashes.load(Ordering::SeqCst), 0);
            // One worker per thread for chains and one per thread for pieces at most.
            assert!(model.workers.load(Ordering::SeqCst) <= 2 * num_threads);
            assert_eq!(model.pieces.load(Ordering::SeqCst), reference.pieces.load(Ordering::SeqCst));
        }
    }
}

#[test]
fn the_grain_is_what_the_bits_depend_on() {
    let bits_of = |grain| bits(&run(&Sums::new(5000, grain), &options(1, 2)).1[0]);
    assert_ne!(bits_of(100), bits_of(77));
    assert_eq!(bits_of(5000), bits_of(usize::MAX));
}

#[test]
fn a_piece_that_refuses_or_panics_refuses_the_evaluation() {
    for num_threads in [1, 4] {
        for (bad, words) in [
            ((|i| if i == 63 { Err(Refusal::Reject) } else { Ok(()) }) as fn(usize) -> Result<(), Refusal>, "refused"),
            (|i| if i == 40 { Err(Refusal::Stop) } else { Ok(()) }, "stopped the run"),
            (|i| if i == 41 { panic!("a planted panic") } else { Ok(()) }, "a planted panic"),
        ] {
            let piece = |_: &mut dyn Any, r: Range<usize>, _: &mut [f64]| bad(r.start);
            let broken = Normal::new(1, |task, _| task.reduce(64, 1, &piece, &mut [0.0]).map(|()| 0.0));
            let (report, _) = run(&broken, &options(1, num_threads));
            let error = report.status().unwrap_err();
            assert!(error.to_string().contains(words), "{error} / {words}, {num_threads} threads");
        }
    }
}

/// Adds to what a piece finds, as is easily written.
struct Adding;

impl Density for Adding {
    type Worker = ();

    fn dim(&self) -> usize {
        3
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), task: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        g.iter_mut().zip(x).for_each(|(g, x)| *g = -x);
        let piece = |_: &mut dyn Any, range: Range<usize>, partial: &mut [f64]| {
            partial[0] -= 0.5 * x[range].iter().map(|x| x * x).sum::<f64>();
            Ok(())
        };
        let mut sum = [0.0];
        task.reduce(3, 1, &piece, &mut sum)?;
        let expected = -0.5 * x.iter().map(|x| x * x).sum::<f64>();
        assert!((sum[0] - expected).abs() < 1e-12, "{} for {expected}", sum[0]);
        Ok(sum[0])
    }
}

/// Whether helpers come by must not matter: on one thread a piece once found what the piece before it had left.
#[test]
fn a_piece_finds_zeros_whoever_runs_it() {
    let expected = bits(&run(&Adding, &options(1, 1)).1[0]);
    for num_threads in [2, 4] {
        let (report, writers) = run(&Adding, &options(1, num_threads));
        report.status().unwrap();
        assert_eq!(bits(&writers[0]), expected);
    }
    catena::services::log_density(&Adding, &[1.0, 2.0, 3.0], None).unwrap();
}
