//! One variable's draws made ready for all statistics: copied once, sorted once, split once.

use super::draws::{Draws, quantile};
use super::geyer;
use super::ranks::Scores;
use super::rising;
use super::sums::{mean, variance};

/// Fewer draws per chain give no R-hat and no effective sample size.
const FEWEST_DRAWS: usize = 3;
/// A chain whose draws lie within this share of the largest of them, or within [`NO_SPREAD`], is constant: what moves
/// it is rounding. So it is with the rows of a correlation matrix that should have length 1.
const ROUNDING: f64 = 16.0 * f64::EPSILON;
/// See [`ROUNDING`]: what is left of numbers that should cancel.
const NO_SPREAD: f64 = 1e-28;

/// The place, among the draws of the halves, of a draw in the middle.
const LEFT_OUT: usize = usize::MAX;

/// Why there are no diagnostics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Flaw {
    #[default]
    None,
    /// Some draws are NaN or infinite.
    NotFinite,
    /// Fewer than [`FEWEST_DRAWS`] draws per chain.
    Few,
    /// All draws of all chains are equal.
    Constant,
    /// The draws of these chains, from 0, are equal, but not those of all chains.
    Stuck(Vec<usize>),
}

/// The draws of one variable, and memory that the next variable uses again.
#[derive(Default)]
pub struct Workbench {
    draws: usize,
    /// Chain after chain.
    values: Vec<f64>,
    flaw: Flaw,
    /// Keys that rise with the draws, and places.
    order: Vec<(u64, usize)>,
    spare: Vec<(u64, usize)>,
    sorted: Vec<f64>,
    /// The draws of the halves from the smallest on, with their places among them.
    rising: Vec<(f64, usize)>,
    folded: Vec<(f64, usize)>,
    /// Number of values and of draws that `halves` is for: at each draw its place among those of the halves.
    shape: (usize, usize),
    halves: Vec<usize>,
    /// A number per draw of the halves.
    split: Vec<f64>,
    scores: Scores,
    memory: geyer::Memory,
}

impl Workbench {
    /// The places of the draws, which stand chain after chain, from the smallest draw on.
    pub fn places(&mut self) -> impl Iterator<Item = usize> + '_ {
        self.sort();
        self.order.iter().map(|&(_, place)| place)
    }

    /// Draws of each chain.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// One with these draws.
    pub fn with(draws: &Draws<'_>) -> Self {
        let mut bench = Self::default();
        bench.load((0..draws.chains()).flat_map(|c| draws.chain(c)), draws.draws());
        bench
    }

    /// Takes the draws of a variable, chain after chain, `draws` of each.
    pub fn load(&mut self, values: impl Iterator<Item = f64>, draws: usize) {
        self.values.clear();
        self.values.extend(values);
        self.draws = draws;
        self.sorted.clear();
        self.flaw = flaw(&self.values, draws);
    }

    /// The draws, chain after chain.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// What is wrong with them.
    pub(super) fn flaw(&self) -> &Flaw {
        &self.flaw
    }

    fn half(&self) -> usize {
        self.draws / 2
    }

    fn sort(&mut self) {
        if !self.sorted.is_empty() {
            return;
        }
        self.order.clear();
        self.order.extend(self.values.iter().enumerate().map(|(i, &x)| (rising_key(x), i)));
        rising::sort(&mut self.order, &mut self.spare);
        self.sorted.extend(self.order.iter().map(|&(_, i)| self.values[i]));
    }

    /// The quantile at `probability`; NaN when a draw is NaN.
    pub fn quantile(&mut self, probability: f64) -> f64 {
        self.sort();
        quantile(&self.sorted, probability)
    }

    /// The sorted draws.
    pub fn sorted(&mut self) -> &[f64] {
        self.sort();
        &self.sorted
    }

    /// The draws of each chain, sorted.
    pub fn sorted_chains(&mut self) -> Vec<Vec<f64>> {
        self.sort();
        let mut chains = vec![Vec::with_capacity(self.draws); self.values.len() / self.draws];
        self.order.iter().for_each(|&(_, i)| chains[i / self.draws].push(self.values[i]));
        chains
    }

    /// Each chain as its first and last half, every draw as what `f` makes of it; the middle draw of an odd number is left
    /// out.
    fn split(&mut self, f: impl Fn(f64) -> f64) {
        let half = self.half();
        self.split.clear();
        for chain in self.values.chunks_exact(self.draws) {
            self.split.extend(chain[..half].iter().map(|&x| f(x)));
            self.split.extend(chain[self.draws - half..].iter().map(|&x| f(x)));
        }
    }

    /// Effective sample size of what `f` makes of the draws.
    pub fn ess_of(&mut self, f: impl Fn(f64) -> f64) -> f64 {
        if self.flaw != Flaw::None {
            return f64::NAN;
        }
        self.split(f);
        geyer::size(&self.split, self.half(), &mut self.memory)
    }

    /// Effective sample size of the indicator of lying at or below the quantile at `probability`.
    pub fn ess_quantile(&mut self, probability: f64) -> f64 {
        if self.flaw != Flaw::None || !(0.0..=1.0).contains(&probability) {
            return f64::NAN;
        }
        let at = self.quantile(probability);
        self.ess_of(|x| if x <= at { 1.0 } else { 0.0 })
    }

    /// R-hat and the bulk effective sample size, which share their ranks.
    pub fn rhat_and_ess_bulk(&mut self) -> (f64, f64) {
        let half = self.half();
        if self.flaw != Flaw::None || half < 2 {
            return (f64::NAN, f64::NAN);
        }
        let median = self.quantile(0.5);
        self.rise();
        let size = self.rising.len();
        self.split.resize(size, 0.0);
        fold(&self.rising, median, &mut self.folded);
        self.scores.of(size).write(&self.folded, &mut self.split);
        let spread = basic(&self.split, half);
        self.scores.of(size).write(&self.rising, &mut self.split);
        let place = basic(&self.split, half);
        (place.max(spread), geyer::size(&self.split, half, &mut self.memory))
    }

    /// Fills `rising`.
    fn rise(&mut self) {
        let shape = (self.values.len(), self.draws);
        if self.shape != shape {
            self.shape = shape;
            self.halves.clear();
            let (half, draws) = (self.half(), self.draws);
            for chain in 0..shape.0 / draws {
                let first = 2 * half * chain;
                self.halves.extend(first..first + half);
                self.halves.extend(std::iter::repeat_n(LEFT_OUT, draws - 2 * half));
                self.halves.extend(first + half..first + 2 * half);
            }
        }
        self.rising.clear();
        let places = self.order.iter().map(|&(_, i)| self.halves[i]);
        self.rising.extend(self.sorted.iter().copied().zip(places).filter(|(_, place)| *place != LEFT_OUT));
    }
}

