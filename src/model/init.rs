use crate::error::Error;
use std::collections::HashMap;

/// A named value of an init context: its shape and its elements, first index fastest (column-major, as in Stan and R).
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Length of each dimension; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements, `shape.iter().product()` of them.
    pub values: Vec<f64>,
}

/// Where a chain's initial values come from. Shared by threads; asked once per chain, before its first evaluation.
pub trait InitContext: Sync {
    /// The variable `name` on the constrained scale, if this context gives it.
    fn variable(&self, name: &str) -> Result<Option<Variable>, Error>;

    /// A ready-made unconstrained position; when given, variables are not asked for. NaN entries are drawn.
    fn position(&self) -> Option<&[f64]> {
        None
    }

    /// The model has asked for all that it wants, for one chain: a context that knows its names refuses those that nobody
    /// wants.
    fn finish(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Names this context gives that were never asked for, so that a misspelt one can be reported.
    fn unused(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The context that gives nothing: every coordinate is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoInit;

impl InitContext for NoInit {
    fn variable(&self, _name: &str) -> Result<Option<Variable>, Error> {
        Ok(None)
    }
}

/// The elements of one array among the coordinates: those named `base.…`, in order, first index fastest.
#[derive(Default)]
struct Elements {
    /// How many there are.
    count: usize,
    /// How many of them were passed.
    passed: usize,
    /// What the context gives for the whole array, once it was asked.
    given: Option<Option<Variable>>,
}

/// Sets the coordinates whose names `init` knows, or says why it cannot; see [`super::Density::initialize`].
pub(crate) fn set_by_name(names: &[String], init: &dyn InitContext, position: &mut [f64]) -> Result<(), String> {
    let ask = |name: &str, expected: usize| match init.variable(name) {
        Err(error) => Err(error.to_string()),
        Ok(Some(v)) if v.values.len() != expected => {
            let plural = if expected == 1 { "" } else { "s" };
            Err(format!("init '{name}': expected {expected} value{plural}, got {}", v.values.len()))
        }
        Ok(found) => Ok(found),
    };
    let mut arrays: HashMap<&str, Elements> = HashMap::new();
    for (base, _) in names.iter().filter_map(|name| name.split_once('.')) {
        arrays.entry(base).or_default().count += 1;
    }
    for (name, slot) in names.iter().zip(position) {
        let array = name.split_once('.').and_then(|(base, _)| Some((base, arrays.get_mut(base)?)));
        // A coordinate given by its own name still counts as an element of its array.
        let element = array.map(|(base, elements)| {
            elements.passed += 1;
            (base, elements.passed - 1, elements)
        });
        if let Some(v) = ask(name, 1)? {
            *slot = v.values[0];
        } else if let Some((base, at, elements)) = element {
            if elements.given.is_none() {
                elements.given = Some(ask(base, elements.count)?);
            }
            if let Some(Some(v)) = &elements.given {
                *slot = v.values[at];
            }
        }
    }
    Ok(())
}
