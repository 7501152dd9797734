//! Named values from R dumps, as R's `dump` and rstan's `stan_rdump` write them.

use super::Values;
use crate::error::{Code, Error};
use crate::model::Variable;

/// Longest sequence or run of zeros accepted: more would be a slip of the pen, not data.
const LONGEST: f64 = 1e9;

/// Reads a text that errors call `origin`.
pub(super) fn parse(text: &str, origin: &str) -> Result<Values, Error> {
    let mut reader = Reader { text, at: 0, variable: String::new() };
    reader.statements().map_err(|(at, what)| {
        let before = &text.as_bytes()[..at];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
        let variable = match reader.variable.as_str() {
            "" => String::new(),
            name => format!("variable '{name}': "),
        };
        Error::new(Code::Io, format!("{origin}, line {line}, column {column}: {variable}{what}"))
    })
}

/// Where (byte offset) and what is wrong.
type Wrong = (usize, String);

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The variable whose value is being read.
    variable: String,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn wrong<T>(&self, expected: &str) -> Result<T, Wrong> {
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
    fn skip(&mut self) {
        loop {
            self.at = self.text.len() - self.rest().trim_start().len();
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Takes `token` if it comes next.
    fn took(&mut self, token: &str) -> bool {
        self.skip();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), Wrong> {
        if self.took(token) { Ok(()) } else { self.wrong(&format!("'{token}'")) }
    }

    /// A word of letters, digits, points and underscores, if one comes next.
    fn peek_word(&mut self) -> &'a str {
        self.skip();
        let rest = self.rest();
        rest.find(|c: char| !is_word(c)).map_or(rest, |end| &rest[..end])
    }

    fn statements(&mut self) -> Result<Values, Wrong> {
        let mut values = Values::default();
        loop {
            self.variable.clear();
            while self.took(";") {}
            self.skip();
            if self.rest().is_empty() {
                return Ok(values);
            }
            let start = self.at;
            let name = self.name()?;
            self.skip();
            if !self.took("<-") && !self.took("=") {
                return self.wrong(&format!("'<-' after the name '{name}'"));
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
        let rest = self.rest().trim_start_matches([' ', '\t', '\r']);
        self.at = self.text.len() - rest.len();
        match rest.chars().next() {
            None | Some('\n' | ';' | '#') => Ok(()),
            Some(_) => self.wrong("the end of the line after the value"),
        }
    }

    fn name(&mut self) -> Result<String, Wrong> {
        for quote in ["\"", "'", "`"] {
            if !self.rest().starts_with(quote) {
                continue;
            }
            let start = self.at;
            let inner = &self.rest()[1..];
            let end = inner.find(quote).filter(|end| !inner[..*end].contains('\n'));
            let Some(end) = end else { return Err((start, format!("expected a closing {quote} in the same line"))) };
            if end == 0 {
                return Err((start, "expected a name, got an empty one".into()));
            }
            self.at += end + 2;
            return Ok(inner[..end].to_string());
        }
        let word = self.peek_word();
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit() || c == '_') {
            return self.wrong("the name of a variable");
        }
        self.at += word.len();
        Ok(word.to_string())
    }

    fn value(&mut self) -> Result<Variable, Wrong> {
        if self.peek_word() != "structure" {
            let (values, scalar) = self.vector()?;
            return Ok(Variable { shape: if scalar { Vec::new() } else { vec![values.len()] }, values });
        }
        self.at += "structure".len();
        self.expect("(")?;
        let (values, _) = self.vector()?;
        self.expect(",")?;
        let attribute = self.peek_word();
        if attribute != ".Dim" && attribute != "dim" {
            return self.wrong("the attribute '.Dim'");
        }
        self.at += attribute.len();
        self.expect("=")?;
        self.skip();
        let start = self.at;
        let (dimensions, _) = self.vector()?;
        let mut shape = Vec::with_capacity(dimensions.len());
        for d in &dimensions {
            if !(d.fract() == 0.0 && (0.0..=LONGEST).contains(d)) {
                return Err((start, format!("expected whole numbers of at least 0 as dimensions, got {d}")));
            }
            shape.push(*d as usize);
        }
        let size = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if size != Some(values.len()) {
            let shown: Vec<String> = shape.iter().map(usize::to_string).collect();
            let what =
                format!("expected as many elements as dimensions {} have, got {}", shown.join(" x "), values.len());
            return Err((start, what));
        }
        self.expect(")")?;
        Ok(Variable { shape, values })
    }

    /// Numbers, and whether they are one number by itself.
    fn vector(&mut self) -> Result<(Vec<f64>, bool), Wrong> {
        let word = self.peek_word();
        if matches!(word, "integer" | "double" | "numeric") {
            self.at += word.len();
            self.expect("(")?;
            let start = self.at;
            if self.took(")") {
                return Ok((Vec::new(), false));
            }
            let length = self.number()?;
            self.expect(")")?;
            return match length {
                n if n.fract() == 0.0 && (0.0..=LONGEST).contains(&n) => Ok((vec![0.0; n as usize], false)),
                n => Err((start, format!("expected a whole number of at least 0 as length, got {n}"))),
            };
        }
        let mut values = Vec::new();
        if word != "c" {
            let scalar = self.element(&mut values)?;
            return Ok((values, scalar));
        }
        self.at += 1;
        self.expect("(")?;
        if self.took(")") {
            return Ok((values, false));
        }
        loop {
            self.element(&mut values)?;
            if self.took(")") {
                return Ok((values, false));
            }
            if !self.took(",") {
                return self.wrong("',' or ')'");
            }
        }
    }

    /// A number or a sequence; true for a number.
    fn element(&mut self, values: &mut Vec<f64>) -> Result<bool, Wrong> {
        self.skip();
        let start = self.at;
        let first = self.number()?;
        if !self.rest().trim_start_matches([' ', '\t']).starts_with(':') {
            values.push(first);
            return Ok(true);
        }
        self.expect(":")?;
        let last = self.number()?;
        let length = (last - first).abs();
        if first.fract() != 0.0 || last.fract() != 0.0 || length.is_nan() || length >= LONGEST {
            let what =
                format!("expected a sequence of whole numbers of at most {LONGEST:e} elements, got {first}:{last}");
            return Err((start, what));
        }
        let step = if last < first { -1.0 } else { 1.0 };
        values.extend((0..=length as usize).map(|i| first + step * i as f64));
        Ok(false)
    }

    fn number(&mut self) -> Result<f64, Wrong> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, name: &str) -> Variable {
        Values::from_dump(text).unwrap_or_else(|e| panic!("{text}: {e}")).get(name).expect(name).clone()
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = Values::from_dump(text).expect_err(text);
        assert_eq!(error.code(), Code::Io);
        assert_eq!(error.to_string(), format!("R dump, {expected}"), "for {text}");
    }

    #[test]
    fn numbers_vectors_and_sequences_keep_value_and_shape() {
        let text = "# rstan\nN <- 8L\n\"y\" <-\nc(28, -8.5 , 3e2,\n 1.5E-3)#end\n`mu.0` = -.5; s <- 5:2;v<- c(1:3,-1:1, 7)\r\none <- c(4)\n\
                    empty <- integer(0)\nz <- double(2)\nnone <- c()\nr <- 1:1";
        assert_eq!(get(text, "N"), Variable { shape: vec![], values: vec![8.0] });
        assert_eq!(get(text, "y"), Variable { shape: vec![4], values: vec![28.0, -8.5, 300.0, 0.0015] });
        assert_eq!(get(text, "mu.0"), Variable { shape: vec![], values: vec![-0.5] });
        assert_eq!(get(text, "s").values, [5.0, 4.0, 3.0, 2.0]);
        assert_eq!(get(text, "v").values, [1.0, 2.0, 3.0, -1.0, 0.0, 1.0, 7.0]);
        assert_eq!(get(text, "one").shape, [1]);
        assert_eq!(get(text, "r").shape, [1]);
        assert_eq!(get(text, "empty"), Variable { shape: vec![0], values: vec![] });
        assert_eq!(get(text, "none").shape, [0]);
        assert_eq!(get(text, "z").values, [0.0, 0.0]);
        let names: Vec<String> = Values::from_dump(text).unwrap().names().map(str::to_owned).collect();
        assert_eq!(names, ["N", "y", "mu.0", "s", "v", "one", "empty", "z", "none", "r"]);
    }

    #[test]
    fn arrays_have_the_first_index_fastest() {
        let text = "m <- structure(c(11, 21, 12, 22, 13, 23), .Dim = c(2L, 3L))\na <-\nstructure(1:8, dim=c(2,2,2))\n\
                    e <- structure(integer(0), .Dim = c(0L, 3L))";
        assert_eq!(get(text, "m"), Variable { shape: vec![2, 3], values: vec![11.0, 21.0, 12.0, 22.0, 13.0, 23.0] });
        assert_eq!(get(text, "a").shape, [2, 2, 2]);
        assert_eq!(get(text, "e"), Variable { shape: vec![0, 3], values: vec![] });
    }

    #[test]
    fn special_numbers() {
        let v = get("x <- c(NaN, Inf, -Inf, +Inf, -0.0)", "x").values;
        assert!(v[0].is_nan() && v[1] == f64::INFINITY && v[2] == f64::NEG_INFINITY && v[3] == f64::INFINITY);
        assert!(v[4] == 0.0 && v[4].is_sign_negative());
    }

    #[test]
    fn errors_have_line_and_column() {
        refused("N <- 8\ny <- c(1, two)", "line 2, column 11: variable 'y': expected a number, got 'two'");
        refused("y <- c(1 2)", "line 1, column 10: variable 'y': expected ',' or ')', got '2'");
        refused("y <- c(1,", "line 1, column 10: variable 'y': expected a number, got the end of the text");
        refused("y 3", "line 1, column 3: expected '<-' after the name 'y', got '3'");
        refused("3 <- y", "line 1, column 1: expected the name of a variable, got '3'");
        refused("\"y <- 1", "line 1, column 1: expected a closing \" in the same line");
        refused("y <- 1 + 2", "line 1, column 8: variable 'y': expected the end of the line after the value, got '+'");
        refused("y <- 1\n y <- 2", "line 2, column 2: variable 'y' is given twice");
        refused("y <- 1.5L", "line 1, column 6: variable 'y': expected a whole number before L, got 1.5");
        refused(
            "y <- 1.5:3",
            "line 1, column 6: variable 'y': expected a sequence of whole numbers of at most 1e9 elements, got 1.5:3",
        );
        refused(
            "y <- 1:1e300",
            &format!(
                "line 1, column 6: variable 'y': expected a sequence of whole numbers of at most 1e9 elements, got 1:{}",
                1e300
            ),
        );
        refused("y <- 12a", "line 1, column 6: variable 'y': expected a number, got '12a'");
        refused(
            "y <- c(1,NA)",
            "line 1, column 10: variable 'y': expected a number, got NA: a missing value is none; leave the variable out or give NaN",
        );
        refused(
            "y <- structure(1:6, .Dim = c(2, 2))",
            "line 1, column 28: variable 'y': expected as many elements as dimensions 2 x 2 have, got 6",
        );
        refused(
            "y <- structure(1:6, .Dim = c(-2, 3))",
            "line 1, column 28: variable 'y': expected whole numbers of at least 0 as dimensions, got -2",
        );
        refused(
            "y <- structure(1:6, names = 3)",
            "line 1, column 21: variable 'y': expected the attribute '.Dim', got 'names'",
        );
        refused(
            "y <- integer(-1)",
            "line 1, column 14: variable 'y': expected a whole number of at least 0 as length, got -1",
        );
        refused("y <- \"text\"", "line 1, column 6: variable 'y': expected a number, got '\"'");
    }

    #[test]
    fn as_json_the_values_are_the_same() {
        let text = "N <- 8L; big <- 3000000000; y <- c(0.1, -2, NaN, Inf, -Inf, -0.0)\n\
                    m <- structure(c(11, 21, 12, 22, 13, 23), .Dim = c(2L, 3L)); e <- structure(integer(0), .Dim = c(2L, 0L))";
        let dump = Values::from_dump(text).unwrap();
        let json = dump.to_json();
        assert_eq!(
            json,
            "{\n  \"N\": 8,\n  \"big\": 3000000000.0,\n  \"y\": [0.1, -2, \"NaN\", \"Inf\", \"-Inf\", -0.0],\n  \
             \"m\": [[11, 12, 13], [21, 22, 23]],\n  \"e\": [[], []]\n}\n"
        );
        let back = Values::from_json(&json).unwrap();
        for name in dump.names() {
            let (a, b) = (dump.get(name).unwrap(), back.get(name).unwrap());
            assert_eq!(a.shape, b.shape, "{name}");
            let bits = |v: &Variable| v.values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(a), bits(b), "{name}");
        }
    }

    #[test]
    fn files_are_read_by_their_extension() {
        let folder = std::env::temp_dir();
        let path = |extension: &str| folder.join(format!("catena-values-{}.{extension}", std::process::id()));
        std::fs::write(path("R"), "a <- 2").unwrap();
        std::fs::write(path("json"), "{\"a\": 3}").unwrap();
        assert_eq!(Values::from_file(path("R")).unwrap().get("a").unwrap().values, [2.0]);
        assert_eq!(Values::from_file(path("json")).unwrap().get("a").unwrap().values, [3.0]);
        std::fs::remove_file(path("R")).unwrap();
        std::fs::remove_file(path("json")).unwrap();
        assert!(Values::from_file(path("R")).unwrap_err().to_string().contains("catena-values"));
    }
}