/// What is wrong with chains of `draws` values.
fn flaw(values: &[f64], draws: usize) -> Flaw {
    if values.iter().any(|x| !x.is_finite()) {
        return Flaw::NotFinite;
    }
    if draws < FEWEST_DRAWS {
        return Flaw::Few;
    }
    let stuck: Vec<usize> =
        values.chunks_exact(draws).enumerate().filter(|(_, chain)| is_still(chain)).map(|(c, _)| c).collect();
    match stuck.is_empty() {
        true => Flaw::None,
        false if is_still(values) => Flaw::Constant,
        false => Flaw::Stuck(stuck),
    }
}

/// Whether nothing but rounding moves these numbers.
pub(super) fn is_still(values: &[f64]) -> bool {
    let bounds = |(low, high): (f64, f64), &x: &f64| (low.min(x), high.max(x));
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), bounds);
    high - low <= (ROUNDING * high.abs().max(low.abs())).max(NO_SPREAD)
}

/// A number whose order is that of [`f64::total_cmp`].
fn rising_key(x: f64) -> u64 {
    let bits = x.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The distances of the `rising` draws from `median` from the smallest on, by merging both sides.
fn fold(rising: &[(f64, usize)], median: f64, out: &mut Vec<(f64, usize)>) {
    let distance = |(x, place): (f64, usize)| ((x - median).abs(), place);
    // What is next below the median and above it.
    let mut below = rising.partition_point(|(x, _)| *x < median);
    let mut above = below;
    out.clear();
    while below > 0 && above < rising.len() {
        let (b, a) = (distance(rising[below - 1]), distance(rising[above]));
        let is_below = b.0 < a.0;
        out.push(if is_below { b } else { a });
        below -= usize::from(is_below);
        above += usize::from(!is_below);
    }
    out.extend(rising[..below].iter().rev().copied().map(distance));
    out.extend(rising[above..].iter().copied().map(distance));
}

/// R-hat of chains as they are (Vehtari et al. 2021, equations 1 to 4).
fn basic(chains: &[f64], length: usize) -> f64 {
    let n = length as f64;
    let (means, variances): (Vec<f64>, Vec<f64>) = chains.chunks_exact(length).map(|c| (mean(c), variance(c))).unzip();
    let (between, within) = (n * variance(&means), mean(&variances));
    libm::sqrt((between / within + n - 1.0) / n)
}
