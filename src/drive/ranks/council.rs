//! What the ranks of a run agree on, and what they bring to meetings.

use crate::drive::meet::{Next, Standing};
use crate::error::{Code, Error};
use crate::model::{Communicator, CommunicatorError, Member};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Whatever else of a process all others must know, as bits; what one has all have.
pub type Flags = u64;

/// The part of `total` things that belongs to `rank` of `size`: blocks in the order of the ranks, whose lengths differ by one at most.
pub fn share(total: usize, rank: usize, size: usize) -> Range<usize> {
    let (each, more) = (total / size, total % size);
    let start = |rank: usize| rank * each + rank.min(more);
    start(rank)..start(rank + 1)
}

/// The ranks of a run, until one of them is lost. Its operations belong to one thread, that which called into the library.
pub struct Council<'a> {
    communicator: &'a dyn Communicator,
    lost: Mutex<Option<Error>>,
    room: Mutex<Room>,
}

/// Where members of meetings lie as bytes. Kept from meeting to meeting, for memory that is new takes longer than what is done in it.
#[derive(Default)]
struct Room {
    mine: Vec<u8>,
    all: Vec<u8>,
}

/// Larger rooms are given back.
const LARGE_ROOM: usize = 64 << 20;

const WORD: usize = size_of::<u64>();
/// Words in which a process says where it stands: how, the meeting, the flags.
const WORDS: usize = 3;
const WORKING: u64 = 0;
const WAITING: u64 = 1;
const OVER: u64 = 2;

fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("a word"))
}

impl<'a> Council<'a> {
    /// Of the ranks of `communicator`.
    pub fn new(communicator: &'a dyn Communicator) -> Self {
        Self::since(communicator, None)
    }

    /// Of the ranks of `communicator`, of which one may be `lost` already.
    pub fn since(communicator: &'a dyn Communicator, lost: Option<Error>) -> Self {
        Self { communicator, lost: Mutex::new(lost), room: Mutex::default() }
    }

    /// The same ranks for another purpose, lost where they are.
    pub fn again(&self) -> Self {
        Self::since(self.communicator, self.lost())
    }

    /// This process's rank.
    pub fn rank(&self) -> usize {
        self.communicator.rank()
    }

    /// Number of ranks.
    pub fn size(&self) -> usize {
        self.communicator.size()
    }

