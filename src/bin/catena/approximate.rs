//! `catena MODEL pathfinder` and `catena MODEL variational`.

use crate::common::{Inits, interrupt, load_model, option_set};
use crate::draws::Draws;
use crate::failure::Failure;
use crate::output::{Head, borrow, check_distinct, files_of_chains, of_chain, say_beside};
use crate::progress::Screen;
use crate::settings::Settings;
use crate::tree::DIAGNOSTICS;
use catena::ffi::bridgestan::Jacobian;
use catena::io::{Writer, output_files};
use catena::services::{ApproximationReport, Outcome, SampleIo, SampleOptions, pathfinder, variational};
use std::path::{Path, PathBuf};

const SINGLE_PATHS: &str = "pathfinder save_single_paths";

pub fn run_pathfinder(library: &str, settings: &Settings) -> Result<(), Failure> {
    let set = option_set(settings)?;
    let (options, paths) = (set.options(), set.pathfinder());
    let first = options.init_chain_id;
    let joined = output_files("output file", settings.file("output file"), first, 1)?;
    let single = match settings.switch(SINGLE_PATHS) {
        true => (0..paths.num_paths as u64).map(|i| single_path(&joined[0], first + i)).collect(),
        false => Vec::new(),
    };
    let outputs: [(_, &[PathBuf]); 2] = [("output file", &joined), (SINGLE_PATHS, &single)];
    check_distinct(library, settings, (first, paths.num_paths), &outputs)?;
    let inits = Inits::read(settings, first, paths.num_paths)?;
    let model = load_model(library, settings, Jacobian::Included)?;
    let interrupt = interrupt()?;
    let screen = Screen::plain();
    let head = |chain_id: u64| Head { settings, library, chain_id };
    let mut output = head(first).create(&joined[0], &[])?;
    let mut csvs = Vec::with_capacity(single.len());
    for (place, path) in single.iter().enumerate() {
        let name = path.display().to_string();
        let init = of_chain(settings.text("init"), place);
        let changed = [("output file", name.as_str()), ("pathfinder num_paths", "1"), ("init", init)];
        csvs.push(head(first + place as u64).create(path, &changed)?);
    }
    let io = SampleIo {
        inits: inits.contexts(),
        sample_writers: vec![&mut output],
        diagnostic_writers: borrow(&mut csvs),
        logger: &screen,
        interrupt: &interrupt,
        ..Default::default()
    };
    let report = pathfinder(&model, &options, &paths, io)?;
    drop((output, csvs));
    let said = say_beside(&joined, &told("path", &report));
    report.status()?;
    said
}

pub fn run_variational(library: &str, settings: &Settings) -> Result<(), Failure> {
    let set = option_set(settings)?;
    let options = set.options();
    let (first, fits) = (options.init_chain_id, options.num_chains);
    let named = |argument: &str| match settings.text(argument) {
        "" => Ok(Vec::new()),
        _ => files_of_chains(settings, argument, first, fits),
    };
    let (samples, diagnostics) = (named("output file")?, named(DIAGNOSTICS)?);
    let outputs: [(_, &[PathBuf]); 2] = [("output file", &samples), (DIAGNOSTICS, &diagnostics)];
    check_distinct(library, settings, (first, fits), &outputs)?;
    let inits = Inits::read(settings, first, fits)?;
    let model = load_model(library, settings, Jacobian::Included)?;
    let interrupt = interrupt()?;
    let screen = Screen::plain();
    let files = Files { library, settings, options: &options, samples: &samples, diagnostics: &diagnostics };
    let (mut sample, mut diagnostic) = (files.create(&samples)?, files.create(&diagnostics)?);
    let io = SampleIo {
        inits: inits.contexts(),
        sample_writers: borrow(&mut sample),
        diagnostic_writers: borrow(&mut diagnostic),
        logger: &screen,
        interrupt: &interrupt,
        ..Default::default()
    };
    let report = variational(&model, &options, &set.variational(), io)?;
    for file in [&mut sample, &mut diagnostic].into_iter().flatten() {
        file.finish()?;
    }
    let said = say_beside(&samples, &told("fit", &report));
    report.status()?;
    said
}

/// The files of variational fits, one per fit in each list.
struct Files<'a> {
    library: &'a str,
    settings: &'a Settings,
    options: &'a SampleOptions,
    samples: &'a [PathBuf],
    diagnostics: &'a [PathBuf],
}

impl Files<'_> {
    /// The files of one list, with heads in which the others are the fit's own.
    fn create(&self, paths: &[PathBuf]) -> Result<Vec<Draws>, Failure> {
        let text = |path: Option<&PathBuf>| path.map_or(String::new(), |p| p.display().to_string());
        let made = paths.iter().enumerate().map(|(place, path)| {
            let chain_id = self.options.init_chain_id + place as u64;
            let (sample, diagnostic) = (text(self.samples.get(place)), text(self.diagnostics.get(place)));
            let changed = [
                ("output file", sample.as_str()),
                (DIAGNOSTICS, diagnostic.as_str()),
                ("variational num_chains", "1"),
                ("init", of_chain(self.settings.text("init"), place)),
            ];
            Head { settings: self.settings, library: self.library, chain_id }.create(path, &changed)
        });
        made.collect()
    }
}

/// `name_path_7.csv` for `name.csv` and path 7.
fn single_path(name: &Path, id: u64) -> PathBuf {
    let mut own = name.file_stem().unwrap_or_default().to_owned();
    own.push(format!("_path_{id}"));
    if let Some(extension) = name.extension() {
        own.push(".");
        own.push(extension);
    }
    name.with_file_name(own)
}

/// A line per fit, and one for all where they are parts of one approximation.
fn told(noun: &str, report: &ApproximationReport) -> String {
    let mut text = String::new();
    for fit in report.fits.iter().filter(|fit| fit.outcome == Outcome::Finished) {
        let (id, elbo, khat) = (fit.id, fit.elbo, fit.khat);
        let [gradients, densities] = fit.evaluations;
        text += &format!(
            "{noun} {id}: ELBO {elbo:.4}, k-hat {khat:.3}, {} iterations, {gradients} gradients, {densities} log densities\n",
            fit.iterations
        );
    }
    if report.fits.len() > 1 && report.rows > 0 {
        text += &format!("{} draws, k-hat of all paths together {:.3}\n", report.rows, report.khat);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_paths_are_named_after_the_output() {
        assert_eq!(single_path(Path::new("a/output.csv"), 3), Path::new("a/output_path_3.csv"));
        assert_eq!(single_path(Path::new("draws"), 12), Path::new("draws_path_12"));
    }
}
