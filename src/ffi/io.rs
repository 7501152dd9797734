//! What a run reads and writes: the host's lists as a session borrows them.

use super::boundary::{Changing, Looking, Table, change, look, object, slice, table_with};
use super::checkpoint::catena_checkpoint;
use super::communicator::{HostCommunicator, catena_communicator};
use super::init::catena_init;
use super::model::{catena_model, model};
use super::options::catena_options;
use super::watch::{HostInterrupt, HostLogger, catena_interrupt, catena_logger};
use super::writer::catena_writer;
use crate::drive::Pool;
use crate::error::Error;
use crate::io::{NullWriter, Writer};
use crate::model::{Communicator, NoInit};
use crate::services::{Engine, SampleIo, SampleOptions, Session, WarmStart, check_length, withdraw};
use std::collections::HashSet;
use std::sync::Arc;

/// What a run reads and writes. All is borrowed for the call. Set `struct_size` to sizeof(catena_io) and everything you
/// don't provide to zero. Each list has 0 entries or one per chain.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_io {
    /// sizeof(catena_io) of the header the program was compiled with.
    pub struct_size: usize,
    /// Initial values; a NULL entry gives none. Several chains may share one context.
    pub inits: *const *const catena_init,
    /// Number of entries of `inits`.
    pub num_inits: usize,
    /// Initial inverse metrics: `inv_metric_size` numbers each, row-major where it is a matrix.
    pub inv_metrics: *const *const f64,
    /// Number of entries of `inv_metrics`.
    pub num_inv_metrics: usize,
    /// Numbers in each inverse metric: dimension (diag_e) or dimension * dimension (dense_e).
    pub inv_metric_size: usize,
    /// Get the initial unconstrained values: names and one row. A NULL entry is no writer; no writer may stand twice.
    pub init_writers: *const *mut catena_writer,
    /// Number of entries of `init_writers`.
    pub num_init_writers: usize,
    /// Get the draws: the columns of catena_sample_column (NUTS), catena_engine_column (any engine) or
    /// catena_quantity_column (generated quantities).
    pub sample_writers: *const *mut catena_writer,
    /// Number of entries of `sample_writers`.
    pub num_sample_writers: usize,
    /// Get the sampler's columns, then position, momentum p_... and gradient g_... (of the negative log density, as in
    /// Stan) of each kept draw.
    pub diagnostic_writers: *const *mut catena_writer,
    /// Number of entries of `diagnostic_writers`.
    pub num_diagnostic_writers: usize,
    /// Chains to go on with; a NULL entry starts that chain anew.
    pub checkpoints: *const *const catena_checkpoint,
    /// Number of entries of `checkpoints`.
    pub num_checkpoints: usize,
    /// Gets progress, warnings and failures; NULL: silence.
    pub logger: *const catena_logger,
    /// Asks whether to end early; NULL: never.
    pub interrupt: *const catena_interrupt,
    /// The processes that the run is spread over; NULL: this one runs all chains. Each of them makes the same call, with the
    /// same options (but for threads, batches and what is logged) and lists of all chains, and runs a block of the chains
    /// (catena_communicator_share); draws are those of one process. Entries of lists that belong to chains of other processes are not
    /// touched and may be NULL; but memory writers get their draws in the end. Results and status are of all chains on all
    /// processes, checkpoints of this one's alone. Sampling (catena_sample_nuts, _hmc_static, _fixed_param, runs as handles) and
    /// catena_sample_smc, whose sets take the chains' place, take it; other calls refuse it.
    pub communicator: *const catena_communicator,
    /// Checkpoints (catena_result_checkpoint_new) of another run's chains, where these begin: with their positions (where
    /// `inits` has none), metrics (where `inv_metrics` has none; in the shape that the option metric asks for) and step
    /// sizes (where the option stepsize is at its default). Set the option warm_start for a short warm-up; one of fewer than
    /// 100 iterations leaves the metric as it is. Chains take the entries in turn, so that there may be more or fewer of them; a
    /// NULL entry begins its chains without. Give another seed: with the same one the same random numbers come again. Calls that
    /// don't sample leave them alone.
    pub from: *const *const catena_checkpoint,
    /// Number of entries of `from`: any.
    pub num_from: usize,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_io {
    const NAME: &'static str = "catena_io";
    const REQUIRED: usize = size_of::<usize>();
}

