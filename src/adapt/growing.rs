use super::target::{Counted, Target};
use super::way_in::{Progress, WayIn};
use super::{Adaptation, Brought, Change, InverseMetric, Lesson, MetricKind, Pooled, RobbinsMonro, Sample, WarmupMode};
use super::{fisher, settled};
use serde::{Deserialize, Serialize};

/// Iterations after which the metric is first estimated.
const FIRST: usize = 10;
/// From one estimate to the next the number of iterations grows by this factor.
const GROWTH: f64 = 1.5;
/// The share of the iterations so far whose draws are forgotten at an estimate: the way in, and what an older metric drew.
const FORGOTTEN: f64 = 0.5;
/// Draws per coordinate that are kept rather than forgotten: with a few more than coordinates a normal's metric is exact.
const ENOUGH: f64 = 1.2;
/// The least that is forgotten, the way in.
const FORGOTTEN_AT_LEAST: f64 = 0.15;
/// The share of warm-up, at its end, in which the metric stays and the step size settles.
const SETTLING: f64 = 0.2;
/// Iterations in which a trajectory doubles at most [`EARLY_DEPTH`] times: with the first metrics long ones are wasted.
const EARLY: usize = 20;
/// See [`EARLY`].
const EARLY_DEPTH: u32 = 6;
/// Estimates after which a step size is searched for; later ones change the metric too little for that.
const SEARCHES: usize = 1;

/// A warm-up of a hundred iterations or a few: the metric from draws and gradients, at ever longer intervals from the later
/// half of the draws so far, and a step size that meets its target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Growing {
    step: RobbinsMonro,
    target: Target,
    kind: MetricKind,
    /// Numbers of iterations after which the metric is estimated.
    ends: Vec<usize>,
    sample: Sample,
    /// The diagonal of the present metric.
    present: Vec<f64>,
    estimates: usize,
    /// Estimates are made with the other chains of the run.
    together: bool,
    /// Fewest iterations of a warm-up that ends when its conditions hold; `None`: it takes all that were planned.
    least: Option<usize>,
    /// The log of the step size at the estimate before.
    step_before: Option<f64>,
    /// Iterations that were done at the last estimate.
    met: usize,
    /// Nothing but the metrics' agreement, and that of chains, keeps warm-up from ending.
    is_ready: bool,
    /// The chain is on its way in from exponentially far out.
    way_in: Option<WayIn>,
    /// Iterations when that was over, 0 where it never was.
    arrived: usize,
}

impl Growing {
    pub fn new(length: usize, options: Adaptation, stepsize: f64, kind: MetricKind, dim: usize) -> Self {
        let ends = if options.window == 0 { Vec::new() } else { ends(length) };
        let draws = ends.last().copied().unwrap_or(0);
        Self {
            step: RobbinsMonro::new(options.delta, stepsize),
            target: Target::new(options.delta, options.raise_delta),
            kind,
            ends,
            sample: Sample::new(dim, draws),
            present: vec![1.0; dim],
            estimates: 0,
            together: options.warmup == WarmupMode::Together,
            least: options.warmup_until.then_some(options.min_warmup),
            step_before: None,
            met: 0,
            is_ready: false,
            way_in: None,
            arrived: 0,
        }
    }

    /// See [`super::Warmup::first`].
    pub fn first(&mut self, log_density: f64, gradient: &[f64]) -> Option<InverseMetric> {
        if self.ends.is_empty() {
            return None;
        }
        self.way_in = WayIn::from(log_density, gradient);
        let metric = match &self.way_in {
            Some(way_in) => fisher::first(&vec![way_in.slope(); gradient.len()], self.kind),
            None => fisher::first(gradient, self.kind),
        };
        self.present = metric.variances(self.present.len());
        Some(metric)
    }

    /// See [`super::Warmup::is_far`].
    pub fn is_far(&self, log_density: f64) -> bool {
        !self.ends.is_empty() && WayIn::begins(log_density)
    }