    /// Why no rank can be asked any more.
    pub fn lost(&self) -> Option<Error> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One operation, unless a rank was lost before.
    fn operate(&self, f: impl FnOnce(&dyn Communicator) -> Result<(), CommunicatorError>) -> Result<(), Error> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &*lost {
            return Err(error.clone());
        }
        f(self.communicator).map_err(|error| lost.insert(self.in_words(error)).clone())
    }

    fn in_words(&self, error: CommunicatorError) -> Error {
        let seconds = self.communicator.time_out().as_secs_f64();
        let words = match (error, &self.communicator.missing()[..]) {
            (CommunicatorError::TimedOut, []) => format!("a rank did not answer within {seconds} s"),
            (CommunicatorError::TimedOut, [rank]) => format!("rank {rank} did not answer within {seconds} s"),
            (CommunicatorError::TimedOut, ranks) => {
                let ranks: Vec<String> = ranks.iter().map(usize::to_string).collect();
                format!("ranks {} did not answer within {seconds} s", ranks.join(", "))
            }
            (error, _) => error.to_string(),
        };
        Error::new(Code::Communicator, words)
    }

    /// Tells all ranks where the jobs of this one stand and learns where all others do: what comes next, and everybody's flags.
    /// Returns when all ranks have told.
    ///
    /// # Errors
    /// A rank is lost.
    pub fn tell(&self, standing: Standing, flags: Flags) -> Result<(Next, Flags), Error> {
        let (how, number) = match standing {
            Standing::Working => (WORKING, 0),
            Standing::Waiting(number) => (WAITING, number),
            Standing::Over => (OVER, 0),
        };
        let mine: Vec<u8> = [how, number, flags].iter().flat_map(|w| w.to_le_bytes()).collect();
        let mut all = vec![0; mine.len() * self.size()];
        self.operate(|c| c.all_gather(&mine, &mut all))?;
        let (mut works, mut first, mut flags) = (false, None, 0);
        for told in all.chunks_exact(WORDS * WORD) {
            let (how, number) = (word(&told[..WORD]), word(&told[WORD..2 * WORD]));
            works |= how == WORKING;
            if how == WAITING {
                first = Some(first.unwrap_or(number).min(number));
            }
            flags |= word(&told[2 * WORD..]);
        }
        let next = match (works, first) {
            (true, _) => Next::GoOn,
            (false, Some(number)) => Next::Hold(number),
            (false, None) => Next::End,
        };
        Ok((next, flags))
    }

    /// What each rank brings.
    ///
    /// # Errors
    /// A rank is lost.
    pub fn gather(&self, mine: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut all = Vec::new();
        let lengths = self.gather_into(mine, &mut all)?;
        Ok(parts(&all, lengths).map(<[u8]>::to_vec).collect())
    }

    /// What all ranks bring, one rank's after the other, into `all`; and how long each is.
    fn gather_into(&self, mine: &[u8], all: &mut Vec<u8>) -> Result<Vec<usize>, Error> {
        let mut lengths = vec![0; WORD * self.size()];
        self.operate(|c| c.all_gather(&(mine.len() as u64).to_le_bytes(), &mut lengths))?;
        let lengths: Vec<usize> = lengths.chunks_exact(WORD).map(|bytes| word(bytes) as usize).collect();
        all.resize(lengths.iter().sum(), 0);
        self.operate(|c| c.all_gather_v(mine, &lengths, all))?;
        Ok(lengths)
    }

    /// The numbers of all ranks, one rank's after the other; `lengths` says how many each has.
    ///
    /// # Errors
    /// A rank is lost.
    pub fn gather_numbers(&self, mine: &[f64], lengths: &[usize]) -> Result<Vec<f64>, Error> {
        let mut all = vec![0.0; lengths.iter().sum()];
        let bytes: Vec<usize> = lengths.iter().map(|length| length * size_of::<f64>()).collect();
        self.operate(|c| c.all_gather_v(as_bytes(mine), &bytes, as_bytes_mut(&mut all)))?;
        Ok(all)
    }

    /// The members of a meeting on all ranks, in their order, and how many each rank has.
    ///
    /// # Errors
    /// A rank is lost.
    pub fn meet(&self, mine: &[Member]) -> Result<(Vec<Member>, Vec<usize>), Error> {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let Room { mine: bytes, all } = &mut *room;
        write(mine, bytes);
        let lengths = self.gather_into(bytes, all)?;
        let members: Vec<Vec<Member>> = parts(all, lengths).map(read).collect();
        if room.all.capacity() > LARGE_ROOM {
            *room = Room::default();
        }
        let counts = members.iter().map(Vec::len).collect();
        Ok((members.into_iter().flatten().collect(), counts))
    }

    /// Sends `to[r]` to each rank r; returns what each has sent to this one.
    ///
    /// # Errors
    /// A rank is lost.
    pub fn swap(&self, to: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
        let send: Vec<usize> = to.iter().map(Vec::len).collect();
        let lengths: Vec<u8> = send.iter().flat_map(|length| (*length as u64).to_le_bytes()).collect();
        let (mut from, words) = (vec![0; lengths.len()], vec![WORD; to.len()]);
        self.operate(|c| c.all_to_all_v(&lengths, &words, &mut from, &words))?;
        let from: Vec<usize> = from.chunks_exact(WORD).map(|bytes| word(bytes) as usize).collect();
        let mut all = vec![0; from.iter().sum()];
        self.operate(|c| c.all_to_all_v(&to.concat(), &send, &mut all, &from))?;
        Ok(parts(&all, from).map(<[u8]>::to_vec).collect())
    }

    /// Rows of numbers from the ranks that have them to those that want them. `has` is how many rows each rank has, in the order of the
    /// ranks, `wants` which of all rows each rank wants, rising; `row` appends a row of this rank's, counted from its first one. Returns
    /// the rows that this rank wants of others, each once, one after the other; a row is sent to a rank once, however often it is wanted.
    ///
    /// # Errors
    /// A rank is lost.
    pub fn trade(
        &self,
        has: &[usize],
        wants: &[Vec<usize>],
        width: usize,
        mut row: impl FnMut(usize, &mut Vec<f64>),
    ) -> Result<Vec<f64>, Error> {
        let here = self.rank();
        let rows_of = |rank: usize| {
            let first: usize = has[..rank].iter().sum();
            first..first + has[rank]
        };
        let distinct = |wants: &[usize], of: Range<usize>| {
            let from = wants.partition_point(|row| *row < of.start);
            let until = wants.partition_point(|row| *row < of.end);
            let mut rows = wants[from..until].to_vec();
            rows.dedup();
            rows
        };
        let own = rows_of(here);
        let (mut send, mut to) = (Vec::new(), Vec::with_capacity(has.len()));
        for (rank, wants) in wants.iter().enumerate() {
            let rows = if rank == here { Vec::new() } else { distinct(wants, own.clone()) };
            rows.iter().for_each(|i| row(i - own.start, &mut send));
            to.push(rows.len() * width * WORD);
        }
        let from: Vec<usize> = (0..has.len())
            .map(|rank| if rank == here { 0 } else { distinct(&wants[here], rows_of(rank)).len() * width * WORD })
            .collect();
        let mut got = vec![0.0; from.iter().sum::<usize>() / WORD];
        self.operate(|c| c.all_to_all_v(as_bytes(&send), &to, as_bytes_mut(&mut got), &from))?;
        Ok(got)
    }
}

