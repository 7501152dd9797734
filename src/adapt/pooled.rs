//! What chains that warm up together make of their draws.

use super::apart::{apart, median};
use super::negligible::{Place, anew};
use super::target::Counted;
use super::{Brought, InverseMetric, LowRank, MetricKind, Sample};
use super::{fisher, settled};

/// Numbers before the others of an answer.
const HEADER: usize = 6;

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
    /// From where each chain that lingers where next to nothing is sets out anew.
    pub anew: Vec<Option<Place>>,
    /// Warm-up has what it is to have, and ends: all chains are ready, none is apart, they mix and agree on the metric.
    pub is_over: bool,
}

impl Pooled {
    /// The answer for chain `i`, as [`Pooled::read`] reads it.
    pub fn write(&self, i: usize) -> Vec<f64> {
        let flag = |is: bool| f64::from(u8::from(is));
        let mut out = vec![flag(self.apart[i]), flag(self.is_over), self.log_step];
        out.extend(self.counted.numbers());
        out.push(flag(self.anew[i].is_some()));
        if let Some(place) = &self.anew[i] {
            place.write(&mut out);
        }
        out.extend(self.metric.clone().map_or(Vec::new(), InverseMetric::into_numbers));
        out
    }

    /// Reads the answer for one of the chains, as that of a group of one.
    pub fn read(kind: MetricKind, dim: usize, answer: &[f64]) -> Self {
        let (header, mut numbers) = answer.split_first_chunk::<HEADER>().expect("a header comes first");
        let [apart, is_over, log_step, transitions, divergent, is_anew] = *header;
        let mut place = None;
        if is_anew != 0.0 {
            let (read, rest) = Place::read(dim, numbers);
            (place, numbers) = (Some(read), rest);
        }
        let metric = match kind.shape(dim) {
            _ if numbers.is_empty() => None,
            MetricKind::LowRank => LowRank::from_numbers(numbers).ok().map(InverseMetric::LowRank),
            MetricKind::Dense => Some(InverseMetric::Dense(numbers.to_vec())),
            _ => Some(InverseMetric::Diag(numbers.to_vec())),
        };
        Self {
            metric,
            log_step,
            counted: Counted::of([transitions, divergent]),
            apart: vec![apart != 0.0],
            anew: vec![place],
            is_over: is_over != 0.0,
        }
    }
}

/// One metric of `kind` for all `chains`, which must be one at least.
///
/// Draws are pooled about their own chain's means, so that chains in different modes agree on the metric within them. A chain
/// that stands still, or whose mean is far from all others', is apart: its draws don't count, but it gets what all get. One that lingers where next to nothing of
/// the posterior is sets out anew from another one's draw.
pub fn pool(kind: MetricKind, chains: &[Brought<'_>]) -> Pooled {
    let apart = apart(chains);
    let those_together = || chains.iter().zip(&apart).filter(|(_, apart)| !**apart).map(|(chain, _)| chain);
    let (Some(first), false) = (those_together().next(), chains.is_empty()) else {
        let log_step = median(chains.iter().map(|c| c.log_step).collect());
        let anew = vec![None; chains.len()];
        return Pooled { metric: None, log_step, counted: Counted::default(), apart, anew, is_over: false };
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
    let anew = anew(chains, &apart);
    Pooled { metric, log_step, counted, apart, anew, is_over }
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
        let heights = [-0.5, 0.7, 0.0, -0.5];
        header.into_iter().chain(positions).chain(z.iter().map(|z| -z / 2.0)).chain(heights).collect()
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
                let at = chain.len() - 4;
                [&chain[..at], &[-0.5 - below, 0.7, 0.0, -0.5]].concat()
            };
            vec![low(1, 20), chain(2, 0.5, 20), low(3, 20), low(4, 20)]
        };
        let all = pooled(&chains(10.1));
        assert_eq!((&all.apart[..], all.log_step), (&[true, false, true, true][..], 0.2));
        assert_eq!(pooled(&chains(9.9)).apart, [false; 4]);
        // Where log densities vary more, the distance is measured by that.
        let mut varied = chains(10.1);
        let at = varied[1].len() - 3;
        varied[1][at] = 3.0;
        assert_eq!(pooled(&varied).apart, [false; 4]);
    }

    #[test]
    fn answers_are_read_as_they_were_written() {
        let mut chains = [chain(1, 0.0, 40), chain(2, 0.5, 40), chain(3, -0.5, 40), chain(4, 9.0, 40)];
        let at = chains[3].len() - 4;
        chains[3][at] = -40.0;
        let read: Vec<Brought<'_>> = chains.iter().map(|c| Brought::read(1, c)).collect();
        for kind in [MetricKind::FisherDiag, MetricKind::FisherDense, MetricKind::LowRank] {
            let all = pool(kind, &read);
            assert!(all.apart[3] && all.anew[3].is_some() && all.anew[..3] == [None, None, None]);
            for i in [0, 3] {
                let one = Pooled { apart: vec![all.apart[i]], anew: vec![all.anew[i].clone()], ..all.clone() };
                assert_eq!(Pooled::read(kind, 1, &all.write(i)), one);
            }
        }
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
