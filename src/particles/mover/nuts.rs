//! NUTS: the points of a block one after the other, with one set of a trajectory's rows.

use super::{Answer, Mover, check};
use crate::adapt::MetricKind;
use crate::hmc::{Kernel, Metric, POINTS};
use crate::particles::path::EXTRA;
use crate::particles::plan::Plan;
use crate::particles::scale::Scale;
use serde::{Deserialize, Serialize};

/// The rows of a trajectory, and what the path has at its points.
#[derive(Serialize, Deserialize)]
pub struct Nuts {
    kernel: Kernel,
    /// The point under way.
    row: usize,
    /// What the path has at each point that the kernel holds.
    answers: [Answer; POINTS],
    /// A row of the path, and of its gradient.
    pub position: Vec<f64>,
    pub gradient: Vec<f64>,
}

impl Nuts {
    pub fn new(plan: &Plan) -> Self {
        let metric = metric(plan, &Scale::identity(plan.dim));
        let row = || vec![0.0; plan.dim + EXTRA];
        let kernel = Kernel::new(plan.dim, metric, plan.max_depth, plan.max_energy_error);
        Self { kernel, row: 0, answers: [Answer::default(); POINTS], position: row(), gradient: row() }
    }
}

/// The inverse metric that is the particles' covariance.
fn metric(plan: &Plan, scale: &Scale) -> Metric {
    let dim = plan.dim;
    let made = match (plan.metric, scale) {
        (MetricKind::Unit, _) => return Metric::unit(),
        (MetricKind::Diag, Scale::Diag(sds)) => Metric::diag(&sds.iter().map(|sd| sd * sd).collect::<Vec<_>>()),
        (_, Scale::Dense(_)) => Metric::dense(dim, &scale.covariance(dim)),
        _ => Metric::dense_identity(dim),
    };
    made.expect("a spread of particles has variances above zero")
}

impl Mover {
    /// Begins with the first point.
    pub(super) fn set_out_alone(&mut self, log_step: f64) {
        let nuts = self.nuts.as_mut().expect("made for NUTS");
        nuts.kernel.set_metric(metric(&self.plan, self.normal.scale()));
        nuts.row = 0;
        self.steps.fill(libm::exp(log_step));
        self.begin();
    }

    fn begin(&mut self) {
        let nuts = self.nuts.as_mut().expect("made for NUTS");
        let row = nuts.row;
        let dim = self.plan.dim;
        let gradient = &self.gradients[row * dim..][..dim];
        let at = nuts.kernel.place(self.points.at(row), self.values[row], gradient);
        nuts.answers[at] =
            Answer { value: self.values[row], base: self.points.base[row], increment: self.points.increment[row] };
        nuts.kernel.begin(self.steps[row], &mut self.lanes, &mut self.stream);
        self.show();
    }

    /// Writes what the kernel wants evaluated as a row of the path.
    fn show(&mut self) {
        let nuts = self.nuts.as_mut().expect("made for NUTS");
        let (x, at) = nuts.position.split_at_mut(self.plan.dim);
        x.copy_from_slice(nuts.kernel.evaluation().0);
        at.copy_from_slice(&[self.course.segment as f64, self.course.share, 1.0]);
    }

    /// Takes an evaluation; true while there are more to come.
    pub(super) fn step_alone(&mut self, log_density: Option<f64>) -> bool {
        let dim = self.plan.dim;
        let nuts = self.nuts.as_mut().expect("made for NUTS");
        let answer = check(log_density, &nuts.gradient[dim..]);
        if let Some(answer) = answer {
            nuts.answers[nuts.kernel.pending()] = answer;
            nuts.kernel.evaluation().1.copy_from_slice(&nuts.gradient[..dim]);
        }
        if !nuts.kernel.resume(answer.map(|a| a.value), &mut self.stream) {
            self.show();
            return true;
        }
        let (row, (acceptance, divergent)) = (nuts.row, nuts.kernel.acceptance());
        let answer = nuts.answers[nuts.kernel.drawn()];
        let (x, value, gradient) = nuts.kernel.draw();
        self.points.at_mut(row).copy_from_slice(x);
        self.gradients[row * dim..][..dim].copy_from_slice(gradient);
        self.values[row] = value;
        (self.points.base[row], self.points.increment[row]) = (answer.base, answer.increment);
        self.tally.count(acceptance);
        self.tally.refused += f64::from(u8::from(divergent));
        nuts.row += 1;
        if nuts.row < self.points.len() {
            self.begin();
            return true;
        }
        false
    }
}
