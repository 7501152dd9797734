//! Discrete Fourier transforms of several sequences side by side, each in a lane of its own: vector instructions serve however
//! long the sequences are, and the bits are the same with all of them.

/// Sequences of complex numbers in one transform.
pub(super) const SIDE_BY_SIDE: usize = 4;

type Lanes = [f64; SIDE_BY_SIDE];

/// A complex number of each sequence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(64))]
pub(super) struct Point {
    pub re: Lanes,
    pub im: Lanes,
}

#[inline(always)]
fn each(f: impl Fn(usize) -> f64) -> Lanes {
    let mut out = [0.0; SIDE_BY_SIDE];
    for (i, out) in out.iter_mut().enumerate() {
        *out = f(i);
    }
    out
}

impl Point {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self { re: each(|i| self.re[i] + other.re[i]), im: each(|i| self.im[i] + other.im[i]) }
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self { re: each(|i| self.re[i] - other.re[i]), im: each(|i| self.im[i] - other.im[i]) }
    }

    #[inline(always)]
    fn scaled(self, by: f64) -> Self {
        Self { re: each(|i| self.re[i] * by), im: each(|i| self.im[i] * by) }
    }

    #[inline(always)]
    fn times(self, (re, im): (f64, f64)) -> Self {
        Self { re: each(|i| self.re[i] * re - self.im[i] * im), im: each(|i| self.re[i] * im + self.im[i] * re) }
    }

    /// Squared absolute values.
    #[inline(always)]
    pub fn squares(&self) -> Lanes {
        each(|i| self.re[i] * self.re[i] + self.im[i] * self.im[i])
    }

    /// By -i.
    #[inline(always)]
    fn turned(self) -> Self {
        Self { re: self.im, im: each(|i| -self.re[i]) }
    }
}

/// The smallest size that holds `least`: a power of two, or three times one.
pub(super) fn size(least: usize) -> usize {
    let power = least.next_power_of_two();
    let less = power / 4 * 3;
    if less >= least { less } else { power }
}

/// The roots of unity exp(-2 pi i k / size).
pub(super) fn roots(size: usize) -> Vec<(f64, f64)> {
    let angle = |k: usize| -std::f64::consts::TAU * k as f64 / size as f64;
    (0..size).map(|k| libm::sincos(angle(k))).map(|(sin, cos)| (cos, sin)).collect()
}

/// Transforms what is in `values`, as many as [`size`] gives; `spare` is as long, and `roots` are those of this size or of
/// a multiple of it. Stockham's order: each pass reads one array and writes the other one, and what is written last stands
/// in the order of the frequencies.
#[inline(always)]
pub(super) fn transform(values: &mut Vec<Point>, spare: &mut Vec<Point>, roots: &[(f64, f64)]) {
    let size = values.len();
    let every = roots.len() / size;
    // So many numbers are left to be combined with each other, and so many sets of them stand interleaved.
    let (mut left, mut sets) = (size, 1);
    while left > 1 {
        let radix = if left % 3 == 0 {
            3
        } else if left % 4 == 0 {
            4
        } else {
            2
        };
        let root = |p: usize, k: usize| roots[p * k * sets * every];
        let part = size / radix;
        for p in 0..left / radix {
            let from = |k: usize| &values[k * part + p * sets..][..sets];
            let to = &mut spare[p * radix * sets..][..radix * sets];
            match radix {
                2 => {
                    let (first, second) = to.split_at_mut(sets);
                    for (q, (a, b)) in from(0).iter().zip(from(1)).enumerate() {
                        first[q] = a.plus(*b);
                        second[q] = a.minus(*b).times(root(p, 1));
                    }
                }
                3 => {
                    let [w1, w2] = [1, 2].map(|k| root(p, k));
                    let (first, rest) = to.split_at_mut(sets);
                    let (second, third) = rest.split_at_mut(sets);
                    for (q, (a, (b, c))) in from(0).iter().zip(from(1).iter().zip(from(2))).enumerate() {
                        let (sum, turned) = (b.plus(*c), b.minus(*c).turned().scaled(HALF_ROOT_OF_3));
                        let middle = a.minus(sum.scaled(0.5));
                        first[q] = a.plus(sum);
                        second[q] = middle.plus(turned).times(w1);
                        third[q] = middle.minus(turned).times(w2);
                    }
                }
                _ => {
                    let [w1, w2, w3] = [1, 2, 3].map(|k| root(p, k));
                    let (front, back) = to.split_at_mut(2 * sets);
                    let (first, second) = front.split_at_mut(sets);
                    let (third, fourth) = back.split_at_mut(sets);
                    let (a, b, c, d) = (from(0), from(1), from(2), from(3));
                    for q in 0..sets {
                        let (even, odd) = (a[q].plus(c[q]), b[q].plus(d[q]));
                        let (evenly, turned) = (a[q].minus(c[q]), b[q].minus(d[q]).turned());
                        first[q] = even.plus(odd);
                        second[q] = evenly.plus(turned).times(w1);
                        third[q] = even.minus(odd).times(w2);
                        fourth[q] = evenly.minus(turned).times(w3);
                    }
                }
            }
        }
        std::mem::swap(values, spare);
        left /= radix;
        sets *= radix;
    }
}

const HALF_ROOT_OF_3: f64 = 0.866_025_403_784_438_6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn it_is_the_sum_that_defines_it() {
        let mut stream = Stream::new(5, 1, Purpose::Model);
        for n in [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96] {
            let numbers: Vec<Point> = (0..n)
                .map(|_| Point {
                    re: std::array::from_fn(|_| stream.normal()),
                    im: std::array::from_fn(|_| stream.normal()),
                })
                .collect();
            // The roots of a multiple of the size serve as well.
            for times in [1, 4] {
                let (mut found, mut spare) = (numbers.clone(), vec![Point::default(); n]);
                transform(&mut found, &mut spare, &roots(times * n));
                let unity = roots(n);
                for (k, found) in found.iter().enumerate() {
                    let terms = numbers.iter().enumerate().map(|(i, x)| x.times(unity[i * k % n]));
                    let sum = terms.fold(Point::default(), Point::plus);
                    let apart = found.minus(sum);
                    let all = apart.re.iter().chain(&apart.im);
                    assert!(all.into_iter().all(|x| x.abs() < 1e-13), "{k} of {n}: {found:?} and {sum:?}");
                }
            }
        }
    }

    #[test]
    fn sizes_hold_what_they_must() {
        for (least, expected) in [(1, 1), (2, 2), (3, 3), (5, 6), (7, 8), (1999, 2048), (1500, 1536), (99_999, 131_072)]
        {
            assert_eq!(size(least), expected);
        }
    }
}
