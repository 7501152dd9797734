use crate::error::Error;
use crate::room;

/// One variable's draws, where they lie: draw d of chain c at `c * chain_stride + d * draw_stride`.
#[derive(Debug, Clone, Copy)]
pub struct Draws<'a> {
    values: &'a [f64],
    chains: usize,
    draws: usize,
    chain_stride: usize,
    draw_stride: usize,
}

impl<'a> Draws<'a> {
    /// A view of `chains` chains of `draws` draws each; both must be at least 1 and all lie within `values`.
    pub fn new(
        values: &'a [f64],
        chains: usize,
        draws: usize,
        chain_stride: usize,
        draw_stride: usize,
    ) -> Result<Self, Error> {
        for (name, count) in [("chains", chains), ("draws", draws)] {
            if count == 0 {
                return Err(Error::argument(name, "at least 1", count));
            }
        }
        let last = (chains - 1)
            .checked_mul(chain_stride)
            .zip((draws - 1).checked_mul(draw_stride))
            .and_then(|(c, d)| c.checked_add(d));
        if last.is_none_or(|last| last >= values.len()) {
            let expected =
                format!("room for {chains} chains of {draws} draws with strides {chain_stride} and {draw_stride}");
            return Err(Error::argument("values", expected, format_args!("{} numbers", values.len())));
        }
        // Statistics look at copies, which strides of 0 may make larger than what is there.
        room::check("chains", &[chains, draws, size_of::<f64>()], format_args!("{chains} of {draws} draws each"))?;
        Ok(Self { values, chains, draws, chain_stride, draw_stride })
    }

    /// Number of chains.
    pub fn chains(&self) -> usize {
        self.chains
    }

    /// Draws per chain.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// The draws of chain `c`.
    pub fn chain(&self, c: usize) -> impl Iterator<Item = f64> + 'a {
        let Self { values, draws, chain_stride, draw_stride, .. } = *self;
        (0..draws).map(move |d| values[c * chain_stride + d * draw_stride])
    }

    /// All draws, one chain after the other.
    pub fn all(&self) -> Vec<f64> {
        (0..self.chains).flat_map(|c| self.chain(c)).collect()
    }
}

/// Chains of equal length, owned: what the statistics transform and split.
pub(super) struct Chains {
    pub values: Vec<f64>,
    pub length: usize,
}

impl Chains {
    pub fn new(draws: &Draws<'_>) -> Self {
        Self { values: draws.all(), length: draws.draws }
    }

    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.length)
    }

    pub fn count(&self) -> usize {
        self.values.len() / self.length
    }

    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { values: self.values.iter().map(|&x| f(x)).collect(), length: self.length }
    }

    /// Each chain as its first and last half; the middle draw of an odd number is left out.
    pub fn split(&self) -> Self {
        let half = self.length / 2;
        let values = self.iter().flat_map(|c| [&c[..half], &c[self.length - half..]]).flatten().copied().collect();
        Self { values, length: half }
    }

    /// True when no statistic can be computed: too few draws, all equal, or some not finite.
    pub fn degenerate(&self) -> bool {
        self.length < FEWEST_DRAWS
            || self.values.iter().any(|x| !x.is_finite())
            || self.values.iter().all(|x| *x == self.values[0])
    }
}

/// Fewer draws per chain give no R-hat and no effective sample size.
const FEWEST_DRAWS: usize = 3;

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Unbiased variance.
pub(super) fn variance(values: &[f64]) -> f64 {
    let m = mean(values);
    values.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / (values.len() as f64 - 1.0)
}

/// The quantile at `probability` of `sorted` values, by linear interpolation (type 7 of Hyndman and Fan 1996, R's
/// default). NaN when there are none.
pub fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = probability.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (at - at.floor()) * (high - low)
}

pub(super) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut out = values.to_vec();
    out.sort_unstable_by(f64::total_cmp);
    out
}
