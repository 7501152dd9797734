//! Who descends from whom in a set.

use serde::{Deserialize, Serialize};

/// The parents of a set's members at each change of generation (resampling, members that become several or merge). Takes
/// 4 bytes per member and generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genealogy {
    founders: usize,
    /// By generation, oldest first: the number of each member's parent in the generation before.
    parents: Vec<Vec<u32>>,
}

impl Genealogy {
    /// Of a set of `founders` members without parents.
    pub fn new(founders: usize) -> Self {
        Self { founders, parents: Vec::new() }
    }

    /// A generation whose members have these parents in the last one.
    pub fn push(&mut self, parents: &[u32]) {
        debug_assert!(parents.iter().all(|&p| (p as usize) < self.members()));
        self.parents.push(parents.to_vec());
    }

    /// Number of generations after the founders.
    pub fn generations(&self) -> usize {
        self.parents.len()
    }

    /// The parents in each generation after the first `generations`.
    pub fn since(&self, generations: usize) -> &[Vec<u32>] {
        &self.parents[generations..]
    }

    /// Members of the last generation.
    fn members(&self) -> usize {
        self.parents.last().map_or(self.founders, Vec::len)
    }

    /// The ancestor of each member among those of generation `generation` (0: the founders).
    ///
    /// # Panics
    /// When there is no such generation.
    pub fn ancestors(&self, generation: usize) -> Vec<u32> {
        assert!(generation <= self.generations(), "generation {generation} of {}", self.generations());
        let mut line: Vec<u32> = (0..self.members() as u32).collect();
        for parents in self.parents[generation..].iter().rev() {
            for member in &mut line {
                *member = parents[*member as usize];
            }
        }
        line
    }

    /// How many different ancestors the members have in each generation, from the founders to the last: falls towards
    /// the past as paths degenerate.
    pub fn distinct_ancestors(&self) -> Vec<usize> {
        let mut line: Vec<u32> = (0..self.members() as u32).collect();
        let mut counts = vec![line.len()];
        for parents in self.parents.iter().rev() {
            for member in &mut line {
                *member = parents[*member as usize];
            }
            // Only the ancestors themselves matter further back.
            line.sort_unstable();
            line.dedup();
            counts.push(line.len());
        }
        counts.reverse();
        counts
    }

    /// How many generations back all members have one ancestor; `None` when even the founders of their lines differ.
    pub fn coalescence(&self) -> Option<usize> {
        self.distinct_ancestors().iter().rev().position(|&count| count == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_run_back_to_the_founders() {
        let mut genealogy = Genealogy::new(3);
        assert_eq!((genealogy.distinct_ancestors(), genealogy.coalescence()), (vec![3], None));
        genealogy.push(&[0, 0, 2, 2]);
        genealogy.push(&[3, 3]);
        assert_eq!(genealogy.ancestors(2), [0, 1]);
        assert_eq!(genealogy.ancestors(1), [3, 3]);
        assert_eq!(genealogy.ancestors(0), [2, 2]);
        assert_eq!(genealogy.distinct_ancestors(), [1, 1, 2]);
        assert_eq!(genealogy.coalescence(), Some(1));
        assert_eq!(Genealogy::new(1).coalescence(), Some(0));
    }
}