    /// See [`super::Warmup::found`].
    pub fn found(&mut self, stepsize: f64) {
        self.step.restart(stepsize);
    }

    /// See [`super::Warmup::end`].
    pub fn average(&self) -> Option<f64> {
        self.step.average()
    }

    pub fn learn(&mut self, lesson: Lesson<'_>) -> Change {
        let stepsize = self.step.learn(lesson.accept_stat);
        if self.way_in.is_none() {
            self.target.learn(lesson.iteration, lesson.divergent);
        }
        let done = lesson.iteration + 1;
        if self.ends.last().is_some_and(|&last| done <= last) {
            self.sample.add(lesson.iteration, lesson.log_density, lesson.position, lesson.gradient);
        }
        let mut change = Change { stepsize: Some(stepsize), ..Change::default() };
        if self.way_in.is_some() {
            self.go_in(&lesson, stepsize, &mut change);
        }
        if self.ends.contains(&done) {
            // Chains together have draws enough.
            let dim = self.present.len();
            let needs_many = !self.together && self.kind.shape(dim) == MetricKind::Dense;
            let since = done - self.arrived;
            self.sample.forget(self.arrived + forgotten(since, if needs_many { dim } else { 0 }));
            self.look_at_step(done);
            if self.together {
                change.meets = Some(done as u64);
                return change;
            }
            self.look_at_target(self.target.counted());
            if let Some(metric) = fisher::estimate(&self.sample, self.kind, &self.present) {
                // What was learned of the step size is where to begin with the new metric.
                let stepsize = self.step.average().unwrap_or(stepsize);
                let draws = [(self.sample.positions(), self.sample.gradients())];
                let is_over = self.is_ready && settled::agree(metric.kind(), &self.present, &draws);
                self.adopt(metric, stepsize, &mut change);
                if is_over {
                    self.finish(done, &mut change);
                }
            }
        }
        change
    }

    /// A transition on the way in; its draw is no part of what metrics are estimated from.
    fn go_in(&mut self, lesson: &Lesson<'_>, stepsize: f64, change: &mut Change) {
        let done = lesson.iteration + 1;
        self.sample.forget(done);
        let Some(way_in) = &mut self.way_in else { return };
        match way_in.learn(lesson.log_density, lesson.gradient) {
            Progress::None => {}
            Progress::Over => {
                self.way_in = None;
                self.arrived = done;
                // What is left is divided anew; chains together meet when they were to.
                if let (Some(&last), false) = (self.ends.last(), self.together) {
                    let left = last.saturating_sub(done) as f64 / (1.0 - SETTLING);
                    self.ends = ends(left as usize).iter().map(|end| done + end).collect();
                }
            }
            Progress::Slope(slope) => {
                let dim = self.present.len();
                let metric = fisher::first(&vec![slope; dim], self.kind);
                self.present = metric.variances(dim);
                self.step.restart(stepsize);
                change.metric = Some(metric);
            }
        }
    }

    /// Whether warm-up may end after `done` iterations and those in which the step size settles, so far as this chain knows.
    fn look_at_step(&mut self, done: usize) {
        let now = libm::log(self.step.average().unwrap_or(1.0));
        let is_long_enough = self.least.is_some_and(|least| done + settling_after(done) >= least);
        self.is_ready = is_long_enough && settled::step_is_settled(self.step_before, now);
        (self.step_before, self.met) = (Some(now), done);
    }

    /// Raises the target where what was counted, of this chain or all together, says so.
    fn look_at_target(&mut self, counted: Counted) {
        if let Some(target) = self.target.look(counted) {
            self.step.aim(target);
            // The step size is another one from here on.
            self.is_ready = false;
        }
    }

    /// The target of the acceptance statistic.
    pub fn delta(&self) -> f64 {
        self.target.now()
    }

