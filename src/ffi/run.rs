//! Runs as handles: started, watched, cancelled, waited for; and pools that several of them share.

use super::boundary::{Table, free, guard, hand_out, object, table};
use super::engine::{chosen, with_options};
use super::error::{catena_error, catena_status};
use super::model::catena_model;
use super::options::catena_options;
use super::result::catena_result;
use super::sample::{Host, catena_io};
use crate::drive::{Pool, quiet};
use crate::error::{Code, Error};
use crate::io::Interrupt;
use crate::services::{Control, Engine, SampleOptions, SampleReport, Session};
use std::ffi::c_int;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a waiting thread asks the host's interrupt.
const POLL_INTERVAL: Duration = Duration::from_millis(4);
/// A wait of longer than this many seconds has no end: it is beyond what clocks can add.
const FOREVER: f64 = 1e9;

/// Threads that several runs share. Immutable: may be used by several runs at once.
pub struct catena_pool {
    pool: Arc<Pool>,
}

impl catena_pool {
    pub(super) fn share(&self) -> Arc<Pool> {
        Arc::clone(&self.pool)
    }
}

/// A pool of `threads` threads; 0: the cores available to the process, cgroup limits included.
///
/// # Safety
/// `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pool_new(
    threads: usize,
    out: *mut *mut catena_pool,
    error: *mut *mut catena_error,
) -> catena_status {
    // SAFETY: the caller vouches for `out`.
    guard(error, || unsafe { hand_out(out, || Ok(catena_pool { pool: Arc::new(Pool::new(threads)?) })) })
}

/// Number of the pool's threads; 0 for NULL.
///
/// # Safety
/// `pool` is NULL or a live pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pool_threads(pool: *const catena_pool) -> usize {
    // SAFETY: the caller vouches for the pointer.
    unsafe { pool.as_ref() }.map_or(0, |p| p.pool.threads())
}

/// Frees the handle. Options and runs that use the pool keep its threads until they are freed too. NULL is fine.
///
/// # Safety
/// `pool` is NULL or came from catena_pool_new and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_pool_free(pool: *mut catena_pool) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(pool) }
}

/// Where one chain of a run has come. Set `struct_size` to sizeof(catena_progress) before asking.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct catena_progress {
    /// sizeof(catena_progress) of the header the program was compiled with.
    pub struct_size: usize,
    /// Id of the chain.
    pub chain_id: u64,
    /// Iterations done, warm-up included.
    pub iteration: u64,
    /// Iterations that the chain is to do, warm-up included.
    pub total: u64,
    /// Divergent transitions after warm-up.
    pub divergences: u64,
    /// Gradient evaluations.
    pub gradients: u64,
    /// The nominal step size; NaN before the first iteration.
    pub stepsize: f64,
    /// 1 while the chain warms up, 0 after.
    pub in_warmup: i32,
    /// 1 when the chain has ended.
    pub over: i32,
}

// SAFETY: repr(C), starts with its size, zeros are valid everywhere.
unsafe impl Table for catena_progress {
    const NAME: &'static str = "catena_progress";
    const REQUIRED: usize = size_of::<usize>();
}

/// A run under way. Everything that its `io` lists (not the catena_io and the lists themselves), the model among it, must
/// live until the run is freed.
///
/// Threads: catena_run_progress and catena_run_cancel may be called from any thread; the other functions by one thread at
/// a time. With a model of CATENA_THREADS_CALLER the chains move only inside catena_run_poll and catena_run_wait.
pub struct catena_run {
    // Declared before what it borrows, so that it is dropped first.
    state: Mutex<State>,
    control: Arc<Control>,
    first_chain: u64,
    total: u64,
    host: Host,
}

