//! The law of one parameter, for pictures.

use super::moments::{covariance, mean};
use crate::error::Error;
use crate::learn::set::ModelSet;
use crate::particles::exp;
use std::f64::consts::TAU;

fn check(set: &ModelSet, parameter: usize) -> Result<(), Error> {
    if parameter >= set.dim() {
        return Err(Error::argument("parameter", format_args!("one from 0 to {}", set.dim() - 1), parameter));
    }
    Ok(())
}

/// The weights of a parameter's values between neighbours of `edges` (ascending), each divided by the width of its bin. A
/// value on an edge belongs to the bin above; what lies outside is in no bin.
///
/// # Errors
/// A parameter that is not there; fewer than two edges, or ones that do not ascend.
pub fn histogram(set: &ModelSet, parameter: usize, edges: &[f64]) -> Result<Vec<f64>, Error> {
    check(set, parameter)?;
    if edges.len() < 2 || edges.windows(2).any(|pair| pair[0].partial_cmp(&pair[1]) != Some(std::cmp::Ordering::Less)) {
        return Err(Error::argument("edges", "at least two, ascending", format_args!("{edges:?}")));
    }
    let mut bins = vec![0.0; edges.len() - 1];
    set.each_block(|block, weights| {
        for (x, w) in set.column(block, parameter).iter().zip(weights) {
            let above = edges.partition_point(|edge| edge <= x);
            // The last edge belongs to the last bin.
            let bin = if *x == edges[edges.len() - 1] { edges.len() - 1 } else { above };
            if (1..edges.len()).contains(&bin) {
                bins[bin - 1] += w;
            }
        }
    });
    Ok(bins.iter().zip(edges.windows(2)).map(|(w, pair)| w / (pair[1] - pair[0])).collect())
}

/// A kernel estimate of a parameter's density at `points`, with normal kernels of standard deviation `bandwidth`; 0 stands
/// for Silverman's (1986), 1.06 s n^(-1/5) with the effective sample size for n. Takes a time of models times points.
///
/// # Errors
/// A parameter that is not there; a bandwidth that is negative or not finite.
pub fn density(set: &ModelSet, parameter: usize, points: &[f64], bandwidth: f64) -> Result<Vec<f64>, Error> {
    check(set, parameter)?;
    if !(bandwidth >= 0.0 && bandwidth.is_finite()) {
        return Err(Error::argument("bandwidth", "a finite number, at least 0", bandwidth));
    }
    let width = if bandwidth > 0.0 {
        bandwidth
    } else {
        let variance = covariance(set, &mean(set))[parameter * set.dim() + parameter];
        (1.06 * variance.sqrt() * set.ess().powf(-0.2)).max(f64::MIN_POSITIVE)
    };
    let mut out = vec![0.0; points.len()];
    set.each_block(|block, weights| {
        let column = set.column(block, parameter);
        for (point, out) in points.iter().zip(&mut out) {
            let kernel = |(x, w): (&f64, &f64)| {
                let z = (x - point) / width;
                w * exp(-0.5 * z * z)
            };
            *out += column.iter().zip(weights).map(kernel).sum::<f64>();
        }
    });
    out.iter_mut().for_each(|x| *x /= width * TAU.sqrt());
    Ok(out)
}
