//! Initial values: from values given by name to an unconstrained position. BridgeStan wants all parameters at once, as
//! JSON; those not given are drawn.

use super::program::Program;
use crate::io::{shortest, write_arrays};
use crate::model::{InitContext, Task, Variable};
use std::ffi::CString;
use std::fmt::Write;
use std::ops::Range;

/// Draws of the values not given before it is said that those given cannot be used. As many as Stan tries.
const MOST_TRIES: usize = 100;
/// Values not given are drawn from (-RADIUS, RADIUS) on the unconstrained scale, Stan's default.
const RADIUS: f64 = 2.0;
/// How far values may come back from the unconstrained scale, relative to the parameter's largest (at least 1): well above
/// rounding and Stan's own tolerances (1e-8 for simplexes and symmetric matrices).
const ROUND_TRIP: f64 = 1e-6;

/// One parameter of the program.
struct Parameter {
    name: String,
    /// Length of each dimension; empty for a scalar.
    shape: Vec<usize>,
    /// Its elements among the constrained values, first index fastest.
    values: Range<usize>,
}

/// The parameters as names tell them: `a` is a scalar, `b.1`, `b.2`, … a vector, `c.1.1`, `c.2.1`, … a matrix.
#[derive(Default)]
pub(super) struct Parameters {
    list: Vec<Parameter>,
    /// Of each unconstrained coordinate the number of its parameter; `None` for a name that tells none.
    owners: Vec<Option<usize>>,
    /// A name that is neither: an element of a tuple or a complex number.
    strange: Option<String>,
    values: usize,
}

impl Parameters {
    /// From the names of the constrained values and of the unconstrained coordinates.
    pub fn new(values: &[String], coordinates: &[String]) -> Self {
        let mut parameters = Self { values: values.len(), ..Self::default() };
        let base = |name: &str| name.split('.').next().unwrap_or_default().to_string();
        let mut at = 0;
        for names in values.chunk_by(|a, b| base(a) == base(b)) {
            let range = at..at + names.len();
            at = range.end;
            match shape(names) {
                Some(shape) => {
                    parameters.list.push(Parameter { name: base(&names[0]), shape, values: range });
                }
                None => {
                    parameters.strange.get_or_insert_with(|| names[0].clone());
                }
            }
        }
        let owner = |name: &String| parameters.list.iter().position(|p| p.name == base(name));
        parameters.owners = coordinates.iter().map(owner).collect();
        parameters
    }

    /// Sets the coordinates of `position` (NaN on entry) that `init` decides. Coordinates of other parameters stay NaN, but
    /// for a program whose transforms of the given parameters depend on others: there all are set, so that the
    /// values given are met exactly.
    pub fn initialize(
        &self,
        program: &Program,
        task: &mut Task<'_>,
        init: &dyn InitContext,
        position: &mut [f64],
    ) -> Result<(), String> {
        let mut given = Vec::with_capacity(self.list.len());
        for parameter in &self.list {
            given.push(init.variable(&parameter.name).map_err(|e| e.to_string())?);
        }
        for (parameter, variable) in self.list.iter().zip(&given) {
            if let Some(variable) = variable
                && variable.shape != parameter.shape
            {
                let (name, expected, got) = (&parameter.name, &parameter.shape, &variable.shape);
                return Err(format!("init '{name}': expected dimensions {expected:?}, got {got:?}"));
            }
        }
        if given.iter().all(Option::is_none) {
            return Ok(());
        }
        if let Some(name) = &self.strange {
            return Err(format!(
                "initial values by name can be given to real, vector, matrix and array parameters only, and this model \
                 has '{name}', of a tuple or complex number; give an unconstrained position instead"
            ));
        }
        if given.iter().all(Option::is_some) {
            return self.fill(program, task, &given, position);
        }
        let mut filled = vec![f64::NAN; position.len()];
        let mut tries = MOST_TRIES;
        // The values drawn may not go with those given, where the bounds of one parameter are another.
        while let Err(why) = self.fill(program, task, &given, &mut filled) {
            tries -= 1;
            if tries == 0 {
                return Err(why);
            }
        }
        let mut other = vec![f64::NAN; position.len()];
        let again = self.fill(program, task, &given, &mut other);
        let is_given = |owner: &Option<usize>| owner.is_some_and(|p| given[p].is_some());
        let same = |i: usize| filled[i].to_bits() == other[i].to_bits();
        let independent = again.is_ok() && self.owners.iter().enumerate().all(|(i, owner)| !is_given(owner) || same(i));
        for ((slot, value), owner) in position.iter_mut().zip(filled).zip(&self.owners) {
            if !independent || owner.is_none() || is_given(owner) {
                *slot = value;
            }
        }
        Ok(())
    }

