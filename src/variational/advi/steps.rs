//! The steps between two asks.

use super::{Advi, After, Ended, Happening, State, VariationalFailure};
use crate::model::Ask;
use crate::variational::Bound;
use crate::variational::ascent::STEP_SIZES;
use crate::variational::average::{Average, BATCHES};

/// Blocks of a gradient in a row that may be refused as a whole before the ascent fails.
const GRADIENT_TRIES: u32 = 10;

/// A bound that is lower by less, in nats, is not lower but by the chance of its draws.
const NO_LOSS: f64 = 1.0;
/// The average is looked at for the first time after so many times the steps between two estimates of the bound.
const FIRST_LOOK: usize = 4;

impl Advi {
    pub(super) fn tell(&mut self, event: Happening, after: After) -> Ask<Happening> {
        self.state = State::Told(after);
        self.event = Some(event.clone());
        Ask::Event(event)
    }

    pub(super) fn fail(&mut self, failure: VariationalFailure) -> Ask<Happening> {
        self.tell(Happening::Failed(failure), After::Nothing)
    }

    pub(super) fn ask_bound(&mut self, state: State) -> Ask<Happening> {
        self.state = state;
        let Self { approximation, stream, normals, bound_draws, .. } = self;
        let dim = approximation.mean().len();
        bound_draws.redraw(|_, x| approximation.draw(stream, &mut normals[..dim], x));
        self.evaluations[1] += self.settings.elbo_samples as u64;
        Ask::EvaluateBlock
    }

    pub(super) fn ask_gradient(&mut self, state: State) -> Ask<Happening> {
        self.state = state;
        let Self { approximation, stream, normals, gradient_draws, .. } = self;
        let dim = approximation.mean().len();
        gradient_draws.redraw(|row, x| approximation.draw(stream, &mut normals[row * dim..(row + 1) * dim], x));
        self.evaluations[0] += self.settings.grad_samples as u64;
        Ask::EvaluateBlock
    }

    pub(super) fn judge_bound(&mut self) -> Bound {
        let bound = self.bound_draws.bound();
        self.dropped += bound.dropped as u64;
        bound
    }

    /// The gradient of the bound from the draws that have one; false where none has.
    pub(super) fn judge_gradient(&mut self) -> bool {
        let dim = self.approximation.mean().len();
        self.gradient.fill(0.0);
        let mut count = 0usize;
        for row in 0..self.gradient_draws.rows() {
            let gradient = self.gradient_draws.block.gradient(row);
            if self.gradient_draws.log_p(row).is_finite() && gradient.iter().all(|g| g.is_finite()) {
                self.approximation.add_gradient(
                    &self.normals[row * dim..(row + 1) * dim],
                    gradient,
                    &mut self.gradient,
                );
                count += 1;
            }
        }
        self.dropped += (self.gradient_draws.rows() - count) as u64;
        if count == 0 {
            return false;
        }
        self.gradient.iter_mut().for_each(|g| *g /= count as f64);
        self.approximation.add_entropy_gradient(&mut self.gradient);
        true
    }

    pub(super) fn step(&mut self) {
        self.steps.take(self.eta, &self.gradient, &mut self.approximation.parameters);
    }

    /// Begins with the step size at `place`.
    pub(super) fn tune(&mut self, place: usize) -> Ask<Happening> {
        self.eta = STEP_SIZES[place];
        self.steps.restart();
        self.approximation.restart(self.start.block.position(0));
        self.ask_gradient(State::Tuning(place))
    }

    /// The step size at `place` has been tried. Smaller ones are tried as long as they lead higher, or none leads above the
    /// bound at the start.
    pub(super) fn tuned(&mut self, place: usize) -> Ask<Happening> {
        let elbo = self.judge_bound().elbo;
        let (best, eta) = self.best;
        let is_last = place + 1 == STEP_SIZES.len();
        let chosen = match elbo < best && best > self.first_bound {
            true => Some(eta),
            false if !is_last => None,
            // Near the optimum there is nothing to gain, and the estimates' own errors decide.
            false if elbo > self.first_bound - NO_LOSS => Some(self.eta),
            false => {
                let iterations = self.settings.adapt_iterations;
                return self.fail(VariationalFailure::StepSizes { iterations, first: self.first_bound });
            }
        };
        let Some(eta) = chosen else {
            self.best = (elbo, self.eta);
            return self.tune(place + 1);
        };
        self.eta = eta;
        self.tell(Happening::Tuned { eta, early: !is_last }, After::Climb)
    }

