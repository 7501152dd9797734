//! Traces: opaque values of a host that a population moves.

use super::{Refusal, Task, Threading};
use serde::{Deserialize, Serialize};

/// One of the host's own operations on a trace: what it is and what it is done with. The library only hands both on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Operation {
    /// The host's number for it.
    pub number: i64,
    /// The host's bytes.
    pub argument: Vec<u8>,
}

impl Operation {
    /// The operation of this number without an argument.
    pub fn new(number: i64) -> Self {
        Self { number, argument: Vec::new() }
    }

    /// The same operation with an argument.
    pub fn with(number: i64, argument: impl Into<Vec<u8>>) -> Self {
        Self { number, argument: argument.into() }
    }
}

/// What two traces that merge have in common: the host's hash of what matters. 128 bits, so that unequal ones don't meet
/// by chance.
pub type Fingerprint = [u64; 2];

/// What can be done with a trace. One value serves all traces of a population; they are worked on by several threads at
/// once, each by one at a time.
///
/// Random numbers come from the task, which has the id of the set, the number of the trace and a stream of their own for
/// each operation. Refusals: [`Refusal::Reject`] says that the trace is impossible (weight zero), [`Refusal::Stop`] that
/// the operation failed. A change of a trace that fails may leave it in any state in which it can be dropped.
pub trait Traces: Sync {
    /// A trace. One thread at a time changes it; several may look at it (and copy it) at once. Dropped where it is no
    /// longer needed, on any thread unless [`Traces::threading`] says otherwise.
    type Trace: Send + Sync + 'static;

    /// From which threads traces may be worked on.
    fn threading(&self) -> Threading {
        Threading::Any
    }

    /// A trace drawn from the prior.
    fn create(&self, task: &mut Task<'_>) -> Result<Self::Trace, Refusal>;

    /// Whether [`Traces::copy`] works.
    fn can_copy(&self) -> bool {
        false
    }

    /// A trace that is as `trace` and independent of it. Draws no random numbers.
    fn copy(&self, trace: &Self::Trace, task: &mut Task<'_>) -> Result<Self::Trace, Refusal> {
        let _ = trace;
        Err(task.stop("its traces cannot be copied"))
    }

    /// Does `operation` and returns the increment of the trace's log weight.
    fn apply(&self, trace: &mut Self::Trace, operation: &Operation, task: &mut Task<'_>) -> Result<f64, Refusal>;

    /// Makes the trace consistent with its observations; the increment of its log weight.
    fn incorporate(&self, trace: &mut Self::Trace, task: &mut Task<'_>) -> Result<f64, Refusal> {
        let _ = trace;
        Err(task.stop("its traces have nothing to incorporate"))
    }

    /// Draws the trace anew from the prior; what was observed stays where the host wants that.
    fn reset_to_prior(&self, trace: &mut Self::Trace, task: &mut Task<'_>) -> Result<(), Refusal> {
        *trace = self.create(task)?;
        Ok(())
    }

    /// The log of the trace's likelihood weight.
    fn weigh(&self, trace: &mut Self::Trace, task: &mut Task<'_>) -> Result<f64, Refusal> {
        let _ = trace;
        Err(task.stop("its traces have no likelihood weight"))
    }

    /// Hands the traces that `trace` becomes to `emit`, in their order, each with the increment of its log weight.
    fn diversify(
        &self,
        trace: &Self::Trace,
        operation: &Operation,
        task: &mut Task<'_>,
        emit: &mut dyn FnMut(Self::Trace, f64),
    ) -> Result<(), Refusal> {
        let _ = (trace, operation, emit);
        Err(task.stop("its traces cannot be made several"))
    }

    /// What traces that merge in `scope` have in common.
    fn fingerprint(&self, trace: &Self::Trace, scope: i64, task: &mut Task<'_>) -> Result<Fingerprint, Refusal> {
        let _ = (trace, scope);
        Err(task.stop("its traces have no fingerprint"))
    }

    /// Writes the value `what` of a trace, as many numbers as `out` has room for.
    fn report(&self, trace: &Self::Trace, what: i64, task: &mut Task<'_>, out: &mut [f64]) -> Result<(), Refusal> {
        let _ = (trace, what, out);
        Err(task.stop("its traces report nothing"))
    }

    /// As [`Traces::report`], for a value that is drawn.
    fn sample(&self, trace: &Self::Trace, what: i64, task: &mut Task<'_>, out: &mut [f64]) -> Result<(), Refusal> {
        self.report(trace, what, task, out)
    }

    /// Whether [`Traces::serialize`] and [`Traces::deserialize`] work.
    fn can_serialize(&self) -> bool {
        false
    }

    /// Appends a trace's bytes to `out`.
    fn serialize(&self, trace: &Self::Trace, task: &mut Task<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let _ = (trace, out);
        Err(task.stop("its traces cannot be written"))
    }

    /// The trace of these bytes.
    fn deserialize(&self, bytes: &[u8], task: &mut Task<'_>) -> Result<Self::Trace, Refusal> {
        let _ = bytes;
        Err(task.stop("its traces cannot be read"))
    }
}
