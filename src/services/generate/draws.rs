//! Draws given by a host: which of their columns make positions.

use crate::error::Error;
use crate::model::{Density, InitContext, Variable};
use std::collections::HashMap;

/// Draws of a run made before, for [`generate_quantities`](super::generate_quantities).
#[derive(Debug, Clone, Default)]
pub struct GivenDraws<'a> {
    /// Names of the columns, as in a Stan CSV: `mu`, `theta.1`, `theta.2`. Columns that are not needed are ignored.
    pub names: Vec<String>,
    /// One entry per chain: its draws, one row of `names.len()` numbers after the other.
    pub chains: Vec<&'a [f64]>,
}

/// How a row of draws becomes a position.
pub(super) enum Source {
    /// It holds one: the column of each coordinate.
    Position(Vec<usize>),
    /// From named values, by the model's `initialize`.
    Values(Values),
}

impl Source {
    /// Finds the columns that `density` needs among `names`: its parameter outputs; or else, where these are missing, its
    /// coordinates. A model that does not say how many parameters it has is offered all columns but those of a sampler.
    pub fn new<D: Density>(density: &D, names: &[String]) -> Result<Self, Error> {
        let mut columns = HashMap::new();
        for (i, name) in names.iter().enumerate() {
            if columns.insert(name.as_str(), i).is_some() {
                return Err(Error::argument(
                    format!("draws.names[{i}]"),
                    "a name not used before",
                    format!("'{name}'"),
                ));
            }
        }
        let find = |wanted: &[String]| -> Result<Vec<usize>, String> {
            wanted.iter().map(|name| columns.get(name.as_str()).copied().ok_or_else(|| name.clone())).collect()
        };
        let (outputs, coordinates) = (density.output_names(), density.names());
        let parameters = &outputs[..density.parameter_outputs()];
        // Values on the constrained scale may have the names of coordinates; the constrained scale is what files hold.
        let ambiguous = parameters.is_empty() && coordinates.iter().all(|name| outputs.contains(name));
        let constrained = find(parameters);
        if let (false, Ok(found)) = (parameters.is_empty(), &constrained) {
            return Values::new(names, found).map(Self::Values);
        }
        if let (false, Ok(found)) = (ambiguous && density.dim() > 0, find(&coordinates)) {
            return Ok(Self::Position(found));
        }
        match constrained {
            Err(missing) => Err(Error::argument(
                "draws.names",
                format!("a column '{missing}', a parameter of the model"),
                format!("{} columns without it", names.len()),
            )),
            Ok(_) => {
                let all: Vec<usize> = (0..names.len()).filter(|&i| !names[i].ends_with("__")).collect();
                Values::new(names, &all).map(Self::Values)
            }
        }
    }
}

/// Variables made of columns: `theta.1`, `theta.2` are the elements of `theta`, and each can be asked for by itself.
pub(super) struct Values {
    /// All columns in use.
    pub columns: Vec<usize>,
    variables: HashMap<String, Layout>,
}

struct Layout {
    shape: Vec<usize>,
    /// The column of each element, first index fastest.
    columns: Vec<usize>,
}

impl Values {
    fn new(names: &[String], columns: &[usize]) -> Result<Self, Error> {
        let mut variables = HashMap::new();
        let mut arrays: HashMap<&str, Vec<(Vec<usize>, usize)>> = HashMap::new();
        for &column in columns {
            let name = names[column].as_str();
            if let Some((base, indices)) = element(name) {
                arrays.entry(base).or_default().push((indices, column));
            }
            variables.insert(name.to_string(), Layout { shape: Vec::new(), columns: vec![column] });
        }
        for (base, elements) in arrays {
            if !variables.contains_key(base) {
                variables.insert(base.to_string(), array(base, &elements)?);
            }
        }
        Ok(Self { columns: columns.to_vec(), variables })
    }
}

/// Base and indices of an element's name, `theta.2.1`; `None` when it is not one.
fn element(name: &str) -> Option<(&str, Vec<usize>)> {
    let (base, rest) = name.split_once('.')?;
    let indices: Option<Vec<usize>> = rest.split('.').map(|i| i.parse().ok().filter(|&i| i > 0)).collect();
    Some((base, indices?))
}

