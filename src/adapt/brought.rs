//! What chains that warm up together bring to a meeting.

use super::Sample;
use super::target::Counted;

/// The log densities at a chain's draws since about half its way; NaN where there are none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heights {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub sd: f64,
    /// By how much their newer half's mean is above the older half's.
    pub rise: f64,
    /// At the newest draw.
    pub newest: f64,
}

/// How many numbers [`Heights`] are.
const HEIGHTS: usize = 4;

impl Heights {
    /// Of these log densities, the newest one last.
    pub(super) fn of(all: &[f64]) -> Self {
        let mean = |some: &[f64]| some.iter().sum::<f64>() / some.len() as f64;
        let (older, newer) = all.split_at(all.len() / 2);
        let centre = mean(all);
        let variance = all.iter().map(|h| (h - centre).powi(2)).sum::<f64>() / all.len() as f64;
        let newest = all.last().copied().unwrap_or(f64::NAN);
        Self { mean: centre, sd: variance.sqrt(), rise: mean(newer) - mean(older), newest }
    }

    fn numbers(self) -> [f64; HEIGHTS] {
        [self.mean, self.sd, self.rise, self.newest]
    }

    fn read([mean, sd, rise, newest]: [f64; HEIGHTS]) -> Self {
        Self { mean, sd, rise, newest }
    }
}

/// What a chain brings: its draws and gradients since about half its way.
#[derive(Debug, Clone, Copy)]
pub struct Brought<'a> {
    /// The log of the step size it has found.
    pub log_step: f64,
    /// Nothing that it knows keeps its warm-up from ending.
    pub is_ready: bool,
    /// Transitions since the meeting before.
    pub counted: Counted,
    /// The variances of its present metric.
    pub present: &'a [f64],
    /// One row of `dim` numbers per draw.
    pub positions: &'a [f64],
    /// As `positions`.
    pub gradients: &'a [f64],
    /// The log densities of these draws.
    pub heights: Heights,
}

impl<'a> Brought<'a> {
    /// Appends what [`Brought::read`] reads.
    pub(super) fn write(
        log_step: f64,
        is_ready: bool,
        counted: Counted,
        present: &[f64],
        sample: &Sample,
        out: &mut Vec<f64>,
    ) {
        out.extend([log_step, f64::from(u8::from(is_ready))]);
        out.extend(counted.numbers());
        out.extend_from_slice(present);
        out.extend_from_slice(sample.positions());
        out.extend_from_slice(sample.gradients());
        out.extend(sample.heights().numbers());
    }

    /// Reads what a chain of `dim` coordinates brought.
    pub fn read(dim: usize, numbers: &'a [f64]) -> Self {
        let (numbers, heights) = numbers.split_last_chunk().expect("heights come last");
        let (present, draws) = numbers[4..].split_at(dim);
        let (positions, gradients) = draws.split_at(draws.len() / 2);
        let counted = Counted::of([numbers[2], numbers[3]]);
        let heights = Heights::read(*heights);
        Self { log_step: numbers[0], is_ready: numbers[1] != 0.0, counted, present, positions, gradients, heights }
    }
    /// Number of draws.
    pub fn draws(&self) -> usize {
        self.positions.len() / self.present.len().max(1)
    }

    /// The newest draw and its gradient.
    pub(super) fn newest(&self) -> (&'a [f64], &'a [f64]) {
        let last = |rows: &'a [f64]| &rows[rows.len() - self.present.len()..];
        (last(self.positions), last(self.gradients))
    }
}
