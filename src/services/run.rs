//! What all seats of a run share.

use super::control::Control;
use super::{FailurePolicy, SampleOptions};
use crate::drive::{Council, Evaluations, Pool, Workers, default_threads};
use crate::error::Error;
use crate::io::{Keeper, Level, Logger};
use crate::model::{Communicator, Density, Threading};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// From this many coordinates on the sampler's arithmetic between two evaluations takes longer than handing it to
/// another thread (about a microsecond), so that it pays when the evaluations must stay on one thread.
const HAND_OVER_DIM: usize = 1024;

/// See the module's words.
pub struct Run<'a, D: Density> {
    pub density: &'a D,
    pub options: SampleOptions,
    pub logger: &'a dyn Logger,
    pub keeper: Option<&'a dyn Keeper>,
    pub control: Arc<Control>,
    pub pool: Arc<Pool>,
    pub workers: Workers<'a, D>,
    pub evaluations: Evaluations,
    /// A machine was stopped, to go on later, before a meeting that the others may still come to. Held without it the
    /// meeting would not be that of an undisturbed run, so they stop there too.
    pub adjourned: AtomicBool,
    /// The places, among all of the run, whose machines are this process's.
    pub own: Range<usize>,
    /// The processes that have the others.
    pub council: Option<Council<'a>>,
    /// Their machines meet with these.
    pub meets_abroad: bool,
    /// How many machines in a row are the blocks of one set of particles, whose id they share; 0: they are chains.
    blocks: usize,
}

impl<'a, D: Density> Run<'a, D> {
    /// A run of `options.num_chains` machines on `pool`, or on a pool of its own, with rows of `row_length` numbers.
    pub fn new(
        density: &'a D,
        options: &SampleOptions,
        logger: &'a dyn Logger,
        pool: Option<Arc<Pool>>,
        row_length: usize,
    ) -> Result<Self, Error> {
        let threading = density.threading();
        if options.batch_size > 0 && !density.has_batch() {
            let expected = "0, for the model has no function for batches";
            return Err(Error::argument("batch_size", expected, options.batch_size));
        }
        let hand_over = density.dim() >= HAND_OVER_DIM && options.num_chains > 1;
        let evaluations = match threading {
            _ if options.batch_size > 0 => Evaluations::Gathered,
            Threading::Caller if hand_over => Evaluations::HandedOver,
            _ => Evaluations::Inline,
        };
        Ok(Self {
            density,
            options: options.clone(),
            logger,
            keeper: None,
            control: Arc::new(Control::new(options.num_chains)),
            pool: choose_pool(pool, threading, options, logger)?,
            workers: Workers::new(density, row_length),
            evaluations,
            adjourned: AtomicBool::new(false),
            own: 0..options.num_chains,
            council: None,
            meets_abroad: true,
            blocks: 0,
        })
    }

    /// The same run, whose machines `keeper` keeps.
    pub fn kept_by(self, keeper: Option<&'a dyn Keeper>) -> Self {
        Self { keeper, ..self }
    }

    /// The same run, spread over the processes of `communicator`: the machines at the places `own` are here.
    pub fn spread_over(self, communicator: Option<&'a dyn Communicator>, own: Range<usize>) -> Self {
        Self { own, council: communicator.map(Council::new), ..self }
    }

    /// The same run, whose machines meet with others of their own process alone.
    pub fn meeting_at_home(self) -> Self {
        Self { meets_abroad: false, ..self }
    }

    /// The same run with machines that are sets of particles, `blocks` of them each.
    pub fn of_sets(self, blocks: usize) -> Self {
        Self { blocks, ..self }
    }

    /// Id of the machine at `place`.
    pub fn id(&self, place: usize) -> u64 {
        self.options.init_chain_id + (place / self.blocks.max(1)) as u64
    }

    /// The error, said to belong to the chain or set of the machine at `place`.
    pub fn placed(&self, error: Error, place: usize) -> Error {
        let id = self.id(place);
        if self.blocks > 0 { error.in_set(id) } else { error.in_chain(id) }
    }

    /// Tells everybody of a failure, and to stop where the user wants that.
    pub fn failed(&self, error: &Error) {
        crate::io::log_lines(self.logger, Level::Error, error.chain(), &error.to_string());
        if self.options.on_failure == FailurePolicy::StopRun {
            self.control.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// The pool given, or one of the run's own; one thread where the model wants no more.
fn choose_pool(
    given: Option<Arc<Pool>>,
    threading: Threading,
    options: &SampleOptions,
    logger: &dyn Logger,
) -> Result<Arc<Pool>, Error> {
    match (given, threading) {
        (Some(pool), Threading::One) if pool.threads() > 1 => Err(Error::argument(
            "pool",
            "a pool of one thread, for the model may be called from one thread at a time",
            format_args!("one of {} threads", pool.threads()),
        )),
        (Some(pool), _) => pool.check().map(|()| pool),
        (None, Threading::One) => {
            let asked = if options.num_threads == 0 { default_threads() } else { options.num_threads };
            if asked > 1 {
                let line = format!("the model may be called from one thread only: the run uses 1 thread, not {asked}");
                logger.log(Level::Warning, None, &line);
            }
            Ok(Arc::new(Pool::new(1)?))
        }
        (None, _) => Ok(Arc::new(Pool::new(options.num_threads)?)),
    }
}
