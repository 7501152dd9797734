//! Where the chains of a run have come.

use super::handle::catena_run;
use crate::error::Error;
use crate::ffi::boundary::{Room, Table, guard, object};
use crate::ffi::error::{catena_error, catena_status};

/// Where one chain of a run has come. Set `struct_size` to sizeof(catena_progress) before asking.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_progress {
    /// sizeof(catena_progress) of the header the program was compiled with.
    pub struct_size: usize,
    /// Id of the chain.
    pub chain_id: u64,
    /// Iterations done, warm-up included.
    pub iteration: u64,
    /// Iterations that the chain is to do, warm-up included.
    pub total: u64,
    /// Divergent transitions after warm-up.
    pub divergences: u64,
    /// Gradient evaluations.
    pub gradients: u64,
    /// The nominal step size; NaN before the first iteration.
    pub stepsize: f64,
    /// 1 while the chain warms up, 0 after.
    pub in_warmup: i32,
    /// 1 when the chain has ended.
    pub over: i32,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_progress {
    const NAME: &'static str = "catena_progress";
    const REQUIRED: usize = size_of::<usize>();
}

/// Where chain `chain`, counted from 0, has come. May be called from any thread, also while another one waits.
///
/// # Safety
/// `run` is NULL or a live run; `out` points to a catena_progress with its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_progress(
    run: *const catena_run,
    chain: usize,
    out: *mut catena_progress,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (run, room) = unsafe { (object(run, "run", "a catena_run")?, Room::new(out, "out")?) };
        let expected = || format!("a chain from 0 to {}", run.control.num_chains() - 1);
        let p = run.control.progress(chain).ok_or_else(|| Error::argument("chain", expected(), chain))?;
        room.fill(&catena_progress {
            struct_size: size_of::<catena_progress>(),
            chain_id: run.first_chain + chain as u64,
            iteration: p.iteration as u64,
            total: run.total,
            divergences: p.divergences,
            gradients: p.gradients,
            stepsize: p.stepsize,
            in_warmup: p.in_warmup.into(),
            over: p.over.into(),
        });
        Ok(())
    })
}
