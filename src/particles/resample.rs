//! Resampling: which particles go on, and how often.
//!
//! A scheme draws `n` ancestors from `N` weighted particles so that particle i is drawn `n w_i` times on average. The
//! ancestors come sorted. A particle of weight zero is never drawn.
//!
//! | scheme | draws of particle i | source |
//! | --- | --- | --- |
//! | multinomial | independent, binomial | Gordon, Salmond and Smith 1993 |
//! | residual | at least floor(n w_i), the rest multinomial | Liu and Chen 1998 |
//! | stratified | one uniform per stratum of 1/n | Kitagawa 1996 |
//! | systematic | floor or ceiling of n w_i, one uniform for all | Carpenter, Clifford and Fearnhead 1999 |
//! | SSP | floor or ceiling of n w_i, negatively associated | Gerber, Chopin and Whiteley 2019, Algorithm 2 |

mod points;
mod spread;
mod ssp;

use crate::error::Error;
use crate::random::Stream;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

pub use spread::Spread;

/// How ancestors are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Scheme {
    /// Independent draws.
    Multinomial,
    /// One draw in each of n strata.
    Stratified,
    /// One uniform number for all strata.
    #[default]
    Systematic,
    /// floor(n w) copies of each, the rest multinomial.
    Residual,
    /// Srinivasan's sampling process.
    Ssp,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Multinomial, Self::Stratified, Self::Systematic, Self::Residual, Self::Ssp];

    /// Its name: `multinomial`, `stratified`, `systematic`, `residual`, `ssp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Multinomial => "multinomial",
            Self::Stratified => "stratified",
            Self::Systematic => "systematic",
            Self::Residual => "residual",
            Self::Ssp => "ssp",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scheme {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::argument("resampling", format_args!("one of {names}"), format_args!("'{name}'"))
        })
    }
}

/// Draws `out.len()` sorted ancestors from the particles 0 .. `weights.len()`, which need not be as many.
///
/// The weights are proportional to those wanted: they are divided by their sum. O(n + N); SSP alone needs memory, 4
/// bytes per particle. How much of the stream is taken depends on the scheme and the two numbers, for residual and SSP
/// on the weights as well.
///
/// # Errors
/// A weight that is negative, NaN or infinite; no weight above zero while ancestors are wanted; more than 2^32 - 1
/// particles or ancestors. `out` is untouched then.
pub fn ancestors(scheme: Scheme, weights: &[f64], stream: &mut Stream, out: &mut [u32]) -> Result<(), Error> {
    let fits = |length: usize| u32::try_from(length).is_ok();
    if !(fits(weights.len()) && fits(out.len())) {
        let got = format!("{} particles, {} ancestors", weights.len(), out.len());
        return Err(Error::argument("weights", "less than 2^32 particles and ancestors", got));
    }
    // Infinity minus itself is NaN, so that the sum is finite only if all weights are.
    if let Some(at) = weights.iter().position(|w| !(*w >= 0.0 && w.is_finite())) {
        let name = format!("weights[{at}]");
        return Err(Error::argument(name, "a finite number that is not negative", weights[at]));
    }
    if out.is_empty() {
        return Ok(());
    }
    let spread = Spread::new(weights, out.len());
    if !(spread.total() > 0.0 && spread.total().is_finite()) {
        return Err(Error::argument("weights", "a positive, finite sum", spread.total()));
    }
    match scheme {
        Scheme::Systematic => spread.systematic(weights, stream.uniform(), out),
        Scheme::Stratified => points::stratified(weights, spread.total(), stream, out),
        Scheme::Multinomial => points::multinomial(weights, spread.total(), stream, out),
        Scheme::Residual => points::residual(weights, spread.total(), stream, out),
        Scheme::Ssp => ssp::draw(weights, spread.total(), stream, out),
    }
    Ok(())
}

/// Shifts the ancestors cyclically by a random number of places, uniform over all of them.
///
/// Sorted ancestors are a fair sample as a whole; each slot alone is not: the first one holds a particle of low number.
/// After the shift each slot alone holds particle i with probability w_i, so that what is fixed to a slot (a
/// distinguished particle, a report of the first k) is a fair draw. Takes one number of the stream.
pub fn rotate(ancestors: &mut [u32], stream: &mut Stream) {
    let places = (u128::from(stream.bits()) * ancestors.len() as u128) >> 64;
    ancestors.rotate_left(places as usize);
}
