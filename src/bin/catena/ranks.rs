//! The processes that a run of the command is spread over.

use crate::failure::Failure;
use crate::settings::Settings;
use catena::drive::share;
use catena::ffi::communicator::EngineLibrary;
use catena::io::{NullWriter, Writer};
use catena::model::Communicator;
use std::cell::Cell;
use std::io::Write;
use std::ops::Range;
use std::time::Duration;

pub const COMMUNICATOR: &str = "communicator";
pub const TIME_OUT: &str = "rank_timeout";
const SEED: &str = "random seed";

/// This process among those of the run; alone where no communicator is given.
pub struct Ranks {
    engine: Option<EngineLibrary>,
    /// All ranks know how this one fares: a failure before that is told by ending them.
    agreed: Cell<bool>,
}

impl Ranks {
    /// Starts the engine that is asked for.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let time_out = Duration::try_from_secs_f64(settings.real(TIME_OUT)).unwrap_or(Duration::MAX);
        let engine = match settings.text(COMMUNICATOR) {
            "" if settings.is_given(TIME_OUT) => {
                return Err(Failure::usage(format!(
                    "argument '{TIME_OUT}': expected a '{COMMUNICATOR}' as well, got none"
                )));
            }
            "" => None,
            name => Some(EngineLibrary::open(name, time_out)?),
        };
        Ok(Self { engine, agreed: Cell::new(false) })
    }

    pub fn communicator(&self) -> Option<&dyn Communicator> {
        self.engine.as_ref().map(EngineLibrary::communicator)
    }

    /// The places of this process's chains among `total`.
    pub fn own(&self, total: usize) -> Range<usize> {
        self.communicator().map_or(0..total, |c| share(total, c.rank(), c.size()))
    }

    /// Whether this is the process that speaks for all.
    pub fn is_first(&self) -> bool {
        self.communicator().is_none_or(|c| c.rank() == 0)
    }

    /// Gives all ranks the seed that the first one has.
    pub fn share_seed(&self, settings: &mut Settings) -> Result<(), Failure> {
        let Some(communicator) = self.communicator() else { return Ok(()) };
        let mut seed = settings.whole(SEED).to_le_bytes();
        communicator
            .broadcast(0, &mut seed)
            .map_err(|e| Failure::software(format!("the seed cannot be shared: {e}")))?;
        settings.set(SEED, i64::from_le_bytes(seed).to_string());
        Ok(())
    }

    /// From here on whatever happens is told to all ranks by the run itself.
    pub fn agree(&self) {
        self.agreed.set(true);
    }

    /// Waits until all ranks have closed their files.
    pub fn wait(&self) -> Result<(), Failure> {
        let waited = self.communicator().map_or(Ok(()), Communicator::barrier);
        waited.map_err(|e| Failure::software(format!("not all files are written: {e}")))
    }

    /// How it all ended. A rank of which the others know nothing ends them, with its words.
    pub fn end(self, done: Result<(), Failure>) -> Result<(), Failure> {
        if let (Err(failure), Some(communicator), false) = (&done, self.communicator(), self.agreed.get()) {
            if failure.has_words() {
                let _ = writeln!(std::io::stderr(), "error: rank {}: {failure}", communicator.rank());
            }
            communicator.abort(i32::from(failure.exit));
        }
        done
    }
}

/// One writer per chain of the run: `files` for those at the places `own`, none for others.
pub fn among<'a, W: Writer>(
    own: &Range<usize>,
    total: usize,
    files: &'a mut [W],
    none: &'a mut [NullWriter],
) -> Vec<&'a mut dyn Writer> {
    let (mut files, mut none) = (files.iter_mut(), none.iter_mut());
    let writer = |place| match own.contains(&place) {
        true => files.next().map(|w| w as &mut dyn Writer),
        false => none.next().map(|w| w as &mut dyn Writer),
    };
    (0..total).filter_map(writer).collect()
}
