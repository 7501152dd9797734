//! Resampling schemes by their numbers.

use crate::error::Error;
use crate::particles::resample::Scheme;

/// How the parents of a set's next generation are drawn. Every scheme draws trace or particle i n w_i times on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum catena_resampling {
    /// Independent draws.
    CATENA_RESAMPLING_MULTINOMIAL = 0,
    /// One draw in each of n strata.
    CATENA_RESAMPLING_STRATIFIED = 1,
    /// One uniform number for all strata.
    CATENA_RESAMPLING_SYSTEMATIC = 2,
    /// floor(n w) copies of each, the rest multinomial.
    CATENA_RESAMPLING_RESIDUAL = 3,
    /// Srinivasan's sampling process (Gerber, Chopin and Whiteley 2019).
    CATENA_RESAMPLING_SSP = 4,
}

/// The scheme of a number from the host.
pub(super) fn scheme(number: i32) -> Result<Scheme, Error> {
    usize::try_from(number)
        .ok()
        .and_then(|n| Scheme::ALL.get(n).copied())
        .ok_or_else(|| Error::argument("scheme", "a CATENA_RESAMPLING constant (0 to 4)", number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_stand_at_their_numbers() {
        use catena_resampling::*;
        for (number, expected) in [
            (CATENA_RESAMPLING_MULTINOMIAL, Scheme::Multinomial),
            (CATENA_RESAMPLING_STRATIFIED, Scheme::Stratified),
            (CATENA_RESAMPLING_SYSTEMATIC, Scheme::Systematic),
            (CATENA_RESAMPLING_RESIDUAL, Scheme::Residual),
            (CATENA_RESAMPLING_SSP, Scheme::Ssp),
        ] {
            assert_eq!(scheme(number as i32).unwrap(), expected);
        }
        assert!(scheme(5).is_err() && scheme(-1).is_err());
    }
}
