//! `catena MODEL laplace`.

use crate::common::{Inits, interrupt, load_model, option_set};
use crate::failure::Failure;
use crate::output::{Head, borrow, check_distinct, of_chain, say_beside};
use crate::progress::Screen;
use crate::settings::Settings;
use catena::ffi::bridgestan::Jacobian;
use catena::io::{Values, input_files, output_files, read_chain};
use catena::model::InitContext;
use catena::services::{GivenPoint, Outcome, SampleIo, laplace};
use std::path::Path;

const MODE: &str = "laplace mode";

pub fn run(library: &str, settings: &Settings) -> Result<(), Failure> {
    let set = option_set(settings)?;
    let options = set.options();
    let (first, ids) = (options.init_chain_id, options.num_chains);
    let inputs = match settings.text(MODE) {
        "" => Vec::new(),
        _ => input_files(MODE, settings.file(MODE), first, ids)?,
    };
    let outputs = output_files("output file", settings.file("output file"), first, ids)?;
    check_distinct(library, settings, (first, ids), &[("output file", &outputs)])?;
    if !Inits::read(settings, first, ids)?.contexts().is_empty() {
        let expected = format!("a number, for a point is given by '{MODE}'");
        let got = settings.text("init");
        return Err(Failure::usage(format!("argument 'init': expected {expected}; got '{got}'")));
    }
    let modes: Vec<Box<dyn InitContext>> =
        inputs.iter().map(|path| read(path, set.laplace().jacobian)).collect::<Result<_, _>>()?;
    let model = load_model(library, settings, Jacobian::Included)?;
    let interrupt = interrupt()?;
    let screen = Screen::plain();
    let mut csvs = Vec::with_capacity(ids);
    for (place, path) in outputs.iter().enumerate() {
        let (output, mode) = (path.display().to_string(), of_chain(settings.text(MODE), place));
        let changed = [("output file", output.as_str()), (MODE, mode), ("laplace num_chains", "1")];
        csvs.push(Head { settings, library, chain_id: first + place as u64 }.create(path, &changed)?);
    }
    let io = SampleIo {
        inits: modes.iter().map(|mode| &**mode).collect(),
        sample_writers: borrow(&mut csvs),
        logger: &screen,
        interrupt: &interrupt,
        ..Default::default()
    };
    let report = laplace(&model, &options, &set.laplace(), io)?;
    drop(csvs);
    let mut text = String::new();
    for fit in report.fits.iter().filter(|fit| fit.outcome == Outcome::Finished) {
        text += &format!("draws {}: {}, k-hat {:.3}\n", fit.id, fit.draws, fit.khat);
    }
    let said = say_beside(&outputs, &text);
    report.status()?;
    said
}

/// The mode that a file has.
fn read(path: &Path, jacobian: bool) -> Result<Box<dyn InitContext>, Failure> {
    const OF_DRAWS: [&str; 2] = ["csv", "arrow"];
    if path.extension().is_none_or(|e| OF_DRAWS.iter().all(|of| e != *of)) {
        return Ok(Box::new(Values::from_file(path)?));
    }
    let file = read_chain(path)?;
    let named = |what: String| Failure::config(format!("argument '{MODE}': '{}': {what}", path.display()));
    let row = file.draws().chunks_exact(file.names().len()).next_back();
    let Some(row) = row else { return Err(named("expected a row with a mode, got none".into())) };
    // The mode of one density is not that of the other.
    if let Some(was) = file.setting("jacobian").map(|text| matches!(text, "1" | "true"))
        && was != jacobian
    {
        let (found, asked) = (u8::from(was), u8::from(jacobian));
        return Err(named(format!("expected a mode found with jacobian={asked}, got one with jacobian={found}")));
    }
    Ok(Box::new(GivenPoint::new(file.names(), row)?))
}
