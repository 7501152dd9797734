use crate::error::{Code, Error};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads of a pool when the user doesn't say: the cores available to the process, CPU affinity and cgroup limits
/// included.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Most threads of a pool. Each takes a stack and more of the address space, of which a process has only so many parts: what cannot
/// be started has to be refused before it is begun.
pub const MOST_THREADS: usize = 4096;

/// The threads that chains and sums inside a model share; never rayon's global pool.
pub struct Pool {
    threads: rayon::ThreadPool,
    /// Threads that run chains at the moment, or are about to.
    busy: Arc<AtomicUsize>,
    /// The process that has the threads: they do not come along in a fork.
    process: u32,
}

impl Pool {
    /// A pool of `threads` threads, at most [`MOST_THREADS`]; 0 means [`default_threads`].
    ///
    /// # Errors
    /// More than that, or the system does not let them start.
    pub fn new(threads: usize) -> Result<Self, Error> {
        let threads = if threads == 0 { default_threads() } else { threads };
        if threads > MOST_THREADS {
            return Err(Error::argument("num_threads", format!("at most {MOST_THREADS} threads"), threads));
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("catena-{i}"))
            .build()
            .map_err(|e| Error::new(Code::Internal, format!("cannot start {threads} threads: {e}")))?;
        Ok(Self { threads: pool, busy: Arc::default(), process: std::process::id() })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Whether the calling thread may wait for work on this pool.
    ///
    /// # Errors
    /// It is one of the pool's own threads, inside a callback of what the pool runs: all threads might wait like this, and
    /// none would be left to work. Or the pool was made by a process of which this one is a fork.
    pub fn check(&self) -> Result<(), Error> {
        if self.threads.current_thread_index().is_some() {
            let got = "the pool that runs the callback from which this call comes";
            return Err(Error::argument("pool", "a pool of its own for a run inside a run", got));
        }
        if self.process != std::process::id() {
            let got = "one made before the fork, whose threads did not come along";
            return Err(Error::argument("pool", "a pool made in this process", got));
        }
        Ok(())
    }

    pub(super) fn rayon(&self) -> &rayon::ThreadPool {
        &self.threads
    }

    /// Threads that have no chain to run. A sum inside a model asks only these for help, so that chains and sums
    /// together never want more threads than there are.
    pub(super) fn idle(&self) -> usize {
        self.threads().saturating_sub(self.busy.load(Ordering::Relaxed))
    }

    /// Counts a thread as busy until the guard is dropped.
    pub(super) fn occupy(&self) -> Occupied {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Occupied(Arc::clone(&self.busy))
    }
}

/// See [`Pool::occupy`].
pub(super) struct Occupied(Arc<AtomicUsize>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
