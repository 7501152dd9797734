//! Sets in parts over ranks: what each rank has made of its traces goes to all, and traces go where they have their place.
//!
//! All ranks know what all traces weigh, who goes on and where, so that each decides alone, and alike.

use super::crew::{Call, Crew, Ends};
use crate::error::{Code, Error};
use crate::model::{Refusal, Task, Traces};
use crate::particles::{Seats, Set};
use crate::random::ParticlePurpose;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{HashMap, HashSet};

/// Where the traces of a set's next generation have their places, and whence they come.
pub(super) struct Moving<'a> {
    /// Id of the set.
    pub set: u64,
    pub from: &'a Seats,
    pub to: &'a Seats,
    /// Of each trace, the number of that which is sent where this one's place is not where that one is.
    pub parents: &'a [u32],
}

/// A trace that is sent: of which of the sets that move, its number there.
pub(super) type Sent = (usize, u32);

/// Traces that have come from other ranks.
pub(super) type Guests<T> = HashMap<Sent, T>;

/// A call that writes a trace that is sent.
type Writing<'a, T> = Call<(Sent, &'a T), Vec<u8>>;

/// What goes to each rank, or comes from it.
type Route = Vec<Vec<Sent>>;

/// What was made for each trace that is here (`None`: for none that was lost), from what was made in calls, in their order.
pub(super) fn by_place<T, R>(sets: &[Set<T>], made: impl IntoIterator<Item = (u64, usize, R)>) -> Vec<Option<R>> {
    let mut made = made.into_iter().peekable();
    let mut of = |id, i| made.next_if(|(set, index, _)| (*set, *index) == (id, i)).map(|(.., value)| value);
    let here = sets.iter().flat_map(|set| (0..set.len()).filter(|i| set.is_here(*i)).map(|i| (set.id(), i)));
    here.map(|(id, i)| of(id, i)).collect()
}

impl<H: Traces> Crew<'_, H> {
    /// What was made for each trace, set by set, from what this rank has `made` for those that are here.
    pub fn assemble<R: Serialize + DeserializeOwned>(
        &self,
        sets: &[Set<H::Trace>],
        made: Result<Vec<R>, Error>,
    ) -> Result<Vec<R>, Error> {
        if !self.parts {
            return self.agree(made);
        }
        let mut all: Vec<_> = self.meet(made)?.into_iter().map(Vec::into_iter).collect();
        let ranks = sets.iter().flat_map(|set| set.seats().map(|seats| (0..set.len()).map(|i| seats.rank(i))));
        let next =
            |rank: usize| all[rank].next().ok_or_else(|| Error::new(Code::Communicator, "a rank has told too little"));
        ranks.flatten().map(next).collect()
    }

    /// `made`, when all ranks have made theirs of sets in parts; of whole ones each has nothing more to ask.
    pub fn agree_on_parts<T>(&self, made: Result<T, Error>) -> Result<T, Error> {
        if self.parts { self.agree(made) } else { made }
    }

    /// Has traces sent where their places are, each to a rank once, and gives those that have come. `look` finds a trace that is here.
    pub fn fetch<'t>(
        &mut self,
        moving: &[Moving<'_>],
        look: impl Fn(Sent) -> &'t H::Trace,
        generation: u64,
    ) -> Result<Guests<H::Trace>, Error>
    where
        H::Trace: 't,
    {
        let Some(ranks) = self.ranks else { return Ok(Guests::new()) };
        let Some((to, from)) = routes(moving, ranks.rank(), ranks.size()) else { return Ok(Guests::new()) };
        let mut known = HashSet::new();
        let leaving = to.iter().flatten().copied().filter(|sent| known.insert(*sent));
        let mut calls: Vec<Writing<'_, H::Trace>> =
            leaving.map(|sent| Call::new(moving[sent.0].set, sent.1 as usize, (sent, look(sent)))).collect();
        let write = |host: &H, (_, trace): &mut (Sent, &H::Trace), task: &mut Task<'_>| {
            let mut bytes = Vec::new();
            host.serialize(trace, task, &mut bytes).map(|()| bytes)
        };
        let called = self.call(&mut calls, generation, ParticlePurpose::Copy, "serialize", Ends::Early, write);
        self.agree(called)?;
        let written = calls.into_iter().filter_map(|call| Some((call.with.0, call.outcome?.ok()?)));
        let written: HashMap<Sent, Vec<u8>> = written.collect();
        let letters: Vec<Vec<u8>> = to.iter().map(|to| letter(to.iter().map(|sent| &written[sent][..]))).collect();
        let letters = ranks.swap(&letters)?;
        let mut calls = Vec::new();
        for (from, letter) in from.iter().zip(&letters) {
            let mut letter = &letter[..];
            for &(place, number) in from {
                let bytes = open(&mut letter);
                calls.push(Call::new(moving[place].set, number as usize, ((place, number), bytes)));
            }
        }
        let read = |host: &H, (_, bytes): &mut (Sent, Option<&[u8]>), task: &mut Task<'_>| match bytes {
            Some(bytes) => host.deserialize(bytes, task),
            None => {
                task.add_message("its bytes have not come");
                Err(Refusal::Stop)
            }
        };
        self.call(&mut calls, generation, ParticlePurpose::Copy, "deserialize", Ends::Early, read)?;
        Ok(calls.into_iter().filter_map(|call| Some((call.with.0, call.outcome?.ok()?))).collect())
    }
}

/// What this rank sends to each other one, and what it gets of each, in the same order on both; `None` where nothing moves anywhere.
fn routes(moving: &[Moving<'_>], here: usize, ranks: usize) -> Option<(Route, Route)> {
    let (mut to, mut from) = (vec![Vec::new(); ranks], vec![Vec::new(); ranks]);
    let mut known = HashSet::new();
    let mut any = false;
    for (place, set) in moving.iter().enumerate() {
        for (i, &parent) in set.parents.iter().enumerate() {
            let (origin, target) = (set.from.rank(parent as usize), set.to.rank(i));
            any |= origin != target;
            let mine = origin != target && (origin == here || target == here);
            if mine && known.insert((place, parent, target)) {
                let route = if origin == here { &mut to[target] } else { &mut from[origin] };
                route.push((place, parent));
            }
        }
    }
    any.then_some((to, from))
}

/// Traces as one message: of each how many bytes it has, and these.
fn letter<'a>(traces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for trace in traces {
        bytes.extend_from_slice(&(trace.len() as u64).to_le_bytes());
        bytes.extend_from_slice(trace);
    }
    bytes
}

/// The first trace of the rest of a message, which it is taken off.
fn open<'a>(letter: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u64::from_le_bytes(*letter.split_off(..size_of::<u64>())?.first_chunk()?);
    letter.split_off(..usize::try_from(length).ok()?)
}
