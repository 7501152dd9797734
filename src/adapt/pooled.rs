//! What chains that warm up together make of their draws.

use super::sample::{Sample, moves};
use super::target::Counted;
use super::{InverseMetric, LowRank, MetricKind};
use super::{fisher, settled};

/// A chain is apart where, in some coordinate, its mean is so many times farther from the median of the chains' means than
/// is usual among them (their median distance and a median standard deviation together).
const APART: f64 = 8.0;
/// A chain is apart, too, where its gradients vary so many times more than the median chain's: it is on its way in.
const APART_IN_GRADIENTS: f64 = 30.0;
/// And where its mean log density is below the highest chain's by this, and by so many of that one's standard deviations: it is stuck,
/// or late.
const APART_IN_HEIGHT: (f64, f64) = (10.0, 5.0);
/// Fewer chains have no majority to be apart from.
const FEWEST: usize = 3;

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
    /// Mean and standard deviation of the log densities of these draws.
    pub height: (f64, f64),
}

impl<'a> Brought<'a> {
    /// Appends what [`Brought::read`] reads.
    pub(super) fn write(
        log_step: f64,
        is_ready: bool,
        counted: Counted,
        present: &[f64],
        sample: &Sample,
        height: (f64, f64),
        out: &mut Vec<f64>,
    ) {
        out.extend([log_step, f64::from(u8::from(is_ready))]);
        out.extend(counted.numbers());
        out.extend_from_slice(present);
        out.extend_from_slice(sample.positions());
        out.extend_from_slice(sample.gradients());
        out.extend([height.0, height.1]);
    }

    /// Reads what a chain of `dim` coordinates brought.
    pub fn read(dim: usize, numbers: &'a [f64]) -> Self {
        let (numbers, height) = numbers.split_at(numbers.len() - 2);
        let height = (height[0], height[1]);
        let (present, draws) = numbers[4..].split_at(dim);
        let (positions, gradients) = draws.split_at(draws.len() / 2);
        let counted = Counted::of([numbers[2], numbers[3]]);
        Self { log_step: numbers[0], is_ready: numbers[1] != 0.0, counted, present, positions, gradients, height }
    }
}

/// What all chains get.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    /// The metric of all; `None`: there were too few draws.
    pub metric: Option<InverseMetric>,
    /// The log of the step size to go on from, the median of the chains' that are not apart.
    pub log_step: f64,
    /// Transitions of all chains that are not apart, since the meeting before.
    pub counted: Counted,
    /// Whether each chain is apart from the others.
    pub apart: Vec<bool>,
    /// Warm-up has what it is to have, and ends: all chains are ready, none is apart, they mix and agree on the metric.
    pub is_over: bool,
}

impl Pooled {
    /// The answer for chain `i`, as [`Pooled::read`] reads it.
    pub fn write(&self, i: usize) -> Vec<f64> {
        let flag = |is: bool| f64::from(u8::from(is));
        let mut out = vec![flag(self.apart[i]), flag(self.is_over), self.log_step];
        out.extend(self.counted.numbers());
        out.extend(self.metric.clone().map_or(Vec::new(), InverseMetric::into_numbers));
        out
    }

    /// Reads the answer for one of the chains: what all get, and whether this one is apart.
    pub fn read(kind: MetricKind, dim: usize, answer: &[f64]) -> (Self, bool) {
        let numbers = &answer[5..];
        let metric = match kind.shape(dim) {
            _ if numbers.is_empty() => None,
            MetricKind::LowRank => LowRank::from_numbers(numbers).ok().map(InverseMetric::LowRank),
            MetricKind::Dense => Some(InverseMetric::Dense(numbers.to_vec())),
            _ => Some(InverseMetric::Diag(numbers.to_vec())),
        };
        let apart = answer[0] != 0.0;
        let counted = Counted::of([answer[3], answer[4]]);
        (Self { metric, log_step: answer[2], counted, apart: vec![apart], is_over: answer[1] != 0.0 }, apart)
    }
}

