//! The optimiser among other machines: what drivers ask of it.

use super::memory::Memory;
use super::optimizer::{Optimizer, State};
use super::talk::Passed;
use crate::model::{Ask, Block, Evaluation, Machine, Reply};
use crate::random::Stream;

impl Optimizer {
    fn ask(&self) -> Ask<Passed> {
        match &self.state {
            State::Fresh => unreachable!("it has asked"),
            State::Initial { .. } | State::Searching => Ask::Evaluate,
            State::Curving if self.settings.hessian => Ask::Evaluate,
            State::Curving => Ask::EvaluateBlock,
            State::Telling(passed) => Ask::Event(passed.clone()),
        }
    }
}

impl Machine for Optimizer {
    type Event = Passed;

    fn id(&self) -> u64 {
        self.settings.id
    }

    /// After [`Passed::Ended`] or [`Passed::Failed`] it returns the same again.
    fn resume(&mut self, reply: Reply) -> Ask<Passed> {
        let log_density = match reply {
            Reply::LogDensity(value) => Some(value),
            Reply::Rejected | Reply::Continue => None,
        };
        let gives = self.settings.hessian;
        let waits = match self.state {
            State::Initial { .. } | State::Searching => true,
            State::Curving => gives,
            _ => false,
        };
        assert_eq!(waits, reply != Reply::Continue, "an evaluation, and nothing else, is answered with a log density");
        self.evaluations += u64::from(waits);
        match self.state {
            State::Fresh => self.propose_initial(0),
            State::Initial { tries } => self.judge_initial(tries, log_density),
            State::Searching => self.judge_step(log_density),
            State::Curving => self.curve(log_density),
            State::Telling(Passed::Initial | Passed::Iteration) => self.go_on(),
            State::Telling(Passed::Ended(_) | Passed::Failed(_)) => {}
        }
        self.ask()
    }

    fn asked(&self) -> Option<Ask<Passed>> {
        (self.state != State::Fresh).then(|| self.ask())
    }

    fn progress(&self) -> f64 {
        self.iterations() as f64 / self.settings.max_iterations.max(1) as f64
    }

    fn evaluation(&mut self) -> Evaluation<'_> {
        if let (State::Curving, Memory::Newton(newton)) = (&self.state, &mut self.memory) {
            return Evaluation {
                position: &self.current.position,
                gradient: Some(&mut self.trial.gradient),
                hessian: Some(&mut newton.hessian),
                jacobian: self.settings.jacobian,
                stream: &mut self.model_stream,
            };
        }
        Evaluation {
            position: &self.trial.position,
            gradient: Some(&mut self.trial.gradient),
            hessian: None,
            jacobian: self.settings.jacobian,
            stream: &mut self.model_stream,
        }
    }

    fn block(&mut self) -> (&mut Block, &mut Stream) {
        let Memory::Newton(newton) = &mut self.memory else { unreachable!("only Newton's method asks for blocks") };
        (newton.differences.block(), &mut self.model_stream)
    }
}
