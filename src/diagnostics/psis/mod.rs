//! Pareto-smoothed importance sampling: what draws of an approximation are worth for the density itself.

mod pareto;

use pareto::GeneralisedPareto;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Above this shape the mean of the weights converges too slowly for any number of draws in use (Vehtari et al. 2024,
/// section 3).
pub const KHAT_LIMIT: f64 = 0.7;
/// Fewest draws of a tail that a shape is told from.
const FEWEST_IN_TAIL: usize = 5;
/// Log ratios that differ by no more are equal but for rounding.
const ROUNDING: f64 = 1e-9;

/// What the largest weights were like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum WeightTail {
    /// A generalised Pareto distribution was fitted, and has smoothed them.
    Smoothed = 0,
    /// They are equal: there is nothing to smooth, and k-hat is 0.
    Equal = 1,
    /// They are too few to tell their shape: nothing was smoothed, and k-hat is infinite.
    Few = 2,
}

/// Weights of draws, and the shape of their tail.
#[derive(Debug, Clone, PartialEq)]
pub struct Psis {
    /// Log of the normalised weights, one per ratio; the weights add up to 1. -inf where there is none.
    pub log_weights: Vec<f64>,
    /// Shape of the tail of the ratios: they have about 1 / k-hat finite moments.
    pub khat: f64,
    /// What k-hat comes from.
    pub tail: WeightTail,
    /// Ratios that are NaN or +inf, which have no weight.
    pub dropped: usize,
}

impl Psis {
    /// From log ratios of the density wanted to that of the draws, both known up to a constant. -inf is a weight of zero;
    /// NaN and +inf, which are no ratios, are counted and get none. `None` where no draw has a weight.
    ///
    /// The largest min(S / 5, 3 √S) of the S ratios are replaced by quantiles of a generalised Pareto distribution fitted
    /// to them, and none is left larger than the largest was (Vehtari, Simpson, Gelman, Yao and Gabry 2024, "Pareto
    /// smoothed importance sampling", algorithm 1).
    pub fn new(log_ratios: &[f64]) -> Option<Self> {
        let is_ratio = |x: &f64| *x < f64::INFINITY;
        let dropped = log_ratios.iter().filter(|x| !is_ratio(x)).count();
        let largest = log_ratios.iter().copied().filter(is_ratio).fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            return None;
        }
        let mut log_weights: Vec<f64> =
            log_ratios.iter().map(|x| if is_ratio(x) { x - largest } else { f64::NEG_INFINITY }).collect();
        let (tail, khat) = smooth(&mut log_weights);
        let total = libm::log(log_weights.iter().map(|x| libm::exp(*x)).sum());
        log_weights.iter_mut().for_each(|x| *x -= total);
        Some(Self { log_weights, khat, tail, dropped })
    }

    /// How many independent draws of the density itself the weighted ones are worth: 1 / Σ w².
    pub fn ess(&self) -> f64 {
        1.0 / self.log_weights.iter().map(|x| libm::exp(2.0 * x)).sum::<f64>()
    }

    /// The largest k-hat with which this many draws give a reliable mean: min(1 - 1 / log10 S, 0.7) (the same, equation 13).
    pub fn limit(&self) -> f64 {
        khat_limit(self.log_weights.len() - self.dropped)
    }

    /// What is wrong with the weights, if anything is; `what` are the draws, in the plural.
    pub fn warning(&self, what: &str) -> Option<String> {
        let (khat, limit, draws) = (self.khat, self.limit(), self.log_weights.len() - self.dropped);
        match self.tail {
            WeightTail::Few => {
                Some(format!("k-hat cannot be told: only {draws} {what}, too few for a tail of weights"))
            }
            _ if khat > KHAT_LIMIT => Some(format!(
                "k-hat is {khat:.2}, above {KHAT_LIMIT}: the {what} are too far from the density for weights to correct them"
            )),
            _ if khat > limit => {
                Some(format!("k-hat is {khat:.2}, above {limit:.2}: {draws} {what} are too few for reliable weights"))
            }
            _ => None,
        }
    }
}

/// See [`Psis::limit`].
pub fn khat_limit(draws: usize) -> f64 {
    (1.0 - 1.0 / libm::log10(draws as f64)).min(KHAT_LIMIT)
}

/// Replaces the largest of the log ratios, whose maximum is 0, by smoothed ones; their tail and its shape.
fn smooth(log_ratios: &mut [f64]) -> (WeightTail, f64) {
    let (equal, few) = ((WeightTail::Equal, 0.0), (WeightTail::Few, f64::INFINITY));
    let draws = log_ratios.len();
    let longest = (draws as f64 / 5.0).min(3.0 * (draws as f64).sqrt()).ceil() as usize;
    if log_ratios.iter().all(|x| *x >= -ROUNDING) {
        return equal;
    }
    if longest >= draws {
        return few;
    }
    let mut order: Vec<usize> = (0..draws).collect();
    // Equal ratios stay in their order, so that the same draws are smoothed on every machine.
    order.sort_by(|a, b| log_ratios[*a].partial_cmp(&log_ratios[*b]).unwrap_or(Ordering::Equal).then(a.cmp(b)));
    // The smallest positive ratio stands in for those that are none.
    let cutoff = log_ratios[order[draws - longest - 1]].max(libm::log(f64::MIN_POSITIVE));
    let first = order.partition_point(|i| log_ratios[*i] <= cutoff);
    let tail = &order[first..];
    match tail.first() {
        None => return equal,
        Some(least) if tail.len() >= FEWEST_IN_TAIL && log_ratios[*least] >= -ROUNDING => return equal,
        Some(_) if tail.len() < FEWEST_IN_TAIL => return if cutoff >= -ROUNDING { equal } else { few },
        Some(_) => {}
    }
    let base = libm::exp(cutoff);
    let excesses: Vec<f64> = tail.iter().map(|i| libm::exp(log_ratios[*i]) - base).collect();
    let Some(fitted) = GeneralisedPareto::fit(&excesses) else { return few };
    for (rank, i) in tail.iter().enumerate() {
        let quantile = fitted.quantile((rank as f64 + 0.5) / tail.len() as f64);
        log_ratios[*i] = libm::log(quantile + base).min(0.0);
    }
    (WeightTail::Smoothed, fitted.shape)
}

#[cfg(test)]
mod tests;