enum State {
    /// On threads of its own.
    Away(JoinHandle<SampleReport>, Arc<Finish>),
    /// Only on the thread that polls.
    Here(Session<'static, catena_model>),
    Ended(SampleReport),
    /// A bug: the run's thread panicked.
    Lost(String),
    /// The result was handed out.
    Taken,
}

/// Tells waiting threads that a run has ended.
#[derive(Default)]
struct Finish {
    ended: Mutex<bool>,
    news: Condvar,
}

/// Starts NUTS chains and returns at once. Arguments as for catena_sample_nuts, checked here; `*out` is the run, which the
/// caller frees with catena_run_free.
///
/// The host's interrupt is asked inside catena_run_poll and catena_run_wait.
///
/// # Safety
/// The pointers are NULL or as documented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_start(
    model: *const catena_model,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_run,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers, and that what they list outlives the run, so that borrowing it
        // forever is fine.
        unsafe { hand_out(out, || start(Host::session(model, options, io, |_| Engine::Nuts)?)) }
    })
}

/// As catena_run_start, with the chains moved by `engine`, a catena_engine.
///
/// # Safety
/// The pointers are NULL or as documented.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_start_engine(
    model: *const catena_model,
    engine: i32,
    options: *const catena_options,
    io: *const catena_io,
    out: *mut *mut catena_run,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        let chosen = chosen(engine)?;
        let engine = |options: &SampleOptions| with_options(chosen, options);
        // SAFETY: as for catena_run_start.
        unsafe { hand_out(out, || start(Host::session(model, options, io, engine)?)) }
    })
}

fn start((session, host): (Session<'static, catena_model>, Host)) -> Result<catena_run, Error> {
    let control = session.control();
    let (first_chain, total) = (session.first_chain(), session.total_iterations());
    let state = if session.needs_caller() {
        State::Here(session)
    } else {
        let finish = Arc::new(Finish::default());
        let told = Arc::clone(&finish);
        let thread = std::thread::Builder::new().name("catena-run".into()).spawn(move || run_away(session, &told));
        let cannot = |e| Error::new(Code::Internal, format!("cannot start a thread: {e}"));
        State::Away(thread.map_err(cannot)?, finish)
    };
    Ok(catena_run { state: Mutex::new(state), control, first_chain, total, host })
}

fn run_away(mut session: Session<'static, catena_model>, finish: &Finish) -> SampleReport {
    struct Tell<'a>(&'a Finish);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.0.news.notify_all();
        }
    }
    let _tell = Tell(finish);
    match quiet::catch(move || {
        session.run(None, || false);
        session.into_report()
    }) {
        Ok(report) => report,
        // Passed on without a word on stderr; whoever joins finds the message.
        Err(message) => std::panic::resume_unwind(Box::new(message)),
    }
}

impl catena_run {
    /// Waits, or works, until the run has ended (then true) or `until` has come.
    fn proceed(&self, until: Option<Instant>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let interrupt = &self.host.interrupt;
        let ended = match &mut *state {
            State::Here(session) => session.run(until, || interrupt.requested()),
            State::Away(_, finish) => finish.wait(until, || {
                if interrupt.requested() {
                    self.control.cancel();
                }
            }),
            State::Ended(_) | State::Lost(_) | State::Taken => return true,
        };
        if ended {
            *state = match std::mem::replace(&mut *state, State::Taken) {
                State::Here(session) => State::Ended(session.into_report()),
                State::Away(thread, _) => match thread.join() {
                    Ok(report) => State::Ended(report),
                    Err(panic) => State::Lost(panic.downcast_ref::<String>().cloned().unwrap_or_default()),
                },
                other => other,
            };
        }
        ended
    }

    fn take(&self) -> Result<SampleReport, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Taken) {
            State::Ended(report) => Ok(report),
            State::Lost(message) => Err(Error::new(Code::Internal, format!("a panic was caught: {message}"))),
            _ => Err(Error::argument("run", "one whose result was not taken yet", "one whose result was")),
        }
    }
}

