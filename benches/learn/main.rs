//! What sequential learning costs: `cargo bench --bench learn`; `benches/learn/run.py` runs QInfer beside it.
//!
//! The precession model, ns per model and update: without resampling, with it, a Liu-West step; on one thread and two. The
//! shortest of several rounds, since other programs' time only adds. `threads` cases: a likelihood of 100 ns per cell.

use catena::drive::Pool;
use catena::learn::{Prior, UpdaterOptions, cos_squared};
use catena::model::{Experiments, Field, Likelihood, Refusal, Task, WorkerError};
use catena::services::{LearnIo, Learner};
use std::sync::Arc;
use std::time::Instant;

/// cos² (omega t / 2); with `slow` something that takes about 100 ns per cell.
struct Precession {
    slow: bool,
}

impl Likelihood for Precession {
    type Worker = Vec<f64>;
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        vec!["omega".into()]
    }

    fn fields(&self) -> Arc<[Field]> {
        [Field::real("t")].into()
    }

    fn new_worker(&self) -> Result<Vec<f64>, WorkerError> {
        Ok(Vec::new())
    }

    fn prepare(&self, _: &mut Task<'_>, _: &Experiments) -> Result<(), Refusal> {
        Ok(())
    }

    fn likelihood(
        &self,
        phases: &mut Vec<f64>,
        (): &(),
        _: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let n = models.len();
        phases.resize(n, 0.0);
        for (e, block) in out.chunks_mut(n * outcomes.len()).enumerate() {
            let half = 0.5 * experiments.get(0, e);
            phases.iter_mut().zip(models).for_each(|(phase, omega)| *phase = half * omega);
            let (first, others) = block.split_at_mut(n);
            if self.slow {
                let slow = |x: f64| (0..13).fold(x, |x, _| (0.1 * x + 0.5 * half).cos());
                first.iter_mut().zip(&*phases).for_each(|(out, x)| *out = slow(*x).powi(2));
            } else {
                cos_squared(phases, first);
            }
            others.chunks_mut(n).for_each(|out| out.iter_mut().zip(&*first).for_each(|(x, zero)| *x = 1.0 - zero));
            if outcomes[0] != 0.0 {
                first.iter_mut().for_each(|x| *x = 1.0 - *x);
            }
        }
        Ok(())
    }
}

fn learner(threads: usize, num_models: usize, ess_threshold: f64, slow: bool) -> Learner<Precession> {
    let options = UpdaterOptions { num_models, ess_threshold, seed: 1, ..UpdaterOptions::default() };
    let pool = Arc::new(Pool::new(threads).expect("threads"));
    Learner::new(Precession { slow }, options, Prior::uniform(0.0, 1.0), LearnIo::default(), pool).expect("a learner")
}

/// The shortest of `rounds` times of `f`, in ns.
fn shortest(rounds: usize, mut f: impl FnMut() -> f64) -> f64 {
    (0..rounds).map(|_| f()).fold(f64::INFINITY, f64::min)
}

/// ns per model of `updates` updates of the sparse times, as `benches/learn/qinfer_times.py` has them.
fn updates(l: &mut Learner<Precession>, count: i32) -> f64 {
    let times: Vec<f64> = (0..count).map(|k| (9.0f64 / 8.0).powi(k)).collect();
    let table = Experiments::by_name(l.model().fields(), &[("t", &times)]).expect("times");
    l.reset().expect("reset");
    let n = l.updater().sets()[0].len();
    let begun = Instant::now();
    for k in 0..count as usize {
        l.update(&[(k % 3 == 1) as u8 as f64], &table, k).expect("an update");
    }
    begun.elapsed().as_nanos() as f64 / f64::from(count) / n as f64
}

/// Kilobytes of a line of this process's status; 0 where there is none to be read.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0.0)
}

/// Bytes per model that a learner of 4 million models takes at rest after updates, and while it is resampled.
fn memory() -> (f64, f64) {
    const MODELS: usize = 4_000_000;
    let each = |kilobytes: f64| kilobytes * 1024.0 / MODELS as f64;
    // The peak counts from here on.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = status("VmRSS");
    let mut l = learner(1, MODELS, 0.0, false);
    updates(&mut l, 2);
    let rest = status("VmRSS");
    l.resample(None).expect("resampled");
    (each(rest - before), each(status("VmHWM") - before))
}

fn main() {
    let (rest, peak) = memory();
    println!("bytes per model of one parameter: {rest:.1}, while resampled {peak:.1}");
    println!("{:>9} {:>8} {:>12} {:>12} {:>12}", "models", "threads", "update", "with resamp.", "Liu-West");
    for n in [1000, 10_000, 100_000, 1_000_000] {
        let rounds = (3_000_000 / n).clamp(7, 200);
        for threads in [1, 2] {
            let mut plain = learner(threads, n, 0.0, false);
            let update = shortest(rounds, || updates(&mut plain, 20));
            let mut resampling = learner(threads, n, 0.5, false);
            let resampled = shortest(rounds, || updates(&mut resampling, 20));
            let step = shortest(rounds, || {
                let begun = Instant::now();
                resampling.resample(None).expect("resampled");
                begun.elapsed().as_nanos() as f64 / n as f64
            });
            println!("{n:>9} {threads:>8} {update:>12.2} {resampled:>12.2} {step:>12.2}");
        }
    }
    let mut slow = [learner(1, 200_000, 0.0, true), learner(2, 200_000, 0.0, true)];
    let [one, two] = std::array::from_fn(|i| shortest(15, || updates(&mut slow[i], 4)));
    println!("a likelihood of {one:.0} ns per cell: two threads are {:.2} times one", one / two);
    let times: Vec<f64> = (0..1000).map(|k| 0.1 * f64::from(k)).collect();
    for threads in [1, 2] {
        let mut l = learner(threads, 100_000, 0.0, false);
        let table = Experiments::by_name(l.model().fields(), &[("t", &times)]).expect("times");
        let time = shortest(3, || {
            let begun = Instant::now();
            std::hint::black_box(l.worth(&table, &[], 0).expect("worth"));
            begun.elapsed().as_nanos() as f64
        });
        println!("gain and risk of 1000 candidates x 100000 models, {threads} thread(s): {:.3} s", time / 1e9);
    }
}
