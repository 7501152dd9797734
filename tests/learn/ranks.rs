//! Learning over ranks: the bits of one process, each cell computed by one rank alone, failures told to all.

use crate::bits::{bits, learn, numbers, options};
use crate::models::{Binomial, How, Precession, experiment, learner_on};
use catena::drive::{InProcess, Pool};
use catena::io::Interrupt;
use catena::learn::{Prior, UpdaterOptions};
use catena::model::{Communicator, Experiments, Field, Likelihood, Refusal, Task, Threading, WorkerError};
use catena::services::{Criterion, LearnIo, Learner};
use catena::{Code, Error};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const TIME_OUT: Duration = Duration::from_secs(60);

fn over<R: Send>(size: usize, time_out: Duration, f: impl Fn(InProcess) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let f = &f;
        let ranks = InProcess::ranks(size, time_out);
        let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || f(rank))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn made<M: Likelihood>(
    rank: InProcess,
    model: M,
    options: UpdaterOptions,
    interrupt: Box<dyn Interrupt>,
) -> Result<Learner<M>, Error> {
    let io = LearnIo { interrupt, communicator: Some(Box::new(rank)), ..LearnIo::default() };
    Learner::new(model, options, Prior::uniform(0.0, 1.0), io, Arc::new(Pool::new(1).unwrap()))
}

fn quietly() -> Box<dyn Interrupt> {
    Box::new(catena::io::Never)
}

fn precession(how: How) -> Precession {
    Precession { t2: 50.0, most: 0.9, drift: 1e-4, how }
}

#[test]
fn any_number_of_ranks_has_the_bits_of_one_process() {
    let plain = numbers(&mut learner_on(1, precession(How::default()), options(), Prior::uniform(0.0, 1.0)));
    let log = How { log: true, ..How::default() };
    let of_logs = numbers(&mut learner_on(1, precession(log), options(), Prior::uniform(0.0, 1.0)));
    let whole = How { whole: true, threading: Threading::Caller, ..How::default() };
    for (how, expected) in [(How::default(), &plain), (whole, &plain), (log, &of_logs)] {
        for size in [1, 2, 3, 4] {
            let had =
                over(size, TIME_OUT, |rank| numbers(&mut made(rank, precession(how), options(), quietly()).unwrap()));
            had.iter().for_each(|had| assert!(had == expected, "{size} ranks, {how:?}: a bit differs"));
        }
    }
}

#[test]
fn simulated_outcomes_are_those_of_one_process() {
    let shots: Vec<f64> = (1..20).map(f64::from).collect();
    let options = UpdaterOptions { num_models: 2500, seed: 3, ..UpdaterOptions::default() };
    let all = |l: &mut Learner<Binomial>| {
        let table = Experiments::by_name(l.model().fields(), &[("shots", &shots)]).unwrap();
        let best = l.best(&table, Criterion::Risk, 20).unwrap();
        let worth = l.worth(&table, &[], 50).unwrap();
        let mut all: Vec<u64> = worth.iter().flat_map(|w| [w.information_gain.to_bits(), w.risk.to_bits()]).collect();
        let models = l.updater().sets()[0].models();
        all.extend(l.simulate(&models, &table).unwrap().iter().map(|x| x.to_bits()));
        all.push(best as u64);
        all
    };
    for model in [Binomial::default(), Binomial { sampled: true, ..Binomial::default() }] {
        let plain = all(&mut learner_on(1, model.clone(), options.clone(), Prior::uniform(0.0, 1.0)));
        for size in [2, 3] {
            let had =
                over(size, TIME_OUT, |rank| all(&mut made(rank, model.clone(), options.clone(), quietly()).unwrap()));
            assert!(had.iter().all(|had| *had == plain), "{size} ranks, sampled: {}", model.sampled);
        }
    }
}

/// Counts cells, and stops at a call.
struct Counting {
    cells: AtomicUsize,
    prepared: AtomicUsize,
    calls: AtomicUsize,
    stops_at: usize,
}

impl Counting {
    fn stopping_at(stops_at: usize) -> Self {
        let none = || AtomicUsize::new(0);
        Self { cells: none(), prepared: none(), calls: none(), stops_at }
    }
}

impl Likelihood for Counting {
    type Worker = ();
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        vec!["p".into()]
    }

    fn fields(&self) -> Arc<[Field]> {
        [Field::real("t")].into()
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn prepare(&self, _: &mut Task<'_>, experiments: &Experiments) -> Result<(), Refusal> {
        self.prepared.fetch_add(experiments.len(), Ordering::Relaxed);
        Ok(())
    }

    fn likelihood(
        &self,
        (): &mut (),
        (): &(),
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        _: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        if self.calls.fetch_add(1, Ordering::Relaxed) + 1 == self.stops_at {
            return Err(task.stop("no more"));
        }
        self.cells.fetch_add(out.len(), Ordering::Relaxed);
        for (row, out) in out.chunks_mut(models.len()).enumerate() {
            let heads = outcomes[row % outcomes.len()] == 1.0;
            out.iter_mut().zip(models).for_each(|(out, p)| *out = if heads { *p } else { 1.0 - p });
        }
        Ok(())
    }
}