/// What a run has in hand of its host's handles: what is freed meanwhile goes when this is dropped, after the run.
#[derive(Default)]
pub(super) struct InHand {
    model: Option<Looking<catena_model>>,
    inits: Vec<Looking<catena_init>>,
    writers: Vec<Changing<catena_writer>>,
}

/// The entries of a list of writers, none of which stands in `seen` already.
///
/// # Safety
/// `list` is null or has `count` entries, each null or a live writer; `held` outlives what is returned.
unsafe fn writers<'a>(
    list: *const *mut catena_writer,
    count: usize,
    name: &str,
    seen: &mut HashSet<*mut catena_writer>,
    held: &mut Vec<Changing<catena_writer>>,
) -> Result<Vec<Option<&'a mut dyn Writer>>, Error> {
    // SAFETY: passed on to the caller.
    let pointers = unsafe { slice(list, count, name)? };
    let mut out = Vec::with_capacity(count);
    for (i, &pointer) in pointers.iter().enumerate() {
        if !pointer.is_null() && !seen.insert(pointer) {
            return Err(Error::argument(format!("{name}[{i}]"), "a writer that stands nowhere else", "one that does"));
        }
        if pointer.is_null() {
            out.push(None);
            continue;
        }
        // SAFETY: passed on to the caller.
        let writer = unsafe { change(pointer) };
        let used = |_| Error::argument(format!("{name}[{i}]"), "a writer that no other run uses", "one in use");
        let mut writer = writer.map_err(used)?;
        // SAFETY: passed on to the caller; no writer is borrowed twice.
        out.push(Some(unsafe { writer.lend() } as &mut dyn Writer));
        held.push(writer);
    }
    Ok(out)
}

/// The writers as a run borrows them; a place without one gets one of `none`.
fn borrow<'a>(writers: Vec<Option<&'a mut dyn Writer>>, none: &'a mut [NullWriter]) -> Vec<&'a mut dyn Writer> {
    let mut none = none.iter_mut();
    let mut none = || none.next().expect("one per place") as &mut dyn Writer;
    writers.into_iter().map(|w| w.unwrap_or_else(&mut none)).collect()
}

/// What a run keeps of its host's tables. Boxed: a session borrows them, wherever this moves to.
pub(super) struct Host {
    given: Option<catena_io>,
    logger: *mut HostLogger,
    communicator: *mut Option<HostCommunicator>,
    nones: *mut [NullWriter],
    pub interrupt: HostInterrupt,
    /// What the run was asked for.
    pub settings: Vec<(String, String)>,
    in_hand: InHand,
}

// SAFETY: the pointers are boxes of this struct's own, and their contents may be used from any thread.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: made from boxes in `session` and freed once, after the session that borrowed them.
        unsafe {
            drop(Box::from_raw(self.logger));
            drop(Box::from_raw(self.communicator));
            drop(Box::from_raw(self.nones));
        }
    }
}

