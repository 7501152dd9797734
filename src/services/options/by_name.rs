//! Options by name.

use super::OptionSet;
use super::near::nearest;
use super::service::Service;
use super::table::{OPTIONS, OptionRow};
use super::value::{Given, Value};
use crate::error::Error;
use crate::model::check_chain_ids;

impl OptionSet {
    /// Sets one option.
    ///
    /// # Errors
    /// There is no option of this name, or `given` is not a value it takes; it stays as it was then.
    pub fn set(&mut self, name: &str, given: Given<'_>) -> Result<(), Error> {
        let row = row(name)?;
        let mut changed = self.clone();
        row.set(&mut changed, given)?;
        changed.given.give(name);
        changed.settle();
        changed.check_ids()?;
        *self = changed;
        Ok(())
    }

    /// The value of one option.
    ///
    /// # Errors
    /// There is no option of this name.
    pub fn get(&self, name: &str) -> Result<Value, Error> {
        row(name).map(|row| row.get(self))
    }

    /// The options that `service` takes, each with its value as [`OptionSet::set`] takes it as a text.
    pub fn told(&self, service: Service) -> Vec<(String, String)> {
        let taken = OPTIONS.iter().filter(|row| row.services.contains(&service));
        taken.map(|row| (row.name.to_string(), row.kind.text(row.get(self)))).collect()
    }

    /// Checks every option; the error names the first bad one.
    ///
    /// # Errors
    /// As [`SampleOptions::validate`](super::SampleOptions::validate).
    pub fn validate(&self) -> Result<(), Error> {
        OPTIONS.iter().try_for_each(|row| row.check(&row.get(self)))?;
        let (warmup, samples) = (self.sample.num_warmup, self.sample.num_samples);
        if warmup.checked_add(samples).is_none() {
            let expected = format!("at most {} iterations after {warmup} of warm-up", usize::MAX - warmup);
            return Err(Error::argument("num_samples", expected, samples));
        }
        self.check_ids()
    }

    fn check_ids(&self) -> Result<(), Error> {
        let machines = self.sample.num_chains.max(self.optimize.num_starts);
        check_chain_ids("init_chain_id", self.sample.init_chain_id, machines)?;
        check_chain_ids("init_set_id", self.population.init_set_id, self.smc.num_sets)
    }
}

/// The option of this name.
///
/// # Errors
/// There is none; the error suggests the one that was perhaps meant.
fn row(name: &str) -> Result<&'static OptionRow, Error> {
    OPTIONS.iter().find(|row| row.name == name).ok_or_else(|| {
        let names = || OPTIONS.iter().map(|row| row.name);
        let instead = match nearest(name, names()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::unknown(name, format!("not an option; {instead}"))
    })
}
