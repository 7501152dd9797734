//! Models and writers that several tests share.
#![allow(dead_code)]

pub mod bridgestan;
pub mod by_hand;
pub mod bytes;
pub mod in_process;
pub mod ranks;

use catena::diagnostics::{Summary, SummaryInput};
use catena::io::{Layout, TableWriter, Writer};
use catena::model::{Density, Refusal, Task, Threading, WorkerError};
use catena::services::{SampleIo, SampleOptions, SampleReport, sample_nuts};

/// A normal with means 1, 2, … , standard deviations 1, 2, … , and correlation `rho` between neighbours (AR(1)).
pub struct Correlated {
    pub dim: usize,
    pub rho: f64,
}

impl Correlated {
    pub fn mean(&self, i: usize) -> f64 {
        1.0 + i as f64
    }

    pub fn sd(&self, i: usize) -> f64 {
        1.0 + i as f64
    }
}

impl Density for Correlated {
    type Worker = ();

    fn dim(&self) -> usize {
        self.dim
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(
        &self,
        _: &mut (),
        _: &mut Task<'_>,
        position: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Refusal> {
        let scale = 1.0 / (1.0 - self.rho * self.rho);
        let z = |i: usize| (position[i] - self.mean(i)) / self.sd(i);
        let mut sum = 0.0;
        for (i, g) in gradient.iter_mut().enumerate() {
            let inner = i > 0 && i + 1 < self.dim;
            let mut q =
                if self.dim == 1 { 1.0 / scale } else { 1.0 + if inner { self.rho * self.rho } else { 0.0 } } * z(i);
            if i > 0 {
                q -= self.rho * z(i - 1);
            }
            if i + 1 < self.dim {
                q -= self.rho * z(i + 1);
            }
            *g = -scale * q / self.sd(i);
            sum -= 0.5 * scale * z(i) * q;
        }
        Ok(sum)
    }

    /// Besides the coordinates, one number from the generator of outputs.
    fn output_names(&self) -> Vec<String> {
        self.names().into_iter().chain(["noise".to_string()]).collect()
    }

    fn constrain(&self, _: &mut (), task: &mut Task<'_>, position: &[f64], outputs: &mut [f64]) -> Result<(), Refusal> {
        outputs[..self.dim].copy_from_slice(position);
        outputs[self.dim] = task.random().uniform();
        Ok(())
    }
}

/// A standard normal with a function that sees every call first, with the task and the positions: it refuses, or says what
/// is added to the log density. One type for every function: each more would be another compilation of the samplers.
pub struct Normal<'a> {
    dim: usize,
    first: Box<First<'a>>,
    threading: Threading,
}

type First<'a> = dyn Fn(&mut Task<'_>, &[f64]) -> Result<f64, Refusal> + Sync + 'a;

impl<'a> Normal<'a> {
    pub fn new(dim: usize, first: impl Fn(&mut Task<'_>, &[f64]) -> Result<f64, Refusal> + Sync + 'a) -> Self {
        Self { dim, first: Box::new(first), threading: Threading::Any }
    }

    /// The same, called from these threads.
    pub fn called_from(self, threading: Threading) -> Self {
        Self { threading, ..self }
    }
}

impl Density for Normal<'_> {
    type Worker = ();

    fn threading(&self) -> Threading {
        self.threading
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), task: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let extra = (self.first)(task, x)?;
        g.iter_mut().zip(x).for_each(|(g, x)| *g = -x);
        Ok(extra - 0.5 * x.iter().map(|x| x * x).sum::<f64>())
    }

    fn has_batch(&self) -> bool {
        true
    }

    fn log_density_gradient_batch(
        &self,
        _: &mut (),
        task: &mut Task<'_>,
        positions: &[f64],
        log_densities: &mut [f64],
        gradients: &mut [f64],
        _: &mut [Result<(), Refusal>],
    ) -> Result<(), Refusal> {
        let extra = (self.first)(task, positions)?;
        gradients.iter_mut().zip(positions).for_each(|(g, x)| *g = -x);
        for (value, x) in log_densities.iter_mut().zip(positions.chunks(self.dim)) {
            *value = extra - 0.5 * x.iter().map(|x| x * x).sum::<f64>();
        }
        Ok(())
    }
}

/// Every number's bits.
pub fn bits(table: &TableWriter) -> Vec<u64> {
    table.values().iter().map(|v| v.to_bits()).collect()
}

/// Column `name`, which must be there.
pub fn column(table: &TableWriter, name: &str) -> Vec<f64> {
    table.column(name).unwrap_or_else(|| panic!("no column {name} among {:?}", table.column_names()))
}

/// One writer per chain as the trait objects a run borrows.
pub fn borrow(writers: &mut [TableWriter]) -> Vec<&mut dyn Writer> {
    writers.iter_mut().map(|w| w as &mut dyn Writer).collect()
}

/// Runs and returns the report with what the sample writers got.
pub fn run<D: Density>(density: &D, options: &SampleOptions) -> (SampleReport, Vec<TableWriter>) {
    let mut writers = vec![TableWriter::new(); options.num_chains];
    let report =
        sample_nuts(density, options, SampleIo { sample_writers: borrow(&mut writers), ..Default::default() }).unwrap();
    (report, writers)
}

/// The statistics of what the sample writers of a run got.
pub fn summary(writers: &[TableWriter]) -> Summary {
    let names = writers[0].column_names();
    let values: Vec<f64> = writers.iter().flat_map(|w| w.values().to_vec()).collect();
    let (chains, draws, columns) = (writers.len(), writers[0].rows(), names.len());
    let input = SummaryInput { values: &values, chains, draws, columns, layout: Layout::Rows, names, max_depth: None };
    Summary::new(&input).unwrap()
}
