use crate::model::{Density, Threading, WorkerError};
use crate::particles::blocks::{Lender, Lent};

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
/// A bench is lent, never tied to a thread: a thread that works on a piece of one chain's sum while another chain's
/// evaluation is under way on the same thread gets a bench of its own, so a model's scratch memory is never entered
/// twice at once.
pub struct Workers<'d, D: Density> {
    density: &'d D,
    row_length: usize,
    free: Lender<Bench<D::Worker>>,
}

impl<'d, D: Density> Workers<'d, D> {
    /// No benches yet; each will have room for a row of `row_length` numbers.
    pub fn new(density: &'d D, row_length: usize) -> Self {
        Self { density, row_length, free: Lender::default() }
    }

    /// From which threads the model may be called.
    pub(super) fn threading(&self) -> Threading {
        self.density.threading()
    }

    /// A bench for exclusive use until the guard is dropped.
    pub fn check_out(&self) -> Result<Lent<'_, Bench<D::Worker>>, WorkerError> {
        self.free.lend(|| {
            let worker = self.density.new_worker()?;
            Ok(Bench { worker, row: vec![0.0; self.row_length], message: String::new() })
        })
    }
}
