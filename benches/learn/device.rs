//! From which cost of a cell on a device is repaid: `cargo bench --bench learn_device`.
//!
//! A likelihood of so many steps of y <- cos(a y + 0.3), or of y <- 0.5 + 0.3 a y (1 - y²), per cell, on the host (one thread, two) and on the device that is found
//! first (PoCL's processor where there is no other), ns per cell of an update; and what `auto` chooses.

use catena::drive::Pool;
use catena::drive::device::{Computes, Device, OnDevice, Precision};
use catena::drive::opencl::{DeviceChoice, DeviceProgram};
use catena::learn::{Prior, UpdaterOptions};
use catena::model::{Experiments, Field, Likelihood, Refusal, Task, WorkerError};
use catena::services::{LearnIo, Learner};
use std::sync::Arc;
use std::time::Instant;

/// Steps of a cell: cosines, which PoCL computes one by one, or polynomials, of which its compiler makes vectors.
#[derive(Clone, Copy)]
struct Steps {
    cosines: bool,
    count: usize,
}

impl Likelihood for Steps {
    type Worker = ();
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        vec!["x".into()]
    }

    fn fields(&self) -> Arc<[Field]> {
        [Field::real("a")].into()
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn prepare(&self, _: &mut Task<'_>, _: &Experiments) -> Result<(), Refusal> {
        Ok(())
    }

    fn likelihood(
        &self,
        (): &mut (),
        (): &(),
        _: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        for (row, out) in out.chunks_mut(models.len()).enumerate() {
            let (outcome, a) = (outcomes[row % outcomes.len()], experiments.get(0, row / outcomes.len()));
            for (out, x) in out.iter_mut().zip(models) {
                let y = if self.cosines {
                    (0..self.count).fold(*x, |y, _| (a * y + 0.3).cos())
                } else {
                    (0..self.count).fold(*x, |y, _| 0.5 + 0.3 * a * y * (1.0 - y * y))
                };
                *out = if outcome == 0.0 { y * y } else { 1.0 - y * y };
            }
        }
        Ok(())
    }
}

impl Steps {
    fn program(&self) -> DeviceProgram {
        let step = if self.cosines { "cos(a * y + (real)0.3)" } else { "(real)0.5 + (real)0.3 * a * y * (1 - y * y)" };
        let source = format!(
            "real likelihood(const real *outcome, const real *model, const real *experiment) {{
               const real a = experiment[0];
               real y = model[0];
               for (int k = 0; k < {}; ++k) y = {step};
               return outcome[0] == 0 ? y * y : 1 - y * y; }}",
            self.count
        );
        let shape = OnDevice::shape(self);
        DeviceProgram::new(&source, shape, Precision::Double, &DeviceChoice::default()).expect("a device")
    }
}

/// ns per model of an update, the shortest of several rounds, and who computes in the end.
fn time(model: OnDevice<Steps>, threads: usize, models: usize, rounds: usize) -> (f64, Computes) {
    let options = UpdaterOptions { num_models: models, ess_threshold: 0.0, seed: 1, ..UpdaterOptions::default() };
    let pool = Arc::new(Pool::new(threads).expect("threads"));
    let mut l = Learner::new(model, options, Prior::uniform(0.0, 1.0), LearnIo::default(), pool).expect("a learner");
    let table = Experiments::by_name(l.model().fields(), &[("a", &[0.7])]).expect("a value");
    let mut shortest = f64::INFINITY;
    for _ in 0..rounds.max(5) {
        let begun = Instant::now();
        l.update(&[1.0], &table, 0).expect("an update");
        shortest = shortest.min(begun.elapsed().as_nanos() as f64);
    }
    (shortest / models as f64, l.model().computes(models))
}

fn main() {
    println!("device: {}", Steps { cosines: true, count: 1 }.program().name());
    println!(
        "{:>12} {:>8} {:>6} {:>10} {:>10} {:>10} {:>8}",
        "cell", "models", "steps", "1 thread", "2 threads", "device", "auto"
    );
    for (cosines, cell) in [(true, "cosines"), (false, "polynomials")] {
        for models in [1000, 10_000, 100_000, 1_000_000] {
            for count in [1, 4, 16, 64] {
                let steps = Steps { cosines, count };
                let rounds = (4_000_000 / models / count).clamp(5, 200);
                let host = |threads| time(OnDevice::none(steps), threads, models, rounds).0;
                let (one, two) = (host(1), host(2));
                let (device, _) = time(OnDevice::new(steps, steps.program()), 2, models, rounds);
                let who = time(OnDevice::auto(steps, steps.program(), 2), 2, models, 5).1;
                let who = if who == Computes::Device { "device" } else { "host" };
                println!("{cell:>12} {models:>8} {count:>6} {one:>10.1} {two:>10.1} {device:>10.1} {who:>8}");
            }
        }
    }
}
