//! What a population is asked: weights, evidence, reports. Nothing here changes a trace.

use super::Population;
use super::crew::{Call, Ends};
use crate::error::Error;
use crate::model::{Refusal, Task, Traces};
use crate::particles::{Evidence, Genealogy, Set, pooled, weights};
use crate::random::ParticlePurpose;
use crate::report::{Course, CourseStep};
use std::ops::Range;

/// Which traces are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The distinguished trace: the first of the first set.
    Distinguished,
    /// The first of each set.
    EachSet,
    /// All, set by set.
    All,
    /// One trace of the set of this id.
    One {
        /// Id of the set.
        set: u64,
        /// Its number in the set, from 0.
        trace: usize,
    },
}

impl<H: Traces> Population<H> {
    /// The values `what` of the traces asked, `width` numbers each, one after the other into `out`; NaN for a trace that
    /// was lost.
    pub fn report(&mut self, which: Which, what: i64, width: usize, out: &mut [f64]) -> Result<(), Error> {
        self.ask("report", which, width, out, |host, trace, task, out| host.report(trace, what, task, out))
    }

    /// As [`Population::report`], for a value that is drawn: each time anew.
    pub fn sample(&mut self, which: Which, what: i64, width: usize, out: &mut [f64]) -> Result<(), Error> {
        self.samplings += 1;
        self.ask("sample", which, width, out, |host, trace, task, out| host.sample(trace, what, task, out))
    }

    /// How many traces `which` are.
    pub fn count(&self, which: Which) -> usize {
        match which {
            Which::Distinguished | Which::One { .. } => 1,
            Which::EachSet => self.sets.len(),
            Which::All => self.sets.iter().map(Set::len).sum(),
        }
    }

    pub(super) fn check_room(&self, which: Which, width: usize, out: &[f64]) -> Result<(), Error> {
        if self.count(which).checked_mul(width) == Some(out.len()) {
            return Ok(());
        }
        let expected = format!("room for {width} numbers of each of {} traces", self.count(which));
        Err(Error::argument("out", expected, out.len()))
    }

