//! From what is easy to draw from to the posterior: a path of densities, as a density over a few more coordinates.
//!
//! A path has segments; on segment t it goes from base_t to base_t + increment_t, at `share` of the way it is
//! base_t(x) + share increment_t(x). With prior and likelihood there is one segment, the tempered posteriors; with data one
//! after the other as many as there are data (Chopin 2002); else one from a normal to the model's density (Neal 2001).
//! Being a [`Density`] itself, whatever drives models drives a path: threads, batches, the calling thread.

use super::normal::Normal;
use crate::model::{Density, Piece, Reducer, Refusal, Task, Threading, WorkerError};
use std::any::Any;
use std::ops::Range;

/// Numbers that a row of a path has behind the model's coordinates. In a position: the segment, the share of it, and 1
/// where the gradient by the model's coordinates is wanted. In its gradient: the increment, the base, and nothing.
pub const EXTRA: usize = 3;

/// What a path begins with and what it adds.
#[derive(Debug, Clone, PartialEq)]
pub enum Bridge {
    /// The prior; the likelihood.
    Parts,
    /// The prior; the likelihood of one datum after the other.
    Data,
    /// This normal; the model's density over it.
    Reference(Normal),
}

/// A path over a model.
pub struct Path<'a, D> {
    density: &'a D,
    bridge: Bridge,
}

impl<'a, D: Density> Path<'a, D> {
    /// The path of `bridge`, which the model offers.
    pub fn new(density: &'a D, bridge: Bridge) -> Self {
        Self { density, bridge }
    }

    /// The model.
    pub fn model(&self) -> &'a D {
        self.density
    }

    /// Number of segments.
    pub fn segments(&self) -> usize {
        if self.bridge == Bridge::Data { self.density.data_count() } else { 1 }
    }
}

/// Scratch memory: the model's own, gradients of both parts, and a batch's arrays.
pub struct PathWorker<W> {
    model: W,
    gradients: [Vec<f64>; 2],
    positions: Vec<f64>,
    values: [Vec<f64>; 2],
}

/// Calls the model with its own worker, also in the pieces of its sums.
fn inside<W: 'static, R>(
    task: &mut Task<'_>,
    worker: &mut W,
    f: impl FnOnce(&mut W, &mut Task<'_>) -> Result<R, Refusal>,
) -> Result<R, Refusal> {
    let reducer = Unwrap::<W>(task.reducer(), std::marker::PhantomData);
    f(worker, &mut task.through(&reducer))
}

/// Hands the pieces of a model's sum the model's own worker.
struct Unwrap<'a, W>(&'a dyn Reducer, std::marker::PhantomData<fn() -> W>);

impl<W: 'static> Reducer for Unwrap<'_, W> {
    fn reduce(&self, terms: usize, grain: usize, piece: &Piece<'_>, sums: &mut [f64]) -> Result<(), Refusal> {
        let inner = |worker: &mut dyn Any, range: Range<usize>, partial: &mut [f64]| {
            let worker = worker.downcast_mut::<PathWorker<W>>().expect("a path's pieces have a path's worker");
            piece(&mut worker.model, range, partial)
        };
        self.0.reduce(terms, grain, &inner, sums)
    }
}

/// base + share increment; a share of nothing is nothing, whatever the increment.
fn along(base: f64, share: f64, increment: f64) -> f64 {
    if share == 0.0 { base } else { base + share * increment }
}

/// The gradient at `share` of the way.
fn blend(out: &mut [f64], share: f64, of_base: &[f64], of_increment: &[f64]) {
    if share == 0.0 {
        return out.copy_from_slice(of_base);
    }
    for ((out, base), increment) in out.iter_mut().zip(of_base).zip(of_increment) {
        *out = base + share * increment;
    }
}

