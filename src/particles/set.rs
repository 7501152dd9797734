//! A set of weighted members: traces of a host, with log weights.

use super::genealogy::Genealogy;
use super::seats::Seats;
use super::weights;
use serde::{Deserialize, Serialize};

/// What has become of a set, without its traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct News {
    log_weights: Vec<f64>,
    log_base: f64,
    /// The parents in each generation that is new, where they are kept.
    parents: Vec<Vec<u32>>,
}

/// Traces with log weights. A trace that was lost in an operation is `None`, of weight zero; so are those on other ranks, whatever
/// they weigh.
pub struct Set<T> {
    id: u64,
    traces: Vec<Option<T>>,
    log_weights: Vec<f64>,
    /// Log of the total weight that stands for an evidence of 1.
    log_base: f64,
    genealogy: Option<Genealogy>,
    /// Where its traces are, where it is in parts: those of other ranks are `None` here.
    seats: Option<Seats>,
}

impl<T> Set<T> {
    /// Traces of equal weight 1, whose mean weight estimates the evidence; who descends from whom is kept where
    /// `genealogy` says so.
    pub fn new(id: u64, traces: Vec<T>, genealogy: bool) -> Self {
        let count = traces.len();
        Self {
            id,
            log_weights: vec![0.0; count],
            log_base: (count as f64).ln(),
            genealogy: genealogy.then(|| Genealogy::new(count)),
            traces: traces.into_iter().map(Some).collect(),
            seats: None,
        }
    }

    /// As [`Set::new`], of `count` traces that are elsewhere: weights without traces.
    pub fn elsewhere(id: u64, count: usize, genealogy: bool) -> Self {
        Self {
            id,
            traces: (0..count).map(|_| None).collect(),
            log_weights: vec![0.0; count],
            log_base: (count as f64).ln(),
            genealogy: genealogy.then(|| Genealogy::new(count)),
            seats: None,
        }
    }

    /// The set of what [`Set::log_weights`], [`Set::log_base`] and [`Set::genealogy`] were before.
    pub fn restored(
        id: u64,
        traces: Vec<Option<T>>,
        log_weights: Vec<f64>,
        log_base: f64,
        genealogy: Option<Genealogy>,
    ) -> Self {
        assert_eq!(traces.len(), log_weights.len(), "one weight per trace");
        Self { id, traces, log_weights, log_base, genealogy, seats: None }
    }

    /// The same set in parts over ranks: its traces that are here, in their order, into the places of this rank.
    pub fn in_parts(mut self, seats: Seats, own: impl IntoIterator<Item = Option<T>>) -> Self {
        let places = self.traces.iter_mut().enumerate().filter(|(i, _)| seats.is_here(*i));
        places.zip(own).for_each(|((_, place), trace)| *place = trace);
        self.seats = Some(seats);
        self
    }

    /// Where its traces are, where it is in parts.
    pub fn seats(&self) -> Option<&Seats> {
        self.seats.as_ref()
    }

    /// Gives its traces, which have been replaced, their ranks.
    pub fn seat(&mut self, seats: Option<Seats>) {
        self.seats = seats;
    }

    /// Whether trace `index` is on this rank, where the set is in parts.
    pub fn is_here(&self, index: usize) -> bool {
        self.seats.as_ref().is_none_or(|seats| seats.is_here(index))
    }

    /// Its id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Number of traces, lost ones included; at least 1.
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }

    /// Trace `index`; `None` when it was lost or is beyond the last.
    pub fn trace(&self, index: usize) -> Option<&T> {
        self.traces.get(index).and_then(Option::as_ref)
    }

    /// All traces; `None` stands for lost ones.
    pub fn traces_mut(&mut self) -> &mut [Option<T>] {
        &mut self.traces
    }

    /// As [`Set::traces_mut`], to look at.
    pub fn traces(&self) -> &[Option<T>] {
        &self.traces
    }

    /// One log weight per trace.
    pub fn log_weights(&self) -> &[f64] {
        &self.log_weights
    }

    /// Log of the total weight that stands for an evidence of 1.
    pub fn log_base(&self) -> f64 {
        self.log_base
    }

    /// Who descends from whom, where that is kept.
    pub fn genealogy(&self) -> Option<&Genealogy> {
        self.genealogy.as_ref()
    }

    /// Log of the total weight; -inf when all are lost.
    pub fn log_total(&self) -> f64 {
        weights::log_sum_exp(&self.log_weights)
    }

    /// Log of the set's estimate of the evidence. Unbiased (the evidence, not its log) as long as the weights were
    /// changed by increments and resampling alone.
    pub fn log_evidence(&self) -> f64 {
        self.log_total() - self.log_base
    }

    /// Effective sample size, (Σ w)² / Σ w² (Kong, Liu and Wong 1994); 0 when all are lost.
    pub fn ess(&self) -> f64 {
        weights::ess(&self.log_weights)
    }

    /// Puts other log weights in the place of all, after increments: what they are the evidence of stays.
    pub fn update_log_weights(&mut self, log_weights: Vec<f64>) {
        assert_eq!(log_weights.len(), self.len(), "one weight per trace");
        self.log_weights = log_weights;
    }

    /// Sets all log weights; their mean weight is the evidence from here on.
    pub fn set_log_weights(&mut self, log_weights: &[f64]) {
        self.log_weights.copy_from_slice(log_weights);
        self.log_base = (self.len() as f64).ln();
    }

    /// Puts other traces in the place of all, each with its log weight and the number of the trace it comes from. Gives
    /// back those that were there.
    pub fn replace(&mut self, traces: Vec<Option<T>>, log_weights: Vec<f64>, parents: &[u32]) -> Vec<Option<T>> {
        assert!(traces.len() == log_weights.len() && traces.len() == parents.len(), "one weight, one parent per trace");
        if let Some(genealogy) = &mut self.genealogy {
            genealogy.push(parents);
        }
        self.log_weights = log_weights;
        std::mem::replace(&mut self.traces, traces)
    }

    /// Takes all traces out, for [`Set::replace`] to follow.
    pub fn take_traces(&mut self) -> Vec<Option<T>> {
        std::mem::take(&mut self.traces)
    }

    /// What is new after so many generations of the genealogy.
    pub fn news(&self, generations: usize) -> News {
        News {
            log_weights: self.log_weights.clone(),
            log_base: self.log_base,
            parents: self.genealogy.as_ref().map_or_else(Vec::new, |genealogy| genealogy.since(generations).to_vec()),
        }
    }

    /// Of a set whose traces are elsewhere: what became of it there.
    pub fn heed(&mut self, news: News) {
        self.traces = (0..news.log_weights.len()).map(|_| None).collect();
        (self.log_weights, self.log_base) = (news.log_weights, news.log_base);
        if let Some(genealogy) = &mut self.genealogy {
            news.parents.iter().for_each(|parents| genealogy.push(parents));
        }
    }
}
