//! Rows that members of a meeting carry, handed to those that the meeting gives them to, wherever they are.

use crate::drive::Council;
use crate::error::Error;
use std::ops::Range;

/// One meeting's rows. Rows of all members are counted in the order of the run.
pub struct Rows<'a> {
    /// How many rows each member carries.
    carries: &'a [usize],
    /// The rows that each member gets, rising over the members of a process.
    wants: &'a [Vec<usize>],
    /// The members of each process, those of this one being at `here`.
    members: Vec<Range<usize>>,
    here: usize,
    /// The number of each member's first row, and of all rows.
    starts: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// Of members of which process r has `counts[r]`.
    pub fn new(carries: &'a [usize], wants: &'a [Vec<usize>], counts: &[usize], here: usize) -> Self {
        let prefix = |lengths: &[usize]| -> Vec<usize> {
            let ends = lengths.iter().scan(0, |end, length| {
                *end += length;
                Some(*end)
            });
            std::iter::once(0).chain(ends).collect()
        };
        let members = prefix(counts).windows(2).map(|w| w[0]..w[1]).collect();
        Self { carries, wants, members, here, starts: prefix(carries) }
    }

    /// The rows of a process.
    fn of(&self, process: usize) -> Range<usize> {
        let Range { start, end } = self.members[process];
        self.starts[start]..self.starts[end]
    }

    /// What a process wants.
    fn wanted(&self, process: usize) -> Vec<usize> {
        self.wants[self.members[process].clone()].concat()
    }

    /// Appends to each of this process's `answers` the rows that it gets. `row` appends a row of this process: the member's place among
    /// its members, the row's among the member's.
    ///
    /// # Errors
    /// A rank is lost.
    pub fn hand_out(
        &self,
        council: Option<&Council<'_>>,
        mut row: impl FnMut(usize, usize, &mut Vec<f64>),
        answers: &mut [Vec<f64>],
    ) -> Result<(), Error> {
        let own = self.of(self.here);
        let first = self.members[self.here].start;
        let mut append = |i: usize, out: &mut Vec<f64>| {
            let member = self.starts.partition_point(|start| *start <= i) - 1;
            debug_assert!(i - self.starts[member] < self.carries[member]);
            row(member - first, i - self.starts[member], out);
        };
        let wants: Vec<Vec<usize>> = (0..self.members.len()).map(|process| self.wanted(process)).collect();
        let moves = |(process, wants): (usize, &Vec<usize>)| wants.iter().any(|i| !self.of(process).contains(i));
        let mut foreign = wants[self.here].clone();
        foreign.retain(|i| !own.contains(i));
        foreign.dedup();
        let (mut got, mut width) = (Vec::new(), 0);
        if let Some(council) = council.filter(|_| wants.iter().enumerate().any(moves)) {
            let has: Vec<usize> = (0..self.members.len()).map(|process| self.of(process).len()).collect();
            if !own.is_empty() {
                let mut one = Vec::new();
                append(own.start, &mut one);
                width = one.len();
            }
            got = council.trade(&has, &wants, width, |i, out| append(own.start + i, out))?;
        }
        for (answer, wants) in answers.iter_mut().zip(&self.wants[self.members[self.here].clone()]) {
            for i in wants {
                match foreign.binary_search(i) {
                    Ok(place) => answer.extend_from_slice(&got[place * width..][..width]),
                    Err(_) => append(*i, answer),
                }
            }
        }
        Ok(())
    }
}
