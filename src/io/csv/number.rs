use crate::error::Error;
use std::io::{Cursor, Write};

/// The most significant digits that can be asked for.
pub const MAX_SIG_FIGS: u32 = 18;

/// Decimal digits that every `f64` keeps: rounding to at most that many is coarser than the distance of neighbours.
const SAFE_DIGITS: usize = f64::DIGITS as usize;

/// Up to so many digits are rounded in floating point, see [`Digits::quick`].
const QUICK_DIGITS: usize = 9;

/// A scaled number whose fraction is nearer to 1/2 than this is rounded exactly instead: it is below 10^[`QUICK_DIGITS`], so
/// that scaling moved it by at most 6e-8.
const TOO_CLOSE: f64 = 1e-6;

/// The shortest text is written without exponent below 10 to this power, where integers are still exact.
const PLAIN_EXPONENT: i32 = 16;

/// As in C's `%g`, numbers below 10 to this power get an exponent.
const LEAST_PLAIN_EXPONENT: i32 = -4;

/// The powers of ten up to that of [`SAFE_DIGITS`].
const POWERS_OF_TEN: [f64; SAFE_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The shortest text that reads back to the same bits, as [`super::CsvWriter`] writes it for 0 significant digits.
pub fn shortest(x: f64) -> String {
    let mut out = Vec::new();
    Format::Shortest.write(&mut out, x);
    out.into_iter().map(char::from).collect()
}

/// `x` with `digits` significant digits, as C's `%.{digits}g` writes it; 1 to [`super::MAX_SIG_FIGS`] of them.
pub fn significant(x: f64, digits: u32) -> String {
    let mut out = Vec::new();
    Format::Digits(digits.clamp(1, super::MAX_SIG_FIGS) as usize).write(&mut out, x);
    out.into_iter().map(char::from).collect()
}

/// How numbers become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The shortest text that reads back to the same bits.
    Shortest,
    /// C's `%.{n}g`.
    Digits(usize),
}

impl Format {
    pub(super) fn new(sig_figs: u32) -> Result<Self, Error> {
        match sig_figs {
            0 => Ok(Self::Shortest),
            1..=MAX_SIG_FIGS => Ok(Self::Digits(sig_figs as usize)),
            _ => Err(Error::argument("sig_figs", format!("0 (shortest) to {MAX_SIG_FIGS}"), sig_figs)),
        }
    }

    /// Appends `x` to `out`.
    pub(super) fn write(self, out: &mut Vec<u8>, x: f64) {
        if x.is_nan() {
            return out.extend_from_slice(b"nan");
        }
        if x.is_sign_negative() {
            out.push(b'-');
        }
        let x = x.abs();
        if x.is_infinite() {
            return out.extend_from_slice(b"inf");
        }
        if x == 0.0 {
            return out.push(b'0');
        }
        let most_digits = match self {
            Self::Shortest => SAFE_DIGITS,
            Self::Digits(n) => n.min(SAFE_DIGITS),
        };
        if x < POWERS_OF_TEN[most_digits] && x == x.trunc() {
            return write_integer(out, x as u64);
        }
        match self {
            Self::Shortest => Digits::shortest(x).lay_out(out, PLAIN_EXPONENT),
            Self::Digits(n) => Digits::rounded(x, n).lay_out(out, n as i32),
        }
    }
}

/// Appends a positive integer.
fn write_integer(out: &mut Vec<u8>, mut rest: u64) {
    let mut text = [0; 20];
    let mut start = text.len();
    while rest > 0 {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&text[start..]);
}

/// The positive number d₀.d₁d₂… · 10^exponent, with neither leading nor trailing zeros.
struct Digits {
    text: [u8; 32],
    length: usize,
    exponent: i32,
}

impl Digits {
    /// The fewest digits that read back to `x` > 0; among those the closest.
    fn shortest(x: f64) -> Self {
        Self::parse(ryu::Buffer::new().format_finite(x).as_bytes())
    }

    /// The exact value of `x` > 0 rounded to `n` digits, ties to even.
    fn rounded(x: f64, n: usize) -> Self {
        Self::quick(x, n).unwrap_or_else(|| Self::exact(x, n))
    }

    /// As [`Digits::rounded`], for few digits of numbers of everyday size, unless they are close to a tie.
    fn quick(x: f64, n: usize) -> Option<Self> {
        let least = 10f64.powi(LEAST_PLAIN_EXPONENT);
        if n > QUICK_DIGITS || !(least..POWERS_OF_TEN[SAFE_DIGITS]).contains(&x) {
            return None;
        }
        let exponent = if x >= 1.0 {
            POWERS_OF_TEN.iter().take_while(|&&power| power <= x).count() as i32 - 1
        } else {
            -(POWERS_OF_TEN.iter().take_while(|&&power| x * power < 1.0).count() as i32)
        };
        let shift = n as i32 - 1 - exponent;
        let power = POWERS_OF_TEN[shift.unsigned_abs() as usize];
        let scaled = if shift >= 0 { x * power } else { x / power };
        let (whole, fraction) = (scaled.trunc(), scaled.fract());
        if (fraction - 0.5).abs() < TOO_CLOSE {
            return None;
        }
        let mut rest = whole as u64 + u64::from(fraction > 0.5);
        // The next power of ten has a digit more.
        let rounded_up = rest as f64 >= POWERS_OF_TEN[n];
        let mut digits = Self { text: [0; 32], length: n, exponent: exponent + i32::from(rounded_up) };
        if rounded_up {
            rest /= 10;
        }
        for place in digits.text[..n].iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        (digits.text[0] != b'0').then(|| digits.trimmed())
    }

