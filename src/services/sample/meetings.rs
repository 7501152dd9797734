//! What chains meet for: to learn their metric together in warm-up, and to look at what they have.

use super::looks::Looks;
use super::together::Together;
use super::watched::FIRST_LOOK_MEETING;
use crate::model::{Fold, Member};

/// The folds of a run's meetings, told apart by their numbers.
pub struct Meetings {
    pub together: Together,
    pub looks: Option<Looks>,
}

impl Fold for Meetings {
    fn fold(&self, number: u64, members: &[Member]) -> Vec<Vec<f64>> {
        match &self.looks {
            Some(looks) if number >= FIRST_LOOK_MEETING => looks.fold(number, members),
            _ => self.together.fold(number, members),
        }
    }
}
