//! The words and numbers of an R dump.

/// Where (byte offset) and what is wrong.
pub(super) type Wrong = (usize, String);

/// A text and the place that is read next.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Byte offset of what is left to read.
    pub at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Line and column, from 1, of the byte at `at`.
    pub fn place(&self, at: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..at];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
        (line, column)
    }

    /// What is left to read.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Says what was expected where another thing comes next.
    pub fn wrong<T>(&self, expected: &str) -> Result<T, Wrong> {
        let rest = self.rest();
        let word = rest.find(|c: char| !is_word(c)).map_or(rest, |end| &rest[..end]);
        let got = match rest.chars().next() {
            None => "the end of the text".to_string(),
            Some(c) if word.is_empty() => format!("'{c}'"),
            Some(_) => format!("'{word}'"),
        };
        Err((self.at, format!("expected {expected}, got {got}")))
    }

    /// Skips white space and comments.
    pub fn skip(&mut self) {
        loop {
            self.at = self.text.len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Takes `token` if it comes next.
    pub fn took(&mut self, token: &str) -> bool {
        self.skip();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Takes `token`, which must come next.
    pub fn expect(&mut self, token: &str) -> Result<(), Wrong> {
        if self.took(token) { Ok(()) } else { self.wrong(&format!("'{token}'")) }
    }

    /// A word of letters, digits, points and underscores, if one comes next.
    pub fn peek_word(&mut self) -> &'a str {
        self.skip();
        let rest = self.rest();
        rest.find(|c: char| !is_word(c)).map_or(rest, |end| &rest[..end])
    }

    /// Skips white space within the line.
    pub fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r']).len();
    }

    /// A number as R writes it: `8`, `8L`, `-1.5e3`, `NaN`, `-Inf`.
    pub fn number(&mut self) -> Result<f64, Wrong> {
        self.skip();
        let start = self.at;
        let negative = self.rest().starts_with('-');
        if negative || self.rest().starts_with('+') {
            self.at += 1;
        }
        let sign = if negative { -1.0 } else { 1.0 };
        let word = self.peek_word();
        match word {
            "NaN" => {
                self.at += word.len();
                return Ok(f64::NAN);
            }
            "Inf" => {
                self.at += word.len();
                return Ok(sign * f64::INFINITY);
            }
            "NA" | "NA_real_" | "NA_integer_" => {
                let what = format!(
                    "expected a number, got {word}: a missing value is none; leave the variable out or give NaN"
                );
                return Err((start, what));
            }
            _ => {}
        }
        let digits = &self.rest()[..number_length(self.rest().as_bytes())];
        let after = &self.rest()[digits.len()..];
        let integer = after.starts_with('L');
        let end = self.at + digits.len() + usize::from(integer);
        if !digits.contains(|c: char| c.is_ascii_digit()) || self.text[end..].starts_with(is_word) {
            self.at = start;
            return self.wrong("a number");
        }
        let value: f64 = digits.parse().map_err(|_| (start, format!("expected a number, got '{digits}'")))?;
        if integer && value.fract() != 0.0 {
            return Err((start, format!("expected a whole number before L, got {digits}")));
        }
        self.at = end;
        Ok(sign * value)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '.' || c == '_'
}

/// Length of digits with point and exponent at the start of `bytes`.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = digits(0);
    if bytes.get(at) == Some(&b'.') {
        at += 1 + digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits((at + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}
