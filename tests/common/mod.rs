//! Models and writers that several tests share.
#![allow(dead_code)]

use catena::Error;
use catena::io::Writer;
use catena::model::{Density, Refusal, Task, WorkerError};
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
        for i in 0..self.dim {
            let inner = i > 0 && i + 1 < self.dim;
            let mut q =
                if self.dim == 1 { 1.0 / scale } else { 1.0 + if inner { self.rho * self.rho } else { 0.0 } } * z(i);
            if i > 0 {
                q -= self.rho * z(i - 1);
            }
            if i + 1 < self.dim {
                q -= self.rho * z(i + 1);
            }
            gradient[i] = -scale * q / self.sd(i);
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

/// Keeps all that it is given.
#[derive(Default, Clone, Debug, PartialEq)]
pub struct Collect {
    pub names: Vec<String>,
    pub rows: Vec<Vec<f64>>,
    pub messages: Vec<String>,
    pub finished: bool,
}

impl Collect {
    /// Column `name` of all rows.
    pub fn column(&self, name: &str) -> Vec<f64> {
        let at = self.names.iter().position(|n| n == name).expect("the column exists");
        self.rows.iter().map(|r| r[at]).collect()
    }

    /// Every number's bits.
    pub fn bits(&self) -> Vec<Vec<u64>> {
        self.rows.iter().map(|r| r.iter().map(|v| v.to_bits()).collect()).collect()
    }
}

impl Writer for Collect {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        assert!(self.names.is_empty(), "names come once");
        self.names = names.to_vec();
        Ok(())
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        self.rows.push(values.to_vec());
        Ok(())
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        assert!(!line.contains('\n'));
        self.messages.push(line.into());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.finished = true;
        Ok(())
    }
}

/// One writer per chain as the trait objects a run borrows.
pub fn borrow(writers: &mut [Collect]) -> Vec<&mut dyn Writer> {
    writers.iter_mut().map(|w| w as &mut dyn Writer).collect()
}

/// Runs and returns the report with what the sample writers got.
pub fn run<D: Density>(density: &D, options: &SampleOptions) -> (SampleReport, Vec<Collect>) {
    let mut writers = vec![Collect::default(); options.num_chains];
    let report =
        sample_nuts(density, options, SampleIo { sample_writers: borrow(&mut writers), ..Default::default() }).unwrap();
    (report, writers)
}
