//! Ranks that are threads of the test, and what they bring to each other.

#![allow(dead_code, reason = "each test uses a part")]

use catena::drive::InProcess;
use catena::model::{Communicator, CommunicatorError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Long enough for a machine that does much else.
pub const TIME_OUT: Duration = Duration::from_secs(60);

/// What `f` makes of each of `size` ranks, each on a thread of its own.
pub fn on_ranks<R: Send>(size: usize, time_out: Duration, f: impl Fn(InProcess) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let f = &f;
        let ranks = InProcess::ranks(size, time_out);
        let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || f(rank))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The bytes that a rank has brought to each operation.
#[derive(Default)]
pub struct Counts {
    gathers: Mutex<Vec<usize>>,
    gathers_v: Mutex<Vec<usize>>,
    sends: Mutex<Vec<Vec<usize>>>,
}

impl Counts {
    /// To those where all bring equally many (pulses, and how many come next) since the last time.
    pub fn gathers(&self) -> Vec<usize> {
        std::mem::take(&mut self.gathers.lock().unwrap())
    }

    /// To those where each has its own number since the last time.
    pub fn gathers_v(&self) -> Vec<usize> {
        std::mem::take(&mut self.gathers_v.lock().unwrap())
    }

    /// For each rank, in each exchange between pairs since the last time.
    pub fn sends(&self) -> Vec<Vec<usize>> {
        std::mem::take(&mut self.sends.lock().unwrap())
    }
}

/// A communicator that counts.
pub struct Counted<C> {
    inner: C,
    counts: Arc<Counts>,
}

impl<C: Communicator> Counted<C> {
    /// With the place where it counts.
    pub fn new(inner: C) -> (Self, Arc<Counts>) {
        let counts = Arc::<Counts>::default();
        (Self { inner, counts: Arc::clone(&counts) }, counts)
    }
}

impl<C: Communicator> Communicator for Counted<C> {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn time_out(&self) -> Duration {
        self.inner.time_out()
    }

    fn all_gather_v(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]) -> Result<(), CommunicatorError> {
        self.counts.gathers_v.lock().unwrap().push(mine.len());
        self.inner.all_gather_v(mine, lengths, all)
    }

    fn all_gather(&self, mine: &[u8], all: &mut [u8]) -> Result<(), CommunicatorError> {
        self.counts.gathers.lock().unwrap().push(mine.len());
        self.inner.all_gather(mine, all)
    }

    fn all_to_all_v(
        &self,
        send: &[u8],
        send_lengths: &[usize],
        receive: &mut [u8],
        receive_lengths: &[usize],
    ) -> Result<(), CommunicatorError> {
        self.counts.sends.lock().unwrap().push(send_lengths.to_vec());
        self.inner.all_to_all_v(send, send_lengths, receive, receive_lengths)
    }
}
