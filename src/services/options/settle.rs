//! Options that nobody gave get the preset's values.

use super::preset::{Governed, Preset, UNTIL_SETTLED};
use super::set::OptionSet;

/// Warm-up iterations, unless they are given, of a run that begins where another ended: its step size settles, its metric is
/// that of the other.
const WARM_STARTED: usize = 50;

impl OptionSet {
    /// Whether an option of this name has the preset's value until it is given.
    pub fn is_preset(name: &str) -> bool {
        Governed::default().place(name).is_some()
    }

    /// Gives options that nobody gave the preset's values.
    pub(super) fn settle(&mut self) {
        if !self.given.metric {
            self.sample.metric = self.preset.tuning().metric;
        }
        // A schedule of few iterations is none for Stan's metrics.
        let preset = if self.sample.metric.is_fisher() { self.preset } else { Preset::Stan };
        if !self.given.num_warmup {
            self.sample.num_warmup = match (self.warm_start, self.adaptation.warmup_until) {
                (true, _) => WARM_STARTED,
                (false, true) => UNTIL_SETTLED,
                (false, false) => preset.tuning().num_warmup,
            };
        }
        if !self.given.delta {
            self.adaptation.delta = preset.tuning().delta;
        }
        if !self.given.raise_delta {
            // A target that was given is kept.
            self.adaptation.raise_delta = preset.tuning().raise_delta && !self.given.delta;
        }
    }

    /// The same options for services that take no preset.
    pub(super) fn without_preset(&self) -> Self {
        let mut set = Self { preset: Preset::Stan, warm_start: false, ..self.clone() };
        set.settle();
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmc::MetricKind;
    use crate::services::{Given, SampleOptions};

    fn set(options: &[(&str, &str)]) -> OptionSet {
        let mut set = OptionSet::default();
        options.iter().for_each(|(name, text)| set.set(name, Given::Text(text)).unwrap());
        set
    }

    fn tuning(set: &OptionSet) -> (MetricKind, usize, f64) {
        let options = set.options();
        (options.metric, options.num_warmup, options.adaptation.unwrap().delta)
    }

    #[test]
    fn what_is_given_wins_in_either_order() {
        let catena = (MetricKind::Auto, 200, 0.7);
        assert_eq!(tuning(&set(&[])), catena);
        assert_eq!(tuning(&set(&[("preset", "catena")])), catena);
        assert_eq!(tuning(&set(&[("preset", "catena"), ("preset", "stan")])), (MetricKind::Diag, 1000, 0.8));
        let pairs = [("num_warmup", "300"), ("preset", "catena"), ("delta", "0.9")];
        let expected = (MetricKind::Auto, 300, 0.9);
        assert_eq!(tuning(&set(&pairs)), expected);
        assert_eq!(set(&pairs), set(&[pairs[1], pairs[0], pairs[2]]));
        // Given is given, also where it is what the other preset has.
        assert_eq!(tuning(&set(&[("num_warmup", "1000"), ("preset", "catena")])).1, 1000);
    }

    #[test]
    fn stans_metrics_have_stans_schedule() {
        for (metric, kind) in [("diag_e", MetricKind::Diag), ("dense_e", MetricKind::Dense)] {
            let pair = ("metric", metric);
            assert_eq!(tuning(&set(&[("preset", "catena"), pair])), (kind, 1000, 0.8));
            assert_eq!(tuning(&set(&[pair, ("preset", "catena"), ("num_warmup", "7")])), (kind, 7, 0.8));
        }
        let low_rank = set(&[("preset", "catena"), ("metric", "low_rank")]);
        assert_eq!(tuning(&low_rank), (MetricKind::LowRank, 200, 0.7));
    }

    #[test]
    fn a_warm_up_that_ends_by_itself_may_be_long() {
        assert_eq!(tuning(&set(&[("warmup_until", "true")])), (MetricKind::Auto, UNTIL_SETTLED, 0.7));
        assert_eq!(tuning(&set(&[("num_warmup", "300"), ("warmup_until", "true")])).1, 300);
    }

    #[test]
    fn options_of_a_program_are_all_given_and_particles_take_no_preset() {
        let options = SampleOptions { num_warmup: 20, ..SampleOptions::stan() };
        let mut program = OptionSet::from(&options);
        program.set("preset", Given::Text("catena")).unwrap();
        assert_eq!(program.options(), options);
        let set = set(&[("preset", "catena"), ("num_warmup", "20")]);
        assert_eq!(set.options_of_particles(), options);
    }

    #[test]
    fn a_warm_start_has_a_short_warm_up_unless_one_is_given() {
        for (options, expected) in [
            (&[][..], WARM_STARTED),
            (&[("preset", "catena")], WARM_STARTED),
            (&[("num_warmup", "1000")], 1000),
            (&[("num_warmup", "0")], 0),
        ] {
            let warm = ("warm_start", "true");
            assert_eq!(tuning(&set(&[&[warm], options].concat())).1, expected, "{options:?}");
            assert_eq!(tuning(&set(&[options, &[warm]].concat())).1, expected, "{options:?}");
        }
    }
}
