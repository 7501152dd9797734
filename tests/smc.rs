//! Sequential Monte Carlo: evidence known in closed form, by every kernel and every path; equal bits; what ends a set.

#[path = "common/conjugate.rs"]
mod conjugate;

use catena::io::{TableWriter, Writer};
use catena::model::{Density, Threading};
use catena::particles::normal::Normal;
use catena::particles::plan::Kernel;
use catena::services::{PathKind, SampleIo, SampleOptions, SetOutcome, SmcOptions, SmcReport, sample_smc};
use conjugate::{BetaBinomial, Conjugate};

const KERNELS: [Kernel; 4] = [Kernel::RandomWalk, Kernel::Independent, Kernel::Hmc, Kernel::Nuts];

fn run_options(seed: u64) -> SampleOptions {
    SampleOptions { seed, num_threads: 2, refresh: 0, ..SampleOptions::default() }
}

fn run<D: Density>(model: &D, seed: u64, smc: &SmcOptions) -> SmcReport {
    let report = sample_smc(model, &run_options(seed), smc, None, SampleIo::default()).expect("good arguments");
    report.status().unwrap();
    report
}

/// The evidence over sets is unbiased on its own scale: its mean over many sets within 4 standard errors.
fn check_evidence(what: &str, report: &SmcReport, exact: f64) {
    let z = (report.log_evidence - exact) / report.standard_error;
    println!("{what}: {:.4} +- {:.4}, exact {exact:.4}, z {z:.2}", report.log_evidence, report.standard_error);
    assert!(report.standard_error > 0.0 && report.standard_error < 0.2, "{what}: {}", report.standard_error);
    assert!(z.abs() < 4.0, "{what}: {} +- {}, exact {exact}", report.log_evidence, report.standard_error);
}

#[test]
fn the_evidence_of_a_conjugate_normal_by_every_kernel() {
    let model = Conjugate::new(4);
    for kernel in KERNELS {
        for waste_free in [false, true] {
            let smc = SmcOptions { num_sets: 100, num_particles: 300, kernel, waste_free, ..SmcOptions::default() };
            let report = run(&model, 11, &smc);
            check_evidence(&format!("{kernel:?}, waste-free {waste_free}"), &report, model.log_evidence());
        }
    }
}
