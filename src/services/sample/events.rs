//! What sampling does with its chains' events.

use super::output::elapsed_lines;
use super::sampling::{Record, Sampling};
use super::watched::{Early, Watched};
use crate::error::{Code, Error};
use crate::hmc::{Chain, Failure, Metric, Request, Start};
use crate::io::{Level, Mark, Writer, significant};
use crate::model::Density;
use crate::services::service::{After, End, Here, Service};
use crate::services::start::{failed_start, given_start};
use crate::services::start_gradient::check_start;
use crate::services::{ChainReport, StopReason};
use std::time::Instant;

/// What is said of a chain that the others left out when they last met.
const APART: &str = "this chain stood still or was far from the others when they last met in warm-up: it samples from \
                     where it is";

impl Sampling<'_> {
    fn initialized(&mut self, chain: &Chain) -> Result<(), Error> {
        self.sinks.init.as_mut().map_or(Ok(()), |writer| writer.row(chain.position()))
    }

    /// Why a chain ended early, in words.
    fn told(&self, watched: &Watched, early: &Early) -> String {
        const DIGITS: u32 = 4;
        match early {
            Early::Enough(look) => {
                let name = |place: usize| watched.column(place).map_or("", |column| &self.columns.sample[column]);
                format!(
                    "Stopped with enough: after {} draws of each chain the smallest effective sample size is {} ({}), the largest R-hat {} ({})",
                    look.draws,
                    significant(look.ess.0, DIGITS),
                    name(look.ess.1),
                    significant(look.rhat.0, DIGITS),
                    name(look.rhat.1),
                )
            }
            Early::Gradients(used) => {
                format!("Stopped by max_gradients = {}: {used} gradients were used", self.max_gradients)
            }
        }
    }

    /// Where the chain begins; NaN where a coordinate is to be drawn.
    fn start<D: Density>(&mut self, here: &mut Here<'_, D>) -> Result<Vec<f64>, Error> {
        match self.begun.as_mut().map(|begun| std::mem::take(&mut begun.position)) {
            Some(position) if !position.is_empty() => Ok(position),
            _ => given_start(self.init, here),
        }
    }
}

