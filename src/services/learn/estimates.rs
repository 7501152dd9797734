//! Estimates of the sets together, and what candidates are worth.

use super::Learner;
use crate::error::Error;
use crate::learn::design::{self, Worth};
use crate::learn::estimates::{self, Pooled};
use crate::learn::{Calls, ModelSet};
use crate::model::{Experiments, Likelihood};

impl<M: Likelihood> Learner<M> {
    /// The mean of each parameter, with its error over the sets.
    pub fn means(&self) -> Vec<Pooled> {
        let of_sets: Vec<Vec<f64>> = self.updater.sets().iter().map(estimates::mean).collect();
        let column = |j: usize| of_sets.iter().map(|mean| mean[j]).collect::<Vec<f64>>();
        (0..self.updater.names().len()).map(|j| estimates::pooled(&column(j))).collect()
    }

    /// The covariance of the sets' mixture in equal parts, d x d: the mean covariance plus that of the sets' means.
    pub fn covariance(&self) -> Vec<f64> {
        let (sets, dim) = (self.updater.sets(), self.updater.names().len());
        let means: Vec<Vec<f64>> = sets.iter().map(estimates::mean).collect();
        let count = sets.len() as f64;
        let all: Vec<f64> = (0..dim).map(|j| means.iter().map(|m| m[j]).sum::<f64>() / count).collect();
        let mut sum = vec![0.0; dim * dim];
        for (set, mean) in sets.iter().zip(&means) {
            let own = estimates::covariance(set, mean);
            for i in 0..dim * dim {
                sum[i] += (own[i] + (mean[i / dim] - all[i / dim]) * (mean[i % dim] - all[i % dim])) / count;
            }
        }
        sum
    }

    /// What each experiment is expected to teach, the mean over the sets; see [`design::worth`].
    pub fn worth(&mut self, experiments: &Experiments, scales: &[f64], samples: usize) -> Result<Vec<Worth>, Error> {
        self.question(|learner, generation| {
            let count = learner.updater.sets().len() as f64;
            let mut all = vec![Worth { information_gain: 0.0, risk: 0.0 }; experiments.len()];
            for set in learner.updater.sets() {
                let own =
                    learner.tools.with(|with| design::worth(with, set, experiments, scales, samples, generation))?;
                for (all, own) in all.iter_mut().zip(own) {
                    all.information_gain += own.information_gain / count;
                    all.risk += own.risk / count;
                }
            }
            Ok(all)
        })
    }

    /// As [`estimates::fisher_information`], of the set with id `set`.
    pub fn fisher_information(&mut self, set: u64, experiments: &Experiments) -> Result<Vec<f64>, Error> {
        self.question(|learner, generation| {
            let set: &ModelSet = &learner.updater.sets()[learner.updater.place(set)?];
            learner.tools.with(|with| estimates::fisher_information(with, set, experiments, generation))
        })
    }

    /// What each experiment costs.
    pub fn costs(&self, experiments: &Experiments) -> Result<Vec<f64>, Error> {
        self.tools.with(|with| {
            let calls: &Calls<'_, M> = &with.calls;
            calls.check_fields(experiments)?;
            calls.costs(experiments)
        })
    }
}
