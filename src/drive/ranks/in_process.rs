//! Ranks that are threads of one process: for tests, and for hosts that want to try.

use crate::model::{Communicator, CommunicatorError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One rank of several in this process; each belongs to a thread of its own. A rank that is dropped is missing from then on,
/// and nobody waits for it until the time-out.
pub struct InProcess {
    rank: usize,
    hall: Arc<Hall>,
}

/// Where the ranks leave what they bring.
struct Hall {
    time_out: Duration,
    desk: Mutex<Desk>,
    news: Condvar,
}

struct Desk {
    /// Operations that are complete.
    complete: u64,
    /// What each rank has brought to the operation under way.
    brought: Vec<Option<Brought>>,
    /// What all brought to the last complete operation.
    last: Arc<Vec<Brought>>,
    /// Ranks that have yet to read that, to whom all come before the next is complete.
    reading: usize,
    gone: Vec<bool>,
    /// The ranks that somebody waited for in vain.
    missing: Option<Vec<usize>>,
}

/// What a rank brings: how many bytes for each rank, where it is not the same for all, and these.
struct Brought {
    lengths: Vec<usize>,
    bytes: Bytes,
}

/// Little is copied, so that nobody waits until others have read it. Much is lent: to copy it takes longer.
enum Bytes {
    Copied(Vec<u8>),
    Lent(*const [u8]),
}

/// From so many bytes on they are lent.
const MUCH: usize = 1 << 14;

// SAFETY: what is lent are plain bytes, which nobody changes until all have read them.
unsafe impl Send for Bytes {}
// SAFETY: as above.
unsafe impl Sync for Bytes {}

impl Bytes {
    /// # Safety
    /// Of bytes that are lent the lender is still in [`InProcess::exchange`].
    unsafe fn get(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            // SAFETY: the lender does not leave before all have read.
            Self::Lent(bytes) => unsafe { &**bytes },
        }
    }
}

