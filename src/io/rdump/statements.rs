//! Assignments and the vectors in them.

use super::scan::{Scanner, Wrong};
use crate::error::{Code, Error};
use crate::io::Values;
use crate::model::Variable;

/// Largest dimension.
const LONGEST: f64 = 1e9;
/// Most elements that sequences and runs of zeros of a text may have together: more, in so few words, would be a slip of the
/// pen, not data.
const MOST_IN_SHORT: f64 = 1e8;
/// So many dimensions at most are told of those that elements don't fit.
const MOST_SHOWN: usize = 8;

/// Reads a text that errors call `origin`.
pub(in crate::io) fn parse(text: &str, origin: &str) -> Result<Values, Error> {
    let mut reader = Reader { scan: Scanner::new(text), variable: String::new(), in_short: 0.0 };
    reader.statements().map_err(|(at, what)| {
        let (line, column) = reader.scan.place(at);
        let variable = match reader.variable.as_str() {
            "" => String::new(),
            name => format!("variable '{name}': "),
        };
        Error::new(Code::Io, format!("{origin}, line {line}, column {column}: {variable}{what}"))
    })
}

struct Reader<'a> {
    scan: Scanner<'a>,
    /// The variable whose value is being read.
    variable: String,
    /// Elements of sequences and runs of zeros so far.
    in_short: f64,
}

