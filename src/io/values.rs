use crate::error::Error;
use crate::model::{InitContext, Variable};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Named numbers and arrays of numbers, read from a text: initial values on the constrained scale, or data.
///
/// As JSON ([`Values::from_json`]) the text is an object of variables, as in Stan's data files. A value is a number or a
/// nested array of numbers, outermost index first, all parts of equal length; an empty array has shape `[0]`. `NaN`,
/// `Inf`, `Infinity` and their negatives are numbers, as bare words and as strings (`"NaN"`). An object inside the object is
/// a tuple: `{"a": {"1": 2.5}}` gives the variable `a.1`. Arrays of tuples, booleans, null, other strings and names given
/// twice are errors.
///
/// As an R dump ([`Values::from_dump`]) the text is a list of assignments, as R's `dump` and rstan's `stan_rdump` write them:
/// `name <- value`, where a value is a number (`8`, `8L`, `-1.5e3`, `NaN`, `-Inf`), a sequence `1:10`, a vector `c(…)` of
/// these, `integer(n)` or `double(n)` (zeros), or `structure(vector, .Dim = c(…))`, elements with the first index fastest.
///
/// Errors name the line and column (both from 1; columns count bytes).
#[derive(Debug, Default)]
pub struct Values {
    list: Vec<(String, Variable)>,
    places: HashMap<String, usize>,
    /// Whether each variable was asked for.
    asked: Vec<AtomicBool>,
}

impl Values {
    /// Names of all variables, in the order of the text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| name.as_str())
    }

    /// The variable called `name`.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.places.get(name).map(|&at| &self.list[at].1)
    }

    /// All variables as the text of a JSON object, for readers of Stan's data files. Whole numbers in the range of Stan's
    /// `int` are written without a point, so they serve as integers and reals; others as the shortest text that reads back
    /// to the same bits, what is not finite as the strings `"NaN"`, `"Inf"` and `"-Inf"`.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (i, (name, variable)) in self.list.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let name = serde_json::Value::from(name.as_str());
            write!(out, "{comma}\n  {name}: ").expect("a string takes all");
            write_arrays(&mut out, ", ", &variable.shape, &mut |out, at| write_number(out, variable.values[at]), 0, 1);
        }
        out.push_str("\n}\n");
        out
    }

    pub(super) fn add(&mut self, name: String, variable: Variable) -> Result<(), String> {
        if self.places.insert(name.clone(), self.list.len()).is_some() {
            return Err(given_twice(&name));
        }
        self.list.push((name, variable));
        self.asked.push(AtomicBool::new(false));
        Ok(())
    }
}

pub(super) fn given_twice(name: &str) -> String {
    format!("variable '{name}' is given twice")
}

/// Nested JSON arrays of the elements from index `at` on, those of the next depth `stride` × its length apart (first index
/// fastest, the first dimension outermost); `comma` stands between two.
pub(crate) fn write_arrays(
    out: &mut String,
    comma: &str,
    shape: &[usize],
    element: &mut dyn FnMut(&mut String, usize),
    at: usize,
    stride: usize,
) {
    let Some((&length, inner)) = shape.split_first() else { return element(out, at) };
    out.push('[');
    for i in 0..length {
        if i > 0 {
            out.push_str(comma);
        }
        write_arrays(out, comma, inner, element, at + i * stride, stride * length);
    }
    out.push(']');
}

fn write_number(out: &mut String, x: f64) {
    let is_int = x.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&x);
    // A negative zero is a real number.
    let done = match x {
        x if x.is_nan() => write!(out, "\"NaN\""),
        f64::INFINITY => write!(out, "\"Inf\""),
        f64::NEG_INFINITY => write!(out, "\"-Inf\""),
        x if is_int && !(x == 0.0 && x.is_sign_negative()) => write!(out, "{x:.0}"),
        x => write!(out, "{x:?}"),
    };
    done.expect("a string takes all");
}

impl InitContext for Values {
    fn variable(&self, name: &str) -> Result<Option<Variable>, Error> {
        Ok(self.places.get(name).map(|&at| {
            // Only the flag itself is shared, so no ordering with other memory is needed.
            self.asked[at].store(true, Ordering::Relaxed);
            self.list[at].1.clone()
        }))
    }

    fn unused(&self) -> Vec<String> {
        let names = self.names().zip(&self.asked);
        names.filter(|(_, asked)| !asked.load(Ordering::Relaxed)).map(|(name, _)| name.to_owned()).collect()
    }
}
