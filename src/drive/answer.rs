use super::Bench;
use crate::hmc::{Chain, Failure, Reply, Request};
use crate::model::{Density, Logger, Reducer, Refusal, Task};

/// Why [`advance`] handed a chain back.
#[derive(Debug, Clone, PartialEq)]
pub enum Pause {
    /// The initial point was found.
    Initialized,
    /// A draw is complete.
    Draw,
    /// Warm-up is over.
    WarmupDone,
    /// All iterations are done.
    Done,
    /// The chain cannot go on.
    Failed(Failure),
    /// The model asked to stop; its words are in the bench's message.
    ModelStopped,
    /// `pause` asked for it; the chain's last request is unanswered.
    Asked,
    /// With [`Evaluations::Gathered`]: the chain waits for an evaluation.
    Waiting,
    /// With [`Evaluations::HandedOver`]: evaluated; the chain has this reply still to take.
    Evaluated(Reply),
}

/// Where evaluations happen and who does the sampler's arithmetic between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evaluations {
    /// Both here, one after the other.
    Inline,
    /// Evaluations here, arithmetic elsewhere.
    HandedOver,
    /// Evaluations elsewhere, many chains at once.
    Gathered,
}

/// What a chain's evaluations have around them.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Sums inside the model.
    pub reducer: &'a dyn Reducer,
    /// Gets what the model logs.
    pub logger: &'a dyn Logger,
    /// Where evaluations happen.
    pub evaluations: Evaluations,
}

/// What a chain brings along that was answered or computed elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Brought {
    /// Nothing: its last request, if any, is unanswered.
    Nothing,
    /// The answer to its last request.
    Reply(Reply),
    /// Its next request, not yet looked at.
    Request(Request),
}

/// Answers a chain's requests with the model until something happens that others must know of. `pause` is asked before
/// each evaluation.
#[inline]
pub fn advance<D: Density>(
    chain: &mut Chain,
    density: &D,
    bench: &mut Bench<D::Worker>,
    around: Around<'_>,
    brought: Brought,
    mut pause: impl FnMut() -> bool,
) -> Pause {
    let chain_id = chain.settings().chain_id;
    let mut request = match (brought, chain.request()) {
        (Brought::Reply(reply), _) => chain.resume(reply),
        (Brought::Request(request), _) => request,
        (Brought::Nothing, Some(Request::Evaluate)) => Request::Evaluate,
        (Brought::Nothing, _) => chain.resume(Reply::Continue),
    };
    loop {
        match request {
            Request::Evaluate => {
                if pause() {
                    return Pause::Asked;
                }
                if around.evaluations == Evaluations::Gathered {
                    return Pause::Waiting;
                }
                let (position, gradient, stream) = chain.evaluation();
                // What is left there belongs to this evaluation, not to another one or another chain.
                bench.message.clear();
                let mut task =
                    Task::new(chain_id, stream, &mut bench.message, around.reducer).with_logger(around.logger);
                let reply = match density.log_density_gradient(&mut bench.worker, &mut task, position, gradient) {
                    Ok(log_density) => Reply::LogDensity(log_density),
                    Err(Refusal::Reject) => Reply::Rejected,
                    Err(Refusal::Stop) => return Pause::ModelStopped,
                };
                if around.evaluations == Evaluations::HandedOver {
                    return Pause::Evaluated(reply);
                }
                request = chain.resume(reply);
            }
            Request::Initialized => return Pause::Initialized,
            Request::Draw => return Pause::Draw,
            Request::WarmupDone => return Pause::WarmupDone,
            Request::Done => return Pause::Done,
            Request::Failed(failure) => return Pause::Failed(failure),
        }
    }
}
