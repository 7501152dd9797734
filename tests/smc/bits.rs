//! The bits of a set of particles depend on seed, id, options and model alone.

use crate::conjugate::{self, Conjugate};
use crate::sets::{Table, run_options, tables};
use catena::model::{Density, Refusal, Task, Threading, WorkerError};
use catena::particles::plan::Kernel;
use catena::particles::resample::Scheme;
use catena::services::{PathKind, SampleIo, SampleOptions, SmcOptions, sample_smc};
use std::any::Any;
use std::ops::Range;

/// Each kernel, on each path, waste-free or not.
fn all() -> Vec<(Conjugate, SmcOptions)> {
    let mut all = Vec::new();
    for kernel in [Kernel::RandomWalk, Kernel::Independent, Kernel::Hmc, Kernel::Nuts] {
        for path in [PathKind::Prior, PathKind::Data, PathKind::Reference] {
            for waste_free in [false, true] {
                let model = Conjugate { data: true, ..Conjugate::new(3) };
                let smc = SmcOptions {
                    num_sets: 3,
                    num_particles: 300,
                    kernel,
                    path,
                    waste_free,
                    num_moves: 2,
                    ..SmcOptions::default()
                };
                all.push((model, smc));
            }
        }
    }
    all
}

fn same_bits(what: &str, a: &[Table], b: &[Table]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!(a.values.len() >= 300 && a.values.len() == b.values.len(), "{what}");
        let same = a.values.iter().zip(&b.values).all(|(x, y)| x.to_bits() == y.to_bits());
        assert!(same, "{what}: a bit differs");
    }
}

fn threads(num_threads: usize) -> SampleOptions {
    SampleOptions { num_threads, ..run_options(77) }
}

#[test]
fn threads_change_no_bit() {
    for (model, smc) in all() {
        let one = tables(&model, &threads(1), &smc);
        for n in [2, 4] {
            same_bits(&format!("{n} threads, {smc:?}"), &one, &tables(&model, &threads(n), &smc));
        }
    }
}

#[test]
fn sets_change_one_another_in_no_bit() {
    for (model, smc) in all() {
        let together = tables(&model, &threads(2), &smc);
        let first = tables(&model, &threads(2), &SmcOptions { num_sets: 1, ..smc.clone() });
        let others = tables(&model, &threads(2), &SmcOptions { num_sets: 2, init_set_id: 2, ..smc.clone() });
        same_bits(&format!("{smc:?}"), &together, &[first, others].concat());
        assert_ne!(together[0].values, together[1].values);
    }
}

#[test]
fn the_caller_changes_no_bit() {
    for (model, smc) in all() {
        let on_threads = tables(&model, &threads(2), &smc);
        for threading in [Threading::Caller, Threading::One] {
            let alone = Conjugate { threading, ..Conjugate { data: true, ..Conjugate::new(3) } };
            same_bits(&format!("{threading:?}, {smc:?}"), &on_threads, &tables(&alone, &threads(2), &smc));
        }
    }
}

#[test]
fn batches_change_no_bit_whatever_their_size() {
    for (model, smc) in all().into_iter().filter(|(_, smc)| smc.path == PathKind::Prior) {
        let one_by_one = tables(&model, &threads(2), &smc);
        for (batch_size, threading) in [
            (1, Threading::Any),
            (7, Threading::Any),
            (64, Threading::Any),
            (1000, Threading::Any),
            (64, Threading::Caller),
        ] {
            let batched = Conjugate { batch: true, threading, ..Conjugate::new(3) };
            let options = SampleOptions { batch_size, ..threads(2) };
            same_bits(&format!("batches of {batch_size}, {smc:?}"), &one_by_one, &tables(&batched, &options, &smc));
        }
    }
    let report = sample_smc(
        &Conjugate::new(2),
        &SampleOptions { batch_size: 8, ..threads(1) },
        &SmcOptions::default(),
        None,
        SampleIo::default(),
    );
    assert_eq!(report.unwrap_err().argument_name(), Some("batch_size"));
}

#[test]
fn seeds_and_schemes_change_them() {
    let model = Conjugate::new(3);
    let smc = SmcOptions { num_sets: 1, num_particles: 300, ..SmcOptions::default() };
    let here = tables(&model, &run_options(1), &smc);
    same_bits("again", &here, &tables(&model, &run_options(1), &smc));
    assert_ne!(here, tables(&model, &run_options(2), &smc));
    for resampling in [Scheme::Multinomial, Scheme::Stratified, Scheme::Residual, Scheme::Ssp] {
        assert_ne!(here, tables(&model, &run_options(1), &SmcOptions { resampling, ..smc.clone() }), "{resampling:?}");
    }
}

/// A conjugate normal whose likelihood is a sum over the pool, with workers that note what they are.
struct Summed(Conjugate);

impl Density for Summed {
    type Worker = u32;

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn new_worker(&self) -> Result<u32, WorkerError> {
        Ok(0)
    }

    fn log_density_gradient(&self, _: &mut u32, task: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        self.0.log_density_gradient(&mut (), task, x, g)
    }

    fn has_parts(&self) -> bool {
        true
    }

    fn log_density_parts(
        &self,
        _: &mut u32,
        task: &mut Task<'_>,
        x: &[f64],
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        let [prior, _] = self.0.log_density_parts(&mut (), task, x, gradients)?;
        let piece = |worker: &mut dyn Any, range: Range<usize>, partial: &mut [f64]| {
            *worker.downcast_mut::<u32>().expect("the model's own worker") += 1;
            let term = |j: usize| conjugate::log_normal(self.0.y[j], x[j], self.0.sd);
            partial[0] = range.map(term).sum();
            Ok(())
        };
        let mut sum = [0.0];
        task.reduce(x.len(), 1, &piece, &mut sum)?;
        Ok([prior, sum[0]])
    }

    fn has_prior(&self) -> bool {
        true
    }

    fn sample_prior(&self, _: &mut u32, task: &mut Task<'_>, x: &mut [f64]) -> Result<(), Refusal> {
        self.0.sample_prior(&mut (), task, x)
    }
}

#[test]
fn sums_inside_the_model_have_its_own_workers() {
    let smc = SmcOptions { num_sets: 2, num_particles: 100, num_moves: 2, ..SmcOptions::default() };
    let one = tables(&Summed(Conjugate::new(3)), &threads(1), &smc);
    // Four threads for two sets of two blocks: some wait, and help in sums.
    same_bits("sums", &one, &tables(&Summed(Conjugate::new(3)), &threads(4), &smc));
    same_bits("sums or none", &one, &tables(&Conjugate::new(3), &threads(2), &smc));
}
