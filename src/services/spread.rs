//! A run that is spread over ranks: whose chains are whose, what all ranks must be told the same, what they tell each other.

use super::OPTIONS;
use super::control::Control;
use super::options::OptionSet;
use super::report::{ChainReport, End, Outcome};
use super::run::Run;
use crate::drive::{Council, Flags, Next, Standing, share};
use crate::error::{Code, Error};
use crate::io::Writer;
use crate::model::{Communicator, Density};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What ranks tell each other with each pulse.
const STOP: Flags = 1;
const CANCELLED: Flags = 1 << 1;
const EXPIRED: Flags = 1 << 2;
const ADJOURNED: Flags = 1 << 3;

/// Options in which ranks may differ: draws don't depend on them.
const OWN: [&str; 5] = ["num_threads", "refresh", "batch_size", "batch_wait", "max_seconds"];

/// The chains, of so many, that are this process's: all where there is no communicator.
pub fn own(communicator: Option<&dyn Communicator>, num_chains: usize) -> Range<usize> {
    communicator.map_or(0..num_chains, |c| share(num_chains, c.rank(), c.size()))
}

/// For services that run in one process.
pub fn refuse(communicator: Option<&dyn Communicator>, what: &str) -> Result<(), Error> {
    match communicator {
        None => Ok(()),
        Some(_) => Err(Error::argument("io.communicator", format!("none, for {what} runs in one process"), "one")),
    }
}

/// What must be the same on all ranks, each with its name.
pub type Terms = Vec<(String, String)>;

/// The terms of a run over a model of so many coordinates, moved by an engine of this name.
pub fn terms(set: &OptionSet, engine: &str, dim: usize) -> Terms {
    let rows = OPTIONS.iter().filter(|row| !OWN.contains(&row.name));
    let given = rows.map(|row| (row.name.to_string(), format!("{:?}", row.get(set))));
    let others = [("engine".into(), engine.into()), ("model (dimension)".into(), dim.to_string())];
    given.chain(others).collect()
}

/// `made`, if all ranks have made theirs and on the same terms. A rank that could not make its own says why to all, so that
/// nobody waits for it.
///
/// # Errors
/// Of this rank, of another, terms that differ, or a rank that does not answer.
pub fn agree<T>(communicator: Option<&dyn Communicator>, made: Result<T, Error>, terms: &Terms) -> Result<T, Error> {
    let Some(communicator) = communicator else { return made };
    let mine: Result<&Terms, &Error> = made.as_ref().map(|_| terms);
    let told = Council::new(communicator).gather(&bytes(&mine));
    let made = made?;
    let told: Vec<Result<Terms, Error>> = told?.iter().map(|bytes| read(bytes)).collect::<Result<_, _>>()?;
    let mut all = Vec::with_capacity(told.len());
    for (rank, told) in told.into_iter().enumerate() {
        all.push(told.map_err(|error| error.within(&format!("on rank {rank}")))?);
    }
    same(&all).map(|()| made)
}

/// Whether the terms of all ranks are the same.
///
/// # Errors
/// They differ: in what, and on which rank.
pub fn same(all: &[Terms]) -> Result<(), Error> {
    for (rank, theirs) in all.iter().enumerate().skip(1) {
        if let Some((first, other)) = all[0].iter().zip(theirs).find(|(first, other)| first != other) {
            let expected = format!("the same on all ranks, as {} on rank 0", first.1);
            return Err(Error::argument(&first.0, expected, format!("{} on rank {rank}", other.1)));
        }
    }
    Ok(())
}

/// The sample writers of chains of other ranks.
#[derive(Default)]
pub struct Others<'a> {
    /// Each with its place in the run.
    pub writers: Vec<(usize, &'a mut dyn Writer)>,
    /// Of the columns.
    pub names: Vec<String>,
}

impl Others<'_> {
    /// Gives the writers that hold rows in memory those of their chains, where any rank has such a writer. `held` are the rows of this
    /// rank's chains. A writer that fails fails its chain's report in `all`.
    pub fn take(&mut self, council: &Council<'_>, held: Vec<Option<Vec<f64>>>, all: &mut [ChainReport]) {
        let wants = self.writers.iter().any(|(_, writer)| writer.held().is_some());
        let Ok(wanted) = council.gather(&[u8::from(wants)]) else { return };
        if wanted.iter().all(|wants| *wants == [0]) {
            return;
        }
        let Ok(rows) = council.gather(&bytes(&held)) else { return };
        let rows: Vec<Option<Vec<f64>>> = rows.iter().flat_map(|b| read::<Vec<_>>(b).unwrap_or_default()).collect();
        let width = self.names.len().max(1);
        for (place, writer) in &mut self.writers {
            let (Some(has), Some(Some(rows))) = (writer.held(), rows.get(*place)) else { continue };
            // A chain that goes on: what came before is there already.
            let mut lines = rows.chunks_exact(width).skip(has.len() / width);
            let greeted = if has.is_empty() { writer.names(&self.names) } else { Ok(()) };
            let written = greeted.and_then(|()| lines.try_for_each(|line| writer.row(line)));
            if let Err(error) = written.and_then(|()| writer.finish()) {
                all[*place].outcome = Outcome::Failed(error.in_chain(all[*place].chain_id));
            }
        }
    }
}

