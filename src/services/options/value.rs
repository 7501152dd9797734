//! What an option may be: its kind, its range in numbers and in words, and its value as text and back.

use super::near::nearest;
use crate::io::shortest;
use std::fmt;

/// The largest of the whole numbers that a double holds exactly, with all below it.
const MAX_EXACT: f64 = (1u64 << f64::MANTISSA_DIGITS) as f64;

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a [`Kind::Whole`].
    Whole(u64),
    /// Of a [`Kind::Real`].
    Real(f64),
    /// Of a [`Kind::Switch`].
    Switch(bool),
    /// The number of a [`Choice`].
    Choice(i32),
    /// Of a [`Kind::Names`]: separated by commas.
    Names(String),
}

impl Value {
    /// The value as a number; a switch is 0 or 1. Whole numbers above 2^53 are rounded. Names are no number, NaN.
    pub fn number(&self) -> f64 {
        match *self {
            Self::Whole(n) => n as f64,
            Self::Real(x) => x,
            Self::Switch(on) => f64::from(u8::from(on)),
            Self::Choice(number) => f64::from(number),
            Self::Names(_) => f64::NAN,
        }
    }

    /// The value as a whole number, where it is one.
    pub fn whole(&self) -> Option<u64> {
        match *self {
            Self::Whole(n) => Some(n),
            Self::Switch(on) => Some(u64::from(on)),
            Self::Choice(number) => u64::try_from(number).ok(),
            Self::Real(_) | Self::Names(_) => None,
        }
    }
}

/// What a value is given as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given<'a> {
    /// `"12"`, `"0.8"`, `"true"`, `"diag_e"`.
    Text(&'a str),
    /// A number; for a whole one, with no digits behind the point.
    Number(f64),
    /// A whole number, all its 64 bits.
    Whole(u64),
}

impl fmt::Display for Given<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Number(x) => x.fmt(f),
            Self::Whole(n) => n.fmt(f),
        }
    }
}

/// One of the values of a [`Kind::Choice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The name it is chosen by.
    pub name: &'static str,
    /// Its number in the C ABI, which never changes.
    pub number: i32,
    /// What it means.
    pub help: &'static str,
}

/// The numbers that a [`Kind::Real`] takes; never NaN, never infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// No number is below this one.
    pub least: f64,
    /// No number is above this one; infinity: there is none.
    pub greatest: f64,
    /// Whether `least` is itself in the range, and `greatest`, if finite.
    pub closed: bool,
    /// The unit, or nothing.
    pub unit: &'static str,
}

impl Range {
    /// Finite, above 0.
    pub const fn positive() -> Self {
        Self { least: 0.0, greatest: f64::INFINITY, closed: false, unit: "" }
    }

    /// Finite, at least 0.
    pub const fn not_negative() -> Self {
        Self { closed: true, ..Self::positive() }
    }

    /// A time in seconds, at least 0.
    pub const fn seconds() -> Self {
        Self { unit: "seconds", ..Self::not_negative() }
    }

    /// Strictly between 0 and 1.
    pub const fn inside_01() -> Self {
        Self { greatest: 1.0, ..Self::positive() }
    }

    /// Above 0, at most 1.
    pub const fn share() -> Self {
        Self { least: f64::MIN_POSITIVE, ..Self::from_0_to_1() }
    }

    /// 0 to 1.
    pub const fn from_0_to_1() -> Self {
        Self { greatest: 1.0, ..Self::not_negative() }
    }

    /// Whether `x` is in the range.
    pub fn holds(&self, x: f64) -> bool {
        let inside =
            if self.closed { self.least <= x && x <= self.greatest } else { self.least < x && x < self.greatest };
        inside && x.is_finite()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.unit.is_empty() { "number".into() } else { format!("number of {}", self.unit) };
        let (least, greatest) = (shortest(self.least), shortest(self.greatest));
        match (self.greatest.is_finite(), self.closed) {
            (true, true) => write!(f, "a {noun} from {least} to {greatest}"),
            (true, false) => write!(f, "a {noun} strictly between {least} and {greatest}"),
            (false, true) if self.unit.is_empty() => write!(f, "a finite {noun} of at least {least}"),
            (false, true) => write!(f, "a finite {noun}, at least {least}"),
            (false, false) => write!(f, "a finite {noun} above {least}"),
        }
    }
}

/// What values an option takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number.
    Real(Range),
    /// Yes or no.
    Switch,
    /// One of several, by name or number.
    Choice(&'static [Choice]),
    /// Names separated by commas, or nothing.
    Names,
}

