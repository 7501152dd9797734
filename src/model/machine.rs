//! What asks: a sampler, an optimiser, or whatever else needs a model, as a value that never calls it.

use super::{Block, Evaluation};
use crate::random::Stream;

/// The answer to an [`Ask`] (and to a request of a chain).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reply {
    /// To everything but a single evaluation: go on.
    Continue,
    /// The log density at the position asked for; its gradient was written into the slice given.
    LogDensity(f64),
    /// The model refused the position.
    Rejected,
}

/// What a machine asks for. `E` are the events of its own kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask<E> {
    /// One evaluation, at [`Machine::evaluation`]; then [`Reply::LogDensity`] or [`Reply::Rejected`].
    Evaluate,
    /// The evaluations of [`Machine::block`] that are still without an answer; then [`Reply::Continue`].
    EvaluateBlock,
    /// To meet the others of its group at the meeting of this number: [`Machine::bring`], [`Machine::take`], then
    /// [`Reply::Continue`]. All of a group go through the same meetings, in rising order.
    Meet(u64),
    /// Something that others must know of; then [`Reply::Continue`].
    Event(E),
}

/// A value that asks. A driver answers where and when it likes; equal answers give equal bits.
///
/// A machine belongs to one thread at a time. It allocates when it is made, not between two asks, and it may be written
/// to bytes between any two calls: read back, [`Machine::asked`] is what it still waits for.
pub trait Machine: Send {
    /// What it tells besides asking.
    type Event: Send;

    /// The chain it is, from 1, for the model's task.
    fn id(&self) -> u64;

    /// Takes the answer to its last ask ([`Reply::Continue`] at first) and returns the next one.
    ///
    /// # Panics
    /// When the reply does not fit the ask.
    fn resume(&mut self, reply: Reply) -> Ask<Self::Event>;

    /// The last ask, still to be answered; `None` before the first call of [`Machine::resume`].
    fn asked(&self) -> Option<Ask<Self::Event>>;

    /// The share of its way behind it, from 0 to 1.
    fn progress(&self) -> f64;

    /// For [`Ask::Evaluate`].
    fn evaluation(&mut self) -> Evaluation<'_> {
        unreachable!("a machine that asks for evaluations says where")
    }

    /// For [`Ask::EvaluateBlock`]: the block, and the stream for what the model draws.
    fn block(&mut self) -> (&mut Block, &mut Stream) {
        unreachable!("a machine that asks for blocks has one")
    }

    /// For [`Ask::Meet`]: appends what the others may see.
    fn bring(&self, out: &mut Vec<f64>) {
        let _ = out;
        unreachable!("a machine that meets others brings something")
    }

    /// For [`Ask::Meet`]: appends row `i` of the rows of numbers that it carries to `out`; they stay with it but for those that
    /// [`Fold::wants`] gives to others. All machines of a meeting have rows of one length.
    fn row(&self, i: usize, out: &mut Vec<f64>) {
        let _ = (i, out);
        unreachable!("a machine whose meetings give rows has some")
    }

    /// For [`Ask::Meet`]: takes what the meeting has for it. Before [`Machine::resume`], without which nothing of it counts.
    fn take(&mut self, answer: &[f64]) {
        let _ = answer;
        unreachable!("a machine that meets others takes the answer")
    }
}

/// What one machine brings to a meeting.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its id.
    pub id: u64,
    /// What it brings.
    pub brings: Vec<f64>,
}

/// What a meeting makes of what its members bring.
pub trait Fold: Sync {
    /// One answer for each of `members`, which stand in the order of the run. Called once per meeting, when all that still
    /// run have come, on any thread. Pure: the answers depend on the arguments alone.
    fn fold(&self, meeting: u64, members: &[Member]) -> Vec<Vec<f64>>;

    /// How many rows a member carries, see [`Machine::row`].
    fn carries(&self, member: &Member) -> usize {
        let _ = member;
        0
    }

    /// The rows that each member gets behind its answer, one list per member, or none where nobody gets any: rows of all members are
    /// counted in the order of the run, and those of a list rise. As pure as [`Fold::fold`].
    fn wants(&self, members: &[Member], answers: &[Vec<f64>]) -> Vec<Vec<usize>> {
        let _ = (members, answers);
        Vec::new()
    }
}
