//! Options by name.

use super::SampleOptions;
use super::near::nearest;
use super::table::{OPTIONS, OptionRow};
use super::value::{Given, Value};
use crate::adapt::Adaptation;
use crate::error::Error;

/// The options of a run, each to be set and read by its name in [`OPTIONS`]. Adaptation's are kept, and checked, while
/// adaptation is off.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionSet {
    /// All options but adaptation's; its `adaptation` means nothing.
    pub(super) sample: SampleOptions,
    pub(super) adaptation: Adaptation,
    pub(super) adapt: bool,
}

impl Default for OptionSet {
    fn default() -> Self {
        Self::from(&SampleOptions::default())
    }
}

impl From<&SampleOptions> for OptionSet {
    fn from(options: &SampleOptions) -> Self {
        Self {
            sample: options.clone(),
            adaptation: options.adaptation.unwrap_or_default(),
            adapt: options.adaptation.is_some(),
        }
    }
}

impl OptionSet {
    /// The options as a run takes them.
    pub fn options(&self) -> SampleOptions {
        SampleOptions { adaptation: self.adapt.then_some(self.adaptation), ..self.sample.clone() }
    }

    /// Sets one option.
    ///
    /// # Errors
    /// There is no option of this name, or `given` is not a value it takes; it stays as it was then.
    pub fn set(&mut self, name: &str, given: Given<'_>) -> Result<(), Error> {
        let row = row(name)?;
        let mut changed = self.clone();
        row.set(&mut changed, given)?;
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

    /// Checks every option; the error names the first bad one.
    ///
    /// # Errors
    /// As [`SampleOptions::validate`].
    pub fn validate(&self) -> Result<(), Error> {
        OPTIONS.iter().try_for_each(|row| row.check(row.get(self)))?;
        self.check_ids()
    }

    /// The chains' ids are numbers of 64 bits, the last chain's too.
    fn check_ids(&self) -> Result<(), Error> {
        let (first, chains) = (self.sample.init_chain_id, self.sample.num_chains as u64);
        if first.checked_add(chains.saturating_sub(1)).is_some() {
            return Ok(());
        }
        let most = u64::MAX - (chains - 1);
        Err(Error::argument(
            "init_chain_id",
            format!("an id that leaves room for {chains} chains, at most {most}"),
            first,
        ))
    }
}

/// The option of this name.
///
/// # Errors
/// There is none; the error suggests the one that was perhaps meant.
pub(super) fn row(name: &str) -> Result<&'static OptionRow, Error> {
    OPTIONS.iter().find(|row| row.name == name).ok_or_else(|| {
        let names = || OPTIONS.iter().map(|row| row.name);
        let instead = match nearest(name, names()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::unknown(name, format!("not an option; {instead}"))
    })
}