/// A rank that reads what all have brought, until it is dropped; one that has lent something leaves when all have read.
struct Reader<'a> {
    hall: &'a Hall,
    lends: bool,
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut desk = self.hall.desk();
        desk.reading -= 1;
        if desk.reading == 0 {
            self.hall.news.notify_all();
        }
        while self.lends && desk.reading > 0 {
            desk = self.hall.news.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl InProcess {
    /// `size` ranks, each of whose operations waits at most `time_out` for the others.
    pub fn ranks(size: usize, time_out: Duration) -> Vec<Self> {
        let desk = Desk {
            complete: 0,
            brought: (0..size).map(|_| None).collect(),
            last: Arc::default(),
            reading: 0,
            gone: vec![false; size],
            missing: None,
        };
        let hall = Arc::new(Hall { time_out, desk: Mutex::new(desk), news: Condvar::new() });
        (0..size).map(|rank| Self { rank, hall: Arc::clone(&hall) }).collect()
    }

    /// Has `read` what each rank brings, with the lengths that go with it, when all have come.
    fn exchange<R>(
        &self,
        lengths: &[usize],
        mine: &[u8],
        read: impl FnOnce(&[(&[usize], &[u8])]) -> R,
    ) -> Result<R, CommunicatorError> {
        let hall = &*self.hall;
        // A time-out beyond what clocks can add has no end.
        let until = Instant::now().checked_add(hall.time_out);
        let lends = mine.len() >= MUCH;
        let bytes = if lends { Bytes::Lent(mine) } else { Bytes::Copied(mine.to_vec()) };
        let mut desk = hall.desk();
        let number = desk.complete;
        desk.brought[self.rank] = Some(Brought { lengths: lengths.to_vec(), bytes });
        if desk.brought.iter().all(Option::is_some) && desk.missing.is_none() {
            desk.last = Arc::new(desk.brought.iter_mut().filter_map(Option::take).collect());
            desk.reading = desk.gone.len();
            desk.complete += 1;
            hall.news.notify_all();
        }
        while desk.complete == number {
            let left = until.map_or(hall.time_out, |until| until.saturating_duration_since(Instant::now()));
            let absent = |desk: &Desk, rank: usize| desk.brought[rank].is_none() && (left.is_zero() || desk.gone[rank]);
            let missing: Vec<usize> = (0..desk.brought.len()).filter(|&rank| absent(&desk, rank)).collect();
            if !missing.is_empty() {
                desk.missing.get_or_insert(missing);
                hall.news.notify_all();
            }
            if desk.missing.is_some() {
                // No later operation is complete, so that nobody reads what was lent.
                return Err(CommunicatorError::TimedOut);
            }
            desk = hall.news.wait_timeout(desk, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let all = Arc::clone(&desk.last);
        drop(desk);
        let _reader = Reader { hall, lends };
        // SAFETY: all that have lent something stay as long as this one reads, for the operation is complete.
        let all: Vec<_> = all.iter().map(|b| (&b.lengths[..], unsafe { b.bytes.get() })).collect();
        Ok(read(&all))
    }
}

impl Hall {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.hall.desk().gone[self.rank] = true;
        self.hall.news.notify_all();
    }
}

impl Communicator for InProcess {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.hall.desk().brought.len()
    }

    fn time_out(&self) -> Duration {
        self.hall.time_out
    }

    fn all_gather_v(&self, mine: &[u8], lengths: &[usize], all: &mut [u8]) -> Result<(), CommunicatorError> {
        self.exchange(&[], mine, |brought| put(brought.iter().map(|(_, bytes)| *bytes), lengths, all))?
    }

    fn all_to_all_v(
        &self,
        send: &[u8],
        send_lengths: &[usize],
        receive: &mut [u8],
        receive_lengths: &[usize],
    ) -> Result<(), CommunicatorError> {
        self.exchange(send_lengths, send, |brought| {
            let for_me = brought.iter().map(|&(lengths, bytes)| {
                let start: usize = lengths[..self.rank].iter().sum();
                &bytes[start..start + lengths[self.rank]]
            });
            put(for_me, receive_lengths, receive)
        })?
    }

    fn missing(&self) -> Vec<usize> {
        self.hall.desk().missing.clone().unwrap_or_default()
    }
}

/// What a rank sees when the others bring other lengths than it was told.
const OTHER_LENGTHS: CommunicatorError = CommunicatorError::Failed(-1);

fn put<'a>(
    parts: impl Iterator<Item = &'a [u8]>,
    lengths: &[usize],
    mut to: &mut [u8],
) -> Result<(), CommunicatorError> {
    for (part, &length) in parts.zip(lengths) {
        let place = to.split_off_mut(..length).filter(|_| part.len() == length).ok_or(OTHER_LENGTHS)?;
        place.copy_from_slice(part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Numbers, Reduction};
    use std::thread;

    const SOON: Duration = Duration::from_secs(20);

    fn on_ranks<R: Send>(size: usize, time_out: Duration, f: impl Fn(InProcess) -> R + Sync) -> Vec<R> {
        thread::scope(|scope| {
            let f = &f;
            let ranks = InProcess::ranks(size, time_out);
            let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || f(rank))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    /// What is lent is read by all before its owner changes it; who waits in vain takes it back.
    #[test]
    fn much_is_lent() {
        const RANKS: usize = 3;
        let byte = |rank: usize, round: usize, i: usize| (31 * rank + 7 * round + i % 251) as u8;
        let length = |rank: usize, round: usize| [MUCH - 1, MUCH, 5 * MUCH][(rank + round) % RANKS];
        on_ranks(RANKS, SOON, |me| {
            let mut mine = Vec::new();
            for round in 0..50 {
                let lengths: Vec<usize> = (0..RANKS).map(|rank| length(rank, round)).collect();
                let lengths = &lengths;
                let of = move |rank: usize| (0..lengths[rank]).map(move |i| byte(rank, round, i));
                // In the same memory as before, which nobody may still read.
                mine.clear();
                mine.extend(of(me.rank()));
                let mut all = vec![0; lengths.iter().sum()];
                me.all_gather_v(&mine, lengths, &mut all).unwrap();
                assert!(all.iter().copied().eq((0..RANKS).flat_map(of)), "round {round}");
                let back: Vec<usize> = (0..RANKS).map(|rank| lengths[rank] / RANKS).collect();
                let send = [lengths[me.rank()] / RANKS; RANKS];
                let mut got = vec![0; back.iter().sum()];
                me.all_to_all_v(&mine[..send.iter().sum()], &send, &mut got, &back).unwrap();
                let part = |rank: usize| of(rank).skip(back[rank] * me.rank()).take(back[rank]);
                assert!(got.iter().copied().eq((0..RANKS).flat_map(part)), "round {round}");
            }
        });
        let mut two = InProcess::ranks(2, Duration::from_millis(20));
        let (one, other) = (two.remove(0), two);
        let lent = one.all_gather_v(&vec![1; MUCH], &[MUCH; 2], &mut vec![0; 2 * MUCH]);
        assert_eq!(lent, Err(CommunicatorError::TimedOut));
        let late = other[0].all_gather_v(&vec![1; MUCH], &[MUCH; 2], &mut vec![0; 2 * MUCH]);
        assert_eq!(late, Err(CommunicatorError::TimedOut));
    }

    #[test]
    fn all_operations_in_every_size() {
        for size in [1, 2, 3, 7] {
            on_ranks(size, SOON, |me| {
                let rank = me.rank();
                for round in 0..50 {
                    // Rank r brings r bytes, so that rank 0 brings none.
                    let lengths: Vec<usize> = (0..size).collect();
                    let mut all = vec![0; lengths.iter().sum()];
                    me.all_gather_v(&vec![(rank + round) as u8; rank], &lengths, &mut all).unwrap();
                    let expected: Vec<u8> = (0..size).flat_map(|r| vec![(r + round) as u8; r]).collect();
                    assert_eq!(all, expected);

                    // To rank s from rank r: r + 2 s bytes.
                    let to: Vec<usize> = (0..size).map(|s| rank + 2 * s).collect();
                    let from: Vec<usize> = (0..size).map(|r| r + 2 * rank).collect();
                    let send: Vec<u8> = (0..size).flat_map(|s| vec![(10 * rank + s) as u8; to[s]]).collect();
                    let mut got = vec![0; from.iter().sum()];
                    me.all_to_all_v(&send, &to, &mut got, &from).unwrap();
                    let expected: Vec<u8> = (0..size).flat_map(|r| vec![(10 * r + rank) as u8; from[r]]).collect();
                    assert_eq!(got, expected);

                    let root = round % size;
                    let mut word = if rank == root { *b"word" } else { [0; 4] };
                    me.broadcast(root, &mut word).unwrap();
                    assert_eq!(&word, b"word");
                    me.barrier().unwrap();

                    let mut whole = [rank as i64, -(rank as i64), i64::MAX];
                    me.all_reduce(Reduction::Sum, Numbers::Integers(&mut whole)).unwrap();
                    let sum = (size * (size - 1) / 2) as i64;
                    assert_eq!(whole, [sum, -sum, i64::MAX.wrapping_mul(size as i64)]);
                    let mut most = [rank as f64, if rank == 0 { f64::NAN } else { 1.0 }];
                    me.all_reduce(Reduction::Max, Numbers::Doubles(&mut most)).unwrap();
                    assert!(most[0] == (size - 1) as f64 && most[1].is_nan());
                    let mut least = [rank as f64, -0.5];
                    me.all_reduce(Reduction::Min, Numbers::Doubles(&mut least)).unwrap();
                    assert_eq!(least, [0.0, -0.5]);
                }
            });
        }
    }

    #[test]
    fn sums_are_added_in_the_order_of_the_ranks() {
        // 1 + 1e16 - 1e16: 0 in this order, 1 in another.
        let parts = [1.0, 1e16, -1e16];
        let sums = on_ranks(3, SOON, |me| {
            let mut x = [parts[me.rank()]];
            me.all_reduce(Reduction::Sum, Numbers::Doubles(&mut x)).unwrap();
            x[0]
        });
        assert_eq!(sums, [0.0; 3]);
    }

    #[test]
    fn whoever_does_not_come_is_named_within_the_time_out() {
        let soon = Duration::from_millis(50);
        let begun = Instant::now();
        let found = on_ranks(4, soon, |me| {
            me.barrier().unwrap();
            if me.rank() == 2 {
                // Alive, but elsewhere, until the others have given up.
                while me.missing().is_empty() {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            (me.barrier(), me.missing())
        });
        assert!(begun.elapsed() < SOON);
        assert!(found.iter().all(|f| *f == (Err(CommunicatorError::TimedOut), vec![2])), "{found:?}");
        // One that is gone is not waited for.
        let found = on_ranks(3, Duration::from_secs(3600), |me| (me.rank() > 0).then(|| (me.barrier(), me.missing())));
        assert!(found[1..].iter().all(|f| *f == Some((Err(CommunicatorError::TimedOut), vec![0]))), "{found:?}");
    }
}
