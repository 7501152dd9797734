//! The whole population as bytes.

use super::crew::{Call, Ends, looks_at};
use super::parts::by_place;
use super::{Population, PopulationIo, PopulationOptions, TraceFailure};
use crate::drive::{Pool, Shared};
use crate::error::{Code, Error};
use crate::model::{Task, Traces, open, seal};
use crate::particles::{Genealogy, History, Set};
use crate::random::ParticlePurpose;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// So that no other checkpoint is taken for a population's.
const KIND: &str = "population";

#[derive(Serialize, Deserialize)]
struct Saved {
    kind: String,
    seed: u64,
    init_set_id: u64,
    lose: bool,
    genealogy: bool,
    next_id: u64,
    founders: usize,
    samplings: u64,
    copies: u64,
    history: History,
    sets: Vec<SavedSet>,
}

#[derive(Serialize, Deserialize)]
struct SavedSet {
    id: u64,
    log_base: f64,
    log_weights: Vec<f64>,
    genealogy: Option<Genealogy>,
    traces: Vec<Option<Vec<u8>>>,
}

impl<H: Traces> Population<H> {
    /// The population as bytes: sets, weights, history and where its streams are. What is done after
    /// [`Population::load`] has the bits of what would have been done without.
    pub fn save(&mut self) -> Result<Vec<u8>, Error> {
        let fits = match self.host.can_serialize() {
            true => Ok(()),
            false => {
                Err(Error::new(Code::InvalidArgument, "the population can't be saved: its traces can't be written"))
            }
        };
        self.told(fits)?;
        let generation = self.history.len();
        let written = self.together("save", &(), |crew, sets| {
            let mut calls = looks_at::<_, Vec<u8>>(sets);
            let write = |host: &H, trace: &mut &H::Trace, task: &mut Task<'_>| {
                let mut bytes = Vec::new();
                host.serialize(trace, task, &mut bytes).map(|()| bytes)
            };
            let called = crew.call(&mut calls, generation, ParticlePurpose::Copy, "serialize", Ends::Early, write);
            let outcome = |call: Call<_, Vec<u8>>| Some((call.set, call.index, call.outcome?.ok()?));
            let written = called.map(|()| by_place(sets, calls.into_iter().filter_map(outcome)));
            crew.meet(written)
        })?;
        let mut written: Vec<_> = written.into_iter().map(Vec::into_iter).collect();
        let sets = self.sets.iter().enumerate().map(|(place, set)| SavedSet {
            id: set.id(),
            log_base: set.log_base(),
            log_weights: set.log_weights().to_vec(),
            genealogy: set.genealogy().cloned(),
            traces: (0..set.len()).map(|i| written[self.owner(place, i)].next().flatten()).collect(),
        });
        Ok(seal(&Saved {
            kind: KIND.into(),
            seed: self.options.seed,
            init_set_id: self.options.init_set_id,
            lose: self.options.on_failure == TraceFailure::Lose,
            genealogy: self.options.genealogy,
            next_id: self.next_id,
            founders: self.founders,
            samplings: self.samplings,
            copies: self.copies,
            history: self.history.clone(),
            sets: sets.collect(),
        }))
    }

    /// The population of bytes that [`Population::save`] gave, with the host's traces read back.
    pub fn load(host: H, bytes: &[u8], io: PopulationIo, pool: Arc<Pool>) -> Result<Self, Error> {
        let saved = Self::read(&host, bytes);
        let mut saved =
            saved.inspect_err(|error| io.communicator.iter().for_each(|c| Shared::withdraw(c.as_ref(), error)))?;
        let generation = saved.history.len();
        let mut population = Self {
            host,
            pool,
            io,
            options: PopulationOptions {
                seed: saved.seed,
                init_set_id: saved.init_set_id,
                on_failure: if saved.lose { TraceFailure::Lose } else { TraceFailure::Keep },
                genealogy: saved.genealogy,
            },
            sets: Vec::new(),
            owners: Vec::new(),
            lost: None,
            next_id: saved.next_id,
            founders: saved.founders,
            history: saved.history,
            samplings: saved.samplings,
            copies: saved.copies,
        };
        let owners = population.seats(&[], saved.sets.len());
        let (here, parts) = (population.rank(), population.in_parts());
        let seats: Vec<_> = saved.sets.iter().map(|set| population.parts(set.id, set.log_weights.len())).collect();
        let read = population.together("load", &crc32fast::hash(bytes), |crew, _| {
            let own = saved.sets.iter_mut().zip(&seats).zip(&owners).filter(|(_, owner)| parts || **owner == here);
            let bytes = own.flat_map(|((set, seats), _)| {
                let there = set.traces.iter_mut().enumerate();
                let there = there.filter(|(i, _)| seats.as_ref().is_none_or(|seats| seats.is_here(*i)));
                there.filter_map(|(i, bytes)| Some(Call::new(set.id, i, bytes.take()?)))
            });
            let mut calls: Vec<Call<Vec<u8>, H::Trace>> = bytes.collect();
            let read = |host: &H, bytes: &mut Vec<u8>, task: &mut Task<'_>| host.deserialize(bytes, task);
            let called = crew.call(&mut calls, generation, ParticlePurpose::Copy, "deserialize", Ends::Early, read);
            crew.agree(called.map(|()| calls))
        })?;
        let mut read = read.into_iter().peekable();
        for (set, seats) in saved.sets.into_iter().zip(seats) {
            let count = set.log_weights.len();
            let mut traces: Vec<Option<H::Trace>> = (0..count).map(|_| None).collect();
            while let Some(call) = read.next_if(|call| call.set == set.id) {
                traces[call.index] = call.outcome.and_then(Result::ok);
            }
            let mut restored = Set::restored(set.id, traces, set.log_weights, set.log_base, set.genealogy);
            restored.seat(seats);
            population.sets.push(restored);
        }
        population.owners = owners;
        Ok(population)
    }

    /// What the bytes hold.
    fn read(host: &H, bytes: &[u8]) -> Result<Saved, Error> {
        let foreign = |why: &str| Error::new(Code::Checkpoint, format!("expected a saved population: {why}"));
        let saved: Saved = open(bytes)?;
        if saved.kind != KIND {
            return Err(foreign("the bytes are those of something else"));
        }
        let whole = |set: &SavedSet| !set.traces.is_empty() && set.traces.len() == set.log_weights.len();
        if saved.sets.is_empty() || !saved.sets.iter().all(whole) || !saved.history.is_whole() {
            return Err(foreign("its parts don't fit each other"));
        }
        if !host.can_serialize() {
            return Err(Error::new(Code::InvalidArgument, "the population can't be loaded: its traces can't be read"));
        }
        Ok(saved)
    }
}