impl<D: Density> Density for Path<'_, D> {
    type Worker = PathWorker<D::Worker>;

    fn dim(&self) -> usize {
        self.density.dim() + EXTRA
    }

    fn threading(&self) -> Threading {
        self.density.threading()
    }

    fn new_worker(&self) -> Result<Self::Worker, WorkerError> {
        let gradient = || vec![0.0; self.density.dim()];
        let gradients = [gradient(), gradient()];
        let (positions, values) = (Vec::new(), [Vec::new(), Vec::new()]);
        Ok(PathWorker { model: self.density.new_worker()?, gradients, positions, values })
    }

    #[inline]
    fn log_density_gradient(
        &self,
        worker: &mut Self::Worker,
        task: &mut Task<'_>,
        position: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Refusal> {
        let (x, at) = position.split_at(self.density.dim());
        let (g, parts) = gradient.split_at_mut(x.len());
        let (share, wanted) = (at[1], at[2] != 0.0);
        // A batch may have made them longer.
        let [of_base, of_increment] = worker.gradients.each_mut().map(|g| &mut g[..x.len()]);
        let model = &mut worker.model;
        let [base, increment] = match &self.bridge {
            Bridge::Reference(normal) => {
                // Of the reference the gradient comes with the value.
                let base = normal.log_density(x, of_base);
                let total = inside(task, model, |model, task| match wanted {
                    true => self.density.log_density_gradient(model, task, x, of_increment),
                    false => self.density.log_density(model, task, x),
                })?;
                of_increment.iter_mut().zip(&*of_base).for_each(|(g, q)| *g -= q);
                [base, total - base]
            }
            Bridge::Parts => inside(task, model, |model, task| {
                let gradients = wanted.then_some([&mut of_base[..], &mut of_increment[..]]);
                self.density.log_density_parts(model, task, x, gradients)
            })?,
            Bridge::Data => inside(task, model, |model, task| {
                let gradients = wanted.then_some([&mut of_base[..], &mut of_increment[..]]);
                self.density.log_density_data(model, task, x, at[0] as usize, gradients)
            })?,
        };
        if wanted {
            blend(g, share, of_base, of_increment);
        }
        (parts[0], parts[1], parts[2]) = (increment, base, 0.0);
        Ok(along(base, share, increment))
    }

    fn has_batch(&self) -> bool {
        match self.bridge {
            Bridge::Parts => self.density.has_parts_batch(),
            Bridge::Data => false,
            Bridge::Reference(_) => self.density.has_batch(),
        }
    }

    fn log_density_gradient_batch(
        &self,
        worker: &mut Self::Worker,
        task: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
        outcomes: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        let (dim, n) = (self.density.dim(), log_densities.len());
        let width = dim + EXTRA;
        let PathWorker { model, gradients: own, positions: space, values } = worker;
        space.clear();
        positions.chunks_exact(width).for_each(|row| space.extend_from_slice(&row[..dim]));
        let [bases, increments] = values;
        for values in [&mut *bases, &mut *increments] {
            values.clear();
            values.resize(n, f64::NAN);
        }
        let [of_bases, of_increments] = own;
        of_bases.resize(n.max(1) * dim, 0.0);
        of_increments.resize(n.max(1) * dim, 0.0);
        if let Bridge::Reference(normal) = &self.bridge {
            inside(task, model, |model, task| {
                let gradients = &mut of_increments[..n * dim];
                self.density.log_density_gradient_batch(model, task, space, increments, gradients, outcomes)
            })?;
            for (i, x) in space.chunks_exact(dim).enumerate() {
                let row = i * dim..(i + 1) * dim;
                bases[i] = normal.log_density(x, &mut of_bases[row.clone()]);
                increments[i] -= bases[i];
                of_increments[row.clone()].iter_mut().zip(&of_bases[row]).for_each(|(g, q)| *g -= q);
            }
        } else {
            let wanted = positions.chunks_exact(width).any(|row| row[dim + 2] != 0.0);
            inside(task, model, |model, task| {
                let gradients = wanted.then_some([&mut of_bases[..n * dim], &mut of_increments[..n * dim]]);
                self.density.log_density_parts_batch(model, task, space, [bases, increments], gradients, outcomes)
            })?;
        }
        let rows = positions.chunks_exact(width).zip(gradients.chunks_exact_mut(width));
        for (i, (position, gradient)) in rows.enumerate() {
            let (share, wanted) = (position[dim + 1], position[dim + 2] != 0.0);
            let (g, parts) = gradient.split_at_mut(dim);
            if wanted {
                let row = i * dim..(i + 1) * dim;
                blend(g, share, &of_bases[row.clone()], &of_increments[row]);
            }
            (parts[0], parts[1], parts[2]) = (increments[i], bases[i], 0.0);
            log_densities[i] = along(bases[i], share, increments[i]);
        }
        Ok(())
    }

    fn has_prior(&self) -> bool {
        true
    }

    /// Draws a point of the path's beginning.
    fn sample_prior(
        &self,
        worker: &mut Self::Worker,
        task: &mut Task<'_>,
        position: &mut [f64],
    ) -> Result<(), Refusal> {
        match &self.bridge {
            Bridge::Reference(normal) => normal.draw(task.random(), position),
            _ => inside(task, &mut worker.model, |model, task| self.density.sample_prior(model, task, position))?,
        }
        Ok(())
    }

    fn output_names(&self) -> Vec<String> {
        self.density.output_names()
    }

    fn constrain(
        &self,
        worker: &mut Self::Worker,
        task: &mut Task<'_>,
        position: &[f64],
        outputs: &mut [f64],
    ) -> Result<(), Refusal> {
        inside(task, &mut worker.model, |model, task| self.density.constrain(model, task, position, outputs))
    }
}
