use super::{Refusal, Task};
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

/// Sets the coordinates whose names `init` knows; see [`super::Density::initialize`].
pub(super) fn by_coordinate_name(
    names: &[String],
    task: &mut Task<'_>,
    init: &dyn InitContext,
    position: &mut [f64],
) -> Result<(), Refusal> {
    let mut refuse = |message: String| {
        task.set_message(&message);
        Refusal::Stop
    };
    let mut arrays: HashMap<&str, Option<Variable>> = HashMap::new();
    for (name, slot) in names.iter().zip(position.iter_mut()) {
        if let Some(v) = init.variable(name).map_err(|e| refuse(e.to_string()))? {
            let [value] = v.values[..] else {
                return Err(refuse(format!("init '{name}': expected 1 value, got {}", v.values.len())));
            };
            *slot = value;
            continue;
        }
        let Some((base, index)) = name.split_once('.') else { continue };
        if !arrays.contains_key(base) {
            let found = init.variable(base).map_err(|e| refuse(e.to_string()))?;
            let expected = names.iter().filter(|n| n.split_once('.').is_some_and(|(b, _)| b == base)).count();
            if let Some(v) = &found
                && v.values.len() != expected
            {
                return Err(refuse(format!("init '{base}': expected {expected} values, got {}", v.values.len())));
            }
            arrays.insert(base, found);
        }
        // Elements of one array stand in the order of the names, first index fastest.
        if let (Some(v), true) = (&arrays[base], !index.is_empty()) {
            let at = names.iter().filter(|n| n.split_once('.').is_some_and(|(b, _)| b == base)).position(|n| n == name);
            *slot = v.values[at.expect("the name is in its own list")];
        }
    }
    Ok(())
}
