//! Runs as handles: started, cancelled, waited for.

use crate::drive::{Pool, quiet};
use crate::error::{Code, Error};
use crate::ffi::boundary::{free, guard, make, object};
use crate::ffi::engine::{chosen, with_options};
use crate::ffi::error::{catena_error, catena_status};
use crate::ffi::io::{Host, InHand, catena_io};
use crate::ffi::model::catena_model;
use crate::ffi::options::catena_options;
use crate::ffi::result::catena_result;
use crate::io::Interrupt;
use crate::services::{Control, Engine, SampleOptions, SampleReport, Session};
use std::ffi::c_int;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

/// How often a waiting thread asks the host's interrupt.
const POLL_INTERVAL: Duration = Duration::from_millis(4);
/// A wait of longer than this many seconds has no end: it is beyond what clocks can add.
const FOREVER: f64 = 1e9;

/// A run under way. Everything that its `io` lists (not the catena_io and the lists themselves) must live until the run is
/// freed; a model, an init context or a writer that is freed before goes when the run has ended.
///
/// Threads: catena_run_progress and catena_run_cancel may be called from any thread; the other functions by one thread at
/// a time. With a model of CATENA_THREADS_CALLER the chains move only inside catena_run_poll and catena_run_wait.
pub struct catena_run {
    // Declared before what it borrows, so that it is dropped first.
    state: Mutex<State>,
    pub(super) control: Arc<Control>,
    pool: Arc<Pool>,
    /// The thread that polls or waits at the moment.
    polling: Mutex<Option<ThreadId>>,
    pub(super) first_chain: u64,
    pub(super) total: u64,
    host: Host,
}

enum State {
    /// On threads of its own.
    Away(JoinHandle<SampleReport>, Arc<Finish>),
    /// Only on the thread that polls.
    Here(Box<Session<'static, catena_model>>, InHand),
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
    // SAFETY: the caller vouches for the pointers, and that what they list outlives the run, so that borrowing it forever
    // is fine.
    unsafe {
        let host = Host::new(io);
        make(out, error, || start(host?, model, options, |_| Engine::Nuts))
    }
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
    // SAFETY: as for catena_run_start.
    unsafe {
        let host = Host::new(io);
        make(out, error, || {
            let chosen = chosen(engine)?;
            start(host?, model, options, |options| with_options(chosen, options))
        })
    }
}

/// # Safety
/// As [`Host::session`].
unsafe fn start(
    mut host: Host,
    model: *const catena_model,
    options: *const catena_options,
    engine: impl FnOnce(&SampleOptions) -> Engine,
) -> Result<catena_run, Error> {
    // SAFETY: passed on to the caller; the run is dropped before its host.
    let session = unsafe { host.session(model, options, engine)? };
    let in_hand = host.hand_over();
    let (control, pool, polling) = (session.control(), session.pool(), Mutex::default());
    let (first_chain, total) = (session.first_chain(), session.total_iterations());
    let state = if session.needs_caller() {
        State::Here(Box::new(session), in_hand)
    } else {
        let finish = Arc::new(Finish::default());
        let told = Arc::clone(&finish);
        let thread =
            std::thread::Builder::new().name("catena-run".into()).spawn(move || run_away(session, in_hand, &told));
        let cannot = |e| Error::new(Code::Internal, format!("cannot start a thread: {e}"));
        State::Away(thread.map_err(cannot)?, finish)
    };
    Ok(catena_run { state: Mutex::new(state), control, pool, polling, first_chain, total, host })
}

fn run_away(mut session: Session<'static, catena_model>, in_hand: InHand, finish: &Finish) -> SampleReport {
    struct Tell<'a>(&'a Finish);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.0.news.notify_all();
        }
    }
    let _tell = Tell(finish);
    let ended = quiet::catch(move || {
        session.run(None, || false);
        session.into_report()
    });
    drop(in_hand);
    match ended {
        Ok(report) => report,
        // Passed on without a word on stderr; whoever joins finds the message.
        Err(message) => std::panic::resume_unwind(Box::new(message)),
    }
}

impl catena_run {
    /// Whether the calling thread may wait for the run: not from inside a callback of that run, nor after a fork.
    fn check(&self) -> Result<(), Error> {
        self.pool.check()?;
        if *self.polling.lock().unwrap_or_else(PoisonError::into_inner) == Some(std::thread::current().id()) {
            let got = "one inside of whose callback this call comes";
            return Err(Error::argument("run", "a run that waits for nothing on this thread", got));
        }
        Ok(())
    }

    /// Waits, or works, until the run has ended (then true) or `until` has come.
    fn proceed(&self, until: Option<Instant>) -> Result<bool, Error> {
        self.check()?;
        let polling = |thread| *self.polling.lock().unwrap_or_else(PoisonError::into_inner) = thread;
        polling(Some(std::thread::current().id()));
        // A callback's panic does not come out here: it was caught where the callback was called.
        let ended = self.work(until);
        polling(None);
        Ok(ended)
    }

    fn work(&self, until: Option<Instant>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let interrupt = &self.host.interrupt;
        let ended = match &mut *state {
            State::Here(session, _) => session.run(until, || interrupt.requested()),
            State::Away(_, finish) => finish.wait(until, || {
                if interrupt.requested() {
                    self.control.cancel();
                }
            }),
            State::Ended(_) | State::Lost(_) | State::Taken => return true,
        };
        if ended {
            *state = match std::mem::replace(&mut *state, State::Taken) {
                State::Here(session, _in_hand) => State::Ended(session.into_report()),
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
        // Whoever frees has checked that waiting is possible.
        let _ = self.proceed(None);
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
        let ended = run.proceed(until)?;
        if !done.is_null() {
            // SAFETY: not null; the caller vouches for it.
            unsafe { *done = ended.into() };
        }
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
            run.proceed(None)?;
            catena_result::give(run.take()?, &run.host.settings, out)
        }
    })
}

/// Frees a run. One that has not ended is cancelled and waited for. NULL is fine. Inside a callback of that run, and after a
/// fork, the run is cancelled and left as it is: it cannot be waited for there.
///
/// # Safety
/// `run` is NULL or came from catena_run_start and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn catena_run_free(run: *mut catena_run) {
    // SAFETY: the caller vouches for the pointer.
    match unsafe { run.as_ref() } {
        Some(run) if run.check().is_err() => run.control.cancel(),
        // SAFETY: as above.
        _ => unsafe { free(run) },
    }
}
