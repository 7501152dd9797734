//! Natural gradients of the bound, and how long steps along them are.
//!
//! In units of its own spread a normal distribution is steered alike whatever the posterior's scales are, so that there are no
//! step sizes to be tried: far from the optimum each step is as long as it may be, near it as long as the gradients' noise lets it.

use super::family::{Approximation, Family, row};
use serde::{Deserialize, Serialize};

/// Length of steps of independent coordinates where gradients have no noise, in units of the natural gradient.
const LENGTH: f64 = 0.2;
/// Share of the past in the mean square of natural gradients.
const MEMORY: f64 = 0.99;

/// Lengths of steps. None is longer than a spread, and those of noisy gradients are shorter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Strides {
    length: f64,
    longest: f64,
    /// Size of gradients at which noise halves steps.
    unit: f64,
    /// Of natural gradients, in units, for each local coordinate that has a length of its own.
    mean_squares: Vec<f64>,
    /// Of the next step.
    lengths: Vec<f64>,
}

impl Strides {
    /// For an approximation, `factor` times as long as usual.
    pub fn new(approximation: &Approximation, factor: f64) -> Self {
        let count = approximation.strides();
        let (length, unit) = match approximation.family() {
            Family::MeanField => (LENGTH, 1.0),
            // A step changes the root by the product of two vectors, whose square is about that of the coordinates' number where
            // nothing is known, and with it the noise: longer steps would not come to rest.
            Family::FullRank => {
                let unit = approximation.dim as f64 + 2.0;
                (unit.recip(), unit)
            }
        };
        let length = length * factor;
        Self { length, longest: length, unit, mean_squares: vec![1.0; count], lengths: vec![0.0; count] }
    }

    /// The length without noise.
    pub fn length(&self) -> f64 {
        self.length
    }

    /// Steps get shorter by the root of two.
    pub fn shorten(&mut self) {
        self.length *= std::f64::consts::FRAC_1_SQRT_2;
    }

    /// Steps get longer by the root of two, up to the first length.
    pub fn lengthen(&mut self) {
        self.length = (self.length * std::f64::consts::SQRT_2).min(self.longest);
    }

    /// Moves the approximation along what `count` draws, those without a density left out, tell of.
    pub fn take(&mut self, approximation: &mut Approximation, whitened: &[f64], normals: &[f64], count: usize) {
        let (dim, share) = (approximation.dim, 1.0 / count as f64);
        let Self { length, longest, unit, mean_squares, lengths } = self;
        let mut set = |place: usize, size: f64| {
            let cut = (1.0 / (*longest * size)).min(1.0);
            // By earlier gradients alone: a step that is measured by its own is shorter the larger that is, and gradients of a
            // spread are skewed, so that the average would be off by some percent for good.
            lengths[place] = *length * share * cut / (1.0 + mean_squares[place].sqrt());
            let size = size * cut / *unit;
            mean_squares[place] += (1.0 - MEMORY) * (size * size - mean_squares[place]);
        };
        let rows = || whitened.chunks_exact(dim).zip(normals.chunks_exact(dim));
        match approximation.family() {
            Family::MeanField => {
                for i in 0..dim {
                    let (shift, stretch) =
                        rows().fold((0.0, 0.0), |(shift, stretch), (u, z)| (shift + u[i], stretch + 0.5 * u[i] * z[i]));
                    set(i, share * f64::abs(shift));
                    set(dim + i, share * f64::abs(stretch));
                }
            }
            Family::FullRank => {
                let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
                let size: f64 = rows().map(|(u, z)| norm(u) * norm(z).max(1.0)).sum();
                set(0, share * size);
            }
        }
        approximation.step(whitened, normals, lengths);
    }
}

impl Approximation {
    /// The gradient of log p - log q at the draw made of `normals`, from that of log p there. With it in the place of the
    /// latter, [`Approximation::add_gradient`] adds the gradient of the bound, whose entropy needs no term of its own: where q
    /// is p it vanishes at every draw, not in the mean alone (Roeder, Wu and Duvenaud 2017, equation 8).
    pub(super) fn own_gradient(&self, normals: &[f64], gradient: &[f64], out: &mut [f64]) {
        let spread = self.spread();
        match self.family() {
            Family::MeanField => {
                for (((out, z), omega), g) in out.iter_mut().zip(normals).zip(spread).zip(gradient) {
                    *out = g + z * libm::exp(-omega);
                }
            }
            // log q is -½ zᵀz with x = m + L z, so that its gradient is -L⁻ᵀ z: by substitution, from the last row up.
            Family::FullRank => {
                out.copy_from_slice(normals);
                for i in (0..self.dim).rev() {
                    let elements = &spread[row(i)..=row(i) + i];
                    let (above, rest) = out.split_at_mut(i);
                    rest[0] /= elements[i];
                    above.iter_mut().zip(elements).for_each(|(u, l)| *u -= l * rest[0]);
                    rest[0] += gradient[i];
                }
            }
        }
    }

    /// How many local coordinates a step of [`Approximation::step`] has a length of its own for.
    pub(super) fn strides(&self) -> usize {
        match self.family() {
            Family::MeanField => 2 * self.dim,
            Family::FullRank => 1,
        }
    }

