//! What a population costs beyond its host's calls: `cargo bench --bench traces`.
//!
//! Operations on traces that do next to nothing, per trace; and the time of operations of 10 µs on two threads against
//! one, in turn.

use catena::drive::Pool;
use catena::model::{Operation, Refusal, SerialReducer, Task, Traces};
use catena::particles::Resampling;
use catena::particles::resample::Scheme;
use catena::random::{Purpose, Stream};
use catena::services::{Population, PopulationIo, PopulationOptions, TraceFailure};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TRACES: usize = 100_000;
const REPEATS: usize = 7;

/// Numbers on the heap. Operation 0 adds a normal to each; operation n > 0 computes for n µs.
struct Numbers;

impl Traces for Numbers {
    type Trace = Box<f64>;

    fn create(&self, task: &mut Task<'_>) -> Result<Box<f64>, Refusal> {
        Ok(Box::new(task.random().normal()))
    }

    fn can_copy(&self) -> bool {
        true
    }

    fn copy(&self, trace: &Box<f64>, _task: &mut Task<'_>) -> Result<Box<f64>, Refusal> {
        Ok(trace.clone())
    }

    fn apply(&self, trace: &mut Box<f64>, operation: &Operation, task: &mut Task<'_>) -> Result<f64, Refusal> {
        if operation.number == 0 {
            **trace += task.random().normal();
            return Ok(-0.5 * **trace * **trace);
        }
        let until = Instant::now() + Duration::from_micros(operation.number as u64);
        while Instant::now() < until {
            **trace = black_box(**trace * 1.000001);
        }
        Ok(0.0)
    }
}

fn population(on_failure: TraceFailure, threads: usize, sets: usize, traces: usize) -> Population<Numbers> {
    let options = PopulationOptions { on_failure, ..PopulationOptions::default() };
    let pool = Arc::new(Pool::new(threads).expect("threads"));
    let mut p = Population::new(Numbers, options, PopulationIo::default(), pool).expect("a population");
    p.reinitialize(sets, traces).expect("sets");
    p
}

/// The shortest of several times, in seconds.
fn shortest(mut f: impl FnMut()) -> f64 {
    let times = (0..REPEATS).map(|_| {
        let begun = Instant::now();
        f();
        begun.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

/// The same calls without a population around them.
fn by_hand(copies: bool) -> f64 {
    let mut traces: Vec<Box<f64>> = (0..TRACES).map(|i| Box::new(i as f64)).collect();
    let mut stream = Stream::new(0, 1, Purpose::Model);
    let mut message = String::new();
    let reducer = SerialReducer(|| ());
    let operation = Operation::new(0);
    shortest(|| {
        let mut task = Task::new(1, &mut stream, &mut message, &reducer);
        let mut sum = 0.0;
        for trace in &mut traces {
            if copies {
                let mut copy = Numbers.copy(trace, &mut task).expect("copied");
                sum += Numbers.apply(&mut copy, &operation, &mut task).expect("applied");
                *trace = copy;
            } else {
                sum += Numbers.apply(trace, &operation, &mut task).expect("applied");
            }
        }
        black_box(sum);
    })
}

fn main() {
    println!("{TRACES} traces, ns per trace:");
    let per = |time: f64| 1e9 * time / TRACES as f64;
    let alone = [by_hand(false), by_hand(true)];
    println!("{:<44} {:8.1}", "the calls alone, one thread", per(alone[0]));
    println!("{:<44} {:8.1}", "with a copy made and freed for each", per(alone[1]));
    for threads in [1, 2] {
        let kinds = [("in place", TraceFailure::Lose), ("on copies", TraceFailure::Keep)];
        for ((name, on_failure), alone) in kinds.into_iter().zip(alone) {
            let mut p = population(on_failure, threads, 4, TRACES / 4);
            let apply = shortest(|| p.apply(Operation::new(0)).expect("applied"));
            let label = format!("apply {name}, {threads} thread(s)");
            println!("{label:<44} {:8.1}   beyond the calls {:6.1}", per(apply), per(apply - alone / threads as f64));
        }
        let mut p = population(TraceFailure::Lose, threads, 4, TRACES / 4);
        let mut how = |scheme| {
            p.apply(Operation::new(0)).expect("applied");
            let begun = Instant::now();
            p.resample(Resampling { count: None, scheme, ess_below: f64::INFINITY }).expect("resampled");
            begun.elapsed().as_secs_f64()
        };
        let resample = (0..REPEATS).map(|_| how(Scheme::Systematic)).fold(f64::INFINITY, f64::min);
        println!("{:<44} {:8.1}", format!("resample, {threads} thread(s)"), per(resample));
    }

    const LONG: usize = 4000;
    let (mut one, mut two) =
        (population(TraceFailure::Lose, 1, 4, LONG / 4), population(TraceFailure::Lose, 2, 4, LONG / 4));
    let mut ratios: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let time = |p: &mut Population<Numbers>| {
                let begun = Instant::now();
                p.apply(Operation::new(10)).expect("applied");
                begun.elapsed().as_secs_f64()
            };
            time(&mut one) / time(&mut two)
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "{LONG} operations of 10 µs: two threads are {:.2} times one (median of {REPEATS}, {:.2} to {:.2})",
        ratios[REPEATS / 2],
        ratios[0],
        ratios[REPEATS - 1]
    );
}
