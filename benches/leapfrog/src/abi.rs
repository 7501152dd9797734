//! The same run with a model in Rust and with one behind the C ABI: what a leapfrog step costs more.

use crate::ours::WARMUP;
use crate::target::Target;
use catena::ffi::error::{catena_error, catena_status};
use catena::ffi::density::catena_density;
use catena::ffi::model::{catena_model, catena_model_free, catena_model_new};
use catena::ffi::options::*;
use catena::ffi::result::*;
use catena::ffi::sample::catena_sample_nuts;
use catena::ffi::task::catena_task;
use catena::model::{Density, Refusal, Task, WorkerError};
use catena::services::{SampleIo, SampleOptions, sample_nuts};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

struct Model(Target, usize);

impl Density for Model {
    type Worker = ();

    fn dim(&self) -> usize {
        self.1
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        Ok(self.0.log_density_gradient(x, g))
    }
}

fn options(draws: usize) -> SampleOptions {
    SampleOptions {
        num_chains: 1,
        num_warmup: WARMUP,
        num_samples: draws,
        num_threads: 1,
        refresh: 0,
        ..SampleOptions::stan()
    }
}

/// ns per leapfrog step after warm-up of a run with a model in Rust.
pub fn rust_ns(target: Target, dim: usize, draws: usize) -> f64 {
    let report = sample_nuts(&Model(target, dim), &options(draws), SampleIo::default()).expect("good options");
    report.chains[0].sampling_seconds * 1e9 / report.chains[0].sampling_gradients as f64
}

unsafe extern "C" fn evaluate(
    user: *mut c_void,
    _: *mut c_void,
    _: *mut catena_task,
    position: *const f64,
    log_density: *mut f64,
    gradient: *mut f64,
) -> c_int {
    // SAFETY: `user` is the Model given below; the arrays have its dimension.
    unsafe {
        let model = &*user.cast::<Model>();
        let x = std::slice::from_raw_parts(position, model.1);
        let g = std::slice::from_raw_parts_mut(gradient, model.1);
        *log_density = model.0.log_density_gradient(x, g);
    }
    0
}

/// The same through the C ABI.
pub fn c_ns(target: Target, dim: usize, draws: usize) -> f64 {
    let mut model = Model(target, dim);
    let error: *mut *mut catena_error = null_mut();
    let ok = |status| assert_eq!(status, catena_status::CATENA_OK);
    // SAFETY: as the header documents; a zeroed table provides nothing.
    unsafe {
        let mut density: catena_density = std::mem::zeroed();
        density.struct_size = size_of::<catena_density>();
        density.user = (&raw mut model).cast();
        density.dimension = dim;
        density.log_density_gradient = Some(evaluate);
        let (mut handle, mut options, mut result): (*mut catena_model, _, _) = (null_mut(), null_mut(), null_mut());
        ok(catena_model_new(&density, &mut handle, error));
        ok(catena_options_new(&mut options, error));
        ok(catena_options_set_metric(options, catena_metric::CATENA_METRIC_DIAG_E as i32, error));
        ok(catena_options_set_num_chains(options, 1, error));
        ok(catena_options_set_num_warmup(options, WARMUP, error));
        ok(catena_options_set_num_samples(options, draws, error));
        ok(catena_options_set_num_threads(options, 1, error));
        ok(catena_options_set_refresh(options, 0, error));
        ok(catena_sample_nuts(handle, options, std::ptr::null(), &mut result, error));
        let ns = catena_result_sampling_seconds(result, 0) * 1e9 / catena_result_sampling_gradients(result, 0) as f64;
        catena_result_free(result);
        catena_options_free(options);
        catena_model_free(handle);
        ns
    }
}