/// The array that `elements` fill, each of them once.
fn array(base: &str, elements: &[(Vec<usize>, usize)]) -> Result<Layout, Error> {
    let rank = elements[0].0.len();
    let bad = |got: String| {
        Error::argument(
            "draws.names",
            format!("each element of '{base}' once, with as many indices as the others"),
            got,
        )
    };
    if let Some((indices, _)) = elements.iter().find(|(indices, _)| indices.len() != rank) {
        return Err(bad(format!("'{}'", element_name(base, indices))));
    }
    let shape: Vec<usize> = (0..rank).map(|k| elements.iter().map(|(i, _)| i[k]).max().unwrap_or(0)).collect();
    let size = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
    // The names are distinct, so that a place that is left over is a name that is missing.
    if size.is_none_or(|size| size < elements.len()) {
        return Err(bad(format!("{} elements", elements.len())));
    }
    let mut columns = vec![usize::MAX; elements.len()];
    for (indices, column) in elements {
        let offset = indices.iter().zip(&shape).rev().fold(0, |at, (i, d)| at * d + (i - 1));
        if let Some(place) = columns.get_mut(offset) {
            *place = *column;
        }
    }
    if size != Some(elements.len()) {
        let first = columns.iter().position(|&c| c == usize::MAX).unwrap_or(elements.len());
        let mut rest = first;
        let missing: Vec<usize> = shape
            .iter()
            .map(|d| {
                let index = rest % d + 1;
                rest /= d;
                index
            })
            .collect();
        return Err(bad(format!("none named '{}'", element_name(base, &missing))));
    }
    Ok(Layout { shape, columns })
}

fn element_name(base: &str, indices: &[usize]) -> String {
    indices.iter().fold(base.to_string(), |name, i| format!("{name}.{i}"))
}

/// One row of draws as the model's `initialize` sees it.
pub(super) struct RowContext<'a> {
    pub values: &'a Values,
    pub row: &'a [f64],
}

impl InitContext for RowContext<'_> {
    fn variable(&self, name: &str) -> Result<Option<Variable>, Error> {
        let variable = |layout: &Layout| Variable {
            shape: layout.shape.clone(),
            values: layout.columns.iter().map(|&c| self.row[c]).collect(),
        };
        Ok(self.values.variables.get(name).map(variable))
    }
}

/// One row of draws as initial values.
pub struct RowInit {
    source: Source,
    row: Vec<f64>,
    position: Option<Vec<f64>>,
}

impl RowInit {
    /// `row` has a number for each of `names`, as in [`GivenDraws::names`].
    ///
    /// # Errors
    /// A parameter of the model has no column, or is an array that lacks elements.
    pub fn new<D: Density>(density: &D, names: &[String], row: &[f64]) -> Result<Self, Error> {
        let source = Source::new(density, names)?;
        let position = match &source {
            Source::Position(columns) => Some(columns.iter().map(|&c| row[c]).collect()),
            Source::Values(_) => None,
        };
        Ok(Self { source, row: row.to_vec(), position })
    }
}

impl InitContext for RowInit {
    fn variable(&self, name: &str) -> Result<Option<Variable>, Error> {
        match &self.source {
            Source::Values(values) => RowContext { values, row: &self.row }.variable(name),
            Source::Position(_) => Ok(None),
        }
    }

    fn position(&self) -> Option<&[f64]> {
        self.position.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(names: &[&str]) -> Result<Values, Error> {
        let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
        Values::new(&names, &(0..names.len()).collect::<Vec<_>>())
    }

    #[test]
    fn elements_make_arrays_with_the_first_index_fastest() {
        let values = values(&["m.1.1", "m.1.2", "m.2.1", "m.2.2", "m.3.1", "m.3.2", "mu", "a.b"]).unwrap();
        let row = [11.0, 12.0, 21.0, 22.0, 31.0, 32.0, 5.0, 6.0];
        let context = RowContext { values: &values, row: &row };
        let m = context.variable("m").unwrap().unwrap();
        assert_eq!((m.shape, m.values), (vec![3, 2], vec![11.0, 21.0, 31.0, 12.0, 22.0, 32.0]));
        let mu = context.variable("mu").unwrap().unwrap();
        assert_eq!((mu.shape, mu.values), (vec![], vec![5.0]));
        assert_eq!(context.variable("m.2.1").unwrap().unwrap().values, [21.0]);
        assert_eq!(context.variable("a.b").unwrap().unwrap().values, [6.0]);
        assert_eq!(context.variable("a").unwrap(), None);
    }

    #[test]
    fn incomplete_arrays_are_named() {
        let text = |names: &[&str]| values(names).err().expect("must fail").to_string();
        assert!(text(&["m.1", "m.3"]).contains("'m.2'"));
        assert!(text(&["m.1.1", "m.2.2", "m.2.1"]).contains("'m.1.2'"));
        assert!(text(&["m.1.1", "m.2"]).contains("'m.2'"));
        assert!(text(&["m.18446744073709551615.2"]).contains("elements"));
    }
}
