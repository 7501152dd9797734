//! `catena MODEL smc`.

use crate::common::{interrupt, load_model, option_set};
use crate::failure::Failure;
use crate::output::{Head, borrow, check_distinct, files_of_chains, of_chain, say_beside};
use crate::progress::Screen;
use crate::settings::Settings;
use catena::Error;
use catena::ffi::bridgestan::Jacobian;
use catena::io::Values;
use catena::model::Density;
use catena::particles::normal::Normal;
use catena::services::{SampleIo, SmcReport, sample_smc};
use std::path::Path;

const REFERENCE: &str = "smc reference_file";

pub fn run(library: &str, settings: &Settings) -> Result<(), Failure> {
    let set = option_set(settings)?;
    let (options, smc) = (set.options_of_particles(), set.smc());
    let outputs = files_of_chains(settings, "output file", smc.init_set_id, smc.num_sets)?;
    check_distinct(library, settings, (smc.init_set_id, smc.num_sets), &[("output file", &outputs)])?;
    let model = load_model(library, settings, Jacobian::Included)?;
    let reference = match settings.text(REFERENCE) {
        "" => None,
        _ => Some(reference(Path::new(&settings.file(REFERENCE)), model.dim())?),
    };
    let interrupt = interrupt()?;
    let screen = Screen::plain();
    let mut csvs = Vec::with_capacity(smc.num_sets);
    for (place, path) in outputs.iter().enumerate() {
        // The head is that of a run of this set alone.
        let (set_id, output) = ((smc.init_set_id + place as u64).to_string(), path.display().to_string());
        let head = Head { settings, library, chain_id: options.init_chain_id };
        let changed = [
            ("smc num_sets", "1"),
            ("smc init_set_id", set_id.as_str()),
            ("output file", output.as_str()),
            (REFERENCE, of_chain(settings.text(REFERENCE), 0)),
        ];
        csvs.push(head.create_as(path, smc.init_set_id + place as u64, &changed)?);
    }
    let io =
        SampleIo { sample_writers: borrow(&mut csvs), logger: &screen, interrupt: &interrupt, ..Default::default() };
    let report = sample_smc(&model, &options, &smc, reference.as_ref(), io)?;
    drop(csvs);
    let said = say_beside(&outputs, &told(&report));
    report.status()?;
    said
}

/// A line per set, and one for all.
fn told(report: &SmcReport) -> String {
    let mut text = String::new();
    for set in &report.sets {
        let (id, stages, refused) = (set.set_id, set.stages.len(), set.refused);
        let (value, error) = (set.log_evidence, set.log_evidence_error);
        text += &format!("set {id}: log evidence {value:.6}, error within the set {error:.6}, {stages} stages");
        text += &if refused > 0 { format!(", {refused} points refused\n") } else { "\n".to_string() };
    }
    let (value, error) = (report.log_evidence, report.standard_error);
    text + &format!("log evidence: estimate {value:.6}, standard error {error:.6}\n")
}

/// The normal of a file with mean and sd, or covariance.
fn reference(path: &Path, dim: usize) -> Result<Normal, Failure> {
    let named = |error: Error| Failure::config(format!("argument '{REFERENCE}': '{}': {error}", path.display()));
    let values = Values::from_file(path)?;
    let numbers = |name: &str| values.get(name).map(|v| v.values.as_slice());
    let missing = |name: &str| named(Error::argument(name, format!("{dim} numbers"), "none"));
    let mean = numbers("mean").ok_or_else(|| missing("mean"))?;
    // A covariance is its own transpose, so that the order of its elements does not matter.
    let spread = numbers("sd").or_else(|| numbers("covariance")).ok_or_else(|| missing("sd"))?;
    if mean.len() != dim {
        return Err(named(Error::argument("mean", format!("{dim} numbers"), mean.len())));
    }
    Normal::given(mean, spread, "reference").map_err(named)
}
