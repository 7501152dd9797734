//! A density that a closure makes, which counts how it was called.
#![allow(dead_code)]

use catena::model::{Density, Refusal, Task, Threading, WorkerError};
use std::sync::atomic::{AtomicUsize, Ordering};

/// `f` gives log density and gradient, `None` where there is none. One type for every function: each more would be another
/// compilation of the services.
pub struct Surface<'a> {
    pub dim: usize,
    pub f: Box<Function<'a>>,
    pub threading: Threading,
    pub batches: AtomicUsize,
    pub points: AtomicUsize,
}

type Function<'a> = dyn Fn(&[f64], &mut [f64]) -> Option<f64> + Sync + 'a;

impl<'a> Surface<'a> {
    pub fn new(dim: usize, f: impl Fn(&[f64], &mut [f64]) -> Option<f64> + Sync + 'a) -> Self {
        let (batches, points) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { dim, f: Box::new(f), threading: Threading::Any, batches, points }
    }
}

impl Density for Surface<'_> {
    type Worker = ();

    fn dim(&self) -> usize {
        self.dim
    }

    fn threading(&self) -> Threading {
        self.threading
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn is_untransformed(&self) -> bool {
        true
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        (self.f)(x, g).ok_or(Refusal::Reject)
    }

    fn has_batch(&self) -> bool {
        true
    }

    fn log_density_gradient_batch(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.points.fetch_add(log_densities.len(), Ordering::Relaxed);
        let rows = positions.chunks(self.dim).zip(gradients.chunks_mut(self.dim));
        for ((value, outcome), (x, g)) in log_densities.iter_mut().zip(outcomes).zip(rows) {
            match (self.f)(x, g) {
                Some(log_density) => *value = log_density,
                None => *outcome = Err(Refusal::Reject),
            }
        }
        Ok(())
    }
}

/// The saddle of pymc-extras' tracker: a ridge wz = 1 under a normal, with modes w = z = ±√0.99.
pub fn saddle(x: &[f64], g: &mut [f64]) -> Option<f64> {
    let [w, z] = [x[0], x[1]];
    let off = 1.0 - w * z;
    (g[0], g[1]) = (100.0 * off * z - w, 100.0 * off * w - z);
    Some(-0.5 * (w * w + z * z) - 50.0 * off * off)
}
