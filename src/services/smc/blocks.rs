//! What the sampler does with the events of one block of particles.

use super::ledger::Ledger;
use super::output::FIRST_COLUMNS;
use crate::error::{Code, Error};
use crate::io::{Level, shortest};
use crate::model::{Density, Refusal};
use crate::particles::course::Action;
use crate::particles::mover::{Happening, Mover, StageRecord};
use crate::particles::path::Path;
use crate::particles::plan::Plan;
use crate::services::outputs::constrain;
use crate::services::service::{After, End, Here, Service};
use crate::services::{ChainReport, Progress};
use std::sync::Arc;

/// The service of one block.
pub(super) struct Particles {
    plan: Plan,
    ledger: Arc<Ledger>,
    /// The set's place in the run, and the block's in the set.
    set: usize,
    block: usize,
    /// Numbers of a row of output.
    width: usize,
    /// Whether rows are wanted.
    writes: bool,
}

impl Particles {
    pub fn new(plan: &Plan, ledger: &Arc<Ledger>, set: usize, block: usize, width: usize, writes: bool) -> Self {
        Self { plan: plan.clone(), ledger: Arc::clone(ledger), set, block, width, writes }
    }

    /// A line about the set.
    fn say<D: Density>(here: &Here<'_, D>, level: Level, text: &str) {
        crate::io::log_lines(here.run.logger, level, None, &format!("Set {}: {text}", here.id()));
    }

    fn draw<D: Density>(mover: &mut Mover, here: &mut Here<'_, Path<'_, D>>) -> Result<(), Error> {
        let first = mover.first();
        for (i, (mut stream, x)) in mover.draw().enumerate() {
            let drawn = here.call(&mut stream, |path, worker, task, _| path.sample_prior(worker, task, x));
            if let Err(refusal) = drawn {
                let verb = if refusal == Refusal::Stop { "stopped the run" } else { "refused" };
                let message = format!("the model {verb} when it was to draw from its prior{}", here.words());
                return Err(Error::new(Code::Model, message).of_particle(first + i));
            }
            if let Some(at) = x.iter().position(|x| !x.is_finite()) {
                let message = format!("the model drew {} as coordinate {at} from its prior", x[at]);
                return Err(Error::new(Code::Model, message).of_particle(first + i));
            }
        }
        Ok(())
    }

    fn stage<D: Density>(&self, record: &StageRecord, here: &Here<'_, D>) {
        self.ledger.set(self.set).stages.push(*record);
        here.show(&Progress { iteration: record.stage, in_warmup: false, ..Progress::default() });
        if here.run.options.refresh == 0 {
            return;
        }
        let StageRecord { stage, way, ess, log_evidence, acceptance, stepsize, .. } = *record;
        let way =
            if self.plan.segments > 1 { format!("data {}", shortest(way)) } else { format!("temperature {way:.6}") };
        let mut line = format!("stage {stage}: {way}, ESS {ess:.1}, log evidence {log_evidence:.4}");
        if record.resampled && self.plan.moves > 0 {
            line += &format!(", acceptance {acceptance:.3}, step {stepsize:.4}");
        }
        Self::say(here, Level::Info, &line);
    }

    /// Rows of output for all particles of the block.
    fn rows<D: Density>(&self, mover: &Mover, here: &mut Here<'_, Path<'_, D>>) -> Result<Vec<f64>, Error> {
        let mut rows = Vec::with_capacity(mover.len() * self.width);
        let outputs = self.width - FIRST_COLUMNS.len();
        for i in 0..mover.len() {
            let (x, log_density, log_weight, ancestor) = mover.particle(i);
            rows.extend([log_density, log_weight, here.id() as f64, ancestor as f64]);
            let made = here.call(&mut mover.output_stream(i), |path, worker, task, row| {
                constrain(path, worker, task, x, &mut row[..outputs])
            });
            match made {
                Ok(()) => {}
                Err(Refusal::Reject) => {
                    let text = format!("the outputs of particle {} were refused{}", mover.first() + i, here.words());
                    Self::say(here, Level::Warning, &text);
                }
                Err(Refusal::Stop) => {
                    let message = format!("the model stopped the run while computing outputs{}", here.words());
                    return Err(Error::new(Code::Model, message).of_particle(mover.first() + i));
                }
            }
            rows.extend_from_slice(&here.bench.row[..outputs]);
        }
        Ok(rows)
    }
}

/// What is wrong with a particle.
fn invalid(base: f64, increment: f64) -> String {
    if base.is_finite() {
        let expected = "expected a finite log likelihood, or -inf";
        format!("{expected}, got {increment}")
    } else {
        format!("expected a finite log prior, got {base}")
    }
}

impl<D: Density> Service<Path<'_, D>> for Particles {
    type Machine = Mover;
    type Record = ();

    fn begin(&mut self, here: &mut Here<'_, Path<'_, D>>) -> Result<Mover, Error> {
        here.warm();
        Ok(Mover::new(&self.plan, here.id(), self.block))
    }

    fn go_on(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, mover: &mut Mover, event: Happening, here: &mut Here<'_, Path<'_, D>>) -> Result<After, Error> {
        match event {
            Happening::Draw => Self::draw(mover, here)?,
            Happening::Met => {}
            Happening::Stage(record) => self.stage(&record, here),
            Happening::Refused(count) => {
                let text = format!("the model refused {count} particles at the start: they have no weight");
                Self::say(here, Level::Warning, &text);
            }
            Happening::Invalid { particle, base, increment } => {
                return Err(Error::new(Code::Model, invalid(base, increment)).of_particle(particle));
            }
            Happening::End { action, course, refused } => {
                let rows = if action == Action::Finish && self.writes { self.rows(mover, here)? } else { Vec::new() };
                let mut set = self.ledger.set(self.set);
                set.rows[self.block] = rows;
                if self.block == 0 {
                    set.end = Some((action, course, refused));
                }
                return Ok(After::Done);
            }
        }
        Ok(After::GoOn)
    }

    fn close(&mut self, _: &dyn Fn(&str)) -> Result<(), Error> {
        Ok(())
    }

    fn record(&self) -> Option<&()> {
        None
    }

    fn reopen(&mut self, _: &mut Mover, (): ()) -> Result<(), Error> {
        Err(Error::new(Code::Checkpoint, "sets of particles have no checkpoints"))
    }

    fn report(self, _: Option<&Mover>, end: End) -> ChainReport {
        ChainReport::of(end)
    }
}