    /// No more estimates after the one at `done` iterations: the step size settles, and warm-up is over.
    fn finish(&mut self, done: usize, change: &mut Change) {
        self.ends.retain(|end| *end <= done);
        change.ends = Some(done + settling_after(done));
    }

    /// The next metric, with the step size to begin with.
    fn adopt(&mut self, metric: InverseMetric, stepsize: f64, change: &mut Change) {
        self.present = metric.variances(self.present.len());
        self.estimates += 1;
        self.step.restart(stepsize);
        change.searches = self.estimates <= SEARCHES;
        change.stepsize = Some(stepsize);
        change.metric = Some(metric);
    }

    /// See [`super::Warmup::bring`].
    pub fn bring(&self, out: &mut Vec<f64>) {
        let log_step = libm::log(self.step.average().unwrap_or(1.0));
        let counted = self.target.counted();
        Brought::write(log_step, self.is_ready, counted, &self.present, &self.sample, out);
    }

    /// See [`super::Warmup::take`].
    pub fn take(&mut self, pooled: &Pooled) -> Change {
        let mut change = Change::default();
        let is_anew = pooled.anew[0].is_some();
        if is_anew {
            self.begin_anew();
        }
        if self.way_in.is_some() {
            return change;
        }
        let before = self.target.now();
        self.look_at_target(pooled.counted);
        // Where a chain on its way in is, the metric of the others may leave no step size that is accepted.
        // Of the shape that the others have.
        let kind = self.kind.chosen(self.present.len());
        let keeps_own = pooled.apart[0] && !is_anew;
        let own = keeps_own.then(|| fisher::estimate(&self.sample, kind, &self.present)).flatten();
        if let Some(metric) = own {
            let stepsize = self.step.average().unwrap_or(libm::exp(pooled.log_step));
            self.adopt(metric, stepsize, &mut change);
        } else if let Some(metric) = &pooled.metric {
            self.adopt(metric.clone(), libm::exp(pooled.log_step), &mut change);
            if pooled.is_over && self.target.now() == before {
                self.finish(self.met, &mut change);
            }
        }
        change
    }

    /// Nothing that the chain saw so far counts: it sets out anew from another one's draw.
    fn begin_anew(&mut self) {
        (self.way_in, self.arrived) = (None, self.met);
        self.sample.forget(self.met);
        self.target.forget();
    }

    /// See [`super::Warmup::depth`].
    pub fn depth(&self, iteration: usize, most: u32) -> u32 {
        if iteration < EARLY { most.min(EARLY_DEPTH) } else { most }
    }

    pub fn numbers(&self) -> usize {
        self.sample.numbers() + self.present.len()
    }
}

/// Iterations in which the step size settles after a last estimate at `done`: the same share as of a warm-up of known length.
fn settling_after(done: usize) -> usize {
    (done as f64 * SETTLING / (1.0 - SETTLING)).ceil() as usize
}

/// Iterations whose draws are forgotten after `done` of them: half, or fewer where that leaves few for a full matrix of `dim`
/// coordinates.
fn forgotten(done: usize, dim: usize) -> usize {
    let share = |share: f64| (done as f64 * share) as usize;
    let spare = done.saturating_sub((dim as f64 * ENOUGH) as usize);
    share(FORGOTTEN).min(spare.max(share(FORGOTTEN_AT_LEAST)))
}

/// Numbers of iterations after which the metric is estimated, in a warm-up of `length`.
fn ends(length: usize) -> Vec<usize> {
    let last = length - (length as f64 * SETTLING) as usize;
    let mut out = Vec::new();
    let mut at = FIRST;
    while at < last {
        out.push(at);
        at = (at as f64 * GROWTH) as usize;
    }
    match out.last_mut() {
        // No estimate from a few draws more than the last one's.
        Some(end) if last - *end < last / 4 => *end = last,
        _ if last > 1 => out.push(last),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests;
