//! The number of sets: begun anew, grown, dropped. Nothing else changes it.

use super::crew::{Call, Crew, Ends, dispose};
use super::ranks::heed;
use super::{Population, steps};
use crate::error::Error;
use crate::model::{Traces, check_chain_ids};
use crate::particles::{History, Seats, Set, Step};
use crate::random::ParticlePurpose;
use crate::room;

impl<H: Traces> Population<H> {
    /// Drops everything and begins anew: `sets` sets of `traces` traces each, from the prior, of weight 1, with ids from
    /// the first one on and an empty history. With the same seed they are the same again: [`Population::set_seed`].
    pub fn reinitialize(&mut self, sets: usize, traces: usize) -> Result<(), Error> {
        let fits = self.check_counts(sets, traces);
        self.told(fits)?;
        let first = self.options.init_set_id;
        let owners = self.seats(&[], sets);
        let own = self.own(first, &owners, traces);
        let genealogy = self.options.genealogy;
        let begin = |crew: &mut Crew<'_, H>, _: &mut [_]| {
            let begun = begun(crew, &own, traces);
            crew.agree(begun)
        };
        let own = self.together("reinitialize", &(sets, traces), begin)?;
        let mut own = own.into_iter().peekable();
        let begun = |id| own.next_if(|set| set.id() == id).unwrap_or_else(|| Set::elsewhere(id, traces, genealogy));
        let old = std::mem::replace(&mut self.sets, (first..first + sets as u64).map(begun).collect());
        self.owners = owners;
        self.next_id = first + sets as u64;
        self.founders = traces;
        self.history = History::default();
        self.samplings = 0;
        self.copies = 0;
        self.dispose(old);
        Ok(())
    }

    fn check_counts(&self, sets: usize, traces: usize) -> Result<(), Error> {
        check_chain_ids("init_set_id", self.options.init_set_id, sets)?;
        let at_least_one = |name, count: usize| match count {
            0 => Err(Error::argument(name, "at least 1", count)),
            n if u32::try_from(n).is_err() => Err(Error::argument(name, "at most 4294967295", n)),
            _ => Ok(()),
        };
        at_least_one("n_sets", sets)?;
        at_least_one("n_particles", traces)?;
        let each = size_of::<H::Trace>() + size_of::<f64>();
        room::check("n_particles", &[sets, traces, each], format_args!("{traces} in each of {sets} sets"))
    }

    /// Of the new sets, from `first` on, with these `owners` those of which this rank has traces.
    fn own(&self, first: u64, owners: &[usize], traces: usize) -> Vec<New> {
        let here = |owner| self.in_parts() || owner == self.rank();
        let own = (first..).zip(owners).filter(|(_, owner)| here(**owner));
        own.map(|(id, _)| New { id, seats: self.parts(id, traces) }).collect()
    }

    /// Seed of all streams from the next step on.
    pub fn set_seed(&mut self, seed: u64) {
        self.options.seed = seed;
    }

    /// Makes `count` more sets by doing to them what was done to the others, which are left alone: each is bit for bit
    /// what [`Population::reinitialize`] with more sets would have led to. Returns the id of the first.
    pub fn grow_iid(&mut self, count: usize) -> Result<u64, Error> {
        let fits = self.check_growth(count);
        self.told(fits)?;
        let (first, traces) = (self.next_id, self.founders);
        let history: Vec<(u64, Step)> = self.history.steps().collect();
        let owners = self.seats(&self.owners, count);
        let own = self.own(first, &owners, traces);
        let (new, bulletins) = self.together("grow_iid", &count, |crew, _| {
            let begun = begun(crew, &own, traces);
            let mut new = crew.agree(begun)?;
            let again = |crew: &mut Crew<'_, H>, new: &mut [_]| {
                history.iter().try_for_each(|(generation, step)| steps::perform(crew, new, step, *generation))
            };
            let ((), bulletins) = crew.tell(&mut new, None, again)?;
            Ok((new, bulletins))
        })?;
        let mut new = new.into_iter().peekable();
        let genealogy = self.options.genealogy;
        let grown = |id| new.next_if(|set| set.id() == id).unwrap_or_else(|| Set::elsewhere(id, traces, genealogy));
        let mut all: Vec<_> = (first..first + count as u64).map(grown).collect();
        self.copies += heed(&mut all, &owners, self.rank(), bulletins);
        self.sets.extend(all);
        self.owners.extend(owners);
        self.next_id += count as u64;
        Ok(first)
    }

    fn check_growth(&self, count: usize) -> Result<(), Error> {
        check_chain_ids("k", self.next_id, count)?;
        let refused = |why: String| Err(Error::argument("k", format!("0, for no sets can be grown: {why}"), count));
        if self.history.forgotten() > 0 {
            return refused(format!("the history of the first {} steps was cleared", self.history.forgotten()));
        }
        if let Some(number) = self.history.first_single() {
            return refused(format!("step {number} was done to some sets or traces only"));
        }
        Ok(())
    }

    /// Drops the last `count` sets; at least one stays.
    pub fn drop_last(&mut self, count: usize) -> Result<(), Error> {
        let there = self.sets.len();
        let fits = match count < there {
            true => Ok(()),
            false => Err(Error::argument("k", format!("fewer than the {there} sets there are"), count)),
        };
        self.told(fits)?;
        let last = self.sets[there - count..].iter().map(Set::id).collect::<Vec<_>>();
        self.drop_known("drop_iid", &last)
    }

    /// Drops the sets of these ids; at least one stays. Their ids are not used again.
    pub fn drop_ids(&mut self, ids: &[u64]) -> Result<(), Error> {
        let fits = self.check_ids(ids);
        self.told(fits)?;
        self.drop_known("drop_ids", ids)
    }

    fn check_ids(&self, ids: &[u64]) -> Result<(), Error> {
        for (i, &id) in ids.iter().enumerate() {
            self.place(id)?;
            if ids[..i].contains(&id) {
                return Err(Error::argument("ids", "each id once", id));
            }
        }
        if ids.len() == self.sets.len() {
            return Err(Error::argument("ids", format!("fewer than the {} sets there are", ids.len()), ids.len()));
        }
        Ok(())
    }

    fn drop_known(&mut self, call: &str, ids: &[u64]) -> Result<(), Error> {
        if self.io.communicator.is_some() {
            self.together(call, &ids, |_, _| Ok(()))?;
        }
        let seated = std::mem::take(&mut self.sets).into_iter().zip(std::mem::take(&mut self.owners));
        let (old, kept): (Vec<_>, Vec<_>) = seated.partition(|(set, _)| ids.contains(&set.id()));
        (self.sets, self.owners) = kept.into_iter().unzip();
        self.dispose(old.into_iter().map(|(set, _)| set).collect());
        Ok(())
    }

    fn dispose(&self, mut sets: Vec<Set<H::Trace>>) {
        let traces = sets.iter_mut().flat_map(Set::take_traces).flatten().collect();
        dispose(&self.host, &self.pool, traces);
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
        // Whether a trace of another rank was lost, that rank knows.
        let elsewhere = trace < set.len() && self.owner(place, trace) != self.rank();
        if set.trace(trace).is_some() || elsewhere {
            return Ok(());
        }
        let got = if trace < set.len() { format!("{trace}, which was lost") } else { trace.to_string() };
        Err(Error::argument("trace", format!("0 to {}, the number of a trace that is there", set.len() - 1), got)
            .in_set(set.id()))
    }
}

