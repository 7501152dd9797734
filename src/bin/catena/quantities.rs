//! `catena MODEL generate_quantities`.

use crate::common::{interrupt, load_model, options};
use crate::failure::Failure;
use crate::output::{Head, borrow, check_distinct, files_of_chains, of_chain};
use crate::progress::Screen;
use crate::settings::Settings;
use catena::ffi::bridgestan::Jacobian;
use catena::io::{Level, Logger, StanCsv, input_files, read_chain};
use catena::services::{GivenDraws, SampleIo, generate_quantities};

const PARAMS: &str = "generate_quantities fitted_params";

pub fn run(library: &str, settings: &Settings) -> Result<(), Failure> {
    let options = options(settings)?;
    let (first, chains) = (options.init_chain_id, options.num_chains);
    if settings.text(PARAMS).is_empty() {
        return Err(Failure::usage(format!("argument '{PARAMS}': expected a Stan CSV file with draws, got none")));
    }
    let inputs = input_files(PARAMS, settings.file(PARAMS), first, chains)?;
    let outputs = files_of_chains(settings, "output file", first, chains)?;
    check_distinct(library, settings, (first, chains), &[("output file", &outputs)])?;
    let files: Vec<StanCsv> = inputs.iter().map(|path| read_chain(path)).collect::<Result<_, _>>()?;
    if let Some(at) = files.iter().position(|f| f.names() != files[0].names()) {
        let (one, other) = (inputs[0].display(), inputs[at].display());
        return Err(Failure::config(format!("argument '{PARAMS}': the columns of '{other}' are not those of '{one}'")));
    }
    let model = load_model(library, settings, Jacobian::Included)?;
    let interrupt = interrupt()?;
    let screen = Screen::plain();
    for (path, cut) in inputs.iter().zip(&files).filter_map(|(path, file)| Some((path, file.cut_off()?))) {
        screen.log(Level::Warning, None, &format!("'{}' {cut}", path.display()));
    }
    let mut csvs = Vec::with_capacity(chains);
    for (place, path) in outputs.iter().enumerate() {
        let head = Head { settings, library, chain_id: first + place as u64 };
        let output = path.display().to_string();
        let changed = [("output file", output.as_str()), (PARAMS, of_chain(settings.text(PARAMS), place))];
        csvs.push(head.create(path, &changed)?);
    }
    let draws = GivenDraws { names: files[0].names().to_vec(), chains: files.iter().map(StanCsv::draws).collect() };
    let io =
        SampleIo { sample_writers: borrow(&mut csvs), logger: &screen, interrupt: &interrupt, ..Default::default() };
    Ok(generate_quantities(&model, &options, &draws, io)?.status()?)
}
