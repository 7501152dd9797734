//! Experiments as a table: one row per experiment, one column per field.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What the numbers of a field, or outcomes, are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Number {
    /// Any finite number.
    Real,
    /// A whole number of at most 53 bits.
    Integer,
}

impl Number {
    /// Whether `x` is one.
    pub fn admits(self, x: f64) -> bool {
        match self {
            Self::Real => x.is_finite(),
            Self::Integer => x.is_finite() && x == x.trunc() && x.abs() <= MOST,
        }
    }
}

/// 2^53: beyond it doubles skip whole numbers.
const MOST: f64 = 9_007_199_254_740_992.0;

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "a finite number",
            Self::Integer => "a whole number of at most 53 bits",
        })
    }
}

/// One field of an experiment's record: what may be set in the laboratory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What its numbers are.
    pub kind: Number,
}

impl Field {
    /// A field of real numbers.
    pub fn real(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Number::Real }
    }

    /// A field of whole numbers.
    pub fn integer(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Number::Integer }
    }
}

/// A table of experiments: value of field `f` in experiment `e` stands at `f * len + e`. Whole numbers are held as
/// doubles, as R and others have them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiments {
    fields: Arc<[Field]>,
    len: usize,
    values: Vec<f64>,
}

impl Experiments {
    /// `len` experiments with one column of `values` for each of `fields`, in their order.
    ///
    /// # Errors
    /// As many values as fields times experiments are expected; a value that is not of its field's kind is named by
    /// field and experiment.
    pub fn new(fields: Arc<[Field]>, len: usize, values: Vec<f64>) -> Result<Self, Error> {
        if values.len() != len * fields.len() {
            let expected = format!("{} numbers, one per field and experiment", len * fields.len());
            return Err(Error::argument("experiments", expected, values.len()));
        }
        let table = Self { fields, len, values };
        for (f, field) in table.fields.iter().enumerate() {
            if let Some(e) = table.column(f).iter().position(|x| !field.kind.admits(*x)) {
                let name = format!("experiments.{}", field.name);
                return Err(Error::argument(name, field.kind, format_args!("{} in experiment {e}", table.get(f, e))));
            }
        }
        Ok(table)
    }

    /// From columns by name, in any order, each of the same length.
    ///
    /// # Errors
    /// A field without a column, a column without a field, and those of [`Experiments::new`].
    pub fn by_name(fields: Arc<[Field]>, columns: &[(&str, &[f64])]) -> Result<Self, Error> {
        let len = columns.first().map_or(1, |(_, column)| column.len());
        let mut values = Vec::with_capacity(len * fields.len());
        for field in fields.iter() {
            let column = columns.iter().find(|(name, _)| *name == field.name);
            let name = || format!("experiments.{}", field.name);
            let (_, column) = column.ok_or_else(|| Error::argument(name(), "a column for this field", "none"))?;
            if column.len() != len {
                return Err(Error::argument(
                    name(),
                    format_args!("{len} values, as the first column has"),
                    column.len(),
                ));
            }
            values.extend_from_slice(column);
        }
        if let Some((name, _)) = columns.iter().find(|(name, _)| fields.iter().all(|field| field.name != *name)) {
            let names = fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Error::unknown(
                format!("experiments.{name}"),
                format!("there is no such field; it has {names}"),
            ));
        }
        Self::new(fields, len, values)
    }

    /// Number of experiments.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The fields, in the order of the columns.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// All values, column by column.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values of field `field`, one per experiment.
    pub fn column(&self, field: usize) -> &[f64] {
        &self.values[field * self.len..(field + 1) * self.len]
    }

    /// The value of field `field` in experiment `experiment`.
    pub fn get(&self, field: usize, experiment: usize) -> f64 {
        self.values[field * self.len + experiment]
    }

    /// The experiments of these numbers, in this order, as a table of their own.
    pub fn rows(&self, rows: &[usize]) -> Self {
        let values = (0..self.fields.len()).flat_map(|f| rows.iter().map(move |&e| self.get(f, e))).collect();
        Self { fields: Arc::clone(&self.fields), len: rows.len(), values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Arc<[Field]> {
        [Field::real("t"), Field::integer("shots")].into()
    }

    #[test]
    fn columns_find_their_fields() {
        let table = Experiments::by_name(fields(), &[("shots", &[1.0, 3.0]), ("t", &[0.5, -2.0])]).unwrap();
        assert_eq!(table.values(), [0.5, -2.0, 1.0, 3.0]);
        assert_eq!((table.column(1), table.get(0, 1)), (&[1.0, 3.0][..], -2.0));
        assert_eq!(table.rows(&[1, 1, 0]).values(), [-2.0, -2.0, 0.5, 3.0, 3.0, 1.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let words = |columns: &[(&str, &[f64])]| Experiments::by_name(fields(), columns).unwrap_err().to_string();
        assert_eq!(words(&[("t", &[1.0])]), "argument 'experiments.shots': expected a column for this field, got none");
        assert!(words(&[("t", &[1.0]), ("shots", &[1.0]), ("T", &[1.0])]).contains("no such field; it has t, shots"));
        assert!(words(&[("t", &[1.0]), ("shots", &[1.5])]).contains("whole number of at most 53 bits, got 1.5 in"));
        assert!(words(&[("t", &[1.0, f64::NAN]), ("shots", &[1.0, 2.0])]).ends_with("got NaN in experiment 1"));
        assert!(words(&[("t", &[1.0, 2.0]), ("shots", &[1.0])]).contains("expected 2 values"));
        assert!(Experiments::new(fields(), 2, vec![0.0; 3]).is_err());
    }
}