/// A set that is to be made, and where its traces are, where it is in parts.
struct New {
    id: u64,
    seats: Option<Seats>,
}

/// New sets from the prior.
fn begun<H: Traces>(crew: &mut Crew<'_, H>, new: &[New], traces: usize) -> Result<Vec<Set<H::Trace>>, Error> {
    let here = |set: &New, i| set.seats.as_ref().is_none_or(|seats| seats.is_here(i));
    let own = new.iter().flat_map(|set| (0..traces).filter(move |i| here(set, *i)).map(|i| Call::new(set.id, i, ())));
    let mut calls: Vec<Call<(), H::Trace>> = own.collect();
    crew.call(&mut calls, 0, ParticlePurpose::Work, "create", Ends::Early, |host, (), task| host.create(task))?;
    let mut made = calls.into_iter().filter_map(|call| call.outcome?.ok());
    let set = |New { id, seats }: &New| match seats {
        None => Set::new(*id, made.by_ref().take(traces).collect(), crew.genealogy),
        Some(seats) => {
            let own = (0..traces).filter(|i| seats.is_here(*i)).count();
            let own: Vec<_> = made.by_ref().take(own).map(Some).collect();
            Set::elsewhere(*id, traces, crew.genealogy).in_parts(seats.clone(), own)
        }
    };
    Ok(new.iter().map(set).collect())
}
