use super::growing::Growing;
use super::{
    Adaptation, Change, Covariance, DualAveraging, Estimator, InverseMetric, Lesson, MetricKind, Pooled, Schedule,
    Variances,
};
use serde::{Deserialize, Serialize};

/// How a chain warms up: the one value that knows what adapts, when, and when warm-up ends.
///
/// The chain asks: after each transition what changes ([`Warmup::learn`]), before each iteration whether warm-up is over
/// ([`Warmup::is_over`]). Pure: numbers in, decisions out, in the order of the calls; written and read back with serde it
/// goes on with the same bits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Warmup {
    /// Planned iterations; fewer once it is known that fewer are enough.
    length: usize,
    way: Way,
    /// The target of the acceptance statistic at the end.
    delta: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Way {
    /// Step size and metric stay as given.
    Fixed,
    /// Stan's: dual averaging of the step size, the metric from windows of doubling length.
    Windows(Windows),
    /// The metric from draws and gradients at ever longer intervals.
    Growing(Growing),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Windows {
    averaging: DualAveraging,
    schedule: Schedule,
    estimator: Estimator,
}

impl Warmup {
    /// `length` iterations in which step size and metric stay as they are.
    pub fn fixed(length: usize) -> Self {
        Self { length, way: Way::Fixed, delta: None }
    }

    /// `length` iterations in which `options` say how the step size, from `stepsize` on, and a metric of shape `kind` over
    /// `dim` coordinates adapt.
    pub fn windows(length: usize, options: Adaptation, stepsize: f64, kind: MetricKind, dim: usize) -> Self {
        if length == 0 {
            return Self::fixed(length);
        }
        if kind.is_fisher() {
            let growing = Growing::new(length, options, stepsize, kind, dim);
            return Self { length, way: Way::Growing(growing), delta: Some(options.delta) };
        }
        let schedule = Schedule::new(length, options.init_buffer, options.term_buffer, options.window);
        let estimator = match kind {
            _ if schedule.ends().is_empty() => Estimator::None,
            MetricKind::Diag => Estimator::Diag(Variances::new(dim)),
            MetricKind::Dense => Estimator::Dense(Covariance::new(dim)),
            _ => Estimator::None,
        };
        let averaging = DualAveraging::new(options, stepsize);
        let windows = Windows { averaging, schedule, estimator };
        Self { length, way: Way::Windows(windows), delta: Some(options.delta) }
    }

    /// Whether a step size is searched for at the start and after each new metric.
    pub fn searches(&self) -> bool {
        !matches!(self.way, Way::Fixed)
    }

    /// The search for a step size ended with this one.
    pub fn found(&mut self, stepsize: f64) {
        match &mut self.way {
            Way::Fixed => {}
            Way::Windows(windows) => windows.averaging.restart(stepsize),
            Way::Growing(growing) => growing.found(stepsize),
        }
    }

    /// The first metric, from the gradient at the initial point; `None` keeps the one given.
    pub fn first(&mut self, log_density: f64, gradient: &[f64]) -> Option<InverseMetric> {
        match &mut self.way {
            Way::Growing(growing) => growing.first(log_density, gradient),
            _ => None,
        }
    }

    /// Whether a start with this log density is so far out that a way in would come first.
    pub fn is_far(&self, log_density: f64) -> bool {
        matches!(&self.way, Way::Growing(growing) if growing.is_far(log_density))
    }

    /// Most doublings of the trajectory of iteration `iteration`, of `most` at all.
    pub fn depth(&self, iteration: usize, most: u32) -> u32 {
        match &self.way {
            Way::Growing(growing) => growing.depth(iteration, most),
            _ => most,
        }
    }

    /// Takes one transition of warm-up; returns what it changes.
    #[inline]
    pub fn learn(&mut self, lesson: Lesson<'_>) -> Change {
        match &mut self.way {
            Way::Fixed => Change::default(),
            Way::Windows(windows) => windows.learn(lesson),
            Way::Growing(growing) => {
                let change = growing.learn(lesson);
                self.shorten(change)
            }
        }
    }

    fn shorten(&mut self, change: Change) -> Change {
        self.length = change.ends.map_or(self.length, |end| end.min(self.length));
        change
    }

    /// Appends what the chain brings to a meeting: see [`super::Brought`].
    pub fn bring(&self, out: &mut Vec<f64>) {
        if let Way::Growing(growing) = &self.way {
            growing.bring(out);
        }
    }

    /// What the answer of a meeting, [`Pooled::read`], changes for this chain.
    pub fn take(&mut self, pooled: &Pooled) -> Change {
        match &mut self.way {
            Way::Growing(growing) => {
                let change = growing.take(pooled);
                self.shorten(change)
            }
            _ => Change::default(),
        }
    }

    /// Whether `iterations` of warm-up are all.
    #[inline]
    pub fn is_over(&self, iterations: usize) -> bool {
        iterations >= self.length
    }

    /// The step size to sample with; `None` keeps the present one. Nothing is learned afterwards.
    pub fn end(&mut self) -> Option<f64> {
        self.delta = self.delta();
        match std::mem::replace(&mut self.way, Way::Fixed) {
            Way::Fixed => None,
            Way::Windows(windows) => windows.averaging.average(),
            Way::Growing(growing) => growing.average(),
        }
    }

    /// The target of the acceptance statistic, as far as it has risen; `None` where the step size stays as it was given.
    pub fn delta(&self) -> Option<f64> {
        match &self.way {
            Way::Growing(growing) => Some(growing.delta()),
            _ => self.delta,
        }
    }

    /// Numbers held beyond the value itself.
    pub fn numbers(&self) -> usize {
        match &self.way {
            Way::Fixed => 0,
            Way::Windows(windows) => windows.estimator.numbers(),
            Way::Growing(growing) => growing.numbers(),
        }
    }
}

impl Windows {
    fn learn(&mut self, lesson: Lesson<'_>) -> Change {
        let stepsize = Some(self.averaging.learn(lesson.accept_stat));
        if self.schedule.collects(lesson.iteration) {
            self.estimator.add(lesson.position);
        }
        let due = self.schedule.updates_after(lesson.iteration);
        Change { stepsize, metric: if due { self.estimator.take() } else { None }, searches: true, ..Change::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(iteration: usize, position: &[f64]) -> Lesson<'_> {
        Lesson { iteration, accept_stat: 0.6, log_density: 0.0, divergent: false, position, gradient: position }
    }

    #[test]
    fn the_metric_changes_at_the_ends_of_windows_alone() {
        let length = 150;
        let mut warmup = Warmup::windows(length, Adaptation::default(), 1.0, MetricKind::Diag, 1);
        let mut changed = Vec::new();
        for i in 0..length {
            assert!(!warmup.is_over(i));
            let change = warmup.learn(lesson(i, &[i as f64]));
            assert!(change.stepsize.is_some());
            if let Some(InverseMetric::Diag(variances)) = change.metric {
                changed.push((i, variances[0]));
            }
        }
        // One window, iterations 75 to 99: n (n + 1) / 12 is the variance of n successive numbers.
        let expected = 25.0 / 30.0 * (25.0 * 26.0 / 12.0) + 1e-3 * 5.0 / 30.0;
        assert_eq!(changed.len(), 1);
        assert!(changed[0].0 == 99 && (changed[0].1 - expected).abs() < 1e-12, "{changed:?}");
        assert!(warmup.is_over(length));
        assert!(warmup.end().is_some() && warmup.end().is_none() && !warmup.searches());
    }

    #[test]
    fn what_is_fixed_changes_nothing() {
        for mut warmup in [Warmup::fixed(3), Warmup::windows(0, Adaptation::default(), 1.0, MetricKind::Dense, 2)] {
            assert!(!warmup.searches());
            assert_eq!(warmup.learn(lesson(0, &[1.0, 2.0])), Change::default());
            assert_eq!((warmup.end(), warmup.numbers()), (None, 0));
        }
    }

    #[test]
    fn no_metric_is_estimated_for_the_unit_metric_or_without_windows() {
        let none = Adaptation { window: 0, ..Adaptation::default() };
        for (options, kind) in [(Adaptation::default(), MetricKind::Unit), (none, MetricKind::Diag)] {
            let mut warmup = Warmup::windows(1000, options, 1.0, kind, 1);
            assert!(warmup.searches());
            assert!((0..1000).all(|i| warmup.learn(lesson(i, &[i as f64])).metric.is_none()));
        }
    }
}