/// Whether `here` is true on any rank.
///
/// # Errors
/// A rank is lost.
pub fn anywhere(communicator: Option<&dyn Communicator>, here: bool) -> Result<bool, Error> {
    let Some(communicator) = communicator else { return Ok(here) };
    Ok(Council::new(communicator).gather(&[u8::from(here)])?.iter().any(|there| *there != [0]))
}

/// Tells the other ranks, which are about to agree on a run, why this one makes none.
pub fn withdraw(communicator: &dyn Communicator, error: &Error) {
    // Its own error is what the caller hands on.
    let _ = agree::<()>(Some(communicator), Err(error.clone()), &Terms::new());
}

/// Plain data as bytes for [`read`] on another rank.
pub fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("plain data always serialises")
}

/// What another rank has made by [`bytes`].
///
/// # Errors
/// It is another version.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    postcard::from_bytes(bytes).map_err(|e| {
        let words = format!("what another rank sent cannot be read ({e}); all must run the same version of Catena");
        Error::new(Code::Communicator, words)
    })
}

impl<D: Density> Run<'_, D> {
    /// One pulse: what is next for this process.
    pub fn convene(&self, council: &Council<'_>, standing: Standing) -> Next {
        let was_lost = council.lost().is_some();
        match council.tell(standing, self.flags()) {
            Ok((next, flags)) => {
                self.heed(flags);
                // Those who wait are let go first, to stop.
                if flags & STOP > 0 && next != Next::End { Next::GoOn } else { next }
            }
            Err(error) => {
                if !was_lost {
                    self.failed(&error);
                }
                // The chains of this process alone; a meeting tells its members what became of it.
                match standing {
                    Standing::Working => Next::GoOn,
                    Standing::Waiting(number) => Next::Hold(number),
                    Standing::Over => Next::End,
                }
            }
        }
    }

    /// The places that tell and heed flags.
    fn places(&self) -> [(&AtomicBool, Flags); 4] {
        let Control { stop, cancelled, expired, .. } = &*self.control;
        [(stop, STOP), (cancelled, CANCELLED), (expired, EXPIRED), (&self.adjourned, ADJOURNED)]
    }

    fn flags(&self) -> Flags {
        self.places().iter().map(|(place, flag)| if place.load(Relaxed) { *flag } else { 0 }).sum()
    }

    fn heed(&self, flags: Flags) {
        self.places().iter().filter(|(_, flag)| flags & flag > 0).for_each(|(place, _)| place.store(true, Relaxed));
    }

    /// The reports of all chains of the run, from those of this process. Checkpoints stay with whoever has made them.
    pub fn gather(&self, council: &Council<'_>, mut own: Vec<ChainReport>) -> Vec<ChainReport> {
        let checkpoints: Vec<_> = own.iter_mut().map(|report| report.checkpoint.take()).collect();
        let read = |all: Vec<Vec<u8>>| all.iter().map(|bytes| read::<Vec<ChainReport>>(bytes)).collect();
        let told: Result<Vec<Vec<ChainReport>>, Error> = council.gather(&bytes(&own)).and_then(read);
        let mut all = match told {
            Ok(all) => all.into_iter().flatten().collect(),
            Err(error) => self.without_others(own, &error),
        };
        all[self.own.clone()]
            .iter_mut()
            .zip(checkpoints)
            .for_each(|(report, checkpoint)| report.checkpoint = checkpoint);
        (0..all.len()).filter(|place| !self.own.contains(place)).for_each(|place| self.control.end(place));
        all
    }

    /// The chains of other ranks, of which nothing can be known any more, beside those of this one.
    fn without_others(&self, own: Vec<ChainReport>, error: &Error) -> Vec<ChainReport> {
        let mut own = own.into_iter();
        let report = |place: usize| match self.own.contains(&place) {
            true => own.next().expect("one for each of its places"),
            false => {
                let (chain_id, times) = (self.id(place), Default::default());
                let outcome = Outcome::Failed(self.placed(error.clone(), place));
                ChainReport::of(End { chain_id, outcome, times, checkpoint: None })
            }
        };
        (0..self.options.num_chains).map(report).collect()
    }
}