    pub(super) fn climb(&mut self) -> Ask<Happening> {
        self.steps.restart();
        self.approximation.restart(self.start.block.position(0));
        self.next_step()
    }

    pub(super) fn next_step(&mut self) -> Ask<Happening> {
        match self.steps.taken() == self.settings.iterations {
            true if self.average.is_some() => self.averaged(f64::NAN, false),
            true => self.tell(Happening::Climbed(Ended::Iterations), After::Draw),
            false => {
                self.tries = 0;
                self.ask_gradient(State::Climbing)
            }
        }
    }

    pub(super) fn climbed(&mut self) -> Ask<Happening> {
        if !self.judge_gradient() {
            self.tries += 1;
            if self.tries == GRADIENT_TRIES {
                let draws = GRADIENT_TRIES as usize * self.settings.grad_samples;
                return self.fail(VariationalFailure::Gradient { iteration: self.steps.taken() + 1, draws });
            }
            return self.ask_gradient(State::Climbing);
        }
        self.step();
        if let Some(average) = &mut self.average
            && average.add(&self.approximation.parameters)
            && let Some(ask) = self.look()
        {
            return ask;
        }
        match self.steps.taken().is_multiple_of(self.settings.eval_elbo) {
            true => self.ask_bound(State::Estimating),
            false => self.next_step(),
        }
    }

    pub(super) fn estimated(&mut self) -> Ask<Happening> {
        let (bound, iteration) = (self.judge_bound(), self.steps.taken());
        self.last = bound;
        if bound.elbo == f64::NEG_INFINITY {
            return self.fail(VariationalFailure::Bound { iteration, draws: self.settings.elbo_samples });
        }
        let change = self.changes.add(bound.elbo);
        self.tell(Happening::Estimated { iteration, bound, change }, After::Climb)
    }

    /// After an estimate of the bound, or a step size.
    pub(super) fn go_on(&mut self) -> Ask<Happening> {
        let Some(Happening::Estimated { change, .. }) = self.event else { return self.climb() };
        let ended = match self.settings.tol_rel_obj {
            _ if self.settings.tol_average > 0.0 => {
                self.begin_average();
                return self.next_step();
            }
            tolerance if change.mean < tolerance => Ended::Mean,
            tolerance if change.median < tolerance => Ended::Median,
            _ => return self.next_step(),
        };
        self.tell(Happening::Climbed(ended), After::Draw)
    }

    /// From the first estimate of the bound on iterates are averaged.
    fn begin_average(&mut self) {
        if self.average.is_none() {
            let size = FIRST_LOOK * self.settings.eval_elbo / BATCHES;
            self.average = Some(Average::new(self.approximation.parameters.len(), size));
            self.steps.keep_length(self.eta);
        }
    }

    /// Takes the average of the iterates once it is known well enough; else the ascent goes on.
    fn look(&mut self) -> Option<Ask<Happening>> {
        let average = self.average.as_mut().expect("iterates are averaged");
        let look = average.look(&self.approximation.scales());
        if look.error <= self.settings.tol_average {
            return Some(self.averaged(look.error, true));
        }
        average.go_on(look.drifts);
        match (look.slow, look.drifts) {
            (true, _) => self.steps.lengthen(),
            (false, true) => {}
            // The spread about the optimum biases the average, the less the shorter steps are.
            (false, false) => self.steps.keep_length(self.eta),
        }
        None
    }

    /// Takes the average for the approximation.
    fn averaged(&mut self, error: f64, enough: bool) -> Ask<Happening> {
        let average = self.average.take().expect("iterates are averaged");
        average.put(&mut self.approximation.parameters);
        self.ask_bound(State::LastBound(error, enough))
    }

    pub(super) fn begin(&mut self) -> Ask<Happening> {
        self.approximation.restart(self.start.block.position(0));
        match self.settings.adapt_iterations {
            0 => self.climb(),
            _ => self.ask_bound(State::FirstBound),
        }
    }

    pub(super) fn ask_draws(&mut self) -> Ask<Happening> {
        self.state = State::Drawing;
        let Self { approximation, stream, normals, draws, .. } = self;
        let dim = approximation.mean().len();
        draws.redraw(|_, x| approximation.draw(stream, &mut normals[..dim], x));
        self.evaluations[1] += self.settings.output_draws as u64;
        Ask::EvaluateBlock
    }
}