impl Kind {
    /// `whole`, `real`, `switch`, `choice` or `names`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Whole(..) => "whole",
            Self::Real(_) => "real",
            Self::Switch => "switch",
            Self::Choice(_) => "choice",
            Self::Names => "names",
        }
    }

    /// The values it takes, in words: `at least 1`, `a finite number above 0`.
    pub fn range(&self) -> String {
        match self {
            Self::Whole(least, u64::MAX) => format!("at least {least}"),
            Self::Whole(least, most) => format!("{least} to {most}"),
            Self::Real(range) => range.to_string(),
            Self::Switch => "true (1) or false (0)".into(),
            Self::Names => "names, separated by commas".into(),
            Self::Choice(of) => {
                let all: Vec<String> = of.iter().map(|c| format!("{} ({})", c.name, c.number)).collect();
                match all.split_last() {
                    Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                    _ => all.concat(),
                }
            }
        }
    }

    /// As [`Kind::range`], for one who gave no number at all.
    pub fn noun(&self) -> String {
        match self {
            Self::Whole(least, u64::MAX) => format!("a whole number of at least {least}"),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            _ => self.range(),
        }
    }

    /// The least and the greatest value as numbers; infinity where there is no greatest.
    pub fn bounds(&self) -> (f64, f64) {
        match self {
            Self::Whole(least, most) => (*least as f64, if *most == u64::MAX { f64::INFINITY } else { *most as f64 }),
            Self::Real(range) => (range.least, range.greatest),
            Self::Switch => (0.0, 1.0),
            Self::Names => (f64::NEG_INFINITY, f64::INFINITY),
            Self::Choice(of) => {
                let numbers = || of.iter().map(|c| f64::from(c.number));
                (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max))
            }
        }
    }

    /// The names of a choice.
    pub fn choices(&self) -> &'static [Choice] {
        if let Self::Choice(of) = self { of } else { &[] }
    }

    /// Whether the value is of this kind and in its range.
    pub fn holds(&self, value: Value) -> bool {
        match (self, value) {
            (Self::Whole(least, most), Value::Whole(n)) => (*least..=*most).contains(&n),
            (Self::Real(range), Value::Real(x)) => range.holds(x),
            (Self::Switch, Value::Switch(_)) => true,
            (Self::Names, Value::Names(text)) => names(&text).is_some(),
            (Self::Choice(of), Value::Choice(number)) => of.iter().any(|c| c.number == number),
            _ => false,
        }
    }

    /// The value that was meant, whether in range or not; otherwise what was expected.
    pub fn read(&self, given: Given<'_>) -> Result<Value, String> {
        let value = match self {
            Self::Whole(..) => whole(given).map(Value::Whole),
            Self::Real(_) => match given {
                Given::Text(text) => text.parse().ok().map(Value::Real),
                Given::Number(x) => Some(Value::Real(x)),
                Given::Whole(n) => Some(Value::Real(n as f64)),
            },
            Self::Switch => match given {
                Given::Text("true") => Some(Value::Switch(true)),
                Given::Text("false") => Some(Value::Switch(false)),
                other => whole(other).filter(|n| *n <= 1).map(|n| Value::Switch(n == 1)),
            },
            Self::Names => match given {
                Given::Text(text) => Some(Value::Names(text.into())),
                Given::Number(_) | Given::Whole(_) => None,
            },
            Self::Choice(of) => match given {
                Given::Text(text) => match of.iter().find(|c| c.name == text) {
                    Some(choice) => Some(Value::Choice(choice.number)),
                    None => text.parse().ok().map(Value::Choice),
                },
                // A cast saturates; no choice has such a number.
                Given::Number(x) => (x.fract() == 0.0).then_some(Value::Choice(x as i32)),
                Given::Whole(n) => i32::try_from(n).ok().map(Value::Choice),
            },
        };
        value.ok_or_else(|| match given {
            Given::Number(x) if x.fract() == 0.0 && x > MAX_EXACT && matches!(self, Self::Whole(..)) => {
                "at most 2^53 as a double; larger ones as an integer or as text".into()
            }
            Given::Text(_) => self.noun(),
            _ if matches!(self, Self::Whole(..)) => self.noun(),
            _ => self.range(),
        })
    }

    /// The value as text, which [`Kind::read`] reads back to the same bits.
    pub fn text(&self, value: Value) -> String {
        match value {
            Value::Whole(n) => n.to_string(),
            Value::Real(x) => shortest(x),
            Value::Switch(on) => on.to_string(),
            Value::Names(text) => text,
            Value::Choice(number) => match self.choices().iter().find(|c| c.number == number) {
                Some(choice) => choice.name.into(),
                None => number.to_string(),
            },
        }
    }

    /// The name of a choice that `given` is near to.
    pub fn near(&self, given: Given<'_>) -> Option<&'static str> {
        let Given::Text(text) = given else { return None };
        nearest(text, self.choices().iter().map(|c| c.name))
    }
}

/// The names of a text that separates them by commas, but not by those within brackets (`theta[1,2],mu`); `None` where one
/// is empty. No text has no names.
pub fn names(text: &str) -> Option<Vec<String>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut depth = 0;
    let split = text.split(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ',' && depth == 0
    });
    let all: Vec<String> = split.map(|name| name.trim().to_string()).collect();
    all.iter().all(|name| !name.is_empty()).then_some(all)
}

fn whole(given: Given<'_>) -> Option<u64> {
    match given {
        Given::Text(text) => text.parse().ok(),
        Given::Number(x) => (x.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&x)).then_some(x as u64),
        Given::Whole(n) => Some(n),
    }
}