impl Reader<'_> {
    fn statements(&mut self) -> Result<Values, Wrong> {
        let mut values = Values::default();
        loop {
            self.variable.clear();
            while self.scan.took(";") {}
            self.scan.skip();
            if self.scan.rest().is_empty() {
                return Ok(values);
            }
            let start = self.scan.at;
            let name = self.name()?;
            self.scan.skip();
            if !self.scan.took("<-") && !self.scan.took("=") {
                return self.scan.wrong(&format!("'<-' after the name '{name}'"));
            }
            self.variable.clone_from(&name);
            let value = self.value()?;
            self.end_of_value()?;
            self.variable.clear();
            values.add(name, value).map_err(|what| (start, what))?;
        }
    }

    /// What follows a value must be another line or statement: `x <- 1 + 2` is not data.
    fn end_of_value(&mut self) -> Result<(), Wrong> {
        self.scan.skip_blanks();
        match self.scan.rest().chars().next() {
            None | Some('\n' | ';' | '#') => Ok(()),
            Some(_) => self.scan.wrong("the end of the line after the value"),
        }
    }

    fn name(&mut self) -> Result<String, Wrong> {
        for quote in ["\"", "'", "`"] {
            if !self.scan.rest().starts_with(quote) {
                continue;
            }
            let start = self.scan.at;
            let inner = &self.scan.rest()[1..];
            let end = inner.find(quote).filter(|end| !inner[..*end].contains('\n'));
            let Some(end) = end else { return Err((start, format!("expected a closing {quote} in the same line"))) };
            if end == 0 {
                return Err((start, "expected a name, got an empty one".into()));
            }
            self.scan.at += end + 2;
            return Ok(inner[..end].to_string());
        }
        let word = self.scan.peek_word();
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit() || c == '_') {
            return self.scan.wrong("the name of a variable");
        }
        self.scan.at += word.len();
        Ok(word.to_string())
    }

    fn value(&mut self) -> Result<Variable, Wrong> {
        if self.scan.peek_word() != "structure" {
            let (values, scalar) = self.vector()?;
            return Ok(Variable { shape: if scalar { Vec::new() } else { vec![values.len()] }, values });
        }
        self.scan.at += "structure".len();
        self.scan.expect("(")?;
        let (values, _) = self.vector()?;
        self.scan.expect(",")?;
        let attribute = self.scan.peek_word();
        if attribute != ".Dim" && attribute != "dim" {
            return self.scan.wrong("the attribute '.Dim'");
        }
        self.scan.at += attribute.len();
        self.scan.expect("=")?;
        self.scan.skip();
        let start = self.scan.at;
        let (dimensions, _) = self.vector()?;
        let mut shape = Vec::new();
        shape.try_reserve_exact(dimensions.len()).map_err(|_| (start, no_memory(dimensions.len())))?;
        for d in &dimensions {
            if !(d.fract() == 0.0 && (0.0..=LONGEST).contains(d)) {
                return Err((start, format!("expected whole numbers of at least 0 as dimensions, got {d}")));
            }
            shape.push(*d as usize);
        }
        let size = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if size != Some(values.len()) {
            let shown: Vec<String> = shape.iter().take(MOST_SHOWN).map(usize::to_string).collect();
            let more = if shape.len() > MOST_SHOWN { " x ..." } else { "" };
            let shown = shown.join(" x ") + more;
            return Err((start, format!("expected as many elements as dimensions {shown} have, got {}", values.len())));
        }
        self.scan.expect(")")?;
        Ok(Variable { shape, values })
    }

    /// Numbers, and whether they are one number by itself.
    fn vector(&mut self) -> Result<(Vec<f64>, bool), Wrong> {
        let word = self.scan.peek_word();
        if matches!(word, "integer" | "double" | "numeric") {
            self.scan.at += word.len();
            self.scan.expect("(")?;
            let start = self.scan.at;
            if self.scan.took(")") {
                return Ok((Vec::new(), false));
            }
            let length = self.scan.number()?;
            self.scan.expect(")")?;
            return match length {
                n if n.fract() == 0.0 && (0.0..=LONGEST).contains(&n) => {
                    let mut zeros = Vec::new();
                    self.make_room(&mut zeros, n).map_err(|what| (start, what))?;
                    zeros.resize(n as usize, 0.0);
                    Ok((zeros, false))
                }
                n => Err((start, format!("expected a whole number of at least 0 as length, got {n}"))),
            };
        }
        let mut values = Vec::new();
        if word != "c" {
            let scalar = self.element(&mut values)?;
            return Ok((values, scalar));
        }
        self.scan.at += 1;
        self.scan.expect("(")?;
        if self.scan.took(")") {
            return Ok((values, false));
        }
        loop {
            self.element(&mut values)?;
            if self.scan.took(")") {
                return Ok((values, false));
            }
            if !self.scan.took(",") {
                return self.scan.wrong("',' or ')'");
            }
        }
    }

    /// Room for `count` more elements that the text has in short.
    fn make_room(&mut self, values: &mut Vec<f64>, count: f64) -> Result<(), String> {
        self.in_short += count;
        if self.in_short > MOST_IN_SHORT {
            let most = format!("at most {MOST_IN_SHORT:e} elements in all sequences and runs of zeros");
            return Err(format!("expected {most}, got {count} here, {} with those before", self.in_short));
        }
        values.try_reserve(count as usize).map_err(|_| no_memory(count as usize))
    }

    /// A number or a sequence; true for a number.
    fn element(&mut self, values: &mut Vec<f64>) -> Result<bool, Wrong> {
        self.scan.skip();
        let start = self.scan.at;
        let first = self.scan.number()?;
        if !self.scan.rest().trim_start_matches([' ', '\t']).starts_with(':') {
            // What came before may be a sequence of any length, and a vector grows by as much again.
            values.try_reserve(1).map_err(|_| (start, no_memory(values.len() + 1)))?;
            values.push(first);
            return Ok(true);
        }
        self.scan.expect(":")?;
        let last = self.scan.number()?;
        let length = (last - first).abs();
        if first.fract() != 0.0 || last.fract() != 0.0 || length.is_nan() || length >= LONGEST {
            let what =
                format!("expected a sequence of whole numbers of at most {LONGEST:e} elements, got {first}:{last}");
            return Err((start, what));
        }
        self.make_room(values, length + 1.0).map_err(|what| (start, what))?;
        let step = if last < first { -1.0 } else { 1.0 };
        values.extend((0..=length as usize).map(|i| first + step * i as f64));
        Ok(false)
    }
}

fn no_memory(count: usize) -> String {
    format!("expected a size for which there is memory, got {count}")
}