    /// Lᵀ `own` in its place, with L the root of the covariance: the gradient by the mean in units of the spread.
    pub(super) fn whiten(&self, own: &mut [f64]) {
        let spread = self.spread();
        match self.family() {
            Family::MeanField => own.iter_mut().zip(spread).for_each(|(g, omega)| *g *= libm::exp(*omega)),
            Family::FullRank => {
                for i in 0..self.dim {
                    let elements = &spread[row(i)..=row(i) + i];
                    let (above, rest) = own.split_at_mut(i);
                    above.iter_mut().zip(elements).for_each(|(u, l)| *u += l * rest[0]);
                    rest[0] *= elements[i];
                }
            }
        }
    }

    /// Takes a step along the natural gradient that draws tell of: the mean moves by L u, the root by L B, where u is the whitened
    /// gradient of a draw made of z and B the lower triangle of u zᵀ with half its diagonal, for in these coordinates Fisher's
    /// information is 1, and 2 on the diagonal (Tan 2021, arXiv 2109.00375). `whitened` and `normals` have a row for each draw;
    /// `lengths`, as many as [`Approximation::strides`], are for their sums.
    pub(super) fn step(&mut self, whitened: &[f64], normals: &[f64], lengths: &[f64]) {
        let (dim, family) = (self.dim, self.family());
        let (mean, spread) = self.parameters.split_at_mut(dim);
        let draws = whitened.chunks_exact(dim).zip(normals.chunks_exact(dim));
        match family {
            Family::MeanField => {
                let (by_mean, by_spread) = lengths.split_at(dim);
                for i in 0..dim {
                    let (mut shift, mut stretch) = (0.0, 0.0);
                    for (u, z) in draws.clone() {
                        shift += u[i];
                        stretch += 0.5 * u[i] * z[i];
                    }
                    mean[i] += by_mean[i] * libm::exp(spread[i]) * shift;
                    spread[i] += by_spread[i] * stretch;
                }
            }
            Family::FullRank => {
                for (u, z) in draws {
                    for (i, mean) in mean.iter_mut().enumerate() {
                        let mut along = 0.0;
                        // Of column j, what the columns from j on bring.
                        for j in (0..=i).rev() {
                            let l = &mut spread[row(i) + j];
                            let part = *l * u[j];
                            *l += lengths[0] * z[j] * (along + 0.5 * part);
                            along += part;
                        }
                        *mean += lengths[0] * along;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn where_q_is_p_every_draw_has_no_gradient() {
        for family in [Family::MeanField, Family::FullRank] {
            let mut q = Approximation::at(family, &[0.4, -0.3, 2.0]);
            q.parameters[3..].iter_mut().enumerate().for_each(|(i, x)| *x += 0.1 * (i as f64 + 1.0));
            let p = q.spread();
            let l = match family {
                Family::MeanField => [[p[0].exp(), 0.0, 0.0], [0.0, p[1].exp(), 0.0], [0.0, 0.0, p[2].exp()]],
                Family::FullRank => [[p[0], 0.0, 0.0], [p[1], p[2], 0.0], [p[3], p[4], p[5]]],
            };
            let mut stream = Stream::new(1, 1, Purpose::Sampler);
            let (mut z, mut x, mut own) = ([0.0; 3], [0.0; 3], [0.0; 3]);
            for _ in 0..10 {
                q.draw(&mut stream, &mut z, &mut x);
                // Lᵀ g = -z.
                let mut g = [0.0; 3];
                for i in (0..3).rev() {
                    g[i] = (-z[i] - (i + 1..3).map(|k| l[k][i] * g[k]).sum::<f64>()) / l[i][i];
                }
                q.own_gradient(&z, &g, &mut own);
                assert!(own.iter().all(|g| g.abs() < 1e-14), "{family:?}: {own:?}");
            }
        }
    }

    /// Steps of exact natural gradients lead to the normal itself whatever its scales, and stay there.
    #[test]
    fn a_normal_is_reached_and_not_left() {
        for family in [Family::MeanField, Family::FullRank] {
            let (m, sd) = ([3.0, -2e3, 0.0], [1e-3, 50.0, 1.0]);
            let mut q = Approximation::at(family, &[0.0; 3]);
            let mut strides = Strides::new(&q, 1.0);
            let mut stream = Stream::new(2, 1, Purpose::Sampler);
            let (mut z, mut x, mut own) = ([0.0; 3], [0.0; 3], [0.0; 3]);
            for _ in 0..3000 {
                q.draw(&mut stream, &mut z, &mut x);
                let g: Vec<f64> = (0..3).map(|i| -(x[i] - m[i]) / (sd[i] * sd[i])).collect();
                q.own_gradient(&z, &g, &mut own);
                q.whiten(&mut own);
                strides.take(&mut q, &own, &z, 1);
            }
            for i in 0..3 {
                let (off, ratio) = ((q.mean()[i] - m[i]) / sd[i], q.sd()[i] / sd[i]);
                assert!(off.abs() < 1e-6 && (ratio - 1.0).abs() < 1e-6, "{family:?} {i}: {off} {ratio}");
            }
        }
    }
}
