//! Every transition is one that a plain recursive implementation of multinomial NUTS (or of static HMC) allows, and is
//! chosen with the probability it gives: trajectories point by point, directions, the choice of the draw, momenta.
//!
//! The chain's evaluations are watched. From the first one follows the momentum up to the sign of time, which the draw's
//! momentum settles; from the first one of each doubling its direction. Given these a trajectory is determined, and the
//! probability of each of its points to become the draw is a sum over no random numbers. So no chain needs to be long or
//! stationary, and a direction drawn with probability 0.51 would be seen.

use crate::common::by_hand::{ByHand, METRICS, Pair, Score, Target, heavy, normal, settings, skewed};
use crate::exact::{Case, Leaf, Walk, add, close, dot, fixed, inverted, nuts, times};
use catena::hmc::{Engine, Transition};

/// What is compared over many transitions.
#[derive(Default)]
struct Scores {
    jitter: [Score; 2],
    momentum: [Score; 4],
    forward: [Score; 3],
    stays: Score,
    last_subtree: Score,
    order: Score,
    time: Score,
    divergent: u64,
    turned: u64,
    saturated: u64,
    largest_gain: f64,
}

impl Scores {
    fn transition(&mut self, case: &Case, from: Pair, chain: &ByHand, t: &Transition) {
        let u = if case.jitter > 0.0 { (t.stepsize / case.stepsize - 1.0) / case.jitter } else { 0.0 };
        if case.jitter > 0.0 {
            assert!(u.abs() < 1.0, "jitter of {u}");
            self.jitter[0].add(u, 0.0, 1.0 / 3.0);
            self.jitter[1].add(u * u, 1.0 / 3.0, 4.0 / 45.0);
        } else {
            assert_eq!(t.stepsize, case.stepsize);
        }
        let mut g = [0.0; 2];
        let log_density = (case.target)(&from, &mut g).unwrap();
        // x1 - x0 = step M⁻¹ (p + step g / 2).
        let moved = [0, 1].map(|i| (chain.evaluated[0][i] - from[i]) / t.stepsize);
        let p = add(&times(&inverted(&case.inverse), &moved), &g.map(|g| -0.5 * t.stepsize * g));
        let energy = 0.5 * dot(&p, &times(&case.inverse, &p)) - log_density;
        let initial = Leaf { x: from, p, g, gain: 0.0, order: 0 };
        let evaluated = &chain.evaluated[..];
        let mut walk = Walk { case, step: t.stepsize, evaluated, energy, leaves: 0, accept: 0.0, divergent: false };
        let expected = match case.int_time {
            None => nuts(&mut walk, initial),
            Some(time) => fixed(&mut walk, initial, time),
        };
        // The report.
        assert_eq!((walk.leaves, t.n_leapfrog), (evaluated.len(), evaluated.len() as u64), "leapfrog steps");
        assert_eq!((t.depth, t.divergent), (expected.depth, walk.divergent), "depth and divergence");
        let accept = if case.int_time.is_some() { walk.accept } else { walk.accept / walk.leaves as f64 };
        assert!((t.accept_stat - accept).abs() < 1e-7, "accept_stat {}, expected {accept}", t.accept_stat);
        // The draw.
        let at = chain.position();
        let place = expected.points.iter().position(|(leaf, _)| leaf.x == at);
        let place = place.unwrap_or_else(|| panic!("the draw {at:?} is no point of the trajectory"));
        let (draw, probability) = expected.points[place];
        assert!(probability > 1e-12, "the draw has probability {probability}");
        assert!((t.energy - (energy - draw.gain)).abs() < 1e-7 * (1.0 + t.energy.abs()), "energy");
        let momentum = chain.momentum();
        let same = close(&momentum, &draw.p);
        assert!(same || close(&momentum, &draw.p.map(|p| -p)), "momentum {momentum:?}, expected ±{:?}", draw.p);
        // Scores.
        let sign = if same { 1.0 } else { -1.0 };
        assert!(case.int_time.is_none() || same, "static trajectories go forward");
        let size = dot(&p, &times(&case.inverse, &p));
        self.momentum[0].add(size, 2.0, 4.0);
        for i in 0..2 {
            // The first velocity has the variances of the inverse metric.
            self.momentum[1 + i].add(sign * times(&case.inverse, &p)[i], 0.0, case.inverse[3 * i]);
        }
        let v = times(&case.inverse, &p);
        let (a, b, c) = (case.inverse[0], case.inverse[3], case.inverse[1]);
        self.momentum[3].add(v[0] * v[1], c, a * b + c * c);
        for (score, forward) in self.forward.iter_mut().zip(&expected.forward) {
            score.add(f64::from(u8::from(*forward == same)), 0.5, 0.25);
        }
        let n = expected.points.len();
        let score = |score: &mut Score, value: &dyn Fn(usize, &Leaf) -> f64| {
            let of = |i: usize| value(i, &expected.points[i].0);
            let mean: f64 = (0..n).map(|i| expected.points[i].1 * of(i)).sum();
            let variance = (0..n).map(|i| expected.points[i].1 * (of(i) - mean).powi(2)).sum();
            score.add(of(place), mean, variance);
        };
        score(&mut self.stays, &|_, leaf| f64::from(u8::from(leaf.order == 0)));
        score(&mut self.last_subtree, &|_, leaf| f64::from(u8::from(leaf.order >= expected.before_last)));
        score(&mut self.order, &|_, leaf| leaf.order as f64 / n as f64);
        score(&mut self.time, &|i, _| sign * (i as f64 / n as f64 - 0.5));
        self.divergent += u64::from(walk.divergent);
        self.saturated += u64::from(expected.depth == case.max_depth);
        self.turned += u64::from(!walk.divergent && expected.depth < case.max_depth);
        let gains = expected.points.iter().map(|(leaf, _)| leaf.gain);
        self.largest_gain = gains.fold(self.largest_gain, f64::max);
    }

