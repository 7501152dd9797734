//! All options as one value.

use super::{SampleOptions, SmcOptions};
use crate::adapt::Adaptation;

/// The options of a run, each to be set and read by its name in [`OPTIONS`](super::OPTIONS). Adaptation's are kept, and checked, while
/// adaptation is off.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionSet {
    /// All options but adaptation's; its `adaptation` means nothing.
    pub(super) sample: SampleOptions,
    pub(super) adaptation: Adaptation,
    pub(super) adapt: bool,
    pub(super) smc: SmcOptions,
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
            smc: SmcOptions::default(),
        }
    }
}

impl OptionSet {
    /// The options as a run takes them.
    pub fn options(&self) -> SampleOptions {
        SampleOptions { adaptation: self.adapt.then_some(self.adaptation), ..self.sample.clone() }
    }

    /// The options of sequential Monte Carlo alone.
    pub fn smc(&self) -> SmcOptions {
        self.smc.clone()
    }

    /// The same options of other runs, with these of sequential Monte Carlo.
    pub fn with_smc(self, smc: &SmcOptions) -> Self {
        Self { smc: smc.clone(), ..self }
    }
}
