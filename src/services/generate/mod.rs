//! Generated quantities over draws that were made before.

mod draws;
mod quantities;
mod rows;

use super::run::Run;
use super::{SampleIo, SampleOptions, SampleReport, Session, check_length};
use crate::error::Error;
use crate::model::Density;
use quantities::{Layout, Quantities};
use std::sync::Arc;

pub use draws::{GivenDraws, RowInit};

/// Columns that a writer of [`generate_quantities`] gets: the outputs after the parameters and transformed parameters;
/// all of them when the model does not say how many these are.
pub fn quantity_columns<D: Density>(density: &D) -> Vec<String> {
    density.output_names().split_off(density.parameter_outputs() + density.transformed_outputs())
}

/// Draws the generated quantities anew for draws that were made before, each chain's on its own.
///
/// Each row becomes a position by the model's `initialize` from the named values, or is one when the columns are the
/// model's coordinates; then the outputs are computed and [`quantity_columns`] of them are given to the chain's sample
/// writer, one row per row. A row that the model refuses is written as NaN, with a warning that names chain and row.
///
/// Of the options the chains' number and ids, seed, threads, refresh and failure policy count. `io` may list sample
/// writers, logger, interrupt and pool. Random numbers come from the stream of outputs of each chain's id.
///
/// # Errors
/// Before any row is computed: a list of wrong length, a table that is not whole rows, a parameter without a column, a
/// model without generated quantities.
pub fn generate_quantities<'a, D: Density>(
    density: &'a D,
    options: &SampleOptions,
    draws: &GivenDraws<'a>,
    io: SampleIo<'a>,
) -> Result<SampleReport, Error> {
    options.validate()?;
    check(density, options, draws, &io)?;
    // Rows ask for no evaluations.
    let options = SampleOptions { batch_size: 0, max_evaluations: 0, ..options.clone() };
    let layout = Arc::new(Layout::new(density, &draws.names)?);
    let run = Run::new(density, &options, io.logger, io.pool, layout.outputs())?;
    let mut writers = io.sample_writers.into_iter();
    let chains = draws.chains.iter();
    let services = chains.map(|rows| Quantities::new(Arc::clone(&layout), rows, writers.next())).collect();
    let mut session = Session::seat(run, services, &[], None)?;
    let interrupt = io.interrupt;
    session.run(None, || interrupt.requested());
    Ok(session.into_report())
}

fn check<D: Density>(
    density: &D,
    options: &SampleOptions,
    draws: &GivenDraws<'_>,
    io: &SampleIo<'_>,
) -> Result<(), Error> {
    let unused = [
        ("inits", io.inits.len()),
        ("inv_metrics", io.inv_metrics.len()),
        ("init_writers", io.init_writers.len()),
        ("diagnostic_writers", io.diagnostic_writers.len()),
        ("checkpoints", io.checkpoints.len()),
    ];
    if let Some((name, length)) = unused.into_iter().find(|(_, length)| *length > 0) {
        return Err(Error::argument(name, "no entries where draws are given", length));
    }
    check_length("sample_writers", io.sample_writers.len(), options.num_chains)?;
    if draws.chains.len() != options.num_chains {
        let expected = format!("{} tables, one per chain", options.num_chains);
        return Err(Error::argument("draws", expected, draws.chains.len()));
    }
    let width = draws.names.len();
    for (i, rows) in draws.chains.iter().enumerate() {
        if width == 0 && !rows.is_empty() || width > 0 && !rows.len().is_multiple_of(width) {
            let expected = format!("whole rows of {width} numbers");
            let error = Error::argument(format!("draws.chains[{i}]"), expected, format!("{} numbers", rows.len()));
            return Err(error.in_chain(options.init_chain_id + i as u64));
        }
    }
    let (parameters, transformed) = (density.parameter_outputs(), density.transformed_outputs());
    let outputs = density.output_names().len();
    if parameters + transformed > 0 && parameters + transformed >= outputs {
        let got = format!("{outputs} outputs, of which {parameters} are parameters and {transformed} transformed ones");
        return Err(Error::argument("model", "one with generated quantities", got));
    }
    Ok(())
}
