//! The processes that a run is spread over, as an engine brings them.

use std::fmt;
use std::time::Duration;

/// Why an operation of a [`Communicator`] came to nothing. None of its later operations does any better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommunicatorError {
    /// Not all ranks came within the time-out.
    TimedOut,
    /// The engine failed, with this code.
    Failed(i32),
}

impl fmt::Display for CommunicatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("not all ranks came within the time-out"),
            Self::Failed(code) => write!(f, "the communicator failed with code {code}"),
        }
    }
}

impl std::error::Error for CommunicatorError {}

/// What a reduction makes of the numbers of all ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Reduction {
    /// Their sum, added from rank 0 on; integers wrap around.
    Sum = 0,
    /// The largest; NaN where one is.
    Max = 1,
    /// The smallest; NaN where one is.
    Min = 2,
}

/// Numbers to be reduced in place.
#[derive(Debug, PartialEq)]
pub enum Numbers<'a> {
    /// Doubles.
    Doubles(&'a mut [f64]),
    /// Integers.
    Integers(&'a mut [i64]),
}

impl Numbers<'_> {
    /// Bytes of one number of either kind.
    const SIZE: usize = 8;

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Doubles(x) => x.iter().flat_map(|x| x.to_ne_bytes()).collect(),
            Self::Integers(x) => x.iter().flat_map(|x| x.to_ne_bytes()).collect(),
        }
    }

    /// Reduces the numbers of one rank after the other into these.
    fn reduce(&mut self, operation: Reduction, all: &[u8]) {
        let word = |bytes: &[u8]| bytes.try_into().expect("eight bytes");
        match self {
            Self::Doubles(x) => fold(x, all, |b| f64::from_ne_bytes(word(b)), |a, b| operation.of_doubles(a, b)),
            Self::Integers(x) => fold(x, all, |b| i64::from_ne_bytes(word(b)), |a, b| operation.of_integers(a, b)),
        }
    }
}

fn fold<T: Copy>(to: &mut [T], all: &[u8], read: impl Fn(&[u8]) -> T, combine: impl Fn(T, T) -> T) {
    if to.is_empty() {
        return;
    }
    for (rank, part) in all.chunks_exact(to.len() * Numbers::SIZE).enumerate() {
        for (to, bytes) in to.iter_mut().zip(part.chunks_exact(Numbers::SIZE)) {
            *to = if rank == 0 { read(bytes) } else { combine(*to, read(bytes)) };
        }
    }
}

impl Reduction {
    fn of_doubles(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Sum => a + b,
            _ if a.is_nan() || b.is_nan() => f64::NAN,
            Self::Max => a.max(b),
            Self::Min => a.min(b),
        }
    }

    fn of_integers(self, a: i64, b: i64) -> i64 {
        match self {
            Self::Sum => a.wrapping_add(b),
            Self::Max => a.max(b),
            Self::Min => a.min(b),
        }
    }
}

/// Collective operations among the processes (ranks) of an engine that the host has started, such as MPI.
///
/// Every rank calls the same operations in the same order. An operation that not all ranks come to ends with
/// [`CommunicatorError::TimedOut`] after the time-out that the engine was given; the communicator is of no use from then on.
/// A run calls it only on the thread that called into the library (a run as a handle: on the run's own thread).
pub trait Communicator: Sync {
    /// This process's number, from 0.
    fn rank(&self) -> usize;

    /// Number of processes, at least 1.
    fn size(&self) -> usize;

    /// How long an operation waits for other ranks.
    fn time_out(&self) -> Duration;

    /// All ranks' bytes, one rank after the other, into `all`; rank r brings `lengths[r]` bytes.
    ///
    /// # Errors
    /// As for all operations, see [`CommunicatorError`].
    fn all_gather_v(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]) -> Result<(), CommunicatorError>;

    /// Sends `send_lengths[r]` bytes of `send`, one rank's after the other, to each rank r, and receives `receive_lengths[r]` from it.
    ///
    /// # Errors
    /// As above.
    fn all_to_all_v(
        &self,
        send: &[u8],
        send_lengths: &[usize],
        receive: &mut [u8],
        receive_lengths: &[usize],
    ) -> Result<(), CommunicatorError>;

    /// As [`Communicator::all_gather_v`], where each rank brings equally many bytes.
    ///
    /// # Errors
    /// As above.
    fn all_gather(&self, mine: &[u8], all: &mut [u8]) -> Result<(), CommunicatorError> {
        self.all_gather_v(mine, &vec![mine.len(); self.size()], all)
    }

    /// The `root`'s bytes into `data` of all.
    ///
    /// # Errors
    /// As above.
    fn broadcast(&self, root: usize, data: &mut [u8]) -> Result<(), CommunicatorError> {
        let mut lengths = vec![0; self.size()];
        lengths[root] = data.len();
        let mine = if self.rank() == root { data.to_vec() } else { Vec::new() };
        self.all_gather_v(&mine, &lengths, data)
    }

    /// Reduces each of the numbers over all ranks, in the order of the ranks, so that the bits are the same at each call.
    ///
    /// # Errors
    /// As above.
    fn all_reduce(&self, operation: Reduction, mut numbers: Numbers<'_>) -> Result<(), CommunicatorError> {
        let mine = numbers.bytes();
        let mut all = vec![0; mine.len() * self.size()];
        self.all_gather(&mine, &mut all)?;
        numbers.reduce(operation, &all);
        Ok(())
    }

    /// Returns when all ranks have come.
    ///
    /// # Errors
    /// As above.
    fn barrier(&self) -> Result<(), CommunicatorError> {
        self.all_gather(&[0], &mut vec![0; self.size()])
    }

    /// After [`CommunicatorError::TimedOut`]: the ranks that did not come, as far as the engine knows.
    fn missing(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Ends the processes of all ranks with this exit status, where the engine can.
    fn abort(&self, _status: i32) {}
}
