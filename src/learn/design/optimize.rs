//! The simplex method of Nelder and Mead (1965), with the coefficients for many dimensions of Gao and Han (2012): small, and
//! without derivatives, which hypothetical outcomes do not have.

use crate::error::Error;

/// How a search goes on and when it ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NelderMead {
    /// Most evaluations.
    pub max_evaluations: usize,
    /// Ends where the values of all corners are within this of each other, relatively.
    pub tolerance: f64,
    /// Ends where, too, all corners are within this part of the first simplex's size.
    pub size: f64,
}

impl Default for NelderMead {
    fn default() -> Self {
        Self { max_evaluations: 500, tolerance: 1e-8, size: 1e-6 }
    }
}

/// Where a search ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The best place.
    pub at: Vec<f64>,
    /// Its value.
    pub value: f64,
    /// Evaluations it took.
    pub evaluations: usize,
    /// Whether it ended by its tolerances, not by the number of evaluations.
    pub converged: bool,
}

/// The place of the least value of `f` near `start`; the first simplex reaches `scales` along each coordinate. Places are
/// kept between `low` and `high` (empty: no bounds). NaN counts as +inf.
///
/// # Errors
/// Sizes that do not fit; an error of `f`.
pub fn minimize(
    start: &[f64],
    scales: &[f64],
    (low, high): (&[f64], &[f64]),
    how: NelderMead,
    mut f: impl FnMut(&[f64]) -> Result<f64, Error>,
) -> Result<Minimum, Error> {
    let dim = start.len();
    let fits = |name: &str, of: &[f64], may_lack: bool| match of.len() == dim || may_lack && of.is_empty() {
        true => Ok(()),
        false => Err(Error::argument(name, format_args!("{dim} numbers"), of.len())),
    };
    fits("scales", scales, false)?;
    fits("low", low, true)?;
    fits("high", high, true)?;
    if dim == 0 {
        return Err(Error::argument("start", "at least one coordinate", 0));
    }
    let kept = |mut x: Vec<f64>| {
        x.iter_mut().zip(low).for_each(|(x, low)| *x = x.max(*low));
        x.iter_mut().zip(high).for_each(|(x, high)| *x = x.min(*high));
        x
    };
    let mut evaluations = 0;
    let mut value = |x: &[f64], evaluations: &mut usize| -> Result<f64, Error> {
        *evaluations += 1;
        f(x).map(|y| if y.is_nan() { f64::INFINITY } else { y })
    };
    let d = dim as f64;
    let (expansion, contraction, shrinkage) = (1.0 + 2.0 / d.max(2.0), 0.75 - 0.5 / d.max(2.0), 1.0 - 1.0 / d.max(2.0));
    let mut corners: Vec<(f64, Vec<f64>)> = Vec::with_capacity(dim + 1);
    for j in 0..=dim {
        let mut x = start.to_vec();
        if j > 0 {
            x[j - 1] += scales[j - 1];
            // A bound may be in the way: the other side then.
            if kept(x.clone())[j - 1] == kept(start.to_vec())[j - 1] {
                x[j - 1] = start[j - 1] - scales[j - 1];
            }
        }
        let x = kept(x);
        corners.push((value(&x, &mut evaluations)?, x));
    }
    let mut converged = false;
    while evaluations < how.max_evaluations {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (best, worst) = (corners[0].0, corners[dim].0);
        let close = worst - best <= how.tolerance * (best.abs() + worst.abs()) || worst == best;
        let near = |(_, x): &(f64, Vec<f64>)| {
            x.iter().zip(&corners[0].1).zip(scales).all(|((x, c), s)| (x - c).abs() <= how.size * s.abs())
        };
        if close && corners.iter().all(near) {
            converged = true;
            break;
        }
        let centre: Vec<f64> = (0..dim).map(|j| corners[..dim].iter().map(|(_, x)| x[j]).sum::<f64>() / d).collect();
        let along = |t: f64, corners: &[(f64, Vec<f64>)]| -> Vec<f64> {
            kept(centre.iter().zip(&corners[dim].1).map(|(c, x)| c + t * (c - x)).collect())
        };
        let x = along(1.0, &corners);
        let y = value(&x, &mut evaluations)?;
        if y < best {
            let further = along(expansion, &corners);
            let z = value(&further, &mut evaluations)?;
            corners[dim] = if z < y { (z, further) } else { (y, x) };
            continue;
        }
        if y < corners[dim - 1].0 {
            corners[dim] = (y, x);
            continue;
        }
        let (t, bound) = if y < worst { (contraction, y) } else { (-contraction, worst) };
        let inner = along(t, &corners);
        let z = value(&inner, &mut evaluations)?;
        if z < bound || (t > 0.0 && z <= bound) {
            corners[dim] = (z, inner);
            continue;
        }
        let best = corners[0].1.clone();
        for (y, x) in &mut corners[1..] {
            x.iter_mut().zip(&best).for_each(|(x, b)| *x = b + shrinkage * (*x - b));
            *y = value(x, &mut evaluations)?;
        }
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (value, at) = corners.swap_remove(0);
    Ok(Minimum { at, value, evaluations, converged })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valleys_and_bounds_are_found() {
        let rosenbrock = |x: &[f64]| Ok(100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2));
        let how = NelderMead { max_evaluations: 2000, ..NelderMead::default() };
        let found = minimize(&[-1.2, 1.0], &[0.5, 0.5], (&[], &[]), how, rosenbrock).unwrap();
        assert!(found.converged && found.at.iter().all(|x| (x - 1.0).abs() < 1e-4), "{found:?}");
        let bounded = minimize(&[0.5], &[1.0], (&[0.0], &[2.0]), how, |x| Ok((x[0] - 3.0).powi(2))).unwrap();
        assert!((bounded.at[0] - 2.0).abs() < 1e-6, "{bounded:?}");
        let at_edge = minimize(&[2.0, 1.0], &[1.0, 1.0], (&[0.0, 0.0], &[2.0, 1.0]), how, |x| Ok(x[0] * x[0] + x[1]));
        assert!(at_edge.unwrap().value < 1e-6);
        let nan = minimize(&[1.0], &[1.0], (&[], &[]), how, |x| Ok(if x[0] > 1.5 { f64::NAN } else { x[0] * x[0] }));
        assert!(nan.unwrap().at[0].abs() < 1e-4);
        let few = NelderMead { max_evaluations: 10, ..how };
        assert!(!minimize(&[-1.2, 1.0], &[0.5, 0.5], (&[], &[]), few, rosenbrock).unwrap().converged);
        assert!(minimize(&[1.0], &[], (&[], &[]), how, |_| Ok(0.0)).is_err());
        assert!(minimize(&[1.0], &[1.0], (&[], &[]), how, |_| Err(Error::argument("x", "y", "z"))).is_err());
    }
}
