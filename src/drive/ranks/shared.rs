//! Work that ranks share piece by piece, each with the whole state: what one has made all have.

use super::council::{Council, Flags, share};
use super::pulse::Pulse;
use crate::drive::meet::{Next, Standing};
use crate::error::{Code, Error};
use crate::model::Communicator;
use serde::{Serialize, de::DeserializeOwned};
use std::cell::{Cell, RefCell};
use std::ops::Range;

/// What ranks tell each other with each pulse: the work is to end.
const STOP: Flags = 1;

/// The ranks that share the work of one call. All make the same calls; whoever fails tells the others at the next exchange, where
/// all of them fail.
pub struct Shared<'a> {
    council: Council<'a>,
    pulse: RefCell<Pulse>,
    stops: Cell<bool>,
    /// All know that the call has failed.
    known: Cell<bool>,
}

impl<'a> Shared<'a> {
    /// The ranks of `council`.
    pub fn new(council: Council<'a>) -> Self {
        Self { council, pulse: RefCell::new(Pulse::new()), stops: Cell::new(false), known: Cell::new(false) }
    }

    /// Tells the other ranks, which are about to work together, why this one does not.
    pub fn withdraw(communicator: &dyn Communicator, error: &Error) {
        // Its own error is what the caller hands on.
        let _ = Shared::new(Council::new(communicator)).settle::<()>(Err(error.clone()));
    }

    /// This process's rank.
    pub fn rank(&self) -> usize {
        self.council.rank()
    }

    /// Number of ranks.
    pub fn size(&self) -> usize {
        self.council.size()
    }

    /// This rank's part of `count` units.
    pub fn own(&self, count: usize) -> Range<usize> {
        share(count, self.council.rank(), self.council.size())
    }

    /// Why no rank can be asked any more.
    pub fn lost(&self) -> Option<Error> {
        self.council.lost()
    }

    /// Tells the others now and then that this rank still works; returns whether the work is to end. `ask` is this rank's own
    /// interrupt.
    pub fn pulse(&self, ask: impl FnOnce() -> bool) -> bool {
        if ask() {
            self.stops.set(true);
        }
        let mut pulse = self.pulse.borrow_mut();
        if pulse.is_due(Standing::Working) {
            self.tell(Standing::Working).map_or_else(|_| self.stops.set(true), drop);
            pulse.told();
        }
        self.stops.get()
    }

    fn tell(&self, standing: Standing) -> Result<Next, Error> {
        let (next, flags) = self.council.tell(standing, if self.stops.get() { STOP } else { 0 })?;
        self.stops.set(self.stops.get() || flags & STOP > 0);
        Ok(next)
    }

    /// What all ranks have made, in their order, once all have come; all fail where one has, with its error, which names the rank.
    /// Whoever still works when another has failed is told to end at its next pulse.
    ///
    /// # Errors
    /// Of this rank, of another, or a rank that is lost.
    pub fn meet<T: Serialize + DeserializeOwned>(&self, made: Result<T, Error>) -> Result<Vec<T>, Error> {
        self.stops.set(self.stops.get() || made.is_err());
        let all = self.hear(&made).inspect_err(|_| self.known.set(true))?;
        let errors = || all.iter().enumerate().filter_map(|(rank, made)| Some((rank, made.as_ref().err()?)));
        // Others that were told to end because of it are not what went wrong.
        let first = errors().find(|(_, error)| error.code() != Code::Interrupted).or_else(|| errors().next());
        let Some((rank, error)) = first else { return Ok(all.into_iter().flatten().collect()) };
        self.known.set(true);
        let same = errors().filter(|(_, other)| *other == error).count() == all.len();
        Err(if same { error.clone() } else { error.clone().within(&format!("on rank {rank}")) })
    }

    fn hear<T: Serialize + DeserializeOwned>(&self, made: &Result<T, Error>) -> Result<Vec<Result<T, Error>>, Error> {
        while self.tell(Standing::Over)? != Next::End {}
        let bytes = postcard::to_stdvec(made).expect("plain data always serialises");
        let read = |bytes: &Vec<u8>| {
            postcard::from_bytes(bytes).map_err(|e| {
                let words =
                    format!("what another rank says cannot be read ({e}); all must run the same version of Catena");
                Error::new(Code::Communicator, words)
            })
        };
        self.council.gather(&bytes)?.iter().map(read).collect()
    }

    /// Sends `to[r]` to each rank r; returns what each has sent to this one. All come from a [`Shared::meet`].
    ///
    /// # Errors
    /// A rank is lost.
    pub fn swap(&self, to: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
        self.council.swap(to).inspect_err(|_| self.known.set(true))
    }

    /// See [`crate::particles::blocks::Blocks::exchange`].
    pub fn exchange(
        &self,
        count: usize,
        made: Result<Vec<f64>, Error>,
        mut take: impl FnMut(Range<usize>, &[f64]),
    ) -> Result<(), Error> {
        let lengths = self.meet(made.as_ref().map(|numbers| numbers.len() as u64).map_err(Error::clone))?;
        let mine = made.expect("all have made theirs");
        let lengths: Vec<usize> = lengths.into_iter().map(|n| n as usize).collect();
        let all = self.council.gather_numbers(&mine, &lengths).inspect_err(|_| self.known.set(true))?;
        let mut rest = &all[..];
        for (rank, length) in lengths.into_iter().enumerate() {
            let numbers = rest.split_off(..length).expect("as many as all together");
            take(share(count, rank, self.size()), numbers);
        }
        Ok(())
    }

    /// See [`crate::particles::blocks::Blocks::agree`].
    pub fn agree<T>(&self, made: Result<T, Error>, token: impl FnOnce(&T) -> u64) -> Result<T, Error> {
        let tokens = self.meet(made.as_ref().map(token).map_err(Error::clone))?;
        if let Some(rank) = tokens.iter().position(|token| *token != tokens[0]) {
            self.known.set(true);
            let expected = "the same data, options and models on all ranks, as on rank 0";
            return Err(Error::argument("communicator", expected, format!("others on rank {rank}")));
        }
        made
    }

    /// What a call comes to: a failure that the others don't know of yet is told.
    pub fn settle<T>(&self, made: Result<T, Error>) -> Result<T, Error> {
        match self.known.get() {
            true => made,
            false => self.agree(made, |_| 0),
        }
    }
}
