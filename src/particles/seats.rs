//! Which rank has which member of a set that is in parts.

use std::cmp::Reverse;

/// The rank of each member of a set whose members are spread over ranks, as many on each as on any other but for one. All ranks know
/// it of all members, each with its own rank as `here`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    here: usize,
    ranks: usize,
    /// The rank that is the first to have one member more than others, where parts cannot be equal.
    first: usize,
    of: Vec<u32>,
}

impl Seats {
    /// Of `count` members, in blocks in the order of the ranks.
    pub fn even(count: usize, here: usize, ranks: usize, first: usize) -> Self {
        let mut seats = Self { here, ranks, first: first % ranks, of: Vec::with_capacity(count) };
        let quotas = seats.quotas(count, &vec![0; ranks]);
        for (rank, quota) in quotas.into_iter().enumerate() {
            seats.of.extend(std::iter::repeat_n(rank as u32, quota));
        }
        seats
    }

    /// The rank that has `member`.
    pub fn rank(&self, member: usize) -> usize {
        self.of[member] as usize
    }

    /// Whether `member` is on this rank.
    pub fn is_here(&self, member: usize) -> bool {
        self.rank(member) == self.here
    }

    /// Has `member` on `rank`.
    pub fn put(&mut self, member: usize, rank: usize) {
        self.of[member] = rank as u32;
    }

    /// Of members that are where their parents are.
    pub fn at_home(&self, parents: &[u32]) -> Self {
        let of = parents.iter().map(|&parent| self.of[parent as usize]).collect();
        Self { of, ..*self }
    }

    /// Of members with these parents, in equal parts again. Fewer cannot leave the ranks where their parents are: only those
    /// leave for whom there is no room, and directly for a rank that has room. Of the members of a rank those leave first whose parent has
    /// most offspring, for it is sent once for all that go the same way.
    pub fn after(&self, parents: &[u32]) -> Self {
        let mut next = self.at_home(parents);
        let mut there = vec![0usize; self.ranks];
        next.of.iter().for_each(|&rank| there[rank as usize] += 1);
        let quotas = self.quotas(parents.len(), &there);
        let mut surplus: Vec<usize> =
            there.iter().zip(&quotas).map(|(there, quota)| there.saturating_sub(*quota)).collect();
        let mut offspring = vec![0u32; self.of.len()];
        parents.iter().for_each(|&parent| offspring[parent as usize] += 1);
        let mut crowded: Vec<usize> = (0..parents.len()).filter(|&i| surplus[next.rank(i)] > 0).collect();
        crowded.sort_by_key(|&i| (Reverse(offspring[parents[i] as usize]), parents[i], i));
        let rooms = there.iter().zip(&quotas).enumerate();
        let mut rooms = rooms.flat_map(|(rank, (there, quota))| (*there..*quota).map(move |_| rank as u32));
        for member in crowded {
            let left = &mut surplus[next.of[member] as usize];
            if *left > 0 {
                *left -= 1;
                next.of[member] = rooms.next().expect("as many rooms as there are too many elsewhere");
            }
        }
        next
    }

    /// How many of `count` members each rank is to have. Who is to have one more: those with most `there` already, then from `first` on.
    fn quotas(&self, count: usize, there: &[usize]) -> Vec<usize> {
        let (each, more) = (count / self.ranks, count % self.ranks);
        let mut order: Vec<usize> = (0..self.ranks).map(|i| (self.first + i) % self.ranks).collect();
        order.sort_by_key(|&rank| there[rank] <= each);
        let mut quotas = vec![each; self.ranks];
        order[..more].iter().for_each(|&rank| quotas[rank] += 1);
        quotas
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    fn counts(seats: &Seats) -> Vec<usize> {
        (0..seats.ranks).map(|rank| seats.of.iter().filter(|of| **of as usize == rank).count()).collect()
    }

    #[test]
    fn parts_are_equal_but_for_one_and_the_larger_ones_go_round() {
        assert_eq!(Seats::even(5, 0, 3, 0).of, [0, 0, 1, 1, 2]);
        assert_eq!(Seats::even(5, 0, 3, 2).of, [0, 0, 1, 2, 2]);
        assert_eq!(Seats::even(1, 0, 4, 7).of, [3]);
        assert!(Seats::even(7, 2, 3, 0).is_here(6) && !Seats::even(7, 1, 3, 0).is_here(6));
    }

    /// By trying: who must leave at least, over all ways to have parts that are equal but for one.
    fn least(there: &[usize]) -> usize {
        let (ranks, count) = (there.len(), there.iter().sum::<usize>());
        let larger = (0..1u32 << ranks).filter(|larger| larger.count_ones() as usize == count % ranks);
        let leave = larger.map(|larger| {
            let quota = |rank: usize| count / ranks + (larger >> rank & 1) as usize;
            there.iter().enumerate().map(|(rank, there)| there.saturating_sub(quota(rank))).sum()
        });
        leave.min().unwrap()
    }

    #[test]
    fn no_more_leave_than_must() {
        let mut stream = Stream::new(5, 1, Purpose::Sampler);
        for _ in 0..300 {
            let mut up_to = |n: usize| 1 + (stream.uniform() * n as f64) as usize;
            let (ranks, before, count) = (up_to(6), up_to(40), up_to(40));
            let mut seats = Seats::even(before, 0, ranks, up_to(9));
            for _ in 0..3 {
                let heavy = up_to(seats.of.len());
                let parents: Vec<u32> = (0..count).map(|_| up_to(heavy) as u32 - 1).collect();
                let (home, next) = (seats.at_home(&parents), seats.after(&parents));
                let leave = home.of.iter().zip(&next.of).filter(|(home, next)| home != next).count();
                assert_eq!(leave, least(&counts(&home)), "{home:?} {next:?}");
                let parts = counts(&next);
                assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1, "{parts:?}");
                seats = next;
            }
        }
    }

    #[test]
    fn a_parent_that_has_all_offspring_is_sent_to_each_other_rank_once() {
        let seats = Seats::even(12, 0, 3, 0);
        let next = seats.after(&[5; 12]);
        assert_eq!(counts(&next), [4, 4, 4]);
        // The second rank's trace of three offspring leaves, not the three traces of one.
        let next = seats.after(&[4, 5, 6, 7, 7, 7, 7, 8, 9, 0, 1, 2]);
        assert_eq!(next.of.iter().filter(|rank| **rank == 1).count(), 4);
        assert_eq!([next.rank(0), next.rank(1), next.rank(2)], [1, 1, 1]);
    }
}