    /// All within 4 standard errors; `fewest` is the least variance that can tell.
    fn check(&self, what: &str, case: &Case, fewest: f64) {
        if case.jitter > 0.0 {
            self.jitter.iter().for_each(|s| s.check(&format!("{what}: jitter"), 50.0));
        }
        self.momentum.iter().for_each(|s| s.check(&format!("{what}: momentum"), 50.0));
        self.stays.check(&format!("{what}: initial point kept"), 0.0);
        if case.int_time.is_none() {
            self.forward[0].check(&format!("{what}: direction of doubling 1"), 250.0);
            self.forward[1].check(&format!("{what}: direction of doubling 2"), 0.0);
            self.forward[2].check(&format!("{what}: direction of doubling 3"), 0.0);
            self.last_subtree.check(&format!("{what}: last subtree"), fewest);
            self.order.check(&format!("{what}: order of evaluation"), 5.0 * fewest);
            self.time.check(&format!("{what}: place in time"), 5.0 * fewest);
        }
    }
}

fn engine(case: &Case) -> Engine {
    case.int_time.map_or(Engine::Nuts, |int_time| Engine::Static { int_time })
}

/// `chains` chains from `start` of `moves` transitions each.
fn watch(case: &Case, chains: u64, moves: usize, start: impl Fn(u64) -> Pair) -> Scores {
    let mut scores = Scores::default();
    for id in 1..=chains {
        let mut settings = settings(id, &case.inverse, case.stepsize, moves);
        settings.stepsize_jitter = case.jitter;
        settings.max_depth = case.max_depth;
        settings.max_energy_error = case.max_energy_error;
        let mut chain = ByHand::new(settings, engine(case), start(id), case.target);
        for _ in 0..moves {
            let from = chain.position();
            let t = chain.transition();
            scores.transition(case, from, &chain, &t);
        }
    }
    scores
}

const CASE: Case = Case {
    target: skewed,
    inverse: METRICS[0],
    stepsize: 0.5,
    jitter: 0.0,
    max_depth: 10,
    max_energy_error: 1000.0,
    int_time: None,
};

