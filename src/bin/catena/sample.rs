//! `catena MODEL sample`.

use crate::common::{Inits, interrupt, load_model, option_set, say, sig_figs, values_text};
use crate::draws::Draws;
use crate::ends::Ends;
use crate::failure::Failure;
use crate::kept::{self, Kept};
use crate::output::{Head, can_be_read_back, check_distinct, files_of_chains, of_chain};
use crate::progress::Screen;
use crate::ranks::{Ranks, among};
use crate::settings::Settings;
use crate::summary;
use crate::tree::{DIAGNOSTICS, FROM, INIT};
use crate::words;
use catena::ffi::bridgestan::Jacobian;
use catena::ffi::model::catena_model;
use catena::io::{
    Interrupt, Keeper, Level, Logger, Mark, NullWriter, OutputFile, Writer, aside, input_files, metric_json,
    output_files, read_metric_file,
};
use catena::model::Density;
use catena::services::{
    ChainReport, Engine, MetricKind, Outcome, SampleIo, SampleOptions, SampleReport, Session, StopReason, elapsed_lines,
};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

const SAVE_METRIC: &str = "sample adapt save_metric";

pub fn run(library: &str, settings: &Settings, ranks: &Ranks) -> Result<(), Failure> {
    let settings = &mut settings.clone();
    let (engine, mut options) = plan(settings)?;
    let resumed = kept::read(library, settings, &mut options)?;
    let settings = &*settings;
    let keeper = kept::Files::new(library, settings, &options)?;
    let files = Files::new(library, settings, &options, keeper.as_ref().map_or(&[], |keeper| keeper.paths()))?;
    let inits = Inits::read(settings, options.init_chain_id, options.num_chains)?;
    let model = load_model(library, settings, Jacobian::Included)?;
    let metrics = metrics(settings, &options, &model)?;
    let ends = Ends::read(settings, &options)?;
    let interrupt = interrupt()?;
    let screen = Screen::new(options.refresh);
    let own = ranks.own(options.num_chains);
    let is_hmc = !matches!(engine, Engine::FixedParam);
    let run =
        Run { library, settings, options: &options, own: own.clone(), resumed: &resumed, dim: model.dim(), is_hmc };
    let mut samples = files.create(&run, "output file", &files.samples, |kept| &kept.sample)?;
    let mut diagnostics = files.create(&run, DIAGNOSTICS, &files.diagnostics, |kept| &kept.diagnostic)?;
    let own_metrics = files.metrics.get(own.clone()).unwrap_or_default();
    let metric_files: Vec<_> = own_metrics.iter().map(|path| OutputFile::create(path)).collect::<Result<_, _>>()?;
    let [mut no_samples, mut no_diagnostics] = [(); 2].map(|()| vec![NullWriter; options.num_chains - own.len()]);
    let io = SampleIo {
        inits: if settings.is_given(INIT) { inits.contexts() } else { ends.contexts() },
        from: ends.starts(),
        inv_metrics: metrics.iter().map(Vec::as_slice).collect(),
        sample_writers: among(&own, files.samples.len(), &mut samples, &mut no_samples),
        diagnostic_writers: among(&own, files.diagnostics.len(), &mut diagnostics, &mut no_diagnostics),
        checkpoints: resumed.iter().map(|kept| kept.checkpoint.as_slice()).collect(),
        keeper: keeper.as_ref().map(|keeper| keeper as &dyn Keeper),
        logger: &screen,
        communicator: ranks.communicator(),
        ..Default::default()
    };
    let shown = SampleOptions { refresh: if screen.has_bars() { 0 } else { options.refresh }, ..options.clone() };
    let session = Session::with_engine(&model, engine, &shown, io);
    ranks.agree();
    let mut session = session?;
    keeper.as_ref().map_or(Ok(()), |keeper| keeper.begin(own.clone(), &resumed))?;
    let control = session.control();
    let mut bars = screen.bars(&control, options.init_chain_id, session.total_iterations());
    session.run(None, || {
        bars.look(&control);
        interrupt.requested()
    });
    bars.end(&control);
    let report = session.into_report();
    if let Some(keeper) = &keeper {
        let mark = |files: &mut [Draws], place: usize| {
            files.get_mut(place - own.start).map_or(Ok(Mark::default()), Writer::mark)
        };
        keeper.end(&report, |place| Ok((mark(&mut samples, place)?, mark(&mut diagnostics, place)?)))?;
    }
    for files in [&mut samples, &mut diagnostics] {
        end_stopped(files, &report.chains[own.clone()])?;
    }
    drop((samples, diagnostics));
    write_metrics(metric_files, &report.chains[own])?;
    ranks.wait()?;
    let said = match engine {
        Engine::Nuts | Engine::Static { .. } if ranks.is_first() => summarise(&screen, &files, &report),
        _ => Ok(()),
    };
    report.status()?;
    said
}