/// Nothing is computed twice, and parts are equal: by models where there is one experiment, by experiments where there are many, each of
/// which is prepared by one rank.
#[test]
fn work_is_parted_equally() {
    const MODELS: usize = 64 * 1024;
    let options = UpdaterOptions { num_models: MODELS, ess_threshold: 0.0, ..UpdaterOptions::default() };
    for size in [2, 4] {
        over(size, TIME_OUT, |rank| {
            let mut l = made(rank, Counting::stopping_at(0), options.clone(), quietly()).unwrap();
            let one = experiment(l.model(), &[1.0]);
            l.update(&[1.0], &one, 0).unwrap();
            assert_eq!(l.model().cells.swap(0, Ordering::Relaxed), MODELS / size);
            let times: Vec<f64> = (0..48).map(f64::from).collect();
            let table = Experiments::by_name(l.model().fields(), &[("t", &times)]).unwrap();
            let models = l.updater().sets()[0].models();
            let models = &models[..1500];
            l.model().prepared.store(0, Ordering::Relaxed);
            l.likelihood(&[0.0, 1.0], models, &table, &mut vec![0.0; 2 * 48 * 1500]).unwrap();
            assert_eq!(l.model().cells.swap(0, Ordering::Relaxed), 2 * 48 * 1500 / size);
            assert_eq!(l.model().prepared.load(Ordering::Relaxed), 48 / size);
            l.worth(&table, &[], 0).unwrap();
            let share = 2 * 48 * MODELS / size;
            let cells = l.model().cells.load(Ordering::Relaxed);
            assert!(cells.abs_diff(share) <= share / 20, "{cells} of {share}");
        });
    }
}

/// A model that stops on one rank stops the verb on all, which names the rank; the state is what it was, and goes on.
#[test]
fn a_failure_on_one_rank_is_one_on_all() {
    let options = UpdaterOptions { num_models: 8000, num_sets: 2, ..UpdaterOptions::default() };
    for stops_at in [1, 2, 5, 9] {
        let had = over(3, TIME_OUT, |rank| {
            let stops_at = if rank.rank() == 2 { stops_at } else { 0 };
            let mut l = made(rank, Counting::stopping_at(stops_at), options.clone(), quietly()).unwrap();
            let one = experiment(l.model(), &[1.0]);
            let mut failed = None;
            for k in 0..6 {
                let before = l.save();
                if let Err(error) = l.update(&[f64::from(k % 2)], &one, 0) {
                    assert_eq!(l.save(), before);
                    assert_eq!(error.code(), Code::Model);
                    assert!(error.to_string().contains("on rank 2: likelihood of outcome"), "{error}");
                    assert!(failed.replace(k).is_none(), "it goes on");
                }
            }
            (failed.expect("one failed"), l.save())
        });
        assert!(had.iter().all(|one| *one == had[0]), "all have failed at the same datum");
    }
}

#[test]
fn other_data_and_other_options_are_refused() {
    let errors = over(2, TIME_OUT, |rank| {
        let seed = rank.rank() as u64;
        made(rank, precession(How::default()), UpdaterOptions { seed, ..options() }, quietly()).err().unwrap()
    });
    assert!(errors.iter().all(|e| e.argument_name() == Some("communicator")));
    over(2, TIME_OUT, |rank| {
        let outcome = rank.rank() as f64;
        let mut l = made(rank, precession(How::default()), options(), quietly()).unwrap();
        learn(&mut l, 0, 2);
        let before = bits(&l);
        let one = experiment(l.model(), &[3.0]);
        let error = l.update(&[outcome], &one, 0).unwrap_err();
        assert!(error.to_string().contains("the same data"), "{error}");
        assert!(bits(&l) == before);
        // An outcome that cannot be, on one of them.
        let error = l.update(&[2.0 * outcome], &one, 0).unwrap_err();
        assert!(error.to_string().contains("one of the 2 outcomes"), "{error}");
        assert!(bits(&l) == before);
        learn(&mut l, 2, 4);
    });
}

struct At(AtomicUsize);

impl Interrupt for At {
    fn requested(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

#[test]
fn an_interrupt_on_one_rank_ends_the_verb_on_all() {
    over(3, TIME_OUT, |rank| {
        // Asked when it is made, and at each update.
        let calls = if rank.rank() == 1 { 3 } else { usize::MAX };
        let options = UpdaterOptions { num_models: 10, ..options() };
        let mut l = made(rank, precession(How::default()), options, Box::new(At(AtomicUsize::new(calls)))).unwrap();
        learn(&mut l, 0, 1);
        let before = bits(&l);
        let one = experiment(l.model(), &[3.0]);
        assert_eq!(l.update(&[0.0], &one, 0).unwrap_err().code(), Code::Interrupted);
        assert!(bits(&l) == before);
        learn(&mut l, 1, 3);
    });
}

#[test]
fn a_lost_rank_is_named_within_the_time_out() {
    let begun = Instant::now();
    over(3, Duration::from_secs(3), |rank| {
        let here = rank.rank();
        let mut l = made(rank, precession(How::default()), options(), quietly()).unwrap();
        learn(&mut l, 0, 2);
        if here == 1 {
            return;
        }
        let before = bits(&l);
        let one = experiment(l.model(), &[3.0]);
        for _ in 0..2 {
            let error = l.update(&[0.0], &one, 0).unwrap_err();
            assert_eq!(error.code(), Code::Communicator);
            assert!(error.to_string().contains("rank 1 did not answer within 3 s"), "{error}");
            assert!(bits(&l) == before);
        }
    });
    assert!(begun.elapsed() < TIME_OUT);
}
