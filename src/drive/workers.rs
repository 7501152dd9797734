use crate::model::{Density, Threading, WorkerError};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// What one thread needs while it works on a chain or a piece of a sum.
pub struct Bench<W> {
    /// The model's scratch memory.
    pub worker: W,
    /// A row of output, as long as the run's rows.
    pub row: Vec<f64>,
    /// What the model had to say last.
    pub message: String,
}

/// Lends each bench to one user at a time and makes new ones when all are in use.
///
/// A bench is checked out, never tied to a thread: a thread that works on a piece of one chain's sum while another
/// chain's evaluation is under way on the same thread gets a bench of its own, so a model's scratch memory is never
/// entered twice at once.
pub struct Workers<'d, D: Density> {
    density: &'d D,
    row_length: usize,
    free: Mutex<Vec<Bench<D::Worker>>>,
}

impl<'d, D: Density> Workers<'d, D> {
    /// No benches yet; each will have room for a row of `row_length` numbers.
    pub fn new(density: &'d D, row_length: usize) -> Self {
        Self { density, row_length, free: Mutex::new(Vec::new()) }
    }

    /// From which threads the model may be called.
    pub(super) fn threading(&self) -> Threading {
        self.density.threading()
    }

    /// A bench for exclusive use until the guard is dropped.
    pub fn check_out(&self) -> Result<CheckedOut<'_, 'd, D>, WorkerError> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bench = match free {
            Some(bench) => bench,
            None => {
                Bench { worker: self.density.new_worker()?, row: vec![0.0; self.row_length], message: String::new() }
            }
        };
        Ok(CheckedOut { bench: Some(bench), home: self })
    }
}

/// A bench on loan; see [`Workers::check_out`].
pub struct CheckedOut<'w, 'd, D: Density> {
    bench: Option<Bench<D::Worker>>,
    home: &'w Workers<'d, D>,
}

impl<D: Density> Deref for CheckedOut<'_, '_, D> {
    type Target = Bench<D::Worker>;

    fn deref(&self) -> &Self::Target {
        self.bench.as_ref().expect("held until dropped")
    }
}

impl<D: Density> DerefMut for CheckedOut<'_, '_, D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.bench.as_mut().expect("held until dropped")
    }
}

impl<D: Density> Drop for CheckedOut<'_, '_, D> {
    fn drop(&mut self) {
        // After a panic the scratch memory may be in any state: it is freed, not lent again.
        if let Some(bench) = self.bench.take()
            && !std::thread::panicking()
        {
            self.home.free.lock().unwrap_or_else(PoisonError::into_inner).push(bench);
        }
    }
}
