//! How high a chain's draws lie.

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

    pub(super) fn numbers(self) -> [f64; HEIGHTS] {
        [self.mean, self.sd, self.rise, self.newest]
    }

    pub(super) fn read([mean, sd, rise, newest]: [f64; HEIGHTS]) -> Self {
        Self { mean, sd, rise, newest }
    }
}