/// Numbers as they lie in memory.
fn as_bytes(numbers: &[f64]) -> &[u8] {
    // SAFETY: the memory of the numbers, all of which are initialised, and any byte is a u8.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

fn as_bytes_mut(numbers: &mut [f64]) -> &mut [u8] {
    // SAFETY: as above; any eight bytes are an f64.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), size_of_val(numbers)) }
}

/// The parts of `all`, one after the other.
fn parts(mut all: &[u8], lengths: Vec<usize>) -> impl Iterator<Item = &[u8]> {
    lengths.into_iter().map(move |length| all.split_off(..length).expect("as long as all together"))
}

/// Members as bytes, in the place of those that were there: of each its id, how many numbers it brings, and these.
fn write(members: &[Member], bytes: &mut Vec<u8>) {
    let words: usize = members.iter().map(|m| 2 + m.brings.len()).sum();
    bytes.clear();
    bytes.reserve(words * WORD);
    for member in members {
        bytes.extend_from_slice(&member.id.to_le_bytes());
        bytes.extend_from_slice(&(member.brings.len() as u64).to_le_bytes());
        member.brings.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
    }
}

fn read(mut bytes: &[u8]) -> Vec<Member> {
    let mut members = Vec::new();
    while let Some(head) = bytes.split_off(..2 * WORD) {
        let numbers = bytes.split_off(..word(&head[WORD..]) as usize * WORD).expect("as many as it says");
        let brings = numbers.chunks_exact(WORD).map(|b| f64::from_bits(word(b))).collect();
        members.push(Member { id: word(&head[..WORD]), brings });
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_blocks_in_order() {
        for total in [0, 1, 7, 8, 100] {
            for size in 1..=9 {
                let shares: Vec<_> = (0..size).map(|rank| share(total, rank, size)).collect();
                let lengths = shares.iter().map(ExactSizeIterator::len);
                assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1);
                assert_eq!(shares.into_iter().flatten().collect::<Vec<_>>(), (0..total).collect::<Vec<_>>());
            }
        }
        assert_eq!(share(usize::MAX, 2, 3).end, usize::MAX);
    }

    #[test]
    fn members_come_back_bit_for_bit() {
        let member = |id, brings: &[f64]| Member { id, brings: brings.to_vec() };
        let members = [member(1 << 62, &[f64::NAN, -0.0, 1e-310]), member(2, &[]), member(3, &[f64::INFINITY])];
        let mut bytes = vec![7; 5];
        write(&members, &mut bytes);
        let back = read(&bytes);
        let bits = |members: &[Member]| -> Vec<(u64, Vec<u64>)> {
            members.iter().map(|m| (m.id, m.brings.iter().map(|x| x.to_bits()).collect())).collect()
        };
        assert_eq!(bits(&back), bits(&members));
        assert!(read(&[]).is_empty());
    }
}
