//! `catena MODEL log_prob`.

use crate::common::{load_model, options_of_one};
use crate::failure::Failure;
use crate::output::{Head, check_distinct};
use crate::progress::Screen;
use crate::settings::Settings;
use crate::words;
use catena::ffi::bridgestan::Jacobian;
use catena::ffi::model::catena_model;
use catena::io::{TableWriter, Values, Writer};
use catena::model::Density;
use catena::services::{SampleIo, SampleOptions, log_density, sample_fixed_param};
use std::path::PathBuf;

const UNCONSTRAINED: &str = "log_prob unconstrained_params";
const CONSTRAINED: &str = "log_prob constrained_params";
/// The variable of a file of positions.
const POSITIONS: &str = "params_r";

pub fn run(library: &str, settings: &Settings) -> Result<(), Failure> {
    let options = options_of_one(settings)?;
    let (unconstrained, constrained) = (settings.text(UNCONSTRAINED), settings.text(CONSTRAINED));
    if unconstrained.is_empty() && constrained.is_empty() {
        return Err(Failure::usage(format!(
            "argument '{UNCONSTRAINED}' or '{CONSTRAINED}': expected a file, got none"
        )));
    }
    let read = |name: &str| if name.is_empty() { Ok(None) } else { Values::from_file(words::name(name)).map(Some) };
    let (positions, values) = (read(unconstrained)?, read(constrained)?);
    let jacobian = if settings.switch("log_prob jacobian") { Jacobian::Included } else { Jacobian::LeftOut };
    let model = load_model(library, settings, jacobian)?;
    // As in CmdStan, positions first.
    let mut points = match &positions {
        Some(file) => rows(file, unconstrained, model.dim())?,
        None => Vec::new(),
    };
    if let Some(values) = &values {
        points.extend(unconstrain(library, settings, &options, values)?);
    }
    let mut gradients = vec![0.0; points.len()];
    let densities = log_density(&model, &points, Some(&mut gradients))?;
    let head = Head { settings, library, chain_id: options.init_chain_id };
    let outputs = [PathBuf::from(settings.file("output file"))];
    check_distinct(library, settings, (options.init_chain_id, 1), &[("output file", &outputs)])?;
    let mut csv = head.create(&outputs[0], &[])?;
    let names = model.names().into_iter().map(|name| format!("g_{name}"));
    csv.names(&std::iter::once("lp__".to_string()).chain(names).collect::<Vec<_>>())?;
    for (value, gradient) in densities.iter().zip(gradients.chunks_exact(model.dim())) {
        let row: Vec<f64> = match value.is_nan() {
            // What stands in the gradient of a refused point means nothing.
            true => vec![f64::NAN; 1 + gradient.len()],
            false => std::iter::once(*value).chain(gradient.iter().copied()).collect(),
        };
        csv.row(&row)?;
    }
    csv.finish()?;
    match densities.iter().position(|d| d.is_nan()) {
        None => Ok(()),
        Some(at) => Err(Failure::software(format!("the model refused point {} of {}", at + 1, densities.len()))),
    }
}

/// The positions of a file, row after row.
fn rows(file: &Values, name: &str, dim: usize) -> Result<Vec<f64>, Failure> {
    let bad = |got: String| {
        let expected = format!("a variable '{POSITIONS}' of {dim} numbers, or an array of such");
        Failure::config(format!("argument '{UNCONSTRAINED}': '{name}': expected {expected}, got {got}"))
    };
    let Some(found) = file.get(POSITIONS) else { return Err(bad("none".into())) };
    match found.shape[..] {
        [length] if length == dim => Ok(found.values.clone()),
        // Values hold the first index fastest.
        [count, length] if length == dim => {
            Ok((0..count * dim).map(|k| found.values[k / dim + count * (k % dim)]).collect())
        }
        _ => Err(bad(format!("one of shape {:?}", found.shape))),
    }
}

/// The position of values of all parameters.
fn unconstrain(
    library: &str,
    settings: &Settings,
    options: &SampleOptions,
    values: &Values,
) -> Result<Vec<f64>, Failure> {
    // The initial value of a run is found with the density to sample from.
    let model = load_model(library, settings, Jacobian::Included)?;
    check_complete(&model, values)?;
    let mut point = TableWriter::new();
    let screen = Screen::plain();
    let io = SampleIo { inits: vec![values], init_writers: vec![&mut point], logger: &screen, ..Default::default() };
    let options = SampleOptions { num_samples: 0, num_threads: 1, refresh: 0, ..options.clone() };
    sample_fixed_param(&model, &options, io)?.status()?;
    Ok(point.values().to_vec())
}

/// A parameter not given would be drawn.
fn check_complete(model: &catena_model, values: &Values) -> Result<(), Failure> {
    let names = model.output_names();
    for name in &names[..model.parameter_outputs()] {
        let base = name.split(['.', ':']).next().unwrap_or(name);
        if values.get(base).is_none() {
            let what = format!("expected values of all parameters, got none of '{base}'");
            return Err(Failure::config(format!("argument '{CONSTRAINED}': {what}")));
        }
    }
    Ok(())
}
