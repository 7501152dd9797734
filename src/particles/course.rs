//! What blocks of a set bring to their meetings and take from them, as the numbers that meetings exchange.

use serde::{Deserialize, Serialize};

/// How far a set has come; every block of the set has the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The path's segment, from 0, and the share of it.
    pub segment: usize,
    /// See `segment`.
    pub share: f64,
    /// Log evidence so far.
    pub log_evidence: f64,
    /// Estimate of its variance from within the set.
    pub variance: f64,
    /// The part of it that belongs to stages before the last resampling.
    pub settled: f64,
    /// Stages so far.
    pub stage: usize,
    /// Log of the moves' step size, in units of the particles' own spread.
    pub log_step: f64,
}

impl Course {
    /// Numbers that it is.
    pub const LEN: usize = 7;

    /// A set's course before its first stage.
    pub fn start(log_step: f64) -> Self {
        Self { segment: 0, share: 0.0, log_evidence: 0.0, variance: 0.0, settled: 0.0, stage: 0, log_step }
    }

    /// The way behind it, in segments.
    pub fn way(&self) -> f64 {
        self.segment as f64 + self.share
    }

    fn numbers(&self) -> [f64; Self::LEN] {
        let Self { segment, share, log_evidence, variance, settled, stage, log_step } = *self;
        [segment as f64, share, log_evidence, variance, settled, stage as f64, log_step]
    }

    fn read(numbers: &[f64]) -> Self {
        let [segment, share, log_evidence, variance, settled, stage, log_step] =
            *numbers.first_chunk::<{ Self::LEN }>().expect("a course has its numbers");
        Self { segment: segment as usize, share, log_evidence, variance, settled, stage: stage as usize, log_step }
    }
}

/// What a block tells of the moves since its last meeting of stages.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Sum of acceptance probabilities since the last meeting.
    pub accepted: f64,
    /// Moves since then.
    pub moves: f64,
    /// The same since the last meeting of stages.
    pub stage_accepted: f64,
    /// See `stage_accepted`.
    pub stage_moves: f64,
    /// Points refused by the model, or without a finite value, since the last meeting of stages.
    pub refused: f64,
}

impl Tally {
    /// Numbers that it is.
    pub const LEN: usize = 5;

    /// Of several blocks, in their order.
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.moves += other.moves;
        self.stage_accepted += other.stage_accepted;
        self.stage_moves += other.stage_moves;
        self.refused += other.refused;
    }

    /// Counts a move accepted with this probability.
    pub fn count(&mut self, probability: f64) {
        self.accepted += probability;
        self.moves += 1.0;
        self.stage_accepted += probability;
        self.stage_moves += 1.0;
    }

    fn numbers(&self) -> [f64; Self::LEN] {
        [self.accepted, self.moves, self.stage_accepted, self.stage_moves, self.refused]
    }

    fn read(numbers: &[f64]) -> Self {
        let [accepted, moves, stage_accepted, stage_moves, refused] =
            *numbers.first_chunk::<{ Self::LEN }>().expect("a tally has its numbers");
        Self { accepted, moves, stage_accepted, stage_moves, refused }
    }
}

/// What blocks meet for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To tune the step size. Nothing follows.
    Tuning = 0,
    /// To end a stage. What the particles weigh follows.
    Stage = 1,
    /// To scale the moves. The block's moments follow.
    Scaling = 2,
}

impl Purpose {
    fn of(number: f64) -> Self {
        use Purpose::*;
        let known = [Tuning, Stage, Scaling];
        known.into_iter().find(|p| *p as i32 == number as i32).expect("a purpose has its number")
    }
}

/// What a block brings: this head, then what [`Purpose`] says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head {
    /// What for.
    pub purpose: Purpose,
    /// Whether the last stage reached the end of the path and was moved.
    pub moved_at_end: bool,
    /// The set's course.
    pub course: Course,
    /// The block's moves.
    pub tally: Tally,
}

impl Head {
    /// Numbers that it is.
    pub const LEN: usize = 2 + Course::LEN + Tally::LEN;

