//! A population over ranks: which sets or traces are whose, calls that all make alike, what they tell each other.
//!
//! Of whole sets traces stay with the rank that made them; those of sets in parts (`parts`) are where their places are. What weights are, and who descends from whom, all ranks know of all sets, so that whoever
//! looks at a population asks nobody.

use super::crew::{Crew, Watch};
use super::{Population, PopulationSpread};
use crate::drive::{Council, Shared};
use crate::error::Error;
use crate::model::{Communicator, Traces};
use crate::particles::{Genealogy, News, Seats, Set};
use crate::random::ParticleStreams;
use crate::services::spread::{Terms, bytes, same};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a rank tells the others after a step.
#[derive(Serialize, Deserialize)]
pub(super) struct Bulletin {
    copies: u64,
    /// Of its sets that were changed, by id, in their order.
    sets: Vec<(u64, News)>,
}

impl<H: Traces> Crew<'_, H> {
    /// `made`, when all ranks have made theirs: the last that may fail before anything is changed.
    pub fn agree<T>(&self, made: Result<T, Error>) -> Result<T, Error> {
        let Some(ranks) = self.ranks else { return made };
        ranks.meet(made.as_ref().map(|_| ()).map_err(Error::clone))?;
        made
    }

    /// What each rank has made, in their order.
    pub fn meet<T: Serialize + DeserializeOwned>(&self, made: Result<T, Error>) -> Result<Vec<T>, Error> {
        match self.ranks {
            Some(ranks) => ranks.meet(made),
            None => made.map(|made| vec![made]),
        }
    }

    /// What `change` does, and what became of the sets by it (of that with id `of`, where it changes no other), told by each rank.
    pub fn tell<R>(
        &mut self,
        sets: &mut [Set<H::Trace>],
        of: Option<u64>,
        change: impl FnOnce(&mut Self, &mut [Set<H::Trace>]) -> Result<R, Error>,
    ) -> Result<(R, Vec<Bulletin>), Error> {
        // What becomes of sets in parts is told while it becomes.
        if self.ranks.is_none() || self.parts {
            let changed = change(self, sets)?;
            return Ok((changed, vec![Bulletin { copies: self.copies, sets: Vec::new() }]));
        }
        let generations = |set: &Set<_>| set.genealogy().map_or(0, Genealogy::generations);
        let known: Vec<usize> = sets.iter().map(generations).collect();
        let changed = change(self, sets)?;
        let those = sets.iter().zip(known).filter(|(set, _)| of.is_none_or(|of| of == set.id()));
        let sets = those.map(|(set, known)| (set.id(), set.news(known))).collect();
        let bulletins = self.meet(Ok(Bulletin { copies: self.copies, sets }))?;
        Ok((changed, bulletins))
    }
}

fn checksum(value: &impl Serialize) -> String {
    format!("checksum {:08x}", crc32fast::hash(&bytes(value)))
}

/// Gives each of the sets that is elsewhere the news that its rank has told, and returns how many copies all have made.
/// `owners` are the sets' ranks.
pub(super) fn heed<T>(sets: &mut [Set<T>], owners: &[usize], here: usize, bulletins: Vec<Bulletin>) -> u64 {
    let copies = bulletins.iter().map(|bulletin| bulletin.copies).sum();
    let mut news: Vec<_> = bulletins.into_iter().map(|bulletin| bulletin.sets.into_iter().peekable()).collect();
    for (set, &owner) in sets.iter_mut().zip(owners) {
        // Where no other rank has told anything, there is nothing to be heeded.
        match news.get_mut(owner).and_then(|news| news.next_if(|(id, _)| *id == set.id())) {
            Some((_, news)) if owner != here => set.heed(news),
            _ => {}
        }
    }
    copies
}

impl<H: Traces> Population<H> {
    /// This process's rank.
    pub(super) fn rank(&self) -> usize {
        self.io.communicator.as_ref().map_or(0, |communicator| communicator.rank())
    }

    /// Whether each rank has a part of every set.
    pub(super) fn in_parts(&self) -> bool {
        self.io.spread == PopulationSpread::Traces && self.io.communicator.is_some()
    }

    /// Where the traces of a new set of `count` are, where it is in parts. Larger parts are not on the same rank for all sets.
    pub(super) fn parts(&self, set: u64, count: usize) -> Option<Seats> {
        let communicator = self.io.communicator.as_ref().filter(|_| self.in_parts())?;
        let (rank, size) = (communicator.rank(), communicator.size());
        Some(Seats::even(count, rank, size, ((set - 1) % size as u64) as usize))
    }

