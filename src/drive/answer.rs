use super::Bench;
use crate::model::{Ask, Density, Evaluation, Logger, Machine, Reducer, Refusal, Reply, Task};

/// Why [`advance`] handed a machine back.
#[derive(Debug, Clone, PartialEq)]
pub enum Pause<E> {
    /// An event of the machine's own kind.
    Event(E),
    /// The machine has come to the meeting of this number.
    Meeting(u64),
    /// The model asked to stop; its words are in the bench's message.
    ModelStopped,
    /// `pause` asked for it; the machine's last ask is unanswered.
    Asked,
    /// With [`Evaluations::Gathered`]: the machine waits for one evaluation or a block of them.
    Waiting,
    /// With [`Evaluations::HandedOver`]: evaluated; the machine has this reply still to take.
    Evaluated(Reply),
}

/// Where evaluations happen and who does a machine's arithmetic between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evaluations {
    /// Both here, one after the other.
    Inline,
    /// Evaluations here, arithmetic elsewhere.
    HandedOver,
    /// Evaluations elsewhere, those of many machines at once.
    Gathered,
}

/// What a machine's evaluations have around them.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Sums inside the model.
    pub reducer: &'a dyn Reducer,
    /// Gets what the model logs.
    pub logger: &'a dyn Logger,
    /// Where evaluations happen.
    pub evaluations: Evaluations,
}

/// What a machine brings along that was answered or computed elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Brought<E> {
    /// Nothing: its last ask, if any, is unanswered.
    Nothing,
    /// The answer to its last ask.
    Reply(Reply),
    /// Its next ask, not yet looked at.
    Ask(Ask<E>),
}

/// Answers a machine's asks with the model until something happens that others must know of. `pause` is asked before
/// each evaluation.
#[inline]
pub fn advance<D: Density, M: Machine>(
    machine: &mut M,
    density: &D,
    bench: &mut Bench<D::Worker>,
    around: Around<'_>,
    brought: Brought<M::Event>,
    mut pause: impl FnMut() -> bool,
) -> Pause<M::Event> {
    let id = machine.id();
    let mut ask = match brought {
        Brought::Reply(reply) => machine.resume(reply),
        Brought::Ask(ask) => ask,
        Brought::Nothing => match machine.asked() {
            Some(ask @ (Ask::Evaluate | Ask::EvaluateBlock | Ask::Meet(_))) => ask,
            Some(Ask::Event(_)) | None => machine.resume(Reply::Continue),
        },
    };
    loop {
        let reply = match ask {
            Ask::Evaluate => {
                if pause() {
                    return Pause::Asked;
                }
                if around.evaluations == Evaluations::Gathered {
                    return Pause::Waiting;
                }
                match evaluate(density, bench, around, id, machine.evaluation()) {
                    Ok(log_density) => Reply::LogDensity(log_density),
                    Err(Refusal::Reject) => Reply::Rejected,
                    Err(Refusal::Stop) => return Pause::ModelStopped,
                }
            }
            Ask::EvaluateBlock => {
                if let Some(pause) = evaluate_block(machine, density, bench, around, &mut pause) {
                    return pause;
                }
                Reply::Continue
            }
            Ask::Meet(number) => return Pause::Meeting(number),
            Ask::Event(event) => return Pause::Event(event),
        };
        if around.evaluations == Evaluations::HandedOver {
            return Pause::Evaluated(reply);
        }
        ask = machine.resume(reply);
    }
}

/// One evaluation, by the function of the model that has no more to do than is wanted. Inlined, for out of line it costs
/// small models some percent of a run.
#[inline(always)]
pub fn evaluate<D: Density>(
    density: &D,
    bench: &mut Bench<D::Worker>,
    around: Around<'_>,
    id: u64,
    evaluation: Evaluation<'_>,
) -> Result<f64, Refusal> {
    let Evaluation { position, gradient, hessian, jacobian, stream } = evaluation;
    // What is left there belongs to this evaluation, not to another one or another machine.
    bench.message.clear();
    let task = &mut Task::new(id, stream, &mut bench.message, around.reducer).with_logger(around.logger);
    let worker = &mut bench.worker;
    match (gradient, hessian, jacobian) {
        (Some(gradient), None, true) => density.log_density_gradient(worker, task, position, gradient),
        (Some(gradient), Some(hessian), _) => {
            density.log_density_hessian(worker, task, position, jacobian, gradient, hessian)
        }
        (None, _, true) => density.log_density(worker, task, position),
        (gradient, _, false) => density.log_density_without_jacobian(worker, task, position, gradient),
    }
}

/// The rows of a block that are left, unless something comes between.
#[inline(never)]
fn evaluate_block<D: Density, M: Machine>(
    machine: &mut M,
    density: &D,
    bench: &mut Bench<D::Worker>,
    around: Around<'_>,
    mut pause: impl FnMut() -> bool,
) -> Option<Pause<M::Event>> {
    let id = machine.id();
    let (block, stream) = machine.block();
    while block.left() > 0 {
        if pause() {
            return Some(Pause::Asked);
        }
        if around.evaluations == Evaluations::Gathered {
            return Some(Pause::Waiting);
        }
        let evaluation = block.evaluation(stream).expect("a row is left");
        match evaluate(density, bench, around, id, evaluation) {
            Ok(log_density) => block.answer(Some(log_density)),
            Err(Refusal::Reject) => block.answer(None),
            Err(Refusal::Stop) => return Some(Pause::ModelStopped),
        }
    }
    None
}
