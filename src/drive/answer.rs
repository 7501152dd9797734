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
}

/// Answers a chain's requests with the model until something happens that others must know of. `pause` is asked before
/// each evaluation. What the model logs goes to `logger`.
#[inline]
pub fn advance<D: Density>(
    chain: &mut Chain,
    density: &D,
    bench: &mut Bench<D::Worker>,
    reducer: &dyn Reducer,
    logger: &dyn Logger,
    mut pause: impl FnMut() -> bool,
) -> Pause {
    let chain_id = chain.settings().chain_id;
    let mut request = match chain.request() {
        Some(Request::Evaluate) => Request::Evaluate,
        _ => chain.resume(Reply::Continue),
    };
    loop {
        match request {
            Request::Evaluate => {
                if pause() {
                    return Pause::Asked;
                }
                let (position, gradient, stream) = chain.evaluation();
                let mut task = Task::new(chain_id, stream, &mut bench.message, reducer).with_logger(logger);
                let reply = match density.log_density_gradient(&mut bench.worker, &mut task, position, gradient) {
                    Ok(log_density) => Reply::LogDensity(log_density),
                    Err(Refusal::Reject) => Reply::Rejected,
                    Err(Refusal::Stop) => return Pause::ModelStopped,
                };
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
