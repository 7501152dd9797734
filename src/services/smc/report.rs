//! What a run of sets has to say.

use super::ledger::{Ledger, SetLedger};
use crate::error::{Code, Error};
use crate::particles::course::Action;
use crate::particles::mover::StageRecord;
use crate::particles::pooled;
use crate::report::{Course as SetsCourse, CourseStep};
use crate::services::{ChainReport, Outcome, SampleReport, SmcOptions};

/// How a set ended.
#[derive(Debug, Clone, PartialEq)]
pub enum SetOutcome {
    /// It has come to the end of the path.
    Finished,
    /// All its particles have lost their weight: its log evidence is -inf, and it has no rows.
    Lost,
    /// The path could not be followed to its end: no step, however small, keeps the effective sample size, or there were
    /// too many stages. Its log evidence is that of the way so far, and it has no rows.
    Stalled,
    /// Ended by the interrupt, or by another set's failure.
    Stopped,
    /// Failed.
    Failed(Error),
}

/// One set.
#[derive(Debug, Clone, PartialEq)]
pub struct SmcSet {
    /// The set's id.
    pub set_id: u64,
    /// How it ended.
    pub outcome: SetOutcome,
    /// Log evidence; NaN of a set that failed or was stopped.
    pub log_evidence: f64,
    /// Its standard error, estimated within the set from the scatter of families of particles; NaN without evidence. It
    /// takes chains of moves for forgetful, so that the error across sets is the one to trust.
    pub log_evidence_error: f64,
    /// Its stages.
    pub stages: Vec<StageRecord>,
    /// Points that the model refused, or where no finite value was: starting points, and proposals of its moves.
    pub refused: u64,
    /// Rows given to its writer.
    pub rows: usize,
    /// Seconds that its blocks took, all together.
    pub seconds: f64,
    /// Rows to be written, by block.
    pub(super) output: Vec<Vec<f64>>,
}

/// A run: one report per set, in the order of their ids, and the evidence of all.
#[derive(Debug, Clone, PartialEq)]
pub struct SmcReport {
    /// The sets.
    pub sets: Vec<SmcSet>,
    /// Log of the mean evidence of the sets that finished or lost all particles; NaN of none.
    pub log_evidence: f64,
    /// Its standard error: across the sets by the delta method; of one set, as estimated within it. Infinite where the
    /// evidence is zero, NaN of no set.
    pub standard_error: f64,
    /// True when the interrupt ended the run.
    pub interrupted: bool,
}

impl SmcReport {
    /// Of a run that was interrupted before any set began.
    pub(super) fn interrupted() -> Self {
        Self { sets: Vec::new(), log_evidence: f64::NAN, standard_error: f64::NAN, interrupted: true }
    }

    pub(super) fn new(run: SampleReport, ledger: Ledger, smc: &SmcOptions, blocks: usize) -> Self {
        let interrupted = run.interrupted;
        let machines = run.chains.chunks(blocks).zip(ledger.into_sets());
        let sets: Vec<SmcSet> =
            machines.enumerate().map(|(i, (b, l))| SmcSet::new(smc.init_set_id + i as u64, b, l)).collect();
        let whole = sets.iter().filter(|set| matches!(set.outcome, SetOutcome::Finished | SetOutcome::Lost));
        let values: Vec<f64> = whole.clone().map(|set| set.log_evidence).collect();
        let within: Vec<f64> = whole.map(|set| set.log_evidence_error).collect();
        let pool = if values.is_empty() { None } else { Some(pooled(&values)) };
        let log_evidence = pool.map_or(f64::NAN, |pool| pool.log_estimate);
        let standard_error = match (&within[..], log_evidence) {
            (_, f64::NEG_INFINITY) => f64::INFINITY,
            ([only], _) => *only,
            _ => pool.map_or(f64::NAN, |pool| pool.standard_error),
        };
        Self { sets, log_evidence, standard_error, interrupted }
    }

    /// The stages of the sets, for a page about them; `particles` is the number of each set's.
    pub fn note(&self, particles: usize, course: &mut SetsCourse) {
        for set in &self.sets {
            for stage in &set.stages {
                let StageRecord { way, ess, ancestors, log_evidence, acceptance, stepsize, .. } = *stage;
                let size = particles as f64;
                course.add(set.set_id, CourseStep { way, size, ess, ancestors, log_evidence, acceptance, stepsize });
            }
        }
    }

    /// `Ok` when every set finished, or lost all its particles; else one error that names the sets.
    pub fn status(&self) -> Result<(), Error> {
        let failed: Vec<Error> = self.sets.iter().filter_map(SmcSet::error).collect();
        match &failed[..] {
            [] if self.interrupted => Err(Error::new(Code::Interrupted, "the run was interrupted")),
            [] => Ok(()),
            [only] if self.sets.len() == 1 => Err(only.clone()),
            [first, ..] => {
                let ids: Vec<String> = failed.iter().filter_map(Error::set).map(|id| id.to_string()).collect();
                let (count, sets, ids) = (failed.len(), self.sets.len(), ids.join(", "));
                let message = format!("{count} of {sets} sets failed (ids {ids}); the first: {first}");
                Err(Error::new(Code::ChainFailed, message))
            }
        }
    }
}

impl SmcSet {
    fn new(set_id: u64, blocks: &[ChainReport], ledger: SetLedger) -> Self {
        let failed =
            blocks.iter().find_map(|b| if let Outcome::Failed(e) = &b.outcome { Some(e.clone()) } else { None });
        let stopped = blocks.iter().any(|b| b.outcome == Outcome::Stopped);
        let outcome = match (failed, ledger.end) {
            (Some(error), _) => SetOutcome::Failed(error),
            (_, Some((Action::Lost, ..))) => SetOutcome::Lost,
            (_, Some((Action::Stalled, ..))) => SetOutcome::Stalled,
            (_, Some((Action::Finish, ..))) if !stopped => SetOutcome::Finished,
            _ => SetOutcome::Stopped,
        };
        let known = matches!(outcome, SetOutcome::Finished | SetOutcome::Lost | SetOutcome::Stalled);
        let course = ledger.end.map(|(_, course, _)| course).filter(|_| known);
        let variance =
            course.map_or(f64::NAN, |c| if outcome == SetOutcome::Lost { f64::INFINITY } else { c.variance });
        Self {
            set_id,
            log_evidence: course.map_or(f64::NAN, |c| c.log_evidence),
            log_evidence_error: variance.sqrt(),
            stages: ledger.stages,
            refused: ledger.end.map_or(0, |(.., refused)| refused as u64),
            rows: 0,
            seconds: blocks.iter().map(|b| b.warmup_seconds + b.sampling_seconds).sum(),
            output: if outcome == SetOutcome::Finished { ledger.rows } else { Vec::new() },
            outcome,
        }
    }

    /// Why the set has no evidence, if it failed or stalled.
    pub fn error(&self) -> Option<Error> {
        match &self.outcome {
            SetOutcome::Failed(error) => Some(error.clone()),
            SetOutcome::Stalled => {
                let way = self.stages.last().map_or(0.0, |s| s.way);
                let message = format!("stalled after {} stages at {way} of its path", self.stages.len());
                Some(Error::new(Code::ChainFailed, message).in_set(self.set_id))
            }
            SetOutcome::Finished | SetOutcome::Lost | SetOutcome::Stopped => None,
        }
    }
}