impl Finish {
    fn wait(&self, until: Option<Instant>, mut poll: impl FnMut()) -> bool {
        loop {
            let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            if *ended {
                return true;
            }
            let left = until.map_or(POLL_INTERVAL, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            drop(self.news.wait_timeout(ended, left.min(POLL_INTERVAL)).unwrap_or_else(PoisonError::into_inner));
            poll();
        }
    }
}

impl Drop for catena_run {
    /// Ends the run first: nobody may call into the host's data once the handle is gone.
    fn drop(&mut self) {
        self.control.cancel();
        self.proceed(None);
    }
}

/// Waits up to `timeout` seconds (0: doesn't wait) for the run to end and sets `*done` (may be NULL) to 1 when it has, to
/// 0 otherwise. With a model of CATENA_THREADS_CALLER this is where the chains move, at least one step whatever the
/// timeout.
///
/// # Safety
/// `run` is NULL or a live run that no other thread polls; `done` and `error` are NULL or point to places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_poll(
    run: *mut catena_run,
    timeout: f64,
    done: *mut c_int,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointer.
        let run = unsafe { object(run.cast_const(), "run", "a catena_run")? };
        if timeout.is_nan() || timeout < 0.0 {
            return Err(Error::argument("timeout", "a number of seconds, at least 0", timeout));
        }
        let until = (timeout < FOREVER).then(|| Instant::now() + Duration::from_secs_f64(timeout));
        let ended = run.proceed(until);
        if !done.is_null() {
            // SAFETY: not null; the caller vouches for it.
            unsafe { *done = ended.into() };
        }
        Ok(())
    })
}

/// Where chain `chain`, counted from 0, has come. May be called from any thread, also while another one waits.
///
/// # Safety
/// `run` is NULL or a live run; `out` points to a catena_progress with its struct_size set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_progress(
    run: *const catena_run,
    chain: usize,
    out: *mut catena_progress,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        let (run, size) = unsafe { (object(run, "run", "a catena_run")?, table(out, "out")?.struct_size) };
        let expected = || format!("a chain from 0 to {}", run.control.num_chains() - 1);
        let p = run.control.progress(chain).ok_or_else(|| Error::argument("chain", expected(), chain))?;
        let now = catena_progress {
            struct_size: size,
            chain_id: run.first_chain + chain as u64,
            iteration: p.iteration as u64,
            total: run.total,
            divergences: p.divergences,
            gradients: p.gradients,
            stepsize: p.stepsize,
            in_warmup: p.in_warmup.into(),
            over: p.over.into(),
        };
        let bytes = size.min(size_of::<catena_progress>());
        // SAFETY: both are at least `bytes` long.
        unsafe { std::ptr::copy_nonoverlapping((&raw const now).cast::<u8>(), out.cast::<u8>(), bytes) };
        Ok(())
    })
}

/// Tells all chains to stop and returns at once; what was written stays intact, and the chains can be resumed. May be
/// called from any thread, also while another one waits. Ignored for NULL.
///
/// # Safety
/// `run` is NULL or a live run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_cancel(run: *const catena_run) {
    // SAFETY: the caller vouches for the pointer.
    if let Some(run) = unsafe { run.as_ref() } {
        run.control.cancel();
    }
}

/// Waits until all chains have ended and hands out the result, once; status and `out` as for catena_sample_nuts.
///
/// # Safety
/// `run` is NULL or a live run that no other thread polls; `out` and `error` are NULL or point to places for pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_wait(
    run: *mut catena_run,
    out: *mut *mut catena_result,
    error: *mut *mut catena_error,
) -> catena_status {
    guard(error, || {
        // SAFETY: the caller vouches for the pointers.
        unsafe {
            let run = object(run.cast_const(), "run", "a catena_run")?;
            catena_result::expect_place(out)?;
            run.proceed(None);
            catena_result::give(run.take()?, out)
        }
    })
}

/// Frees a run. One that has not ended is cancelled and waited for. NULL is fine.
///
/// # Safety
/// `run` is NULL or came from catena_run_start and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_free(run: *mut catena_run) {
    // SAFETY: the caller vouches for the pointer.
    unsafe { free(run) }
}
