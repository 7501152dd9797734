//! The number of sets: begun anew, grown, dropped. Nothing else changes it.

use super::crew::{Call, Crew, Ends};
use super::{Population, steps};
use crate::error::Error;
use crate::model::{Traces, check_chain_ids};
use crate::particles::{History, Set, Step};
use crate::random::ParticlePurpose;
use crate::room;

impl<H: Traces> Population<H> {
    /// Drops everything and begins anew: `sets` sets of `traces` traces each, from the prior, of weight 1, with ids from
    /// the first one on and an empty history. With the same seed they are the same again: [`Population::set_seed`].
    pub fn reinitialize(&mut self, sets: usize, traces: usize) -> Result<(), Error> {
        check_chain_ids("init_set_id", self.options.init_set_id, sets)?;
        let at_least_one = |name, count: usize| match count {
            0 => Err(Error::argument(name, "at least 1", count)),
            n if u32::try_from(n).is_err() => Err(Error::argument(name, "at most 4294967295", n)),
            _ => Ok(()),
        };
        at_least_one("n_sets", sets)?;
        at_least_one("n_particles", traces)?;
        let each = size_of::<H::Trace>() + size_of::<f64>();
        room::check("n_particles", &[sets, traces, each], format_args!("{traces} in each of {sets} sets"))?;
        let first = self.options.init_set_id;
        let new = self.with_crew(|crew, _| begun(crew, first, sets, traces))?;
        let old = std::mem::replace(&mut self.sets, new);
        self.next_id = first + sets as u64;
        self.founders = traces;
        self.history = History::default();
        self.samplings = 0;
        self.copies = 0;
        self.drop_sets(old)
    }

    /// Seed of all streams from the next step on.
    pub fn set_seed(&mut self, seed: u64) {
        self.options.seed = seed;
    }

    /// Makes `count` more sets by doing to them what was done to the others, which are left alone: each is bit for bit
    /// what [`Population::reinitialize`] with more sets would have led to. Returns the id of the first.
    pub fn grow_iid(&mut self, count: usize) -> Result<u64, Error> {
        check_chain_ids("k", self.next_id, count)?;
        let refused = |why: String| Err(Error::argument("k", format!("0, for no sets can be grown: {why}"), count));
        if self.history.forgotten() > 0 {
            return refused(format!("the history of the first {} steps was cleared", self.history.forgotten()));
        }
        if let Some(number) = self.history.first_single() {
            return refused(format!("step {number} was done to some sets or traces only"));
        }
        let (first, traces) = (self.next_id, self.founders);
        let history: Vec<(u64, Step)> = self.history.steps().collect();
        let (new, copies) = self.with_crew(|crew, _| {
            let mut new = begun(crew, first, count, traces)?;
            for (generation, step) in &history {
                steps::perform(crew, &mut new, step, *generation)?;
            }
            Ok((new, crew.copies))
        })?;
        self.copies += copies;
        self.sets.extend(new);
        self.next_id += count as u64;
        Ok(first)
    }

    /// Drops the last `count` sets; at least one stays.
    pub fn drop_last(&mut self, count: usize) -> Result<(), Error> {
        if count >= self.sets.len() {
            let expected = format!("fewer than the {} sets there are", self.sets.len());
            return Err(Error::argument("k", expected, count));
        }
        let old = self.sets.split_off(self.sets.len() - count);
        self.drop_sets(old)
    }

    /// Drops the sets of these ids; at least one stays. Their ids are not used again.
    pub fn drop_ids(&mut self, ids: &[u64]) -> Result<(), Error> {
        for (i, &id) in ids.iter().enumerate() {
            self.place(id)?;
            if ids[..i].contains(&id) {
                return Err(Error::argument("ids", "each id once", id));
            }
        }
        if ids.len() == self.sets.len() {
            return Err(Error::argument("ids", format!("fewer than the {} sets there are", ids.len()), ids.len()));
        }
        let (old, kept) = std::mem::take(&mut self.sets).into_iter().partition(|set| ids.contains(&set.id()));
        self.sets = kept;
        self.drop_sets(old)
    }

    fn drop_sets(&mut self, mut sets: Vec<Set<H::Trace>>) -> Result<(), Error> {
        let traces = sets.iter_mut().flat_map(Set::take_traces).flatten().collect();
        self.with_crew(|crew, _| {
            crew.dispose(traces);
            Ok(())
        })
    }

    /// Ids of the sets, in their order.
    pub fn set_ids(&self) -> Vec<u64> {
        self.sets.iter().map(Set::id).collect()
    }

    /// Where the set of `id` stands.
    pub(super) fn place(&self, id: u64) -> Result<usize, Error> {
        self.sets.iter().position(|set| set.id() == id).ok_or_else(|| {
            let ids: Vec<String> = self.sets.iter().map(|set| set.id().to_string()).collect();
            Error::argument("set", format!("the id of a set that is there ({})", ids.join(", ")), id)
        })
    }

    /// A trace of the set at `place` that is there.
    pub(super) fn check_trace(&self, place: usize, trace: usize) -> Result<(), Error> {
        let set = &self.sets[place];
        if set.trace(trace).is_some() {
            return Ok(());
        }
        let got = if trace < set.len() { format!("{trace}, which was lost") } else { trace.to_string() };
        Err(Error::argument("trace", format!("0 to {}, the number of a trace that is there", set.len() - 1), got)
            .in_set(set.id()))
    }
}

/// New sets from the prior.
fn begun<H: Traces>(
    crew: &mut Crew<'_, H>,
    first_id: u64,
    sets: usize,
    traces: usize,
) -> Result<Vec<Set<H::Trace>>, Error> {
    let ids = first_id..first_id + sets as u64;
    let mut calls: Vec<Call<(), H::Trace>> =
        ids.clone().flat_map(|id| (0..traces).map(move |i| Call::new(id, i, ()))).collect();
    crew.call(&mut calls, 0, ParticlePurpose::Work, "create", Ends::Early, |host, (), task| host.create(task))?;
    let mut made = calls.into_iter().filter_map(|call| call.outcome?.ok());
    Ok(ids.map(|id| Set::new(id, made.by_ref().take(traces).collect(), crew.genealogy)).collect())
}
