//! What chains that warm up together bring to a meeting.

use super::heights::Heights;
use super::sample::Sample;
use super::target::Counted;

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