    /// The rank that has a trace of the set at `place`.
    pub(super) fn owner(&self, place: usize, trace: usize) -> usize {
        self.sets[place].seats().map_or(self.owners[place], |seats| seats.rank(trace))
    }

    /// Ranks of `count` sets beside those with these `owners`: each goes where fewest are, to the first of such ranks.
    pub(super) fn seats(&self, owners: &[usize], count: usize) -> Vec<usize> {
        let mut sets = vec![0usize; self.io.communicator.as_ref().map_or(1, |communicator| communicator.size())];
        owners.iter().for_each(|&owner| sets[owner] += 1);
        let mut next = || {
            let (rank, sets) = sets.iter_mut().enumerate().min_by_key(|(_, sets)| **sets).expect("at least one rank");
            *sets += 1;
            rank
        };
        (0..count).map(|_| next()).collect()
    }

    /// `made`, or the error of this rank's arguments, told to the others, which are about to make the same call.
    pub(crate) fn told<T>(&mut self, made: Result<T, Error>) -> Result<T, Error> {
        let (Err(error), Some(communicator)) = (&made, &self.io.communicator) else { return made };
        let ranks = Shared::new(Council::since(communicator.as_ref(), self.lost.clone()));
        let error = ranks.settle::<T>(Err(error.clone()));
        self.lost = ranks.lost();
        error
    }

    /// Has `act` work on the sets that are here (all, where there are no other ranks), once all ranks have come to the same call
    /// with the same arguments. What can fail on one rank only, `act` has agreed on.
    pub(super) fn together<R>(
        &mut self,
        call: &str,
        arguments: &impl Serialize,
        act: impl FnOnce(&mut Crew<'_, H>, &mut [Set<H::Trace>]) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let terms = self.io.communicator.is_some().then(|| self.terms(call, arguments));
        let parts = self.in_parts();
        let Self { host, pool, io, options, sets, owners, lost, .. } = self;
        let communicator = io.communicator.as_deref().map(|communicator| communicator as &dyn Communicator);
        let ranks = communicator.map(|communicator| Shared::new(Council::since(communicator, lost.clone())));
        let watch = Watch {
            logger: io.logger.as_ref(),
            interrupt: io.interrupt.as_ref(),
            progress: io.progress.as_deref_mut(),
        };
        let streams = ParticleStreams::new(options.seed);
        let (on_failure, genealogy) = (options.on_failure, options.genealogy);
        let mut crew =
            Crew { host, pool, streams, on_failure, genealogy, watch, copies: 0, ranks: ranks.as_ref(), parts };
        let (Some(ranks), Some(terms)) = (&ranks, terms) else { return act(&mut crew, sets) };
        let begun = ranks.meet(crew.watch.begin().map(|()| terms)).and_then(|all| same(&all));
        let done = begun.and_then(|()| {
            let here = |place: &usize| parts || owners[*place] == ranks.rank();
            let mut places = 0..owners.len();
            let (mut own, others): (Vec<_>, Vec<_>) =
                std::mem::take(sets).into_iter().partition(|_| places.next().as_ref().is_some_and(here));
            let done = act(&mut crew, &mut own);
            let (mut own, mut others) = (own.into_iter(), others.into_iter());
            let next = |place| if here(&place) { own.next() } else { others.next() };
            *sets = (0..owners.len()).filter_map(next).collect();
            done
        });
        let done = done.or_else(|error| ranks.settle(Err(error)));
        *lost = ranks.lost();
        done
    }

    /// What must be the same on all ranks before a call.
    fn terms(&self, call: &str, arguments: &impl Serialize) -> Terms {
        let options = &self.options;
        [
            ("call", call.to_string()),
            ("arguments", checksum(arguments)),
            ("seed", options.seed.to_string()),
            ("init_set_id", options.init_set_id.to_string()),
            ("on_trace_failure", format!("{:?}", options.on_failure)),
            ("genealogy", options.genealogy.to_string()),
            ("spread", format!("{:?}", self.io.spread)),
            ("sets", format!("{} ({})", self.sets.len(), checksum(&self.set_ids()))),
            ("steps before", self.history.len().to_string()),
            ("samplings before", self.samplings.to_string()),
        ]
        .map(|(name, value)| (name.to_string(), value))
        .to_vec()
    }
}