#[test]
fn nuts_on_a_skewed_density() {
    let mut total = Scores::default();
    for (m, inverse) in METRICS.into_iter().enumerate() {
        for (stepsize, max_depth, jitter) in
            [(0.1, 10, 0.0), (0.5, 3, 0.4), (0.8, 10, 1.0), (1.5, 2, 0.0), (1.2, 1, 0.0)]
        {
            let case = Case { inverse, stepsize, max_depth, jitter, ..CASE };
            let scores = watch(&case, 2, 1500, |_| [-1.0, 0.5]);
            scores.check(&format!("metric {m}, step {stepsize}, depth {max_depth}"), &case, 1.0);
            total.turned += scores.turned;
            total.saturated += scores.saturated;
        }
    }
    assert!(total.turned > 5000 && total.saturated > 5000, "{} turned, {} saturated", total.turned, total.saturated);
}

#[test]
fn nuts_on_heavy_tails() {
    for (m, inverse) in METRICS.into_iter().enumerate() {
        for (stepsize, max_depth) in [(0.3, 10), (1.1, 4), (2.5, 10)] {
            let case = Case { target: heavy, inverse, stepsize, max_depth, ..CASE };
            let scores = watch(&case, 4, 700, |_| [0.3, -0.4]);
            scores.check(&format!("metric {m}, step {stepsize}, depth {max_depth}"), &case, 1.0);
        }
    }
}

/// A density that is refused beyond 1.
fn walled(x: &Pair, g: &mut Pair) -> Option<f64> {
    skewed(x, g).filter(|_| x[0] < 1.0)
}

#[test]
fn divergences_end_a_trajectory_where_they_should() {
    for (target, max_energy_error) in [(skewed as Target, 0.5), (skewed, 2.0), (walled, 1000.0)] {
        for inverse in METRICS {
            let case = Case { target, inverse, stepsize: 0.9, max_energy_error, ..CASE };
            let scores = watch(&case, 2, 1500, |_| [-1.0, 0.5]);
            scores.check(&format!("limit {max_energy_error}"), &case, 1.0);
            assert!(scores.divergent > 50, "{} divergences", scores.divergent);
        }
    }
}

/// Far out a crude step size gains hundreds of units of energy from one point to the next, more than a sum of weights
/// holds; several points of a trajectory have almost the same gain.
#[test]
fn large_gains_in_energy_keep_the_probabilities() {
    // A quarter of a turn from point to point, and a tenth, by which the gain grows from step to step.
    let (quarter, tenth) = (2f64.sqrt() + 0.003, 0.6);
    for (far, stepsize, largest) in [
        (30.0, quarter, 200.0),
        (40.0, quarter, 350.0),
        (60.0, quarter, 800.0),
        (90.0, quarter, 1800.0),
        (115.0, tenth, 300.0),
        (200.0, tenth, 1500.0),
    ] {
        for inverse in [METRICS[0], [1.0, 0.0, 0.0, 1.0 + 1e-9], [1.0, 0.01, 0.01, 1.0]] {
            for max_depth in [3, 10] {
                let case = Case { target: normal, inverse, stepsize, max_depth, ..CASE };
                let start = |id: u64| [far * (1.0 - 0.2 * (id % 7) as f64 / 7.0), 9.0];
                let scores = watch(&case, 500, 3, start);
                assert!(scores.largest_gain > largest, "gain of {}", scores.largest_gain);
                scores.check(&format!("from {far}, depth {max_depth}"), &case, 0.0);
            }
        }
    }
}

#[test]
fn static_hmc() {
    for target in [skewed as Target, heavy, walled] {
        for inverse in METRICS {
            for (stepsize, jitter, time) in [(0.3, 0.0, 1.0), (0.9, 0.5, 2.0), (1.4, 0.0, 0.5)] {
                let int_time = Some(time);
                let case = Case { target, inverse, stepsize, jitter, int_time, max_energy_error: 3.0, ..CASE };
                watch(&case, 2, 1000, |_| [-1.0, 0.5]).check(&format!("static, step {stepsize}"), &case, 1.0);
            }
        }
    }
}