impl Host {
    /// The host's tables. Made before all else is looked at, so that logger and interrupt are released once by the call that
    /// they were lent to, whether it is refused or not.
    ///
    /// # Safety
    /// `io` is null or as documented.
    pub unsafe fn new(io: *const catena_io) -> Result<Self, Error> {
        // SAFETY: passed on to the caller.
        let (given, logger, interrupt, communicator) = unsafe {
            let lent = |io: &catena_io| {
                (HostLogger::new(io.logger), HostInterrupt::new(io.interrupt), HostCommunicator::new(io.communicator))
            };
            let (given, (logger, interrupt, communicator)) = match io.is_null() {
                true => {
                    let none = (
                        HostLogger::new(std::ptr::null()),
                        HostInterrupt::new(std::ptr::null()),
                        HostCommunicator::new(std::ptr::null()),
                    );
                    (None, none)
                }
                false => table_with(io, "io", lent).map(|(io, lent)| (Some(io), lent))?,
            };
            (given, logger?, interrupt?, communicator?)
        };
        Ok(Self {
            given,
            logger: Box::into_raw(Box::new(logger)),
            communicator: Box::into_raw(Box::new(communicator)),
            nones: Box::into_raw(Box::default()),
            interrupt,
            settings: Vec::new(),
            in_hand: InHand::default(),
        })
    }

    /// A model of the call's arguments, which lives as long as what this has in hand.
    ///
    /// # Safety
    /// `model` is null or a live model.
    pub unsafe fn model<'a>(&mut self, model: *const catena_model) -> Result<&'a catena_model, Error> {
        // SAFETY: passed on to the caller.
        let (model, held) = unsafe { self::model(model)? };
        self.in_hand.model = Some(held);
        Ok(model)
    }

    /// What this has in hand, for a run that ends before its host does: to be dropped when it has ended.
    pub fn hand_over(&mut self) -> InHand {
        std::mem::take(&mut self.in_hand)
    }

