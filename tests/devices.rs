//! Likelihoods that something else computes: the same learning whoever does; words when it fails, and the last state kept.

use catena::drive::Pool;
use catena::drive::device::{Computes, Device, OnDevice, Product};
use catena::error::{Code, Error};
use catena::learn::{Prior, UpdaterOptions};
use catena::model::{Experiments, Field, Level, Likelihood, Logger, Refusal, Task, WorkerError};
use catena::services::{LearnIo, Learner};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Probability of 1: that of a wave.
fn cell(outcome: f64, a: f64, b: f64, t: f64) -> f64 {
    let one = 0.5 + 0.5 * (9.0 * a + b * t).sin();
    if outcome == 0.0 { 1.0 - one } else { one }
}

/// The host's function; `wait` makes it slow.
struct Host {
    wait: Duration,
    calls: Arc<AtomicUsize>,
}

impl Likelihood for Host {
    type Worker = ();
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        vec!["a".into(), "b".into()]
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
        let n = models.len() / 2;
        // What is promised to a host without `whole`.
        assert!(n <= 1024, "a block of {n} models");
        self.calls.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(self.wait);
        for (row, out) in out.chunks_mut(n).enumerate() {
            let (outcome, t) = (outcomes[row % outcomes.len()], experiments.get(0, row / outcomes.len()));
            out.iter_mut().enumerate().for_each(|(m, x)| *x = cell(outcome, models[m], models[n + m], t));
        }
        Ok(())
    }
}

/// A device that computes what the host would, from models in blocks.
#[derive(Clone, Default)]
struct Other {
    wait: Duration,
    gone: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

impl Device for Other {
    fn name(&self) -> &str {
        "other"
    }

