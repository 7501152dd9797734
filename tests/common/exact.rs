//! Trajectories by a plain recursive implementation of multinomial NUTS, and of static HMC: which points they have and
//! with which probability each becomes the draw.

use crate::common::by_hand::{Pair, Target};

/// A kind of run.
pub struct Case {
    pub target: Target,
    pub inverse: [f64; 4],
    pub stepsize: f64,
    pub jitter: f64,
    pub max_depth: u32,
    pub max_energy_error: f64,
    /// Integration time of static HMC; `None`: NUTS.
    pub int_time: Option<f64>,
}

/// A point of a trajectory. Momenta are those of one sense of time, whichever way the point was reached.
#[derive(Clone, Copy)]
pub struct Leaf {
    pub x: Pair,
    pub p: Pair,
    pub g: Pair,
    /// H0 - H; NaN where the model refused.
    pub gain: f64,
    /// Place in the order of evaluation; 0 is the initial point.
    pub order: usize,
}

/// A trajectory being rebuilt from what the chain evaluated.
pub struct Walk<'a> {
    pub case: &'a Case,
    pub step: f64,
    pub evaluated: &'a [Pair],
    pub energy: f64,
    pub leaves: usize,
    pub accept: f64,
    pub divergent: bool,
}

pub fn dot(a: &Pair, b: &Pair) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

pub fn add(a: &Pair, b: &Pair) -> Pair {
    [a[0] + b[0], a[1] + b[1]]
}

pub fn times(m: &[f64; 4], p: &Pair) -> Pair {
    [m[0] * p[0] + m[1] * p[1], m[2] * p[0] + m[3] * p[1]]
}

pub fn inverted(m: &[f64; 4]) -> [f64; 4] {
    let det = m[0] * m[3] - m[1] * m[2];
    [m[3] / det, -m[1] / det, -m[2] / det, m[0] / det]
}

pub fn close(a: &Pair, b: &Pair) -> bool {
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
pub struct Expected {
    /// In the order of time.
    pub points: Vec<(Leaf, f64)>,
    /// For each doubling whether it went forward in the sense of time of the points.
    pub forward: Vec<bool>,
    /// Points of subtrees that were joined before the last one that was.
    pub before_last: usize,
    pub depth: u32,
}

/// log of a sum of exponentials.
fn log_sum(gains: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = gains.clone().fold(f64::NEG_INFINITY, f64::max);
    most + gains.map(|g| (g - most).exp()).sum::<f64>().ln()
}

pub fn nuts(walk: &mut Walk<'_>, initial: Leaf) -> Expected {
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
pub fn fixed(walk: &mut Walk<'_>, initial: Leaf, int_time: f64) -> Expected {
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
