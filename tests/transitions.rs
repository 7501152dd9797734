//! Every transition is one that a plain recursive implementation of multinomial NUTS (or of static HMC) allows, and is
//! chosen with the probability it gives: trajectories point by point, directions, the choice of the draw, momenta.
//!
//! The chain's evaluations are watched. From the first one follows the momentum up to the sign of time, which the draw's
//! momentum settles; from the first one of each doubling its direction. Given these a trajectory is determined, and the
//! probability of each of its points to become the draw is a sum over no random numbers. So no chain needs to be long or
//! stationary, and a direction drawn with probability 0.51 would be seen.

mod common;

use catena::hmc::{Engine, Transition};
use common::by_hand::{ByHand, METRICS, Pair, Score, Target, heavy, normal, settings, skewed};

/// A kind of run.
struct Case {
    target: Target,
    inverse: [f64; 4],
    stepsize: f64,
    jitter: f64,
    max_depth: u32,
    max_energy_error: f64,
    /// Integration time of static HMC; `None`: NUTS.
    int_time: Option<f64>,
}

/// A point of a trajectory. Momenta are those of one sense of time, whichever way the point was reached.
#[derive(Clone, Copy)]
struct Leaf {
    x: Pair,
    p: Pair,
    g: Pair,
    /// H0 - H; NaN where the model refused.
    gain: f64,
    /// Place in the order of evaluation; 0 is the initial point.
    order: usize,
}

/// A trajectory being rebuilt from what the chain evaluated.
struct Walk<'a> {
    case: &'a Case,
    step: f64,
    evaluated: &'a [Pair],
    energy: f64,
    leaves: usize,
    accept: f64,
    divergent: bool,
}

fn dot(a: &Pair, b: &Pair) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

fn add(a: &Pair, b: &Pair) -> Pair {
    [a[0] + b[0], a[1] + b[1]]
}

fn times(m: &[f64; 4], p: &Pair) -> Pair {
    [m[0] * p[0] + m[1] * p[1], m[2] * p[0] + m[3] * p[1]]
}

fn inverted(m: &[f64; 4]) -> [f64; 4] {
    let det = m[0] * m[3] - m[1] * m[2];
    [m[3] / det, -m[1] / det, -m[2] / det, m[0] / det]
}

fn close(a: &Pair, b: &Pair) -> bool {
    (0..2).all(|i| (a[i] - b[i]).abs() < 1e-9 * (1.0 + a[i].abs() + b[i].abs()))
}

impl Walk<'_> {
    /// Where a step from `from` leads, and the momentum halfway.
    fn ahead(&self, from: &Leaf, step: f64) -> (Pair, Pair) {
        let half = add(&from.p, &from.g.map(|g| 0.5 * step * g));
        (add(&from.x, &times(&self.case.inverse, &half).map(|v| step * v)), half)
    }

    /// The next point evaluated, which must be one step from `from`.
    fn step(&mut self, from: &Leaf, step: f64) -> Leaf {
        let (x, half) = self.ahead(from, step);
        let at = self.evaluated[self.leaves];
        assert!(close(&x, &at), "expected an evaluation at {x:?}, got {at:?}");
        self.leaves += 1;
        let mut g = [0.0; 2];
        let log_density = (self.case.target)(&at, &mut g);
        let p = add(&half, &g.map(|g| 0.5 * step * g));
        let kinetic = 0.5 * dot(&p, &times(&self.case.inverse, &p));
        let gain = log_density.map_or(f64::NAN, |l| self.energy - (kinetic - l));
        Leaf { x: at, p, g, gain, order: self.leaves }
    }

    /// A subtree of 2^depth leaves in the order of building; `None` when it diverges or turns within.
    fn build(&mut self, from: &Leaf, depth: u32, step: f64) -> Option<Vec<Leaf>> {
        if depth == 0 {
            let leaf = self.step(from, step);
            self.accept += if leaf.gain.is_nan() { 0.0 } else { leaf.gain.exp().min(1.0) };
            self.divergent = leaf.gain.is_nan() || leaf.gain < -self.case.max_energy_error;
            return (!self.divergent).then(|| vec![leaf]);
        }
        let mut first = self.build(from, depth - 1, step)?;
        let second = self.build(first.last().unwrap(), depth - 1, step)?;
        let goes_on = self.goes_on(&first, &second);
        first.extend(second);
        goes_on.then_some(first)
    }

    /// The generalised criterion over both halves together and over each with the next point of the other.
    fn goes_on(&self, first: &[Leaf], second: &[Leaf]) -> bool {
        let sum = |leaves: &[Leaf]| leaves.iter().fold([0.0; 2], |sum, leaf| add(&sum, &leaf.p));
        let straight = |a: &Leaf, b: &Leaf, sum: Pair| {
            [a, b].iter().all(|end| dot(&times(&self.case.inverse, &end.p), &sum) > 0.0)
        };
        let (a, b) = (sum(first), sum(second));
        let [start, before] = [first[0], *first.last().unwrap()];
        let [after, end] = [second[0], *second.last().unwrap()];
        straight(&start, &end, add(&a, &b))
            && straight(&start, &after, add(&a, &after.p))
            && straight(&before, &end, add(&b, &before.p))
    }
}

