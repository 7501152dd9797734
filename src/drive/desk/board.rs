//! What lies on a desk: jobs by what they wait for, and what is to be done next.

use crate::drive::meet::{Parking, Standing};
use crate::drive::{Job, Seated, Slice, Together};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long the same jobs are answered again and again while others wait.
const TURN: Duration = Duration::from_millis(10);
/// Most slices between two visits of the desk: where answers are gathered a slice is one leapfrog step, which is shorter
/// than taking turns at the lock.
const MOST_SLICES: usize = 64;

pub(super) struct Board<J> {
    /// Waiting for a slice, in the order they came.
    pub ready: VecDeque<Seated<J>>,
    /// Waiting to be answered together, each with the number of evaluations it waits for, since.
    pub asking: VecDeque<(usize, Seated<J>)>,
    /// Evaluations that they wait for.
    pub rows: usize,
    asking_since: Instant,
    parking: Parking<J>,
    /// When those in turn began their turn.
    turn_since: Instant,
    pub over: Vec<Seated<J>>,
    /// Threads of the pool that work for this desk.
    pub tickets: usize,
}

/// The next thing to do at a desk.
pub(super) enum Work<J> {
    Slices(Vec<Seated<J>>),
    Answer(Vec<Seated<J>>),
    Meeting(u64, Vec<Seated<J>>),
    /// All that is left is in other hands, or waits for more to ask.
    Nothing,
}

impl<J: Job> Board<J> {
    /// All of `jobs` are ready.
    pub fn new(jobs: Vec<J>) -> Self {
        let count = jobs.len();
        Self {
            ready: Seated::all(jobs).collect(),
            asking: VecDeque::new(),
            rows: 0,
            asking_since: Instant::now(),
            parking: Parking::new(count),
            turn_since: Instant::now(),
            over: Vec::with_capacity(count),
            tickets: 0,
        }
    }

    /// Slices come first, for they make machines ask: the share of one of `hands`. A batch is due when it is full, when
    /// nobody is left who could join it, or when it has waited long enough.
    pub fn next<T: Together<J> + ?Sized>(&mut self, company: &T, count: usize, hands: usize) -> Work<J> {
        if self.is_due(company)
            && let Some((number, jobs)) = self.parking.due()
        {
            return Work::Meeting(number, jobs);
        }
        let gathers = company.size() > 0;
        let full = gathers && self.rows >= company.size();
        if !full && !self.ready.is_empty() {
            let most = if gathers { MOST_SLICES } else { 1 };
            let share = self.ready.len().div_ceil(hands).min(most);
            return Work::Slices(self.ready.drain(..share).collect());
        }
        if self.asking.is_empty() {
            return Work::Nothing;
        }
        let nobody_else = self.asking.len() + self.parking.len() + self.over.len() == count;
        if full || nobody_else || self.asking_since.elapsed() >= company.wait() {
            self.asking_since = Instant::now();
            return Work::Answer(self.batch(company.size()));
        }
        Work::Nothing
    }

    /// Those who asked first, until their evaluations fill a batch of `size`.
    fn batch(&mut self, size: usize) -> Vec<Seated<J>> {
        let (mut jobs, mut taken) = (Vec::new(), 0);
        while taken < size
            && let Some((rows, seated)) = self.asking.pop_front()
        {
            taken += rows;
            jobs.push(seated);
        }
        self.rows -= taken;
        jobs
    }

    /// Answered jobs go on before others, while their memory is in the processor's caches, until their turn is over.
    pub fn answered(&mut self, jobs: Vec<Seated<J>>) {
        if self.turn_since.elapsed() < TURN {
            jobs.into_iter().rev().for_each(|seated| self.ready.push_front(seated));
        } else {
            self.turn_since = Instant::now();
            self.ready.extend(jobs);
        }
    }

    pub fn take_all_back(&mut self, done: Vec<(Seated<J>, Slice)>) {
        done.into_iter().for_each(|(seated, slice)| self.take_back(seated, slice));
    }

    pub fn take_back(&mut self, mut seated: Seated<J>, slice: Slice) {
        match slice {
            Slice::More | Slice::Compute => self.ready.push_back(seated),
            Slice::Ask => {
                if self.asking.is_empty() {
                    self.asking_since = Instant::now();
                }
                let rows = seated.job.rows();
                self.rows += rows;
                self.asking.push_back((rows, seated));
            }
            Slice::Meet(number) => self.parking.park(number, seated),
            Slice::Over => {
                self.parking.leave();
                self.over.push(seated);
            }
        }
    }