/// The engine and the options of the run; the settings are those that the preset makes them.
fn plan(settings: &mut Settings) -> Result<(Engine, SampleOptions), Failure> {
    let set = option_set(settings)?;
    settings.settle(&set);
    let options = set.options();
    let engine = match (settings.text("sample algorithm"), settings.text("sample hmc engine")) {
        ("fixed_param", _) => Engine::FixedParam,
        (_, "static") => Engine::Static { int_time: options.int_time },
        _ => Engine::Nuts,
    };
    // It has no metric, and looks at no gradient. All else of `adapt` is taken, since scripts say `adapt engaged=0` there.
    const OF_HMC: [&str; 2] = [SAVE_METRIC, "sample check_gradient"];
    if matches!(engine, Engine::FixedParam)
        && let Some(name) = OF_HMC.iter().find(|name| settings.switch(name))
    {
        return Err(Failure::usage(format!(
            "argument '{name}': it goes with 'sample hmc', but 'sample algorithm=fixed_param' is chosen"
        )));
    }
    Ok((engine, options))
}

/// One inverse metric per chain, or none.
fn metrics(settings: &Settings, options: &SampleOptions, model: &catena_model) -> Result<Vec<Vec<f64>>, Failure> {
    let name = settings.file("sample hmc metric_file");
    if name.is_empty() {
        return Ok(Vec::new());
    }
    if options.metric == MetricKind::Unit {
        return Err(Failure::usage("argument 'sample hmc metric_file': expected no file with metric=unit_e"));
    }
    let mut known: Vec<(PathBuf, Vec<f64>)> = Vec::new();
    let mut all = Vec::with_capacity(options.num_chains);
    for path in input_files("metric_file", name, options.init_chain_id, options.num_chains)? {
        if let Some((_, metric)) = known.iter().find(|(p, _)| *p == path) {
            all.push(metric.clone());
            continue;
        }
        let metric = read_metric_file(&values_text(&path)?, options.metric, model.dim())
            .map_err(|e| Failure::config(format!("'{}': {e}", path.display())))?;
        known.push((path, metric.clone()));
        all.push(metric);
    }
    Ok(all)
}

/// What files are made for.
struct Run<'a> {
    library: &'a str,
    settings: &'a Settings,
    options: &'a SampleOptions,
    /// The places of the chains that are run here.
    own: Range<usize>,
    resumed: &'a [Kept],
    /// Coordinates of the model.
    dim: usize,
    is_hmc: bool,
}

/// The files that a run writes, one per chain in each list or none.
struct Files {
    samples: Vec<PathBuf>,
    diagnostics: Vec<PathBuf>,
    metrics: Vec<PathBuf>,
}

impl Files {
    fn new(
        library: &str,
        settings: &Settings,
        options: &SampleOptions,
        checkpoints: &[PathBuf],
    ) -> Result<Self, Failure> {
        let (first, chains) = (options.init_chain_id, options.num_chains);
        let named = |argument: &str| match settings.text(argument) {
            "" => Ok(Vec::new()),
            _ => files_of_chains(settings, argument, first, chains),
        };
        let (samples, diagnostics) = (named("output file")?, named(DIAGNOSTICS)?);
        let metrics = if settings.switch(SAVE_METRIC) {
            let names: Vec<String> = settings.text("output file").split(',').map(metric_name).collect();
            output_files(SAVE_METRIC, words::name(&names.join(",")), first, chains)?
        } else {
            Vec::new()
        };
        if let Some(path) = samples.iter().find(|path| !metrics.is_empty() && path.exists() && !path.is_file()) {
            let got = format!("'{}', which is something else", path.display());
            let what = format!("expected an 'output file' that is a file, for its name, got {got}");
            return Err(Failure::usage(format!("argument '{SAVE_METRIC}': {what}")));
        }
        let replaced = [&samples, &diagnostics].into_iter().flatten().chain(checkpoints);
        let asides: Vec<PathBuf> = replaced.filter(|path| can_be_replaced(path)).map(|path| aside(path)).collect();
        let written: [(_, &[PathBuf]); 5] = [
            ("output file", &samples),
            (DIAGNOSTICS, &diagnostics),
            (SAVE_METRIC, &metrics),
            (kept::CHECKPOINT, checkpoints),
            ("the file aside of one", &asides),
        ];
        check_distinct(library, settings, (first, chains), &written)?;
        Ok(Self { samples, diagnostics, metrics })
    }

