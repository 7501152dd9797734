//! Randomised benchmarking: survivals of sequences of m gates, A p^m + B; regions hold the truth as often as they say.

use crate::models::learner;
use catena::learn::estimates::{Hull, densest, mean, points};
use catena::learn::{Prior, UpdaterOptions};
use catena::model::{Domain, Experiments, Field, Likelihood, Refusal, Task, WorkerError};
use catena::random::{Purpose, Stream};
use std::sync::Arc;

const SHOTS: i32 = 50;
/// Of the prior, which is normal: regions by densities of kernels would be too small at the edges of a uniform one.
const CENTRE: [f64; 3] = [0.9, 0.4, 0.45];
const WIDTH: [f64; 3] = [0.02, 0.03, 0.03];

struct Benchmarking;

fn survival(p: f64, a: f64, b: f64, length: f64) -> f64 {
    a * p.powf(length) + b
}

impl Likelihood for Benchmarking {
    type Worker = ();
    type Context = ();

    fn parameters(&self) -> Vec<String> {
        ["p", "A", "B"].map(String::from).to_vec()
    }

    fn fields(&self) -> Arc<[Field]> {
        [Field::integer("m")].into()
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
        let n = models.len() / 3;
        for (row, out) in out.chunks_mut(n).enumerate() {
            let (k, length) = (outcomes[row % outcomes.len()] as i32, experiments.get(0, row / outcomes.len()));
            let ways: f64 = (0..k).map(|i| f64::from(SHOTS - i) / f64::from(i + 1)).product();
            for (m, out) in out.iter_mut().enumerate() {
                let p = survival(models[m], models[n + m], models[2 * n + m], length);
                *out = ways * p.powi(k) * (1.0 - p).powi(SHOTS - k);
            }
        }
        Ok(())
    }

    fn domain(&self, _: &mut Task<'_>, _: &Experiments) -> Result<Domain, Refusal> {
        Ok(Domain::Finite((0..=SHOTS).map(f64::from).collect()))
    }

    fn has_validity(&self) -> bool {
        true
    }

    fn are_valid(&self, (): &mut (), _: &mut Task<'_>, models: &[f64], valid: &mut [bool]) -> Result<(), Refusal> {
        let n = valid.len();
        let inside = |m: usize| models[m] <= 1.0 && models[n + m] + models[2 * n + m] <= 1.0;
        valid.iter_mut().enumerate().for_each(|(m, valid)| *valid = inside(m));
        Ok(())
    }
}

/// 200 truths drawn from the prior: regions of 95 % hold 184 to 196 of them (two standard deviations on either side of
/// 190), whether by the quantiles of the decay or by the hull of the densest models in all three parameters.
#[test]
fn regions_of_95_percent_hold_95_percent_of_truths() {
    const TRUTHS: u64 = 200;
    const MODELS: usize = 5000;
    let lengths: Vec<f64> = (1..=20).map(|k| f64::from(k * k)).collect();
    let (mut within, mut in_hull, mut pull) = (0, 0, 0.0);
    for seed in 0..TRUTHS {
        let mut stream = Stream::new(seed, 1, Purpose::Model);
        let truth: Vec<f64> = (0..3).map(|j| CENTRE[j] + WIDTH[j] * stream.normal()).collect();
        let mut count = |length: &f64| {
            let p = survival(truth[0], truth[1], truth[2], *length);
            (0..SHOTS).map(|_| f64::from(u8::from(stream.uniform() < p))).sum::<f64>()
        };
        let counts: Vec<f64> = lengths.iter().map(&mut count).collect();
        let options = UpdaterOptions { num_models: MODELS, seed, ..UpdaterOptions::default() };
        let prior = Prior::Product((0..3).map(|j| Prior::normal(CENTRE[j], WIDTH[j])).collect());
        let mut l = learner(Benchmarking, options, prior);
        let table = Experiments::by_name(l.model().fields(), &[("m", &lengths)]).unwrap();
        l.batch_update(&counts, &table, 5).unwrap();
        let set = &l.updater().sets()[0];
        let below: f64 =
            set.weights().iter().enumerate().filter(|(i, _)| set.coordinate(*i, 0) < truth[0]).map(|(_, w)| w).sum();
        within += u32::from((0.025..=0.975).contains(&below));
        let hull = Hull::new(&points(set, &densest(set, 0.95).unwrap()), 3).unwrap();
        in_hull += u32::from(hull.contains(&truth));
        let second: f64 = set.weights().iter().enumerate().map(|(i, w)| w * set.coordinate(i, 0).powi(2)).sum();
        let own = mean(set)[0];
        pull += (own - truth[0]).powi(2) / (second - own * own) / TRUTHS as f64;
    }
    for held in [within, in_hull] {
        assert!((184..=196).contains(&held), "{within} within the quantiles, {in_hull} in the hull");
    }
    // Errors are as wide as they are said to be.
    assert!((0.7..1.4).contains(&pull), "{pull}");
}