impl<D: Density> Service<D> for Sampling<'_> {
    type Machine = Watched;
    type Record = Record;

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Watched, Error> {
        let columns = &self.columns;
        let sinks = &mut self.sinks;
        let writers = [
            (&mut sinks.init, &columns.names),
            (&mut sinks.sample, &columns.sample),
            (&mut sinks.diagnostic, &columns.diagnostic),
        ];
        for (writer, names) in writers {
            writer.as_mut().map_or(Ok(()), |writer| writer.names(names))?;
        }
        let start = Start(self.start(here)?);
        let chain = Chain::with_engine(self.settings.clone(), self.columns.engine, start);
        // From here on the metric is the chain's alone.
        self.settings.metric = Metric::unit();
        Ok(Watched::new(chain, self.kept.take(), self.max_gradients))
    }

    fn go_on(&mut self) -> Result<(), Error> {
        let (rows, columns) = (self.record.rows, &self.columns);
        for (writer, names) in
            [(&mut self.sinks.sample, &columns.sample), (&mut self.sinks.diagnostic, &columns.diagnostic)]
        {
            writer.as_mut().map_or(Ok(()), |writer| writer.resumed(names, rows))?;
        }
        Ok(())
    }

    fn event(&mut self, watched: &mut Watched, event: Request, here: &mut Here<'_, D>) -> Result<After, Error> {
        let chain = &mut watched.chain;
        match event {
            Request::Evaluate | Request::Meet(_) => unreachable!("an ask, not an event"),
            Request::Initialized => {
                if here.run.options.check_gradient && chain.moves() {
                    check_start(chain.position(), chain.gradient(), here)?;
                }
                if let Some((first, taken)) = chain.nearer_start() {
                    let line = format!("a random start with log density {first:.3e} gave way to one with {taken:.3e}");
                    here.log(Level::Debug, &line);
                }
                self.initialized(chain)?;
            }
            Request::Draw => self.drawn(watched, here)?,
            Request::WarmupDone => {
                here.warm();
                if chain.is_apart() {
                    here.log(Level::Warning, APART);
                }
                if let Some(anew) = chain.set_out_anew() {
                    here.log(Level::Warning, &anew.to_string());
                }
                self.adapted(chain, here)?;
            }
            Request::Done => {
                if let Some(early) = watched.ended() {
                    let line = self.told(watched, early);
                    here.log(Level::Info, &line);
                    self.messages(&[line])?;
                }
                let (warmup, sampling) = here.seconds();
                self.messages(&elapsed_lines(warmup, sampling))?;
                return Ok(After::Done);
            }
            Request::Failed(failure) => {
                let reason = match &failure {
                    Failure::InitialValue { reason, .. } => Some(reason),
                    _ => None,
                };
                return Err(failed_start(&failure, reason, here));
            }
        }
        Ok(After::GoOn)
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        let sinks = &mut self.sinks;
        let mut writers = [&mut sinks.sample, &mut sinks.diagnostic].into_iter().flatten();
        writers.try_for_each(|writer| writer.look(now))
    }

    fn mark(&mut self) -> Result<[Mark; 2], Error> {
        let sinks = &mut self.sinks;
        let mark =
            |writer: &mut Option<&mut dyn Writer>| writer.as_mut().map_or(Ok(Mark::default()), |writer| writer.mark());
        Ok([mark(&mut sinks.sample)?, mark(&mut sinks.diagnostic)?])
    }

    fn close(&mut self, warn: &dyn Fn(&str)) -> Result<(), Error> {
        if let Some(line) = self.refused.sum("rows of outputs") {
            warn(&line);
        }
        let sinks = &mut self.sinks;
        let mut result = Ok(());
        for writer in [&mut sinks.init, &mut sinks.sample, &mut sinks.diagnostic].into_iter().flatten() {
            result = result.and(writer.finish());
        }
        result
    }

    fn held(&self) -> Option<Vec<f64>> {
        self.sinks.sample.as_ref().and_then(|writer| writer.held())
    }

    fn record(&self) -> Option<&Record> {
        Some(&self.record)
    }

    fn reopen(&mut self, watched: &mut Watched, record: Record) -> Result<(), Error> {
        let misfit = |name: &str, expected: String, got: String| {
            Err(Error::new(Code::Checkpoint, format!("the checkpoint's {name} is {expected}, the run's is {got}")))
        };
        let chain = &mut watched.chain;
        if let Some((name, was, is)) = chain.misfit(self.columns.engine, &self.settings) {
            return misfit(name, was, is);
        }
        if let Some(what) = chain.unsound() {
            let words = format!("the checkpoint has {what}, which no chain of a run has");
            return Err(Error::new(Code::Checkpoint, words));
        }
        let text = |record: &Record| format!("thin {}, save_warmup {}", record.thin, record.save_warmup);
        let (was, is) = (text(&record), text(&self.record));
        if was != is {
            return misfit("output", was, is);
        }
        chain.set_num_samples(self.settings.num_samples);
        if let Err([was, is]) = watched.reopen(self.kept.take(), self.max_gradients) {
            return misfit("kept columns (until_ess, until_rhat, until_columns)", was, is);
        }
        self.record = record;
        Ok(())
    }

    fn report(self, watched: Option<&Watched>, end: End) -> ChainReport {
        let chain = watched.map(|w| &w.chain);
        let (metric, inv_metric) = chain.map_or_else(|| self.settings.inverse_metric(), Chain::inverse_metric);
        let (warmup_gradients, sampling_gradients) = chain.map_or((0, 0), Chain::evaluations);
        ChainReport {
            iterations: chain.map_or(0, Chain::iterations),
            warmup_iterations: chain.map_or(0, |chain| chain.warmup_length().unwrap_or(chain.iterations())),
            rows: self.record.rows,
            stepsize: chain.map_or(self.settings.stepsize, Chain::stepsize),
            delta: chain.and_then(Chain::delta),
            engine: Some(self.columns.engine),
            num_samples: self.settings.num_samples,
            metric,
            inv_metric,
            warmup_gradients: warmup_gradients + self.begun.as_ref().map_or(0, |begun| begun.gradients),
            sampling_gradients,
            divergences: self.record.divergences,
            saturated: self.record.saturated,
            reason: match watched.and_then(Watched::ended) {
                Some(Early::Enough(_)) => StopReason::Enough,
                Some(Early::Gradients(_)) => StopReason::MaxGradients,
                None => StopReason::of(&end.outcome),
            },
            ..ChainReport::of(end)
        }
    }
}