    /// As [`Digits::rounded`], for every number.
    fn exact(x: f64, n: usize) -> Self {
        if n <= SAFE_DIGITS && x.is_normal() {
            // The shortest digits lie on the same side as x of every number with n + 1 digits, or they would have been
            // that number; so rounding them rounds x, but for such a number itself when it ends in 5.
            let shortest = Self::shortest(x);
            if shortest.length != n + 1 || shortest.text[n] != b'5' {
                return shortest.rounded_to(n);
            }
        }
        let mut text = Cursor::new([0; 32]);
        // The longest: 18 digits, a point and e-308.
        write!(text, "{x:.*e}", n - 1).expect("18 digits and an exponent fit");
        let length = text.position() as usize;
        Self::parse(&text.into_inner()[..length])
    }

    /// Reads decimal text with or without point and exponent.
    fn parse(decimal: &[u8]) -> Self {
        let (mut text, mut length) = ([0; 32], 0);
        let mut exponent = -1;
        let mut after_point = false;
        for (at, &byte) in decimal.iter().enumerate() {
            match byte {
                b'.' => after_point = true,
                b'e' => {
                    exponent += parse_exponent(&decimal[at + 1..]);
                    break;
                }
                b'0' if length == 0 => exponent -= i32::from(after_point),
                digit => {
                    text[length] = digit;
                    length += 1;
                    exponent += i32::from(!after_point);
                }
            }
        }
        Self { text, length, exponent }.trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.length > 1 && self.text[self.length - 1] == b'0' {
            self.length -= 1;
        }
        self
    }

    fn rounded_to(mut self, n: usize) -> Self {
        if self.length <= n {
            return self;
        }
        let up = self.text[n] >= b'5';
        self.length = n;
        if up {
            while self.length > 0 && self.text[self.length - 1] == b'9' {
                self.length -= 1;
            }
            if self.length == 0 {
                self.text[0] = b'0';
                self.length = 1;
                self.exponent += 1;
            }
            self.text[self.length - 1] += 1;
        }
        self.trimmed()
    }

    /// Appends the number as C's `%g` writes it: without exponent from 1e-4 to below 10^`plain_below`.
    fn lay_out(&self, out: &mut Vec<u8>, plain_below: i32) {
        let digits = &self.text[..self.length];
        if self.exponent < LEAST_PLAIN_EXPONENT || self.exponent >= plain_below {
            with_point(out, digits, 1);
            let sign = if self.exponent < 0 { b'-' } else { b'+' };
            let size = self.exponent.unsigned_abs();
            out.extend_from_slice(&[b'e', sign]);
            if size >= 100 {
                out.push(b'0' + (size / 100) as u8);
            }
            out.extend_from_slice(&[b'0' + (size / 10 % 10) as u8, b'0' + (size % 10) as u8]);
        } else if self.exponent < 0 {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + (-self.exponent - 1) as usize, b'0');
            out.extend_from_slice(digits);
        } else {
            let whole = self.exponent as usize + 1;
            with_point(out, digits, whole);
            out.resize(out.len() + whole.saturating_sub(digits.len()), b'0');
        }
    }
}

/// Appends `digits` with a point after the first `whole`, unless they end there.
fn with_point(out: &mut Vec<u8>, digits: &[u8], whole: usize) {
    let (before, after) = digits.split_at(whole.min(digits.len()));
    out.extend_from_slice(before);
    if !after.is_empty() {
        out.push(b'.');
        out.extend_from_slice(after);
    }
}

fn parse_exponent(text: &[u8]) -> i32 {
    let (sign, text) = match text {
        [b'-', rest @ ..] => (-1, rest),
        _ => (1, text),
    };
    sign * text.iter().fold(0, |sum, &digit| sum * 10 + i32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn quick_digits_are_the_exact_ones() {
        let mut stream = Stream::new(3, 1, Purpose::Model);
        let mut quick = 0;
        let mut check = |x: f64| {
            for n in 1..=QUICK_DIGITS {
                if let Some(digits) = Digits::quick(x, n) {
                    quick += 1;
                    let exact = Digits::exact(x, n);
                    assert_eq!(
                        (&digits.text[..digits.length], digits.exponent),
                        (&exact.text[..exact.length], exact.exponent),
                        "{x:e}, {n}"
                    );
                }
            }
        };
        for _ in 0..20_000 {
            let x = stream.normal().abs();
            let scale = 10f64.powi((stream.bits() % 20) as i32 - 5);
            check(x * scale);
            // Few digits, so that ties and powers of ten come up, and their neighbours.
            let round = (x * 1e3).round() * scale / 1e3;
            check(round);
            check(round.next_up());
            check(round.next_down().abs());
        }
        for (k, power) in POWERS_OF_TEN.into_iter().enumerate() {
            for x in [power, 1.0 / power, power - power / 1e6, power * 9.9999995, 9.5 * power, k as f64 + 0.5] {
                check(x);
                check(x.next_up());
                check(x.next_down().abs());
            }
        }
        assert!(quick > 100_000, "{quick}");
    }
}
