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
}

/// The quantile at `probability` of `sorted` values, by linear interpolation (type 7 of Hyndman and Fan 1996, R's
/// default). NaN when there are none, and when one of them is NaN.
pub fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let (Some(last), Some(first)) = (sorted.len().checked_sub(1), sorted.first()) else { return f64::NAN };
    // Sorted by `f64::total_cmp`, NaN stands at the ends.
    if first.is_nan() || sorted[last].is_nan() {
        return f64::NAN;
    }
    let at = probability.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (at - at.floor()) * (high - low)
}
