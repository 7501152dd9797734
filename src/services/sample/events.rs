//! What sampling does with its chains' events.

use super::output::elapsed_lines;
use super::sampling::{Record, Sampling};
use crate::error::{Code, Error};
use crate::hmc::{Chain, Failure, InitialValueReason, Metric, Request, Start};
use crate::io::{Level, Writer};
use crate::model::Density;
use crate::services::ChainReport;
use crate::services::service::{After, End, Here, Service};
use std::time::Instant;

/// What is said of a chain that the others left out when they last met.
const APART: &str = "this chain stood still or was far from the others when they last met in warm-up: it samples with \
                     their metric from where it is";

impl Sampling<'_> {
    fn initialized(&mut self, chain: &Chain) -> Result<(), Error> {
        self.sinks.init.as_mut().map_or(Ok(()), |writer| writer.row(chain.position()))
    }

    fn failure<D: Density>(&self, failure: &Failure, here: &Here<'_, D>) -> Error {
        // An element is known by its coordinate's name.
        let of = match failure {
            Failure::InitialValue {
                reason: InitialValueReason::Gradient { index, .. } | InitialValueReason::Unwritten { index },
                ..
            } => here.run.density.names().get(*index).map(|name| format!(" (coordinate '{name}')")),
            _ => None,
        };
        Error::new(Code::Initialization, format!("{failure}{}{}", of.unwrap_or_default(), here.words()))
    }
}

impl<D: Density> Service<D> for Sampling<'_> {
    type Machine = Chain;
    type Record = Record;

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Chain, Error> {
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
        Ok(chain)
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

    fn event(&mut self, chain: &mut Chain, event: Request, here: &mut Here<'_, D>) -> Result<After, Error> {
        match event {
            Request::Evaluate | Request::Meet(_) => unreachable!("an ask, not an event"),
            Request::Initialized => self.initialized(chain)?,
            Request::Draw => self.drawn(chain, here)?,
            Request::WarmupDone => {
                here.warm();
                if chain.is_apart() {
                    here.log(Level::Warning, APART);
                }
                self.adapted(chain, here)?;
            }
            Request::Done => {
                let (warmup, sampling) = here.seconds();
                self.messages(&elapsed_lines(warmup, sampling))?;
                return Ok(After::Done);
            }
            Request::Failed(failure) => return Err(self.failure(&failure, here)),
        }
        Ok(After::GoOn)
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        let sinks = &mut self.sinks;
        let mut writers = [&mut sinks.sample, &mut sinks.diagnostic].into_iter().flatten();
        writers.try_for_each(|writer| writer.look(now))
    }

    fn mark(&mut self) -> Result<[u64; 2], Error> {
        let sinks = &mut self.sinks;
        let mark = |writer: &mut Option<&mut dyn Writer>| writer.as_mut().map_or(Ok(0), |writer| writer.mark());
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

    fn record(&self) -> Option<&Record> {
        Some(&self.record)
    }

    fn reopen(&mut self, chain: &mut Chain, record: Record) -> Result<(), Error> {
        let misfit = |name: &str, expected: String, got: String| {
            Err(Error::new(Code::Checkpoint, format!("the checkpoint's {name} is {expected}, the run's is {got}")))
        };
        if let Some((name, was, is)) = chain.misfit(self.columns.engine, &self.settings) {
            return misfit(name, was, is);
        }
        let text = |record: &Record| format!("thin {}, save_warmup {}", record.thin, record.save_warmup);
        let (was, is) = (text(&record), text(&self.record));
        if was != is {
            return misfit("output", was, is);
        }
        chain.set_num_samples(self.settings.num_samples);
        self.record = record;
        Ok(())
    }

    fn report(self, chain: Option<&Chain>, end: End) -> ChainReport {
        let metric = chain.map_or(&self.settings.metric, Chain::metric);
        let (warmup_gradients, sampling_gradients) = chain.map_or((0, 0), Chain::evaluations);
        ChainReport {
            iterations: chain.map_or(0, Chain::iterations),
            rows: self.record.rows,
            stepsize: chain.map_or(self.settings.stepsize, Chain::stepsize),
            metric: metric.kind(),
            inv_metric: metric.inverse(),
            warmup_gradients,
            sampling_gradients,
            divergences: self.record.divergences,
            saturated: self.record.saturated,
            ..ChainReport::of(end)
        }
    }
}