    /// The position where given parameters have their values and the others those of a random point.
    fn fill(
        &self,
        program: &Program,
        task: &mut Task<'_>,
        given: &[Option<Variable>],
        position: &mut [f64],
    ) -> Result<(), String> {
        let mut values = vec![f64::NAN; self.values];
        if given.iter().any(Option::is_none) {
            let random: Vec<f64> = position.iter().map(|_| task.random().uniform_between(-RADIUS, RADIUS)).collect();
            program.constrain_parameters(task, &random, &mut values)?;
        }
        for (parameter, variable) in self.list.iter().zip(given) {
            if let Some(variable) = variable {
                values[parameter.values.clone()].copy_from_slice(&variable.values);
            }
        }
        let json = CString::new(self.json(&values)).map_err(|_| "a parameter's name has a NUL".to_string())?;
        program.unconstrain_json(task, &json, position)?;
        // Stan checks most constraints, but takes a covariance matrix that is not positive definite for another one.
        let mut back = vec![f64::NAN; self.values];
        program.constrain_parameters(task, position, &mut back)?;
        for (parameter, variable) in self.list.iter().zip(given) {
            let Some(variable) = variable else { continue };
            let back = &back[parameter.values.clone()];
            let scale = variable.values.iter().fold(1.0, |scale: f64, v| scale.max(v.abs()));
            if !back.iter().zip(&variable.values).all(|(b, v)| (b - v).abs() <= ROUND_TRIP * scale) {
                let (name, values) = (&parameter.name, &variable.values);
                return Err(format!(
                    "init '{name}': expected values that meet the parameter's constraint, got {values:?}, which Stan's \
                     transforms turn into {back:?}"
                ));
            }
        }
        Ok(())
    }

    /// All parameters in Stan's JSON.
    fn json(&self, values: &[f64]) -> String {
        let mut out = String::from("{");
        for (i, parameter) in self.list.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(out, "{comma}\"{}\":", parameter.name);
            let values = &values[parameter.values.clone()];
            write_arrays(&mut out, ",", &parameter.shape, &mut |out, at| write_number(out, values[at]), 0, 1);
        }
        out.push('}');
        out
    }
}

fn write_number(out: &mut String, value: f64) {
    let _ = match value {
        v if v.is_finite() => write!(out, "{}", shortest(v)),
        v if v.is_nan() => write!(out, "\"NaN\""),
        v => write!(out, "\"{}Inf\"", if v < 0.0 { "-" } else { "" }),
    };
}

/// The shape of a parameter from the names of its elements, which must come with the first index fastest; `None` when
/// the names are not indices after dots.
fn shape(names: &[String]) -> Option<Vec<usize>> {
    let mut indices: Vec<Vec<usize>> = Vec::with_capacity(names.len());
    for name in names {
        if name.contains(':') {
            return None;
        }
        indices.push(name.split('.').skip(1).map(str::parse).collect::<Result<_, _>>().ok()?);
    }
    let shape = indices.last()?.clone();
    let place = |index: &Vec<usize>| {
        let inside = index.len() == shape.len() && index.iter().zip(&shape).all(|(i, n)| (1..=*n).contains(i));
        inside.then(|| index.iter().zip(&shape).rev().fold(0, |place, (i, n)| place * n + i - 1))
    };
    let in_order = indices.iter().enumerate().all(|(i, index)| place(index) == Some(i));
    (in_order && names.len() == shape.iter().product::<usize>()).then_some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|n| n.to_string()).collect()
    }

    #[test]
    fn names_tell_shapes_and_json_nests_them() {
        let values = names(&["a", "b.1", "c.1.1", "c.2.1", "c.1.2", "c.2.2", "c.1.3", "c.2.3"]);
        let parameters = Parameters::new(&values, &names(&["a", "b.1", "c.1", "d.1"]));
        assert!(parameters.strange.is_none());
        assert_eq!(parameters.owners, [Some(0), Some(1), Some(2), None]);
        let json = parameters.json(&[0.5, f64::INFINITY, 1.0, 2.0, 3.0, 4.0, 5.0, f64::NAN]);
        assert_eq!(json, r#"{"a":0.5,"b":["Inf"],"c":[[1,3,5],[2,4,"NaN"]]}"#);
    }

    #[test]
    fn tuples_and_complex_numbers_are_strange() {
        for list in [&["z.real", "z.imag"][..], &["t:1", "t:2.1"], &["r.1.1", "r.1.2", "r.2.1", "r.2.2"], &["x.2"]] {
            let parameters = Parameters::new(&names(list), &[]);
            assert_eq!(parameters.strange.as_deref(), Some(list[0]));
        }
    }
}
