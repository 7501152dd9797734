//! What generating quantities does with the rows of a chain's draws.

use super::draws::{RowContext, Source};
use super::quantity_columns;
use super::rows::{Row, Rows};
use crate::error::{Code, Error};
use crate::io::Writer;
use crate::model::{Density, Refusal};
use crate::services::outputs::{Refused, constrain};
use crate::services::service::{After, End, Here, Service};
use crate::services::{ChainReport, Progress};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Which columns of the draws are read, and which of the model's outputs are written.
pub(super) struct Layout {
    source: Source,
    coordinates: Vec<String>,
    columns: Vec<String>,
    /// Where the quantities are among the outputs.
    quantities: Range<usize>,
    /// Columns of the draws.
    width: usize,
}

impl Layout {
    pub fn new<D: Density>(density: &D, names: &[String]) -> Result<Self, Error> {
        let source = Source::new(density, names)?;
        let (columns, outputs) = (quantity_columns(density), density.output_names().len());
        let quantities = outputs - columns.len()..outputs;
        Ok(Self { source, coordinates: density.names(), columns, quantities, width: names.len() })
    }

    /// How many outputs the model has.
    pub fn outputs(&self) -> usize {
        self.quantities.end
    }
}

/// The service of one chain's draws.
pub(super) struct Quantities<'a> {
    layout: Arc<Layout>,
    draws: &'a [f64],
    writer: Option<&'a mut dyn Writer>,
    position: Vec<f64>,
    written: usize,
    refused: Refused,
}

impl<'a> Quantities<'a> {
    pub fn new(layout: Arc<Layout>, draws: &'a [f64], writer: Option<&'a mut dyn Writer>) -> Self {
        let position = vec![f64::NAN; layout.coordinates.len()];
        Self { layout, draws, writer, position, written: 0, refused: Refused::default() }
    }

    fn row<D: Density>(&mut self, at: usize, rows: &mut Rows, here: &mut Here<'_, D>) -> Result<(), Error> {
        let layout = Arc::clone(&self.layout);
        let row = &self.draws[at * layout.width..][..layout.width];
        let quantities = layout.quantities.clone();
        let made = match self.locate(&layout, row, rows, here)? {
            Err(refusal) => Err(refusal),
            Ok(()) => here.call(&mut rows.outputs_stream, |density, worker, task, outputs| {
                constrain(density, worker, task, &self.position, &mut outputs[..quantities.end])
            }),
        };
        match made {
            Ok(()) => {}
            Err(Refusal::Reject) => {
                here.bench.row[quantities.clone()].fill(f64::NAN);
                self.refused.tell(&format!("row {} of the draws was", at + 1), here);
            }
            Err(Refusal::Stop) => {
                let words = here.words();
                let message = format!("the model stopped the run at row {} of the draws{words}", at + 1);
                return Err(Error::new(Code::Model, message));
            }
        }
        if let Some(writer) = &mut self.writer {
            writer.row(&here.bench.row[quantities])?;
        }
        self.written += 1;
        Ok(())
    }

    /// Makes the position of a row.
    fn locate<D: Density>(
        &mut self,
        layout: &Layout,
        row: &[f64],
        rows: &mut Rows,
        here: &mut Here<'_, D>,
    ) -> Result<Result<(), Refusal>, Error> {
        let used = match &layout.source {
            Source::Position(columns) => {
                self.position.iter_mut().zip(columns).for_each(|(x, &c)| *x = row[c]);
                columns
            }
            Source::Values(values) => {
                self.position.fill(f64::NAN);
                let context = RowContext { values, row };
                let made = here.call(&mut rows.start_stream, |density, worker, task, _| {
                    density.initialize(worker, task, &context, &mut self.position)
                });
                if made.is_err() {
                    return Ok(made);
                }
                &values.columns
            }
        };
        let Some(at) = self.position.iter().position(|x| x.is_nan()) else { return Ok(Ok(())) };
        if used.iter().any(|&c| row[c].is_nan()) {
            here.bench.message.clear();
            here.bench.message.push_str("the draw holds NaN");
            return Ok(Err(Refusal::Reject));
        }
        Err(Error::argument(
            "draws.names",
            format!("columns that determine coordinate '{}'", layout.coordinates[at]),
            "columns from which the model makes no value of it",
        ))
    }
}

impl<D: Density> Service<D> for Quantities<'_> {
    type Machine = Rows;
    type Record = ();

    fn begin(&mut self, here: &mut Here<'_, D>) -> Result<Rows, Error> {
        here.warm();
        if let Some(writer) = &mut self.writer {
            writer.names(&self.layout.columns)?;
        }
        let total = self.draws.len().checked_div(self.layout.width).unwrap_or(0);
        Ok(Rows::new(here.run.options.seed, here.id(), total))
    }

    fn go_on(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn event(&mut self, rows: &mut Rows, event: Row, here: &mut Here<'_, D>) -> Result<After, Error> {
        let Row::Next(at) = event else { return Ok(After::Done) };
        self.row(at, rows, here)?;
        rows.count();
        let (done, total) = (rows.done(), rows.total());
        here.show(&Progress { iteration: done, in_warmup: false, ..Progress::default() });
        here.tell("Row", done, total, "Generated quantities");
        Ok(if done == total { After::Done } else { After::GoOn })
    }

    fn look(&mut self, now: Instant) -> Result<(), Error> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.look(now))
    }

    fn close(&mut self, warn: &dyn Fn(&str)) -> Result<(), Error> {
        if let Some(line) = self.refused.sum("rows of the draws") {
            warn(&line);
        }
        self.writer.as_mut().map_or(Ok(()), |writer| writer.finish())
    }

    fn record(&self) -> Option<&()> {
        None
    }

    fn reopen(&mut self, _: &mut Rows, (): ()) -> Result<(), Error> {
        Err(Error::new(Code::Checkpoint, "generated quantities have no checkpoints"))
    }

    fn report(self, rows: Option<&Rows>, end: End) -> ChainReport {
        ChainReport { iterations: rows.map_or(0, Rows::done), rows: self.written, ..ChainReport::of(end) }
    }
}
