//! How independent sets of weighted particles came to where they are, and the particles they ended with.

use super::particles::{ParticleSet, Particles};
use super::quantiles::quantiles;
use crate::error::Error;
use crate::learn::{ModelSet, estimates};

/// The level of the credible intervals that are followed: between these quantiles.
const INTERVAL: [f64; 2] = [0.025, 0.975];

/// What happened between one step and the next; it names the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Noun {
    /// A verb of a population.
    #[default]
    Step,
    /// A stage of sequential Monte Carlo: a stretch of the path and the moves after it.
    Stage,
    /// A datum was taken in.
    Datum,
    /// A time of a particle filter.
    Time,
}

impl Noun {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Stage => "stage",
            Self::Datum => "datum",
            Self::Time => "time",
        }
    }
}

/// Where a set stands after a step. NaN: not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CourseStep {
    /// The way behind it: a temperature, or the number of steps.
    pub way: f64,
    /// Number of particles.
    pub size: f64,
    /// Effective sample size.
    pub ess: f64,
    /// How many particles of an earlier step those of this one stem from.
    pub ancestors: f64,
    /// Log evidence so far.
    pub log_evidence: f64,
    /// Acceptance of moves.
    pub acceptance: f64,
    /// Step size of moves.
    pub stepsize: f64,
}

impl CourseStep {
    /// Nothing known but the way.
    pub fn at(way: f64) -> Self {
        let none = f64::NAN;
        Self { way, size: none, ess: none, ancestors: none, log_evidence: none, acceptance: none, stepsize: none }
    }
}

/// One set's steps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetCourse {
    /// The set's id.
    pub id: u64,
    /// Its steps, in order.
    pub steps: Vec<CourseStep>,
    /// Mean and the ends of the credible interval of each parameter after each step; empty where none is followed.
    pub estimates: Vec<[f64; 3]>,
}

/// All sets, in the order in which they were first told of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// What steps are.
    pub noun: Noun,
    pub(super) sets: Vec<SetCourse>,
    /// Parameters that are followed.
    pub(super) parameters: Vec<String>,
    pub(super) particles: Option<Particles>,
}

impl Course {
    /// Nothing yet.
    pub fn new(noun: Noun) -> Self {
        Self { noun, ..Self::default() }
    }

    /// The sets.
    pub fn sets(&self) -> &[SetCourse] {
        &self.sets
    }

    /// What the step in this place is called by: of data, how many there were by then (none at a first look at the prior);
    /// else its number, from 1.
    pub(super) fn number(&self, place: usize, step: &CourseStep) -> usize {
        if self.noun == Noun::Datum && step.way >= 0.0 { step.way as usize } else { place + 1 }
    }

    /// The largest of these.
    pub(super) fn last(&self) -> usize {
        let last = |set: &SetCourse| set.steps.last().map(|step| self.number(set.steps.len() - 1, step));
        self.sets.iter().filter_map(last).max().unwrap_or(0)
    }

    /// How many numbers its particles are.
    pub fn size(&self) -> usize {
        let sets = self.particles.iter().flat_map(|particles| &particles.sets);
        sets.map(|set| set.weights.len() * set.columns.len()).sum()
    }

    /// A step of the set with this id, which need not be known yet.
    pub fn add(&mut self, id: u64, step: CourseStep) {
        self.set(id).steps.push(step);
    }

    fn set(&mut self, id: u64) -> &mut SetCourse {
        let at = self.sets.iter().position(|set| set.id == id).unwrap_or_else(|| {
            self.sets.push(SetCourse { id, ..SetCourse::default() });
            self.sets.len() - 1
        });
        &mut self.sets[at]
    }

    /// Where weighted models stand after `data` data: effective sample sizes, evidence, the posterior of each parameter. The
    /// models are kept as the particles, until the next note.
    ///
    /// # Errors
    /// Other parameters than before.
    pub fn note_models(&mut self, parameters: &[String], sets: &[ModelSet], data: usize) -> Result<(), Error> {
        if self.sets.is_empty() {
            (self.noun, self.parameters) = (Noun::Datum, parameters.to_vec());
        } else if self.parameters != parameters {
            let (expected, got) = (self.parameters.join(", "), parameters.join(", "));
            return Err(Error::argument("updater", format!("the parameters noted before, {expected}"), got));
        }
        let mut particles = Particles::new(parameters.to_vec());
        for set in sets {
            let (mean, weights) = (estimates::mean(set), set.weights());
            let column = |j: usize| (0..set.len()).map(|i| set.coordinate(i, j)).collect();
            let columns: Vec<Vec<f64>> = (0..set.dim()).map(column).collect();
            let step = CourseStep {
                size: set.len() as f64,
                ess: set.ess(),
                log_evidence: set.log_total_likelihood(),
                ..CourseStep::at(data as f64)
            };
            let of = self.set(set.id());
            of.steps.push(step);
            of.estimates.extend(columns.iter().zip(&mean).map(|(column, mean)| {
                let ends = quantiles(column, &weights, &INTERVAL);
                [*mean, ends[0], ends[1]]
            }));
            // Sets of models count alike.
            particles.sets.push(ParticleSet { id: set.id(), columns, weights });
        }
        self.particles = Some(particles);
        Ok(())
    }

    /// The particles that the sets ended with; weights of different sets count as they are.
    pub fn end_with(&mut self, particles: Particles) {
        self.particles = Some(particles);
    }
}
