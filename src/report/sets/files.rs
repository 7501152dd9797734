//! Files of sets of particles, one per set.

use super::course::{Course, CourseStep, Noun};
use super::particles::{LOG_WEIGHT, Particles, SetRows};
use crate::error::{Code, Error};
use crate::io::CsvChains;

/// The column of the set's id.
const SET: &str = "set__";

impl Course {
    /// Of files that sequential Monte Carlo wrote, one per set; `None` where they are those of chains.
    ///
    /// # Errors
    /// Sets of different sizes, or one file twice.
    pub fn of_files(files: &CsvChains) -> Result<Option<Self>, Error> {
        let names = files.names();
        if !names.iter().any(|name| name == LOG_WEIGHT) {
            return Ok(None);
        }
        if files.left_out() > 0 {
            let sizes: Vec<String> = files.lengths().iter().map(usize::to_string).collect();
            let words = format!("expected as many particles in every file, got {}", sizes.join(", "));
            return Err(Error::new(Code::Io, words));
        }
        let rows = files.draws() * names.len();
        let id_at = names.iter().position(|name| name == SET);
        let mut course = Self::new(Noun::Stage);
        let mut sets = Vec::new();
        for (place, values) in files.values().chunks_exact(rows).enumerate() {
            let id = id_at.map_or(place as u64 + 1, |at| values[at] as u64);
            if sets.iter().any(|set: &SetRows<'_>| set.id == id) {
                return Err(Error::new(Code::Io, format!("expected a file for each set, got two of set {id}")));
            }
            for &[way, ess, ancestors, log_evidence, acceptance, stepsize] in &files.runs()[place].stages {
                let size = files.draws() as f64;
                course.add(id, CourseStep { way, size, ess, ancestors, log_evidence, acceptance, stepsize });
            }
            sets.push(SetRows { id, values });
        }
        course.end_with(Particles::of_rows(names, &sets)?);
        Ok(Some(course))
    }
}