    /// Opens the files of one list: those of chains that go on at the place where they stopped, the others with a head in
    /// which the run's other files are its chain's own.
    fn create(
        &self,
        run: &Run<'_>,
        argument: &str,
        paths: &[PathBuf],
        stopped: impl Fn(&Kept) -> &Mark,
    ) -> Result<Vec<Draws>, Failure> {
        let Run { library, settings, options, resumed, .. } = *run;
        let text = |path: Option<&PathBuf>| path.map_or(String::new(), |p| p.display().to_string());
        let mut files = Vec::with_capacity(paths.len());
        for (place, path) in paths.iter().enumerate().filter(|(place, _)| run.own.contains(place)) {
            let head = Head { settings, library, chain_id: options.init_chain_id + place as u64 };
            let (sample, diagnostic) = (text(self.samples.get(place)), text(self.diagnostics.get(place)));
            let changed = [
                ("output file", sample.as_str()),
                (DIAGNOSTICS, diagnostic.as_str()),
                (INIT, of_chain(settings.text(INIT), place)),
                ("sample hmc metric_file", of_chain(settings.text("sample hmc metric_file"), place)),
                (FROM, of_chain(settings.text(FROM), place)),
            ];
            let begin = || {
                let mut csv = head.create(path, &changed)?;
                // Readers of Stan's files know its two ways of writing a metric, and go by the last line that names one.
                if run.is_hmc && options.metric.is_fisher() {
                    csv.comment(&format!("written_metric = {}", written_metric(options.metric, run.dim)))?;
                }
                Ok(csv)
            };
            let file = match resumed.get(place).filter(|kept| !kept.checkpoint.is_empty()) {
                Some(kept) => {
                    Draws::resume(path, head.chain_id, sig_figs(settings), stopped(kept)).map_err(Failure::from)
                }
                None => begin(),
            };
            files.push(file.map_err(|e| Failure::no_input(format!("argument '{argument}': {e}")))?);
        }
        Ok(files)
    }
}

/// Whether a file that is written aside may take the place of what is there.
fn can_be_replaced(path: &Path) -> bool {
    !path.exists() || path.is_file()
}

/// Which of Stan's metrics has the lines that a metric from draws and gradients is written with.
fn written_metric(metric: MetricKind, dim: usize) -> &'static str {
    if metric.shape(dim) == MetricKind::Dense { "dense_e" } else { "diag_e" }
}

/// Writes what the chains that ended their warm-up adapted to; the files of others stay as they were.
fn write_metrics(files: Vec<OutputFile>, chains: &[ChainReport]) -> Result<(), Failure> {
    for (mut file, chain) in files.into_iter().zip(chains) {
        if chain.outcome == Outcome::Finished {
            let text = metric_json(chain.stepsize, chain.metric, &chain.inv_metric);
            writeln!(file, "{text}").map_err(|e| Failure::software(e.to_string()))?;
        }
    }
    Ok(())
}

/// A chain that was stopped has left out the lines of its end, for it might be resumed; here it is not.
fn end_stopped(files: &mut [Draws], chains: &[ChainReport]) -> Result<(), Failure> {
    let stopped = files.iter_mut().zip(chains).filter(|(_, chain)| chain.outcome == Outcome::Stopped);
    for (file, chain) in stopped {
        if chain.reason == StopReason::MaxSeconds {
            file.comment("Stopped by max_seconds")?;
        }
        for line in elapsed_lines(chain.warmup_seconds, chain.sampling_seconds) {
            file.comment(&line)?;
        }
        file.finish()?;
    }
    Ok(())
}

/// `name_metric.json` for `name.csv`.
fn metric_name(name: &str) -> String {
    let path = Path::new(name);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_metric.json")).display().to_string()
}

/// Shows what the chains have that did not fail.
fn summarise(screen: &Screen, files: &Files, report: &SampleReport) -> Result<(), Failure> {
    if let Some(path) = files.samples.iter().find(|path| !can_be_read_back(path)) {
        let why = format!("no summary: '{}' cannot be read back", path.display());
        screen.log(Level::Info, None, &why);
        return Ok(());
    }
    let good = files.samples.iter().zip(&report.chains);
    let good = good.filter(|(_, chain)| chain.rows > 0 && !matches!(chain.outcome, Outcome::Failed(_)));
    let paths: Vec<&PathBuf> = good.map(|(path, _)| path).collect();
    match summary::of_files(&paths) {
        Ok(text) => say(&text),
        // The run itself is not to fail for want of a summary.
        Err(why) => {
            screen.log(Level::Warning, None, &format!("no summary: {why}"));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_named_after_the_output() {
        assert_eq!(metric_name("a/output.csv"), "a/output_metric.json");
        assert_eq!(metric_name("draws"), "draws_metric.json");
    }
}
