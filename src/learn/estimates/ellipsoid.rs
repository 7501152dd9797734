//! The ellipsoid of least volume around points.

use crate::error::Error;
use crate::learn::linear;

/// (x - centre)' shape (x - centre) <= 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Ellipsoid {
    /// d numbers.
    pub centre: Vec<f64>,
    /// d x d.
    pub shape: Vec<f64>,
}

/// Most rounds of the algorithm.
const ROUNDS: usize = 100_000;

impl Ellipsoid {
    /// The smallest one that holds all points (row by row, `dim` numbers each), by the algorithm of Khachiyan (1996) with
    /// the steps away of Todd and Yildirim (2007), until it is within a factor 1 + `tolerance` (of its radius squared); it is
    /// then blown up so that it holds all.
    ///
    /// # Errors
    /// Points that lie in a plane, have no extent or are too few: at least d + 1 are needed.
    pub fn around(points: &[f64], dim: usize, tolerance: f64) -> Result<Self, Error> {
        let n = points.len() / dim.max(1);
        let flat = || Error::argument("points", format_args!("at least {} that lie in no plane", dim + 1), n);
        if dim == 0 || n <= dim {
            return Err(flat());
        }
        if tolerance.is_nan() || tolerance <= 0.0 {
            return Err(Error::argument("tolerance", "a number above 0", tolerance));
        }
        let d = dim as f64;
        let mut shares = first_shares(points, dim);
        if linear::inverse(&moments(points, dim, &shares).1, dim).is_none() {
            shares.fill(1.0 / n as f64);
        }
        for _ in 0..ROUNDS {
            let (centre, scatter) = moments(points, dim, &shares);
            let inverse = linear::inverse(&scatter, dim).ok_or_else(flat)?;
            // In the coordinates lifted by one, a point's distance is 1 + its own.
            let distances: Vec<f64> = points.chunks(dim).map(|x| 1.0 + form(&inverse, x, &centre)).collect();
            let far = (0..n).max_by(|a, b| distances[*a].total_cmp(&distances[*b])).expect("points");
            let held = (0..n).filter(|i| shares[*i] > 0.0);
            let near = held.min_by(|a, b| distances[*a].total_cmp(&distances[*b])).expect("points");
            let (above, below) = (distances[far] / (d + 1.0) - 1.0, 1.0 - distances[near] / (d + 1.0));
            if above <= tolerance {
                let most = distances[far] - 1.0;
                return Ok(Self { centre, shape: inverse.iter().map(|x| x / most).collect() });
            }
            let (at, step) = if above >= below {
                let k = distances[far];
                (far, (k - d - 1.0) / ((d + 1.0) * (k - 1.0)))
            } else {
                let k = distances[near];
                let away = (k - d - 1.0) / ((d + 1.0) * (k - 1.0));
                (
                    near,
                    if k > 1.0 {
                        away.max(-shares[near] / (1.0 - shares[near]))
                    } else {
                        -shares[near] / (1.0 - shares[near])
                    },
                )
            };
            shares.iter_mut().for_each(|share| *share *= 1.0 - step);
            shares[at] = (shares[at] + step).max(0.0);
            if shares[at] < 1e-18 {
                shares[at] = 0.0;
            }
        }
        Err(Error::argument("tolerance", format_args!("one that is reached in {ROUNDS} rounds"), tolerance))
    }

    /// Whether a point lies in it or on its edge.
    pub fn contains(&self, point: &[f64]) -> bool {
        form(&self.shape, point, &self.centre) <= 1.0 + 1e-12
    }
}

/// Equal shares of the two points farthest apart along each axis (Kumar and Yildirim 2005): few points count from the start.
fn first_shares(points: &[f64], dim: usize) -> Vec<f64> {
    let n = points.len() / dim;
    let mut shares = vec![0.0; n];
    let mut chosen = Vec::with_capacity(2 * dim);
    for j in 0..dim {
        let at = |i: &usize| points[i * dim + j];
        chosen.extend((0..n).min_by(|a, b| at(a).total_cmp(&at(b))));
        chosen.extend((0..n).max_by(|a, b| at(a).total_cmp(&at(b))));
    }
    chosen.sort_unstable();
    chosen.dedup();
    chosen.iter().for_each(|i| shares[*i] = 1.0 / chosen.len() as f64);
    shares
}

/// Mean and covariance of the points with these shares.
fn moments(points: &[f64], dim: usize, shares: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut centre, mut scatter) = (vec![0.0; dim], vec![0.0; dim * dim]);
    for (x, share) in points.chunks(dim).zip(shares) {
        centre.iter_mut().zip(x).for_each(|(c, x)| *c += share * x);
    }
    for (x, share) in points.chunks(dim).zip(shares).filter(|(_, share)| **share > 0.0) {
        for i in 0..dim {
            (0..dim).for_each(|j| scatter[i * dim + j] += share * (x[i] - centre[i]) * (x[j] - centre[j]));
        }
    }
    (centre, scatter)
}

fn form(matrix: &[f64], x: &[f64], centre: &[f64]) -> f64 {
    let dim = centre.len();
    let row = |i: usize| (0..dim).map(|j| matrix[i * dim + j] * (x[j] - centre[j])).sum::<f64>();
    (0..dim).map(|i| (x[i] - centre[i]) * row(i)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_ellipsoid_of_a_cross_and_a_square_is_known() {
        let cross = [3.0, 1.0, -1.0, 1.0, 1.0, 2.0, 1.0, 0.0, 1.2, 1.1, 0.5, 0.9];
        let e = Ellipsoid::around(&cross, 2, 1e-7).unwrap();
        let expected = [0.25, 0.0, 0.0, 1.0];
        assert!(e.centre.iter().all(|c| (c - 1.0).abs() < 1e-6), "{e:?}");
        assert!(e.shape.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{e:?}");
        assert!(cross.chunks(2).all(|x| e.contains(x)) && !e.contains(&[3.0, 2.0]));
        let square = Ellipsoid::around(&[0.0, 0.0, 2.0, 0.0, 0.0, 2.0, 2.0, 2.0], 2, 1e-7).unwrap();
        assert!((square.shape[0] - 0.5).abs() < 1e-6 && square.shape[1].abs() < 1e-6);
        assert!(Ellipsoid::around(&[0.0, 0.0, 1.0, 1.0, 2.0, 2.0], 2, 1e-4).is_err());
        let line = Ellipsoid::around(&[1.0, 2.0, 5.0], 1, 1e-6).unwrap();
        assert!((line.centre[0] - 3.0).abs() < 1e-5 && (line.shape[0] - 0.25).abs() < 1e-6);
    }
}
