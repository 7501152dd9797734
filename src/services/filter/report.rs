//! What a filter reports.

use crate::error::{Code, Error};
use crate::particles::filter::Filtered;
use crate::particles::{Evidence, pooled};
use crate::report::{Course, CourseStep};
use serde::{Deserialize, Serialize};

/// One set of a filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterSet {
    /// What the filter made of it.
    pub filtered: Filtered,
    /// Trajectories drawn backwards in time: coordinate j of trajectory m at time t is at `(t d + j) M + m`.
    pub trajectories: Vec<f64>,
}

/// All sets of a filter, in the order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterReport {
    /// One for each set.
    pub sets: Vec<FilterSet>,
}

impl FilterReport {
    /// What the sets say together; lost ones count as evidence 0.
    pub fn evidence(&self) -> Evidence {
        let each: Vec<f64> = self.sets.iter().map(|set| set.filtered.log_evidence()).collect();
        pooled(&each)
    }

    /// The times of the sets, for a page about them.
    pub fn note(&self, course: &mut Course) {
        for FilterSet { filtered, .. } in &self.sets {
            let size = filtered.layout.particles as f64;
            for (t, step) in filtered.steps.iter().enumerate() {
                let (ess, log_evidence) = (step.ess, step.log_evidence);
                course.add(filtered.set, CourseStep { size, ess, log_evidence, ..CourseStep::at(t as f64) });
            }
        }
    }

    /// An error of [`Code::AllLost`] that names the first set that lost all its particles, and when.
    pub fn status(&self) -> Result<(), Error> {
        self.sets.iter().try_for_each(|set| set.status())
    }
}

impl FilterSet {
    /// As [`FilterReport::status`], of this set.
    pub fn status(&self) -> Result<(), Error> {
        let Some(time) = self.filtered.lost_at else { return Ok(()) };
        let words = format!("all {} particles were lost at time {time}", self.filtered.layout.particles);
        Err(Error::new(Code::AllLost, words).in_set(self.filtered.set))
    }
}