/// The points of a finished trajectory with their probabilities, and what the transition must report.
struct Expected {
    /// In the order of time.
    points: Vec<(Leaf, f64)>,
    /// For each doubling whether it went forward in the sense of time of the points.
    forward: Vec<bool>,
    /// Points of subtrees that were joined before the last one that was.
    before_last: usize,
    depth: u32,
}

/// log of a sum of exponentials.
fn log_sum(gains: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = gains.clone().fold(f64::NEG_INFINITY, f64::max);
    most + gains.map(|g| (g - most).exp()).sum::<f64>().ln()
}

fn nuts(walk: &mut Walk<'_>, initial: Leaf) -> Expected {
    let mut points = vec![(initial, 1.0)];
    let (mut forward, mut depth, mut before_last) = (Vec::new(), 0, 0);
    loop {
        let ends = [points[0].0, points.last().unwrap().0];
        let at = walk.evaluated[walk.leaves];
        let fits = [-1.0, 1.0].map(|s| close(&walk.ahead(&ends[usize::from(s > 0.0)], s * walk.step).0, &at));
        assert!(fits[0] || fits[1], "doubling {depth} starts at no end");
        // A first step with the sign of time unknown goes forward by definition.
        let ahead = fits[1];
        forward.push(ahead);
        let step = if ahead { walk.step } else { -walk.step };
        let Some(subtree) = walk.build(&ends[usize::from(ahead)], depth, step) else { break };
        let old = log_sum(points.iter().map(|(leaf, _)| leaf.gain));
        let new = log_sum(subtree.iter().map(|leaf| leaf.gain));
        let taken = (new - old).exp().min(1.0);
        points.iter_mut().for_each(|(_, q)| *q *= 1.0 - taken);
        let mut tree: Vec<Leaf> = points.iter().map(|(leaf, _)| *leaf).collect();
        if !ahead {
            tree.reverse();
        }
        let goes_on = walk.goes_on(&tree, &subtree);
        before_last = points.len();
        let chosen = subtree.into_iter().map(|leaf| (leaf, taken * (leaf.gain - new).exp()));
        if ahead {
            points.extend(chosen);
        } else {
            points.splice(0..0, chosen.rev());
        }
        depth += 1;
        if !goes_on || depth == walk.case.max_depth {
            break;
        }
    }
    Expected { points, forward, before_last, depth }
}

/// A trajectory of as many steps as fit into the time, and its end's probability.
fn fixed(walk: &mut Walk<'_>, initial: Leaf, int_time: f64) -> Expected {
    let steps = ((int_time / walk.case.stepsize) as usize).max(1);
    let mut leaf = initial;
    while walk.leaves < steps && !leaf.gain.is_nan() {
        leaf = walk.step(&leaf, walk.step);
    }
    walk.accept = if leaf.gain.is_nan() { 0.0 } else { leaf.gain.exp().min(1.0) };
    walk.divergent = leaf.gain.is_nan() || leaf.gain < -walk.case.max_energy_error;
    let points = vec![(initial, 1.0 - walk.accept), (leaf, walk.accept)];
    Expected { points, forward: Vec::new(), before_last: 1, depth: 0 }
}

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