    /// Appends it.
    pub fn write(&self, out: &mut Vec<f64>) {
        out.extend([f64::from(self.purpose as i32), f64::from(u8::from(self.moved_at_end))]);
        out.extend(self.course.numbers());
        out.extend(self.tally.numbers());
    }

    /// Reads it.
    pub fn read(numbers: &[f64]) -> Self {
        let rest = &numbers[2..];
        let (course, tally) = (Course::read(rest), Tally::read(&rest[Course::LEN..]));
        Self { purpose: Purpose::of(numbers[0]), moved_at_end: numbers[1] != 0.0, course, tally }
    }
}

/// Numbers that are brought of each particle: increment, log weight, family.
pub const BROUGHT: usize = 3;

/// Numbers of each particle behind its coordinates, as it is carried to be moved: base, increment.
pub const CARRIED: usize = 2;

/// What a block is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Move again with the step size of the course. Nothing follows.
    Again = 0,
    /// Take the log weights that follow and find the increments of the next segment.
    Extend = 1,
    /// Take the normalised weights of the block's particles, the ancestors of its chains, and the rows of these, which follow; then
    /// meet for the scale.
    Move = 2,
    /// Take the log weights that follow: the set is done.
    Finish = 3,
    /// No particle has any weight.
    Lost = 4,
    /// The path cannot be followed any further.
    Stalled = 5,
    /// Another block of the set has failed.
    Broken = 6,
    /// Take the mean and the scale that follow, and move.
    Scale = 7,
}

impl Action {
    fn of(number: f64) -> Self {
        use Action::*;
        let known = [Again, Extend, Move, Finish, Lost, Stalled, Broken, Scale];
        known.into_iter().find(|a| *a as i32 == number as i32).expect("an action has its number")
    }
}

/// What a block takes: this head, then what [`Action`] says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What to do.
    pub action: Action,
    /// The set's course from here on.
    pub course: Course,
    /// Whether the end of the path was reached.
    pub at_end: bool,
    /// Effective sample size where the stage ended.
    pub ess: f64,
    /// Mean acceptance of the moves since the last meeting of stages; NaN of none.
    pub acceptance: f64,
    /// Refused points of all blocks.
    pub refused: f64,
    /// How many different particles the resampled ones stem from; NaN where none were.
    pub ancestors: f64,
}

impl Order {
    /// Numbers that it is.
    pub const LEN: usize = 6 + Course::LEN;

    /// Appends it.
    pub fn write(&self, out: &mut Vec<f64>) {
        let at_end = f64::from(u8::from(self.at_end));
        out.extend([f64::from(self.action as i32), at_end, self.ess, self.acceptance, self.refused, self.ancestors]);
        out.extend(self.course.numbers());
    }

    /// Reads it.
    pub fn read(numbers: &[f64]) -> Self {
        let (action, at_end) = (Action::of(numbers[0]), numbers[1] != 0.0);
        let [ess, acceptance, refused, ancestors] = [numbers[2], numbers[3], numbers[4], numbers[5]];
        Self { action, course: Course::read(&numbers[6..]), at_end, ess, acceptance, refused, ancestors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let course = Course {
            segment: 3,
            share: 0.25,
            log_evidence: -7.5,
            variance: 0.01,
            settled: 0.005,
            stage: 12,
            log_step: -0.5,
        };
        let mut tally = Tally::default();
        tally.count(0.75);
        tally.add(&Tally { refused: 2.0, ..tally });
        let head = Head { purpose: Purpose::Scaling, moved_at_end: false, course, tally };
        let mut numbers = Vec::new();
        head.write(&mut numbers);
        assert_eq!((numbers.len(), Head::read(&numbers)), (Head::LEN, head));
        use Action::*;
        for action in [Again, Extend, Move, Finish, Lost, Stalled, Broken, Scale] {
            let order =
                Order { action, course, at_end: true, ess: 10.0, acceptance: 0.5, refused: 3.0, ancestors: 7.0 };
            numbers.clear();
            order.write(&mut numbers);
            assert_eq!((numbers.len(), Order::read(&numbers)), (Order::LEN, order));
        }
        assert_eq!((tally.moves, tally.stage_accepted, tally.refused), (2.0, 1.5, 2.0));
    }
}
