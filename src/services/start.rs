//! Where a machine begins: what the init context gives.

use super::nearest;
use super::service::Here;
use crate::error::{Code, Error};
use crate::io::Level;
use crate::model::{Density, InitContext, InitialValueReason, Refusal, Variable};
use crate::random::{Purpose, Stream};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The start values that the model makes of the init context; NaN where they are to be drawn.
pub fn given_start<D: Density>(init: Option<&dyn InitContext>, here: &mut Here<'_, D>) -> Result<Vec<f64>, Error> {
    let mut start = vec![f64::NAN; here.run.density.dim()];
    let Some(init) = init else { return Ok(start) };
    match init.position() {
        Some(position) if position.len() == start.len() => start.copy_from_slice(position),
        Some(position) => {
            let expected = format!("a position of {} numbers", start.len());
            return Err(Error::argument("inits", expected, position.len()));
        }
        None => {
            let asked = Asked { init, names: Mutex::default() };
            initialize(&asked, here, &mut start)?;
            init.finish()?;
            let names = asked.names.into_inner().unwrap_or_else(PoisonError::into_inner);
            let unused: Vec<_> = init.unused().into_iter().map(|name| told(&name, &names)).collect();
            if !unused.is_empty() {
                let line = format!("initial values that the model did not ask for: {}", unused.join(", "));
                here.log(Level::Warning, &line);
            }
        }
    }
    Ok(start)
}

/// A name that nobody asked for, with the one of those `asked` for that it was likely meant to be.
fn told(name: &str, asked: &[String]) -> String {
    let near = nearest(name, asked.iter().map(String::as_str));
    near.map_or(name.to_string(), |near| format!("{name} (did you mean '{near}'?)"))
}

/// An init context that notes the names which a model asks for.
struct Asked<'a> {
    init: &'a dyn InitContext,
    names: Mutex<Vec<String>>,
}

impl InitContext for Asked<'_> {
    fn variable(&self, name: &str) -> Result<Option<Variable>, Error> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_string());
        self.init.variable(name)
    }
}

fn initialize<D: Density>(init: &dyn InitContext, here: &mut Here<'_, D>, start: &mut [f64]) -> Result<(), Error> {
    let mut stream = Stream::new(here.run.options.seed, here.id(), Purpose::Start);
    here.call(&mut stream, |density, worker, task, _| density.initialize(worker, task, init, start)).map_err(
        |refusal| {
            let verb = if refusal == Refusal::Reject { "refused" } else { "could not use" };
            let words = here.words();
            Error::new(Code::Initialization, format!("the model {verb} the initial values given{words}"))
        },
    )
}

/// Why a machine has no start: `failure`, with the name of the coordinate that its `reason` is about and the model's words.
pub fn failed_start<D: Density>(
    failure: &impl fmt::Display,
    reason: Option<&InitialValueReason>,
    here: &Here<'_, D>,
) -> Error {
    // An element is known by its coordinate's name.
    let of = match reason {
        Some(InitialValueReason::Gradient { index, .. } | InitialValueReason::Unwritten { index }) => {
            here.run.density.names().get(*index).map(|name| format!(" (coordinate '{name}')"))
        }
        _ => None,
    };
    Error::new(Code::Initialization, format!("{failure}{}{}", of.unwrap_or_default(), here.words()))
}