    fn ask(
        &mut self,
        what: &str,
        which: Which,
        width: usize,
        out: &mut [f64],
        ask: impl Fn(&H, &H::Trace, &mut Task<'_>, &mut [f64]) -> Result<(), Refusal> + Sync,
    ) -> Result<(), Error> {
        let fits = self.check_room(which, width, out).and_then(|()| self.places(which));
        let (places, trace) = self.told(fits)?;
        out.fill(f64::NAN);
        if width == 0 {
            return Ok(());
        }
        let generation = self.samplings;
        let asked: Vec<u64> = self.sets[places.clone()].iter().map(Set::id).collect();
        let arguments = (asked.as_slice(), trace, width);
        let values = self.together(what, &arguments, |crew, sets| {
            let traces = sets.iter().filter(|set| asked.contains(&set.id())).flat_map(|set| {
                let traces = trace.map_or(0..set.len(), |i| i..i + 1).filter(|i| set.is_here(*i));
                traces.map(move |i| (set.id(), i, set.trace(i)))
            });
            let traces: Vec<_> = traces.collect();
            // With other ranks this one's values are handed round, and go to their places then.
            let mut mine = vec![f64::NAN; if crew.ranks.is_some() { traces.len() * width } else { 0 }];
            let place = if crew.ranks.is_some() { &mut mine[..] } else { &mut out[..] };
            let mut calls: Vec<_> = traces
                .into_iter()
                .zip(place.chunks_mut(width))
                .filter_map(|((id, i, trace), out)| Some(Call::new(id, i, (trace?, out))))
                .collect();
            let called = crew.call(
                &mut calls,
                generation,
                ParticlePurpose::Report,
                what,
                Ends::Early,
                |host, (trace, out), task| ask(host, trace, task, out),
            );
            crew.meet(called.map(|()| mine))
        })?;
        if self.io.communicator.is_some() {
            let mut values: Vec<_> = values.into_iter().map(Vec::into_iter).collect();
            let owners = places.flat_map(|place| {
                let traces = trace.map_or(0..self.sets[place].len(), |i| i..i + 1);
                traces.map(move |i| (place, i))
            });
            let owners = owners.map(|(place, i)| self.owner(place, i));
            for (out, owner) in out.chunks_mut(width).zip(owners) {
                out.iter_mut().zip(&mut values[owner]).for_each(|(out, value)| *out = value);
            }
        }
        Ok(())
    }

    /// The sets that `which` are in, and which trace of each; none: all.
    fn places(&self, which: Which) -> Result<(Range<usize>, Option<usize>), Error> {
        Ok(match which {
            Which::Distinguished => (0..1, Some(0)),
            Which::EachSet => (0..self.sets.len(), Some(0)),
            Which::All => (0..self.sets.len(), None),
            Which::One { set, trace } => {
                let place = self.place(set)?;
                self.check_trace(place, trace)?;
                (place..place + 1, Some(trace))
            }
        })
    }

    /// Trace `trace` of the set of id `set`, which is this process's.
    pub fn trace(&self, set: u64, trace: usize) -> Result<&H::Trace, Error> {
        let place = self.place(set)?;
        self.check_trace(place, trace)?;
        self.sets[place].trace(trace).ok_or_else(|| {
            let what = if self.in_parts() { "trace" } else { "set" };
            let got = if self.in_parts() { trace as u64 } else { set };
            let expected = format!("a {what} of rank {}, this process's", self.rank());
            Error::argument(what, expected, format!("{got}, of rank {}", self.owner(place, trace)))
        })
    }

    /// Number of traces of a set, lost ones included.
    pub fn set_size(&self, set: u64) -> Result<usize, Error> {
        self.place(set).map(|place| self.sets[place].len())
    }

    /// Log weights of a set.
    pub fn log_weights(&self, set: u64) -> Result<&[f64], Error> {
        self.place(set).map(|place| self.sets[place].log_weights())
    }

    /// Weights of a set that sum to 1; zeros when all are zero.
    pub fn normalized_weights(&self, set: u64) -> Result<Vec<f64>, Error> {
        let log_weights = self.log_weights(set)?;
        let mut out = vec![0.0; log_weights.len()];
        weights::normalize(log_weights, &mut out);
        Ok(out)
    }

    /// Weights of all traces, set by set, that sum to 1 together: each set counts with its evidence.
    pub fn pooled_weights(&self) -> Vec<f64> {
        let log_weights: Vec<f64> =
            self.sets.iter().flat_map(|set| set.log_weights().iter().map(|w| w - set.log_base())).collect();
        let mut out = vec![0.0; log_weights.len()];
        weights::normalize(&log_weights, &mut out);
        out
    }

    /// Effective sample size of a set.
    pub fn ess(&self, set: u64) -> Result<f64, Error> {
        self.place(set).map(|place| self.sets[place].ess())
    }

    /// Log evidence of a set: the log of its mean weight, counted from where it was begun or its weights were set; -inf
    /// when all are lost.
    pub fn log_evidence(&self, set: u64) -> Result<f64, Error> {
        self.place(set).map(|place| self.sets[place].log_evidence())
    }

    /// Log evidence of each set, in their order.
    pub fn log_evidences(&self) -> Vec<f64> {
        self.sets.iter().map(Set::log_evidence).collect()
    }

    /// The evidence of all sets together, with its error across them.
    pub fn evidence(&self) -> Evidence {
        pooled(&self.log_evidences())
    }

    /// Who descends from whom in a set; `None` where that is not kept.
    pub fn genealogy(&self, set: u64) -> Result<Option<&Genealogy>, Error> {
        self.place(set).map(|place| self.sets[place].genealogy())
    }

    /// Tells `course` where each set stands: its size, effective sample size and evidence, and how many founders its traces
    /// stem from, where that is kept.
    pub fn note(&self, course: &mut Course) {
        let way = self.generation() as f64;
        for set in &self.sets {
            let founders = set.genealogy().and_then(|g| g.distinct_ancestors().first().copied());
            let step = CourseStep {
                size: set.len() as f64,
                ess: set.ess(),
                ancestors: founders.map_or(f64::NAN, |count| count as f64),
                log_evidence: set.log_evidence(),
                ..CourseStep::at(way)
            };
            course.add(set.id(), step);
        }
    }

    /// Copies that resampling has made since the population was begun.
    pub fn copies(&self) -> u64 {
        self.copies
    }
}