    /// A session over what the host listed.
    ///
    /// # Safety
    /// The pointers are null or as documented; the model, what `io` lists and the host itself outlive the session.
    pub unsafe fn session(
        &mut self,
        model: *const catena_model,
        options: *const catena_options,
        engine: impl FnOnce(&SampleOptions) -> Engine,
    ) -> Result<Session<'static, catena_model>, Error> {
        // SAFETY: passed on to the caller.
        unsafe { self.prepared(model, options, |options, _| Ok(engine(options))) }
    }

    /// As [`Host::session`]; `prepare` may change options and lists, and tells the engine.
    ///
    /// # Safety
    /// As for [`Host::session`].
    pub unsafe fn prepared(
        &mut self,
        model: *const catena_model,
        options: *const catena_options,
        prepare: impl FnOnce(&mut SampleOptions, &mut SampleIo<'static>) -> Result<Engine, Error>,
    ) -> Result<Session<'static, catena_model>, Error> {
        // SAFETY: passed on to the caller.
        unsafe {
            let (model, engine, options, run_io) = self.readied(|host| {
                let model = host.model(model)?;
                let given = object(options, "options", "catena_options")?;
                let (mut options, pool) = given.run();
                let mut run_io = host.lend(options.num_chains, pool)?;
                let engine = prepare(&mut options, &mut run_io)?;
                host.settings = given.told(&engine, options.num_samples);
                Ok((model, engine, options, run_io))
            })?;
            Session::with_engine(model, engine, &options, run_io)
        }
    }

    /// What `f` prepares for a run. Where it fails, processes that would wait for this one to begin are told.
    pub fn readied<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let readied = f(self);
        // SAFETY: a box of this struct's own.
        let communicator = unsafe { &*self.communicator };
        if let (Err(error), Some(communicator)) = (&readied, communicator) {
            withdraw(communicator, error);
        }
        readied
    }

    /// What the host listed, as a run borrows it; once.
    ///
    /// # Safety
    /// What the host's `io` lists and the host itself outlive what is borrowed.
    pub unsafe fn lend<'a>(&mut self, num_chains: usize, pool: Option<Arc<Pool>>) -> Result<SampleIo<'a>, Error> {
        // SAFETY: passed on to the caller.
        unsafe { self.lend_joined(num_chains, num_chains, pool) }
    }

    /// As [`Host::lend`], with `num_sample_writers` sample writers, or none.
    ///
    /// # Safety
    /// As for [`Host::lend`].
    pub unsafe fn lend_joined<'a>(
        &mut self,
        num_chains: usize,
        num_sample_writers: usize,
        pool: Option<Arc<Pool>>,
    ) -> Result<SampleIo<'a>, Error> {
        // SAFETY: passed on to the caller; the boxes are freed with the host, and no list was lent before.
        unsafe {
            let host = self;
            let given = host.given;
            if let Some(io) = &given {
                check_lengths(io, num_chains, num_sample_writers)?;
            }
            let nones = vec![NullWriter; given.as_ref().map_or(0, most_writers)];
            drop(Box::from_raw(std::mem::replace(&mut host.nones, Box::into_raw(nones.into_boxed_slice()))));
            let communicator = (*host.communicator).as_ref().map(|c| c as &dyn Communicator);
            let mut run_io = SampleIo { logger: &*host.logger, pool, communicator, ..SampleIo::default() };
            if let Some(io) = &given {
                let (none_init, rest) = (*host.nones).split_at_mut(io.num_init_writers);
                let (none_sample, none_diagnostic) = rest.split_at_mut(io.num_sample_writers);
                let InHand { inits, writers, .. } = &mut host.in_hand;
                for &init in slice(io.inits, io.num_inits, "io.inits")? {
                    if init.is_null() {
                        run_io.inits.push(&NoInit);
                        continue;
                    }
                    let held = look(init)?;
                    run_io.inits.push(held.handle().context());
                    inits.push(held);
                }
                for (i, &metric) in slice(io.inv_metrics, io.num_inv_metrics, "io.inv_metrics")?.iter().enumerate() {
                    run_io.inv_metrics.push(slice(metric, io.inv_metric_size, &format!("io.inv_metrics[{i}]"))?);
                }
                let seen = &mut HashSet::new();
                let list = self::writers(io.init_writers, io.num_init_writers, "io.init_writers", seen, writers)?;
                run_io.init_writers = self::borrow(list, none_init);
                let list = self::writers(io.sample_writers, io.num_sample_writers, "io.sample_writers", seen, writers)?;
                run_io.sample_writers = self::borrow(list, none_sample);
                let list = self::writers(
                    io.diagnostic_writers,
                    io.num_diagnostic_writers,
                    "io.diagnostic_writers",
                    seen,
                    writers,
                )?;
                run_io.diagnostic_writers = self::borrow(list, none_diagnostic);
                for &checkpoint in slice(io.checkpoints, io.num_checkpoints, "io.checkpoints")? {
                    run_io.checkpoints.push(checkpoint.as_ref().map_or(&[][..], |c| &c.bytes));
                }
                for (i, &from) in slice(io.from, io.num_from, "io.from")?.iter().enumerate() {
                    let end = from.as_ref().map(|c| WarmStart::from_checkpoint(&c.bytes)).transpose();
                    run_io
                        .from
                        .push(end.map_err(|e| Error::argument(format!("io.from[{i}]"), "the end of a chain", e))?);
                }
            }
            Ok(run_io)
        }
    }
}

/// Lists are checked before any entry is read, so that a wrong count reads nothing beyond an array.
fn check_lengths(io: &catena_io, num_chains: usize, num_sample_writers: usize) -> Result<(), Error> {
    let lengths = [
        ("inits", io.num_inits),
        ("inv_metrics", io.num_inv_metrics),
        ("init_writers", io.num_init_writers),
        ("diagnostic_writers", io.num_diagnostic_writers),
        ("checkpoints", io.num_checkpoints),
    ];
    lengths.into_iter().try_for_each(|(name, length)| check_length(name, length, num_chains))?;
    check_length("sample_writers", io.num_sample_writers, num_sample_writers)
}

/// Places for writers in all lists together.
fn most_writers(io: &catena_io) -> usize {
    io.num_init_writers + io.num_sample_writers + io.num_diagnostic_writers
}
