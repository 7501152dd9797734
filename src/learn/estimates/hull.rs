//! The convex hull of points, and what lies in it.

use crate::error::Error;

/// Distances below this part of the points' extent count as none.
const CLOSE: f64 = 1e-10;

/// The convex hull of points in any dimension. It holds the points and no faces: whether a point lies in it is found by
/// the algorithm of Wolfe (1976) for the nearest point of a polytope, which ends after finitely many steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Hull {
    dim: usize,
    /// Row by row, shifted and scaled to the unit cube.
    points: Vec<f64>,
    low: Vec<f64>,
    extent: Vec<f64>,
}

impl Hull {
    /// Of points given row by row, `dim` numbers each.
    ///
    /// # Errors
    /// No points, or numbers that are not finite.
    pub fn new(points: &[f64], dim: usize) -> Result<Self, Error> {
        if dim == 0 || points.is_empty() || !points.len().is_multiple_of(dim) {
            let expected = format!("at least one row of {dim} numbers");
            return Err(Error::argument("points", expected, format_args!("{} numbers", points.len())));
        }
        if let Some(x) = points.iter().find(|x| !x.is_finite()) {
            return Err(Error::argument("points", "finite numbers", x));
        }
        let column = |j: usize| points.iter().skip(j).step_by(dim).copied();
        let low: Vec<f64> = (0..dim).map(|j| column(j).fold(f64::INFINITY, f64::min)).collect();
        let extent: Vec<f64> = (0..dim).map(|j| column(j).fold(f64::NEG_INFINITY, f64::max) - low[j]).collect();
        let mut hull = Self { dim, points: Vec::with_capacity(points.len()), low, extent };
        points.chunks(dim).for_each(|row| {
            let scaled = hull.scaled(row);
            hull.points.extend(scaled);
        });
        Ok(hull)
    }

    fn scaled(&self, row: &[f64]) -> Vec<f64> {
        let scale = |j: usize| if self.extent[j] > 0.0 { self.extent[j] } else { 1.0 };
        (0..self.dim).map(|j| (row[j] - self.low[j]) / scale(j)).collect()
    }

    /// Whether `point` lies in the hull or on its edge.
    ///
    /// # Panics
    /// When it has another number of coordinates.
    pub fn contains(&self, point: &[f64]) -> bool {
        assert_eq!(point.len(), self.dim, "a point of as many coordinates");
        let p = self.scaled(point);
        if p.iter().any(|x| !x.is_finite()) {
            return false;
        }
        let shifted = |i: usize| -> Vec<f64> {
            self.points[i * self.dim..][..self.dim].iter().zip(&p).map(|(x, p)| x - p).collect()
        };
        let n = self.points.len() / self.dim;
        let mut corners = vec![shifted(0)];
        let mut shares = vec![1.0];
        let mut nearest = corners[0].clone();
        // Each round comes nearer, so that none repeats; the limit is for what rounding does.
        for _ in 0..64 * (self.dim + 1) + n {
            if dot(&nearest, &nearest) <= CLOSE * CLOSE {
                return true;
            }
            let along = |i: usize| -> f64 {
                let row = &self.points[i * self.dim..][..self.dim];
                row.iter().zip(&p).zip(&nearest).map(|((x, p), n)| (x - p) * n).sum()
            };
            let (least, at) = (0..n).map(|i| (along(i), i)).min_by(|a, b| a.0.total_cmp(&b.0)).expect("a point");
            // A plane between the point and all others.
            if least > CLOSE * CLOSE {
                return false;
            }
            if least > dot(&nearest, &nearest) * (1.0 - 1e-12) {
                return false;
            }
            corners.push(shifted(at));
            shares.push(0.0);
            approach(&mut corners, &mut shares);
            nearest = blend(&corners, &shares);
        }
        dot(&nearest, &nearest) <= CLOSE
    }

