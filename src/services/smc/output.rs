//! What a set writes: its particles, in their order, and its evidence.

use super::report::{SetOutcome, SmcReport};
use crate::error::Error;
use crate::io::{Level, Logger, STAGE_COLUMNS, STAGES, Writer, shortest};
use crate::model::Density;
use crate::particles::mover::StageRecord;

/// The columns before the outputs.
pub(super) const FIRST_COLUMNS: [&str; 4] = ["lp__", "log_weight__", "set__", "ancestor__"];

/// All columns of a set's sample writer for this model: `lp__ log_weight__ set__ ancestor__`, then the outputs.
pub fn smc_columns<D: Density>(density: &D) -> Vec<String> {
    FIRST_COLUMNS.iter().map(|s| s.to_string()).chain(density.output_names()).collect()
}

/// The stages as lines: a heading, and the numbers of each.
fn stage_lines(stages: &[StageRecord]) -> impl Iterator<Item = String> + '_ {
    let numbers = |stage: &StageRecord| {
        let StageRecord { way, ess, ancestors, log_evidence, acceptance, stepsize, .. } = *stage;
        let numbers: [f64; STAGE_COLUMNS.len()] = [way, ess, ancestors, log_evidence, acceptance, stepsize];
        numbers.map(shortest).join(", ")
    };
    std::iter::once(format!("{STAGES}{}", STAGE_COLUMNS.join(", "))).chain(stages.iter().map(numbers))
}

/// Gives the rows of each set that `is_own`, and of each that is held in memory, to its writer, on the calling thread. A set that did not finish has none. A writer that fails
/// fails its set.
pub(super) fn write(
    report: &mut SmcReport,
    columns: &[String],
    writers: Vec<&mut dyn Writer>,
    logger: &dyn Logger,
    is_own: impl Fn(usize) -> bool,
) {
    for (place, (set, writer)) in report.sets.iter_mut().zip(writers).enumerate() {
        // Another rank writes it, unless it goes into the memory of all.
        if !is_own(place) && writer.held().is_none() {
            continue;
        }
        let rows = std::mem::take(&mut set.output);
        let written = (|| -> Result<usize, Error> {
            writer.names(columns)?;
            let mut count = 0;
            for row in rows.iter().flat_map(|block| block.chunks_exact(columns.len())) {
                writer.row(row)?;
                count += 1;
            }
            if set.outcome == SetOutcome::Finished {
                stage_lines(&set.stages).try_for_each(|line| writer.message(&line))?;
                let (value, error) = (shortest(set.log_evidence), shortest(set.log_evidence_error));
                writer.message(&format!("Log evidence = {value}"))?;
                writer.message(&format!("Its error, estimated within the set = {error}"))?;
            }
            Ok(count)
        })();
        let closed = writer.finish();
        match written.and_then(|count| closed.map(|()| count)) {
            Ok(count) => set.rows = count,
            Err(error) => {
                let error = error.in_set(set.set_id);
                logger.log(Level::Error, None, &error.to_string());
                set.outcome = SetOutcome::Failed(error);
            }
        }
    }
}
