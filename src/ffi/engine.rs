//! Engines by their numbers.

use crate::error::Error;
use crate::services::{Engine, SampleOptions};

/// What moves a chain from one draw to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_engine {
    /// The no-U-turn sampler. Columns: lp__, accept_stat__, stepsize__, treedepth__, n_leapfrog__, divergent__, energy__.
    CATENA_ENGINE_NUTS = 0,
    /// Static Hamiltonian Monte Carlo. Columns: lp__, accept_stat__, stepsize__, int_time__, energy__.
    CATENA_ENGINE_STATIC = 1,
    /// The position stays the initial one; the outputs are drawn anew. Columns: lp__, accept_stat__, both 0.
    CATENA_ENGINE_FIXED_PARAM = 2,
}

/// All engines, in the order of their numbers; options of their own are at their defaults.
pub(super) const ENGINES: [Engine; 3] =
    [Engine::Nuts, Engine::Static { int_time: std::f64::consts::TAU }, Engine::FixedParam];

/// An engine's number, which is its place among [`ENGINES`].
pub(super) fn number(engine: Engine) -> usize {
    let number = match engine {
        Engine::Nuts => catena_engine::CATENA_ENGINE_NUTS,
        Engine::Static { .. } => catena_engine::CATENA_ENGINE_STATIC,
        Engine::FixedParam => catena_engine::CATENA_ENGINE_FIXED_PARAM,
    };
    number as usize
}

/// The engine of a number, if it is one's.
pub(super) fn find(number: i32) -> Option<Engine> {
    usize::try_from(number).ok().and_then(|n| ENGINES.get(n).copied())
}

/// The engine of a number from the host.
pub(super) fn chosen(number: i32) -> Result<Engine, Error> {
    find(number).ok_or_else(|| Error::argument("engine", "a CATENA_ENGINE constant (0, 1 or 2)", number))
}

/// The engine with what the options say of it.
pub(super) fn with_options(engine: Engine, options: &SampleOptions) -> Engine {
    match engine {
        Engine::Static { .. } => Engine::Static { int_time: options.int_time },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_stand_at_their_numbers() {
        for (i, &engine) in ENGINES.iter().enumerate() {
            assert_eq!((number(engine), chosen(i as i32).unwrap()), (i, engine));
        }
        assert!(chosen(3).is_err() && chosen(-1).is_err());
    }
}