    /// Where all jobs stand.
    pub fn standing(&self) -> Standing {
        self.parking.standing()
    }

    /// Whether there is a meeting to hold that needs no other process.
    pub fn is_due<T: Together<J> + ?Sized>(&self, company: &T) -> bool {
        !company.meets_abroad() && matches!(self.standing(), Standing::Waiting(_))
    }

    /// Those who have come to this meeting, in their order.
    pub fn come_to(&mut self, number: u64) -> Vec<Seated<J>> {
        self.parking.come_to(number)
    }

    /// No meeting will be held any more.
    pub fn release(&mut self) {
        let released = self.parking.release();
        self.ready.extend(released);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// Waits for two evaluations whenever it asks.
    struct Two;

    impl Job for Two {
        fn progress(&self) -> f64 {
            0.0
        }
        fn slice(&mut self, _: &AtomicBool) -> Slice {
            Slice::Ask
        }
        fn compute(&mut self) {}
        fn rows(&mut self) -> usize {
            2
        }
        fn broken(&mut self, _: String) {}
        fn panicked(&mut self, _: String) {}
    }

    /// Batches of so many evaluations, and the longest time to wait for them.
    struct Batches(usize, Duration);

    impl Together<Two> for Batches {
        fn size(&self) -> usize {
            self.0
        }
        fn wait(&self) -> Duration {
            self.1
        }
        fn answer(&self, _: &mut [Seated<Two>]) {}
        fn hold(&self, _: u64, _: &mut [Seated<Two>]) {}
    }

    const LONG: Duration = Duration::from_secs(3600);

    fn board(count: usize) -> Board<Two> {
        Board::new((0..count).map(|_| Two).collect())
    }

    /// Takes all slices; all of them but `most` ask, which others still have in hand.
    fn in_hand(board: &mut Board<Two>, company: &Batches, count: usize, most: usize) -> Vec<Seated<Two>> {
        let Work::Slices(mut jobs) = board.next(company, count, 1) else { panic!("slices come first") };
        let rest = jobs.split_off(jobs.len() - most);
        board.take_all_back(jobs.into_iter().map(|seated| (seated, Slice::Ask)).collect());
        rest
    }

    #[test]
    fn a_batch_waits_for_those_in_other_hands() {
        let company = Batches(8, LONG);
        let mut board = board(3);
        let mut away = in_hand(&mut board, &company, 3, 2);
        assert!(matches!(board.next(&company, 3, 1), Work::Nothing));
        board.take_back(away.pop().unwrap(), Slice::Over);
        assert!(matches!(board.next(&company, 3, 1), Work::Nothing));
        // Not longer than it may.
        assert!(matches!(board.next(&Batches(8, Duration::ZERO), 3, 1), Work::Answer(jobs) if jobs.len() == 1));
        // Nor where nobody is left who could join.
        board.take_back(away.pop().unwrap(), Slice::Ask);
        board.take_back(Seated::all(vec![Two]).next().unwrap(), Slice::Ask);
        assert!(matches!(board.next(&company, 3, 1), Work::Answer(jobs) if jobs.len() == 2));
        assert_eq!(board.rows, 0);
    }

    #[test]
    fn a_full_batch_comes_before_slices() {
        let company = Batches(4, LONG);
        let mut board = board(5);
        let mut away = in_hand(&mut board, &company, 5, 2);
        board.take_back(away.pop().unwrap(), Slice::More);
        assert!(matches!(board.next(&company, 5, 1), Work::Answer(jobs) if jobs.len() == 2));
        assert_eq!((board.rows, board.asking.len()), (2, 1));
        assert!(matches!(board.next(&company, 5, 1), Work::Slices(jobs) if jobs.len() == 1));
    }

    #[test]
    fn slices_are_shared_among_hands() {
        let shares = |company: &Batches, count, hands| match board(count).next(company, count, hands) {
            Work::Slices(jobs) => jobs.len(),
            _ => 0,
        };
        let gathers = Batches(8, LONG);
        assert_eq!([(10, 1), (10, 4), (200, 2)].map(|(n, hands)| shares(&gathers, n, hands)), [10, 3, MOST_SLICES]);
        assert_eq!(shares(&Batches(0, LONG), 10, 1), 1);
    }
}
