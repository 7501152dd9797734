//! Ranks that are threads of this machine, against one process with as much or with one thread.

use catena::adapt::{Adaptation, FIRST_LOOK, MetricKind, WarmupMode};
use catena::drive::{InProcess, Pool};
use catena::learn::{Prior, UpdaterOptions};
use catena::model::{Communicator, Density, Experiments, Field, Likelihood, Refusal, Task, Threading, WorkerError};
use catena::services::{LearnIo, Learner, SampleIo, SampleOptions, sample_nuts};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const TIME_OUT: Duration = Duration::from_secs(60);
/// Pairs of runs, of which the median ratio counts.
const PAIRS: usize = 5;

/// What the ranks take until all have done `f`.
fn over(size: usize, f: impl Fn(InProcess) -> f64 + Sync) -> f64 {
    thread::scope(|scope| {
        let f = &f;
        let ranks = InProcess::ranks(size, TIME_OUT);
        let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || f(rank))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).fold(0.0, f64::max)
    })
}

/// The median of ratios of two times, measured in pairs that alternate.
fn ratio(mut a: impl FnMut() -> f64, mut b: impl FnMut() -> f64) -> (f64, f64, f64) {
    let mut pairs: Vec<(f64, f64)> = (0..PAIRS).map(|_| (a(), b())).collect();
    pairs.sort_by(|x, y| (x.0 / x.1).total_cmp(&(y.0 / y.1)));
    let (a, b) = pairs[PAIRS / 2];
    (a / b, a, b)
}

/// About a microsecond of arithmetic per model.
struct Slow;

const TURNS: usize = 80;

impl Likelihood for Slow {
    type Worker = ();
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        vec!["omega".into()]
    }

    fn fields(&self) -> Arc<[Field]> {
        [Field::real("t")].into()
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
            let (o, e) = (row % outcomes.len(), row / outcomes.len());
            for (out, omega) in out.iter_mut().zip(models) {
                let mut phase = 0.5 * omega * experiments.get(0, e);
                for _ in 0..TURNS {
                    phase += 1e-9 * phase.sin();
                }
                let zero = phase.cos() * phase.cos();
                *out = if outcomes[o] == 0.0 { zero } else { 1.0 - zero };
            }
        }
        Ok(())
    }
}

fn updates(rank: Option<InProcess>, threads: usize) -> f64 {
    const MODELS: usize = 1_000_000;
    let options = UpdaterOptions { num_models: MODELS, seed: 1, ..UpdaterOptions::default() };
    let communicator = rank.map(|rank| Box::new(rank) as Box<dyn Communicator + Send>);
    let io = LearnIo { communicator, ..LearnIo::default() };
    let pool = Arc::new(Pool::new(threads).expect("a pool"));
    let mut l = Learner::new(Slow, options, Prior::uniform(0.0, 1.0), io, pool).expect("a learner");
    let begun = Instant::now();
    for k in 0..3 {
        let one = Experiments::by_name(l.model().fields(), &[("t", &[1.0 + f64::from(k)])]).expect("its field");
        l.update(&[f64::from(k % 2)], &one, 0).expect("an update");
    }
    begun.elapsed().as_secs_f64()
}

/// Independent normals, each evaluation of which takes as long as a small model of use.
struct Normals(usize);

impl Density for Normals {
    type Worker = ();

    fn dim(&self) -> usize {
        self.0
    }

    fn threading(&self) -> Threading {
        Threading::Any
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, (): &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let mut sum = 0.0;
        for ((i, x), g) in x.iter().enumerate().zip(g) {
            let scale = 1.0 + i as f64 * 0.1;
            (*g, sum) = (-x * scale, sum - 0.5 * x * x * scale);
        }
        Ok(sum)
    }
}

fn chains(communicator: Option<&dyn Communicator>, num_threads: usize) -> f64 {
    let options =
        SampleOptions { num_chains: 8, num_samples: 4000, num_threads, refresh: 0, ..SampleOptions::default() };
    let begun = Instant::now();
    let io = SampleIo { communicator, ..SampleIo::default() };
    sample_nuts(&Normals(50), &options, io).expect("a run").status().expect("no failure");
    begun.elapsed().as_secs_f64()
}

/// Seconds in which what is brought to a meeting of 64 chains of 100 coordinates that warm up together is gathered, and its bytes.
fn meeting() -> (f64, f64) {
    let options = SampleOptions {
        num_chains: 64,
        num_warmup: 300,
        num_samples: FIRST_LOOK,
        num_threads: 1,
        refresh: 0,
        metric: MetricKind::FisherDiag,
        adaptation: Some(Adaptation { warmup: WarmupMode::Together, ..Adaptation::default() }),
        ..SampleOptions::default()
    };
    let held = std::sync::Mutex::new((0, 0.0, 0));
    over(2, |rank| {
        let timed = Timed { inner: rank, held: &held };
        let io = SampleIo { communicator: Some(&timed), ..SampleIo::default() };
        sample_nuts(&Normals(100), &options, io).expect("a run").status().expect("no failure");
        0.0
    });
    let (count, seconds, bytes) = *held.lock().expect("no panic");
    (seconds / f64::from(count), bytes as f64 / f64::from(count))
}

/// Times the gatherings of a meeting, from the moment when the last rank has come.
struct Timed<'a> {
    inner: InProcess,
    held: &'a std::sync::Mutex<(u32, f64, usize)>,
}

impl Communicator for Timed<'_> {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn time_out(&self) -> Duration {
        self.inner.time_out()
    }

    fn all_gather_v(
        &self,
        mine: &[u8],
        lengths: &[usize],
        all: &mut [u8],
    ) -> Result<(), catena::model::CommunicatorError> {
        self.inner.barrier()?;
        let begun = Instant::now();
        self.inner.all_gather_v(mine, lengths, all)?;
        if self.rank() == 0 && mine.len() > 10_000 {
            let mut held = self.held.lock().expect("no panic");
            *held = (held.0 + 1, held.1 + begun.elapsed().as_secs_f64(), held.2 + all.len());
        }
        Ok(())
    }

    fn all_gather(&self, mine: &[u8], all: &mut [u8]) -> Result<(), catena::model::CommunicatorError> {
        self.inner.all_gather(mine, all)
    }

    fn all_to_all_v(
        &self,
        send: &[u8],
        to: &[usize],
        receive: &mut [u8],
        from: &[usize],
    ) -> Result<(), catena::model::CommunicatorError> {
        self.inner.all_to_all_v(send, to, receive, from)
    }
}

/// Prints all.
pub fn all() {
    let (gain, one, two) = ratio(|| updates(None, 1), || over(2, |rank| updates(Some(rank), 1)));
    println!("3 updates of 10^6 models: one rank {one:.3} s, two {two:.3} s: {gain:.3} times");
    let (gain, one, two) = ratio(|| updates(None, 1), || updates(None, 2));
    println!("the same: one thread {one:.3} s, two {two:.3} s: {gain:.3} times");
    let (of_one, ranks, threads) = ratio(|| over(2, |rank| chains(Some(&rank), 1)), || chains(None, 2));
    println!("8 chains: two ranks {ranks:.3} s, one process with two threads {threads:.3} s: {of_one:.3} of it");
    let (seconds, bytes) = meeting();
    let (ms, mb) = (1e3 * seconds, 1e-6 * bytes);
    println!("a meeting of 64 chains, d = 100, two ranks: {ms:.3} ms to gather the {mb:.2} MB that they bring");
}