    /// The corners of a hull in the plane, counter-clockwise from the leftmost one, row by row (Andrew 1979), for a picture;
    /// the two ends of one on a line. Empty in more dimensions.
    pub fn outline(&self) -> Vec<f64> {
        let back = |row: &[f64]| -> Vec<f64> {
            let scale = |j: usize| if self.extent[j] > 0.0 { self.extent[j] } else { 1.0 };
            (0..self.dim).map(|j| row[j] * scale(j) + self.low[j]).collect()
        };
        match self.dim {
            1 => vec![self.low[0], self.low[0] + self.extent[0]],
            2 => {
                let mut rows: Vec<&[f64]> = self.points.chunks(2).collect();
                rows.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
                rows.dedup();
                let half = |rows: &mut dyn Iterator<Item = &&[f64]>| {
                    let mut chain: Vec<[f64; 2]> = Vec::new();
                    for row in rows {
                        while let [.., a, b] = chain[..] {
                            let turn = (b[0] - a[0]) * (row[1] - a[1]) - (b[1] - a[1]) * (row[0] - a[0]);
                            if turn > 0.0 {
                                break;
                            }
                            chain.pop();
                        }
                        chain.push([row[0], row[1]]);
                    }
                    chain.pop();
                    chain
                };
                if rows.len() == 1 {
                    return back(rows[0]);
                }
                let mut all = half(&mut rows.iter());
                all.extend(half(&mut rows.iter().rev()));
                all.iter().flat_map(|row| back(row)).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn blend(corners: &[Vec<f64>], shares: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; corners[0].len()];
    for (corner, share) in corners.iter().zip(shares) {
        out.iter_mut().zip(corner).for_each(|(x, c)| *x += share * c);
    }
    out
}

/// Wolfe's minor cycle: shares of the point nearest to the origin in the corners' hull; corners of no share are dropped.
fn approach(corners: &mut Vec<Vec<f64>>, shares: &mut Vec<f64>) {
    loop {
        let best = nearest_in_plane(corners);
        if best.iter().all(|share| *share > 1e-14) || corners.len() == 1 {
            *shares = best;
            return;
        }
        let step = shares
            .iter()
            .zip(&best)
            .filter(|(_, to)| **to <= 1e-14)
            .map(|(from, to)| from / (from - to).max(f64::MIN_POSITIVE))
            .fold(1.0, f64::min);
        shares.iter_mut().zip(&best).for_each(|(share, to)| *share += step * (to - *share));
        let least = shares.iter().copied().fold(f64::INFINITY, f64::min).max(1e-14);
        let keep: Vec<bool> = shares.iter().map(|share| *share > least).collect();
        let mut kept = keep.iter();
        corners.retain(|_| *kept.next().expect("one each"));
        let mut kept = keep.iter();
        shares.retain(|_| *kept.next().expect("one each"));
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
    }
}

/// Shares (which sum to 1 and may be negative) of the point of the corners' plane that is nearest to the origin.
fn nearest_in_plane(corners: &[Vec<f64>]) -> Vec<f64> {
    let n = corners.len();
    let gram: Vec<f64> = (0..n * n).map(|i| 1.0 + dot(&corners[i / n], &corners[i % n])).collect();
    let ones = vec![1.0; n];
    let matrix = nalgebra::DMatrix::from_row_slice(n, n, &gram);
    let solved = matrix.full_piv_lu().solve(&nalgebra::DVector::from_vec(ones.clone()));
    let u: Vec<f64> = solved.map_or(ones, |u| u.iter().copied().collect());
    let sum: f64 = u.iter().sum();
    u.iter().map(|x| x / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn points_of_simplices_and_cubes_are_told_apart() {
        for dim in 1..=5 {
            let corners: Vec<f64> = (0..1 << dim).flat_map(|i| (0..dim).map(move |j| f64::from(i >> j & 1))).collect();
            let cube = Hull::new(&corners, dim).unwrap();
            let mut simplex = vec![0.0; dim];
            (0..dim).for_each(|i| simplex.extend((0..dim).map(|j| if i == j { 3.0 } else { 0.0 })));
            let simplex = Hull::new(&simplex, dim).unwrap();
            let mut stream = Stream::new(1, 1, Purpose::Model);
            for _ in 0..300 {
                let p: Vec<f64> = (0..dim).map(|_| 1.6 * stream.uniform() - 0.3).collect();
                assert_eq!(cube.contains(&p), p.iter().all(|x| (0.0..=1.0).contains(x)), "{p:?}");
                let inside = p.iter().all(|x| *x >= 0.0) && p.iter().sum::<f64>() <= 3.0;
                assert_eq!(simplex.contains(&p), inside, "{p:?}");
            }
            assert!(
                cube.contains(&vec![1.0; dim]) && cube.contains(&vec![0.5; dim]) && !cube.contains(&vec![1.001; dim])
            );
        }
    }

    #[test]
    fn outlines_turn_left() {
        let points = [0.0, 0.0, 4.0, 0.0, 4.0, 2.0, 0.0, 2.0, 1.0, 1.0, 2.0, 0.0, 4.0, 2.0];
        assert_eq!(Hull::new(&points, 2).unwrap().outline(), [0.0, 0.0, 4.0, 0.0, 4.0, 2.0, 0.0, 2.0]);
        assert_eq!(Hull::new(&[3.0, -1.0, 2.0], 1).unwrap().outline(), [-1.0, 3.0]);
        let line = Hull::new(&[0.0, 0.0, 1.0, 1.0, 2.0, 2.0], 2).unwrap();
        assert_eq!(line.outline(), [0.0, 0.0, 2.0, 2.0]);
        assert!(line.contains(&[0.5, 0.5]) && !line.contains(&[0.5, 0.6]) && !line.contains(&[3.0, 3.0]));
        assert!(Hull::new(&[], 2).is_err() && Hull::new(&[f64::NAN], 1).is_err());
    }
}