/// One metric of `kind` for all `chains`, which must be one at least.
///
/// Draws are pooled about their own chain's means, so that chains in different modes agree on the metric within them. A chain
/// that stands still, or whose mean is far from all others', is apart: its draws don't count, but it gets what all get.
pub fn pool(kind: MetricKind, chains: &[Brought<'_>]) -> Pooled {
    let apart = apart(chains);
    let those_together = || chains.iter().zip(&apart).filter(|(_, apart)| !**apart).map(|(chain, _)| chain);
    let (Some(first), false) = (those_together().next(), chains.is_empty()) else {
        let log_step = median(chains.iter().map(|c| c.log_step).collect());
        return Pooled { metric: None, log_step, counted: Counted::default(), apart, is_over: false };
    };
    let dim = first.present.len();
    let rows: usize = those_together().map(|c| c.positions.len() / dim.max(1)).sum();
    let mut sample = Sample::new(dim, rows);
    let stride = rows.div_ceil(sample.room().max(1)).max(1);
    those_together().for_each(|c| sample.append(c.positions, c.gradients, stride));
    let log_step = median(those_together().map(|c| c.log_step).collect());
    let draws = || chains.iter().map(|c| (c.positions, c.gradients)).collect::<Vec<_>>();
    // Of the draws of all the most that `auto` may come to has little noise, and a diagonal would save no gradients.
    let metric = fisher::estimate(&sample, kind.chosen(dim), first.present);
    let is_over = chains.iter().zip(&apart).all(|(chain, apart)| chain.is_ready && !apart)
        && metric.as_ref().is_some_and(|metric| settled::agree(metric.kind(), first.present, &draws()));
    let counted = those_together().map(|c| c.counted).sum();
    Pooled { metric, log_step, counted, apart, is_over }
}

fn apart(chains: &[Brought<'_>]) -> Vec<bool> {
    let Some(dim) = chains.first().map(|c| c.present.len()) else { return Vec::new() };
    let mut apart: Vec<bool> = chains.iter().map(|c| moves(c.positions, dim) < 2).collect();
    let moving: Vec<usize> = (0..chains.len()).filter(|&c| !apart[c]).collect();
    if moving.len() < FEWEST {
        return apart;
    }
    let best =
        moving.iter().map(|&c| chains[c].height).fold((f64::NEG_INFINITY, 0.0), |a, b| if b.0 > a.0 { b } else { a });
    let low = best.0 - APART_IN_HEIGHT.0.max(APART_IN_HEIGHT.1 * best.1);
    for &c in &moving {
        apart[c] |= chains[c].height.0 < low;
    }
    for i in 0..dim {
        // The upper middle: half of the chains are no majority that others could be apart from.
        let moments: Vec<(f64, f64)> = moving.iter().map(|&c| mean_and_sd(chains[c].positions, i, dim)).collect();
        let middle = median(moments.iter().map(|m| m.0).collect());
        let distance = |m: &(f64, f64)| (m.0 - middle).abs();
        let usual =
            middle_of(moments.iter().map(distance).collect(), true) + median(moments.iter().map(|m| m.1).collect());
        for (m, &c) in moments.iter().zip(&moving) {
            apart[c] |= distance(m) > APART * usual;
        }
        let forces: Vec<f64> = moving.iter().map(|&c| mean_and_sd(chains[c].gradients, i, dim).1).collect();
        let usual = median(forces.clone());
        for (force, &c) in forces.iter().zip(&moving) {
            apart[c] |= usual > 0.0 && *force > APART_IN_GRADIENTS * usual;
        }
    }
    apart
}

/// Mean and standard deviation of coordinate `i`.
fn mean_and_sd(rows: &[f64], i: usize, dim: usize) -> (f64, f64) {
    let n = (rows.len() / dim) as f64;
    let column = || rows.iter().skip(i).step_by(dim);
    let mean = column().sum::<f64>() / n;
    (mean, (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// The lower one of the two in the middle, where there are two.
fn median(of: Vec<f64>) -> f64 {
    middle_of(of, false)
}

/// The one in the middle, or the upper or lower one of two.
fn middle_of(mut of: Vec<f64>, upper: bool) -> f64 {
    of.sort_by(f64::total_cmp);
    let place = if upper { of.len() / 2 } else { of.len().saturating_sub(1) / 2 };
    of.get(place).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// Draws of a normal of variance 4 about `centre`, its gradients those of a density that has this mode there.
    fn chain(id: u64, centre: f64, draws: usize) -> Vec<f64> {
        let mut random = Stream::new(9, id, Purpose::Model);
        let z: Vec<f64> = (0..draws).map(|_| random.normal()).collect();
        let positions = z.iter().map(|z| centre + 2.0 * z);
        let header = [0.1 * id as f64, 0.0, 10.0, 1.0, 1.0];
        let height = [-0.5, 0.7];
        header.into_iter().chain(positions).chain(z.iter().map(|z| -z / 2.0)).chain(height).collect()
    }

    fn pooled(chains: &[Vec<f64>]) -> Pooled {
        let read: Vec<Brought<'_>> = chains.iter().map(|c| Brought::read(1, c)).collect();
        pool(MetricKind::FisherDiag, &read)
    }

    fn variance(pooled: &Pooled) -> f64 {
        let Some(InverseMetric::Diag(v)) = &pooled.metric else { panic!("{pooled:?}") };
        v[0]
    }

    #[test]
    fn all_get_one_metric() {
        let all = pooled(&[chain(1, 0.0, 20), chain(2, 0.5, 20), chain(3, -0.5, 20), chain(4, 0.0, 20)]);
        assert!((variance(&all) - 4.0).abs() < 1e-9 && all.apart == [false; 4] && all.log_step == 0.2, "{all:?}");
        assert!((variance(&pooled(&[chain(1, 0.0, 20)])) - 4.0).abs() < 1e-9);
        // Of `auto` the most that it may come to.
        let chain = chain(1, 0.0, 20);
        let metric = pool(MetricKind::Auto, &[Brought::read(1, &chain)]).metric;
        assert!(matches!(metric, Some(InverseMetric::Dense(_))), "{metric:?}");
    }

    #[test]
    fn chains_that_are_far_or_stand_still_do_not_spoil_it() {
        let mut still = chain(4, 1.0, 20);
        still[5..25].fill(1.0);
        still[25..45].fill(1e9);
        for other in [chain(4, 1e3, 20), still] {
            let other = [&[-9.0][..], &other[1..]].concat();
            let all = pooled(&[chain(1, 0.0, 20), chain(2, 0.5, 20), other, chain(3, -0.5, 20)]);
            assert_eq!((&all.apart[..], all.log_step), (&[false, false, true, false][..], 0.2));
            assert!((variance(&all) - 4.0).abs() < 1e-9);
        }
        // Two modes of two chains each have no majority; within them the metric is what it is.
        let all = pooled(&[chain(1, 0.0, 20), chain(2, 1e3, 20), chain(3, 0.0, 20), chain(4, 1e3, 20)]);
        assert!((variance(&all) - 4.0).abs() < 1e-9 && all.apart == [false; 4], "{all:?}");
    }

    #[test]
    fn a_chain_on_its_way_in_is_apart() {
        // In place, but where gradients are those of another world.
        let mut steep = chain(4, 0.0, 20);
        steep[25..45].iter_mut().for_each(|g| *g *= 1e6);
        let all = pooled(&[chain(1, 0.0, 20), chain(2, 0.5, 20), steep, chain(3, -0.5, 20)]);
        assert_eq!(all.apart, [false, false, true, false]);
        assert!((variance(&all) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn chains_that_are_far_below_are_apart_however_many() {
        let chains = |below: f64| -> Vec<Vec<f64>> {
            let low = |id, draws| {
                let chain = chain(id, 1.0, draws);
                let at = chain.len() - 2;
                [&chain[..at], &[-0.5 - below, 0.7]].concat()
            };
            vec![low(1, 20), chain(2, 0.5, 20), low(3, 20), low(4, 20)]
        };
        let all = pooled(&chains(10.1));
        assert_eq!((&all.apart[..], all.log_step), (&[true, false, true, true][..], 0.2));
        assert_eq!(pooled(&chains(9.9)).apart, [false; 4]);
        // Where log densities vary more, the distance is measured by that.
        let mut varied = chains(10.1);
        let at = varied[1].len() - 1;
        varied[1][at] = 3.0;
        assert_eq!(pooled(&varied).apart, [false; 4]);
    }

    #[test]
    fn what_says_nothing_keeps_its_variance() {
        let mut silent = chain(1, 0.0, 20);
        silent[4] = 3.0;
        silent[25..45].fill(0.0);
        assert_eq!(variance(&pooled(&[silent])), 3.0);
    }

    #[test]
    fn it_is_over_when_all_are_ready() {
        let chains = |ready: [f64; 4]| -> Vec<Vec<f64>> {
            (1..).zip(ready).map(|(id, ready)| [&[0.0, ready][..], &chain(id, 0.0, 80)[2..]].concat()).collect()
        };
        assert!(pooled(&chains([1.0; 4])).is_over);
        assert!(!pooled(&chains([1.0, 1.0, 0.0, 1.0])).is_over);
    }

    #[test]
    fn nothing_to_pool() {
        let mut still = chain(1, 1.0, 5);
        still[5..15].fill(1.0);
        let all = pooled(&[still.clone(), still]);
        assert_eq!((all.metric, all.apart), (None, vec![true, true]));
    }
}
