//! Numbers as few bytes, for the page's script.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The largest byte that stands for a number; [`MISSING`] stands for none.
const TOP: f64 = 254.0;
/// No number.
pub const MISSING: u8 = 255;

/// From the smallest to the largest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub low: f64,
    pub high: f64,
}

impl Range {
    /// Of the finite ones among `values`; 0 to 0 without any.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|x| x.is_finite());
        let none = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
        let range = finite.fold(none, |r, x| Self { low: r.low.min(x), high: r.high.max(x) });
        if range.low > range.high { Self { low: 0.0, high: 0.0 } } else { range }
    }

    /// Where `x` stands between the ends, from 0 to 1.
    pub fn share(&self, x: f64) -> f64 {
        let width = self.high - self.low;
        // Halves, where the difference of the ends is beyond what a number holds.
        let share = if width.is_finite() {
            (x - self.low) / width
        } else {
            (x / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
        };
        if share.is_nan() { 0.5 } else { share.clamp(0.0, 1.0) }
    }

    /// `x` as a byte.
    pub fn byte(&self, x: f64) -> u8 {
        if x.is_finite() { libm::round(self.share(x) * TOP) as u8 } else { MISSING }
    }

    /// The bin of `bins` of the same width that `x` is in.
    pub fn bin(&self, x: f64, bins: usize) -> usize {
        ((self.share(x) * bins as f64) as usize).min(bins - 1)
    }
}

/// Numbers from 0 up to `top`, as bytes; larger ones as the largest.
pub fn bytes_up_to(values: &[f64], top: f64) -> impl Iterator<Item = u8> + '_ {
    values.iter().map(move |x| Range { low: 0.0, high: top }.byte(*x))
}

/// Bytes as the script reads them.
pub fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Significant digits of numbers that people read.
const DIGITS: usize = 4;

/// A number with a few digits; `None` for what is none.
pub fn shown(x: f64) -> Option<f64> {
    if !x.is_finite() || x == 0.0 {
        return x.is_finite().then_some(x);
    }
    format!("{x:.DIGITS$e}").parse().ok()
}

/// `x`, or 0 for what is no number.
pub fn finite(x: f64) -> f64 {
    if x.is_finite() { x } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_between_the_ends() {
        let range = Range::of([3.0, f64::NAN, 1.0, f64::INFINITY, 2.0]);
        assert_eq!(range, Range { low: 1.0, high: 3.0 });
        assert_eq!([1.0, 2.0, 3.0, f64::NAN].map(|x| range.byte(x)), [0, 127, 254, MISSING]);
        assert_eq!([1.0, 1.9, 2.0, 3.0].map(|x| range.bin(x, 2)), [0, 0, 1, 1]);
        let none = Range::of([f64::NAN]);
        assert_eq!((none.low, none.byte(0.0), none.bin(0.0, 4)), (0.0, 127, 2));
        let wide = Range::of([-f64::MAX, f64::MAX]);
        assert_eq!([-f64::MAX, 0.0, f64::MAX].map(|x| wide.byte(x)), [0, 127, 254]);
        assert_eq!(bytes_up_to(&[0.0, 2.0, 9.0], 4.0).collect::<Vec<_>>(), [0, 127, 254]);
    }
}
