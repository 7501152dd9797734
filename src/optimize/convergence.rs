//! When an optimiser has converged.

use super::memory::Memory;
use super::optimizer::Optimizer;
use super::settings::Tolerances;
use super::talk::{Convergence, Ending};
use super::vectors::{dot, norm};

/// Norm of the gradient above which a tolerance tells of what is known of the curvature rather than of a mode: a unit further
/// along it, the log density is another.
const STEEP: f64 = 1.0;
/// Most times that all is forgotten there.
const MOST_RENEWALS: u32 = 10;

/// A position stands still when no coordinate moves by more, relative to its size or to 1.
const STILL: f64 = 1e-10;

impl Optimizer {
    /// Whether the last iteration was the last one: by Stan's criteria, of which all but that on the gradient must hold until the
    /// position has stood still for two iterations.
    pub(super) fn judge(&mut self) -> Option<Ending> {
        let Tolerances { gradient, .. } = self.settings.tolerances;
        let rest = norm(&self.current.gradient);
        let ended = |met| Some(Ending::Converged(met));
        if rest < gradient || rest == 0.0 {
            return ended(Convergence::Gradient);
        }
        let (stood, times) = (self.stands, self.held.map_or(0, |(_, times)| times) + 1);
        self.stands = self.stands_still();
        self.held = self.met().map(|met| (met, times));
        match self.held {
            Some((met, times)) if times >= self.settings.settling || stood && self.stands => {
                if self.begins_anew() {
                    None
                } else {
                    ended(met)
                }
            }
            Some((met, _)) if self.iterations >= self.settings.max_iterations => ended(met),
            None if self.iterations >= self.settings.max_iterations => Some(Ending::IterationLimit),
            _ => None,
        }
    }

    /// Forgets the curvature where a tolerance is met though the gradient is steep, and begins again from there: true. After a
    /// first step that went too far, where the log density changes hardly in relation to its size, steps by what the memory
    /// tells are too short to come back.
    pub(super) fn begins_anew(&mut self) -> bool {
        let steep = norm(&self.current.gradient) > STEEP && self.renewals < MOST_RENEWALS;
        if !steep || self.memory.is_empty() || matches!(self.memory, Memory::Newton(_)) {
            return false;
        }
        self.renewals += 1;
        self.memory.clear();
        (self.held, self.stands) = (None, false);
        true
    }

    /// The tolerance that the last iteration has met.
    fn met(&mut self) -> Option<Convergence> {
        let Tolerances { objective, relative_objective, relative_gradient, parameter, .. } = self.settings.tolerances;
        let (before, now) = (self.trial.log_density, self.current.log_density);
        let change = (now - before).abs();
        if change < objective {
            Some(Convergence::Objective)
        } else if change / before.abs().max(now.abs()).max(1.0) < relative_objective * f64::EPSILON {
            Some(Convergence::RelativeObjective)
        } else if self.decrement() / now.abs().max(1.0) < relative_gradient * f64::EPSILON {
            Some(Convergence::RelativeGradient)
        } else if norm(&self.pair[0]) < parameter {
            Some(Convergence::Parameter)
        } else {
            None
        }
    }

    /// Whether the last step has moved no coordinate by more than [`STILL`].
    fn stands_still(&self) -> bool {
        let mut moved = self.pair[0].iter().zip(&self.current.position);
        moved.all(|(step, x)| step.abs() <= STILL * x.abs().max(1.0))
    }

    /// g'Hg, with g the gradient and H what is known of the inverse Hessian.
    fn decrement(&mut self) -> f64 {
        self.direction.copy_from_slice(&self.current.gradient);
        self.memory.multiply(&mut self.direction);
        dot(&self.direction, &self.current.gradient)
    }
}