    fn compute(&self, product: &Product<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(self.wait);
        if self.gone.load(Ordering::Relaxed) {
            return Err(Error::new(Code::Model, "the device other failed: it is gone"));
        }
        let [n_o, n_m, n_e] = product.sizes();
        for (i, x) in out.iter_mut().enumerate() {
            let (m, o, e) = (i % n_m, i / n_m % n_o, i / (n_m * n_o));
            let begin = m - m % product.block;
            let rows = product.block.min(n_m - begin);
            let model = |j: usize| product.models[2 * begin + j * rows + m - begin];
            *x = cell(product.outcomes[o], model(0), model(1), product.experiments[e]);
        }
        assert_eq!(n_e * n_o * n_m, out.len());
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

impl Logger for Lines {
    fn log(&self, level: Level, _: Option<u64>, line: &str) {
        self.0.lock().unwrap().push((level, line.to_owned()));
    }
}

const MODELS: usize = 3000;

fn host(wait: Duration) -> Host {
    Host { wait, calls: Arc::default() }
}

fn learner(model: OnDevice<Host>, lines: &Lines) -> Learner<OnDevice<Host>> {
    let options = UpdaterOptions { num_models: MODELS, num_sets: 2, seed: 3, ..UpdaterOptions::default() };
    let io = LearnIo { logger: Box::new(lines.clone()), ..LearnIo::default() };
    let prior = Prior::Uniform { low: vec![0.0, 0.0], high: vec![1.0, 1.0] };
    Learner::new(model, options, prior, io, Arc::new(Pool::new(2).unwrap())).unwrap()
}

fn data(l: &Learner<OnDevice<Host>>) -> Experiments {
    let times: Vec<f64> = (0..12).map(|k| 0.3 * f64::from(k)).collect();
    Experiments::by_name(l.model().fields(), &[("t", &times)]).unwrap()
}

/// All verbs that ask for likelihoods, as bits.
fn bits(l: &mut Learner<OnDevice<Host>>) -> Vec<u64> {
    let table = data(l);
    let outcomes = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    l.batch_update(&outcomes, &table, 4).unwrap();
    assert!(l.updater().sets()[0].notes().resamples > 0);
    let mut all = l.updater().sets()[1].models();
    all.extend(l.updater().sets()[1].weights());
    all.extend(l.hypothetical_update(2, &[0.0, 1.0], &table).unwrap().weights);
    all.extend(l.worth(&table, &[], 0).unwrap().iter().flat_map(|worth| [worth.information_gain, worth.risk]));
    let models: Vec<f64> = (0..2 * 2500).map(|i| f64::from(i % 997) / 997.0).collect();
    let mut out = vec![0.0; 2 * 2500 * table.len()];
    l.likelihood(&[0.0, 1.0], &models, &table, &mut out).unwrap();
    all.extend(out);
    all.extend(l.simulate(&models, &table).unwrap());
    all.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn whoever_computes_learning_is_the_same() {
    let lines = Lines::default();
    let by_host = bits(&mut learner(OnDevice::none(host(Duration::ZERO)), &lines));
    let (other, own) = (Other::default(), host(Duration::ZERO));
    let (asked, calls) = (Arc::clone(&other.calls), Arc::clone(&own.calls));
    assert_eq!(bits(&mut learner(OnDevice::new(own, other), &lines)), by_host);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    // A call for each set and datum, hypothetical updates of one set, the worth in two, the product, outcomes block by block.
    assert_eq!(asked.load(Ordering::Relaxed), 2 * 12 + 1 + 2 + 1 + 3 * 12);
    for wait in [[0, 3], [3, 0]] {
        let [host_wait, other_wait] = wait.map(Duration::from_millis);
        let model = OnDevice::auto(host(host_wait), Other { wait: other_wait, ..Other::default() }, 2);
        assert_eq!(bits(&mut learner(model, &lines)), by_host);
    }
}

#[test]
fn the_quicker_one_is_chosen_and_the_log_says_why() {
    for (host_ms, other_ms, who) in [(0, 4, Computes::Host), (4, 0, Computes::Device)] {
        let lines = Lines::default();
        let (own, other) = (host(Duration::from_millis(host_ms)), Other::default());
        let other = Other { wait: Duration::from_millis(other_ms), ..other };
        let (host_calls, calls) = (Arc::clone(&own.calls), Arc::clone(&other.calls));
        let mut l = learner(OnDevice::auto(own, other, 2), &lines);
        let table = data(&l);
        assert_eq!(l.model().computes(MODELS), Computes::Open);
        for k in 0..4 {
            l.update(&[0.0], &table, k).unwrap();
        }
        assert_eq!(l.model().computes(MODELS), who);
        let said = lines.0.lock().unwrap().clone();
        assert_eq!(said.len(), 1, "{said:?}");
        let name = if who == Computes::Host { "the host" } else { "the device other" };
        let begin = format!("likelihoods of about {MODELS} cells are computed by {name}: the host needs ");
        assert!(said[0].0 == Level::Info && said[0].1.starts_with(&begin), "{said:?}");
        let before = (host_calls.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
        l.update(&[0.0], &table, 5).unwrap();
        let after = (host_calls.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
        // Three blocks of each of two sets, or one launch for each set.
        let asked = if who == Computes::Host { (6, 0) } else { (0, 2) };
        assert_eq!((after.0 - before.0, after.1 - before.1), asked);
    }
}

#[test]
fn a_device_that_vanishes_leaves_the_last_state() {
    let (lines, other) = (Lines::default(), Other::default());
    let gone = Arc::clone(&other.gone);
    let mut l = learner(OnDevice::new(host(Duration::ZERO), other), &lines);
    let table = data(&l);
    l.update(&[1.0], &table, 2).unwrap();
    let before = l.save();
    gone.store(true, Ordering::Relaxed);
    let error = l.update(&[1.0], &table, 7).unwrap_err();
    assert_eq!((error.code(), error.set()), (Code::Model, Some(1)));
    assert_eq!(
        error.to_string(),
        "set 1: likelihood of outcome 1, models 0 to 2999, experiment 7: the model stopped; it says: the device other failed: \
         it is gone"
    );
    assert!(l.worth(&table, &[], 0).unwrap_err().to_string().contains("likelihood of 2 outcomes, models 0 to 2999"));
    assert_eq!(l.save(), before);
    gone.store(false, Ordering::Relaxed);
    l.update(&[1.0], &table, 7).unwrap();
}

/// Where the host may compute as well, it does from then on; a warning says so, once.
#[test]
fn a_device_that_vanishes_is_left_by_auto() {
    let (lines, other) = (Lines::default(), Other::default());
    let (gone, calls) = (Arc::clone(&other.gone), Arc::clone(&other.calls));
    let mut l = learner(OnDevice::auto(host(Duration::from_millis(3)), other, 2), &lines);
    let table = data(&l);
    (0..4).for_each(|k| l.update(&[0.0], &table, k).unwrap());
    assert_eq!(l.model().computes(MODELS), Computes::Device);
    gone.store(true, Ordering::Relaxed);
    l.update(&[0.0], &table, 4).unwrap();
    let asked = calls.load(Ordering::Relaxed);
    l.update(&[0.0], &table, 5).unwrap();
    assert_eq!((calls.load(Ordering::Relaxed), l.model().computes(1)), (asked, Computes::Host));
    let warnings: Vec<_> =
        lines.0.lock().unwrap().iter().filter(|(level, _)| *level == Level::Warning).cloned().collect();
    let words = "the device other failed: it is gone; the host computes from here on";
    assert_eq!(warnings, [(Level::Warning, words.to_owned())]);
}
