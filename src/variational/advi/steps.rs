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
        let mirrored = std::mem::take(&mut self.mirrors);
        gradient_draws.redraw(|row, x| {
            let normals = &mut normals[row * dim..(row + 1) * dim];
            match mirrored {
                true => {
                    normals.iter_mut().for_each(|z| *z = -*z);
                    approximation.place(normals, x)
                }
                false => approximation.draw(stream, normals, x),
            }
        });
        self.mirrored = mirrored;
        self.evaluations[0] += self.settings.grad_samples as u64;
        Ask::EvaluateBlock
    }

    pub(super) fn judge_bound(&mut self) -> Bound {
        let bound = self.bound_draws.bound();
        self.dropped += bound.dropped as u64;
        bound
    }

    /// Whether iterates are averaged; else all is as in Stan.
    fn averages(&self) -> bool {
        self.settings.tol_average > 0.0
    }

    /// The gradient of the bound from the draws that have one; false where none has.
    pub(super) fn judge_gradient(&mut self) -> bool {
        let (dim, averages) = (self.approximation.mean().len(), self.averages());
        self.gradient.fill(0.0);
        self.own.fill(0.0);
        let mut count = 0usize;
        for (row, own) in self.own.chunks_exact_mut(dim).enumerate() {
            let (gradient, ratio) = (self.gradient_draws.block.gradient(row), self.gradient_draws.log_ratio(row));
            if !(ratio.is_finite() && gradient.iter().all(|g| g.is_finite())) {
                continue;
            }
            let normals = &self.normals[row * dim..(row + 1) * dim];
            if averages {
                self.approximation.own_gradient(normals, gradient, own);
                self.approximation.whiten(own);
                if own.iter().any(|u| !u.is_finite()) {
                    own.fill(0.0);
                    continue;
                }
                self.passed.2 += ratio;
            } else {
                self.approximation.add_gradient(normals, gradient, &mut self.gradient);
            }
            count += 1;
        }
        let draws = self.gradient_draws.rows();
        self.dropped += (draws - count) as u64;
        (self.passed.0, self.passed.1) = (self.passed.0 + draws, self.passed.1 + count);
        if count == 0 {
            return false;
        }
        if averages {
            // The next step's draws are these on the other side of the mean, so that what is odd about gradients cancels in the
            // average: for a normal posterior all that moves the mean.
            self.mirrors = !self.mirrored;
            self.steps.count();
            self.strides.take(&mut self.approximation, &self.own, &self.normals, count);
        } else {
            self.gradient.iter_mut().for_each(|g| *g /= count as f64);
            self.approximation.add_entropy_gradient(&mut self.gradient);
        }
        true
    }

    /// The bound by the gradients' draws since it was last estimated, which are those of the iterates passed.
    fn bound_passed(&mut self) -> Bound {
        let (all, count, sum) = std::mem::replace(&mut self.passed, (0, 0, 0.0));
        Bound::from_sum(all, count, sum)
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
        if !self.averages() {
            self.step();
        }
        if let Some(average) = &mut self.average
            && average.add(&self.approximation.parameters)
            && let Some(ask) = self.look()
        {
            return ask;
        }
        match self.steps.taken().is_multiple_of(self.settings.eval_elbo) {
            true if self.averages() => {
                let bound = self.bound_passed();
                self.estimated(bound)
            }
            true => self.ask_bound(State::Estimating),
            false => self.next_step(),
        }
    }

    pub(super) fn estimated(&mut self, bound: Bound) -> Ask<Happening> {
        let iteration = self.steps.taken();
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
            _ if self.averages() => {
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
            (true, _) => self.strides.lengthen(),
            (false, true) => {}
            // The spread about the optimum biases the average, the less the shorter steps are.
            (false, false) => self.strides.shorten(),
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
            _ if self.averages() => {
                self.eta = self.strides.length();
                self.tell(Happening::Tuned { eta: self.eta, early: false }, After::Climb)
            }
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
