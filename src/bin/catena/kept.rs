//! Chains kept in files while they run, and read back to go on.

use crate::common::data_text;
use crate::failure::Failure;
use crate::ranks::{COMMUNICATOR, TIME_OUT};
use crate::settings::Settings;
use crate::tree::DIAGNOSTICS;
use crate::words;
use catena::adapt::WarmupMode;
use catena::io::{Keeper, Mark, Moment, aside, input_files, output_files};
use catena::model::{open, seal};
use catena::services::{Outcome, SampleOptions, SampleReport};
use catena::{Code, Error};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const CHECKPOINT: &str = "output checkpoint";
pub const EVERY: &str = "output every";
pub const RESUME: &str = "resume";
const SEED: &str = "random seed";

const METRIC: &str = "sample hmc metric";

/// Arguments that a resumed run may have otherwise: they don't change what is drawn, or (the data) are compared by what they
/// lead to.
const FREE: [&str; 14] = [
    "id",
    "data file",
    "output file",
    DIAGNOSTICS,
    "output refresh",
    CHECKPOINT,
    EVERY,
    RESUME,
    "num_threads",
    COMMUNICATOR,
    TIME_OUT,
    "sample num_chains",
    // What it leads to is compared.
    "sample preset",
    "sample num_samples",
];

/// What a chain is kept with.
#[derive(Serialize, Deserialize, Clone)]
pub struct Kept {
    chain_id: u64,
    /// What must be the same when it goes on.
    belongings: Belongings,
    /// Empty: the chain has not begun.
    pub checkpoint: Vec<u8>,
    /// The chain as it is when all its draws are done, for runs that begin there; empty before.
    end: Vec<u8>,
    /// Where the files of draws and of diagnostics ended.
    pub sample: Mark,
    pub diagnostic: Mark,
}

/// What a run's draws depend on, but for the chain.
#[derive(Serialize, Deserialize, Clone)]
struct Belongings {
    arguments: Vec<(String, String)>,
    library: Print,
    data: Print,
}

/// What tells contents apart.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
struct Print {
    length: u64,
    checksum: u32,
}

impl Print {
    fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, checksum: crc32fast::hash(bytes) }
    }
}

impl Belongings {
    fn new(library: &str, settings: &Settings) -> Result<Self, Failure> {
        let bytes = std::fs::read(words::name(library))
            .map_err(|e| Failure::no_input(format!("cannot read '{library}': {e}")))?;
        let arguments = settings.all().filter(|(path, _)| !FREE.contains(path));
        Ok(Self {
            arguments: arguments.map(|(path, text)| (path.to_string(), text.to_string())).collect(),
            library: Print::of(&bytes),
            data: Print::of(data_text(settings)?.as_bytes()),
        })
    }

    /// What `now` has otherwise: a name, what was and what is.
    fn difference(&self, now: &Self) -> Option<(String, String, String)> {
        let of = |belongings: &Self, path: &str| {
            belongings.arguments.iter().find(|(p, _)| p == path).map(|(_, t)| t.clone())
        };
        let paths = || self.arguments.iter().chain(&now.arguments).map(|(path, _)| path);
        let differs = |path: &&String| of(self, path) != of(now, path);
        // The metric first: others have other values with it.
        let path = paths().filter(|path| *path == METRIC).find(differs).or_else(|| paths().find(differs));
        if let Some(path) = path {
            let text = |belongings| of(belongings, path).unwrap_or_else(|| "none".into());
            return Some((path.clone(), text(self), text(now)));
        }
        let prints = [("the model's library", &self.library, &now.library), ("the data", &self.data, &now.data)];
        let (name, was, is) = prints.into_iter().find(|(_, was, is)| was != is)?;
        let text = |p: &Print| format!("{} bytes of checksum {:08x}", p.length, p.checksum);
        Some((name.into(), text(was), text(is)))
    }
}

/// The chains of an earlier run with which this one goes on; none where nothing is to be resumed. The seed becomes that of
/// the earlier run where none is given.
pub fn read(library: &str, settings: &mut Settings, options: &mut SampleOptions) -> Result<Vec<Kept>, Failure> {
    let name = settings.file(RESUME);
    if name.is_empty() {
        return Ok(Vec::new());
    }
    let paths = input_files(RESUME, name, options.init_chain_id, options.num_chains)?;
    let mut all: Vec<Kept> = Vec::with_capacity(paths.len());
    for (place, path) in paths.iter().enumerate() {
        let unfit = |what: String| Failure::config(format!("argument '{RESUME}': '{}': {what}", path.display()));
        let bytes = file_bytes(path)
            .map_err(|e| Failure::no_input(format!("argument '{RESUME}': {}", cannot_read(path, &e))))?;
        let kept: Kept = open(&bytes).map_err(|e| unfit(e.to_string()))?;
        let id = options.init_chain_id + place as u64;
        if kept.chain_id != id {
            return Err(unfit(format!("expected the checkpoint of chain {id}, got that of chain {}", kept.chain_id)));
        }
        if !settings.is_given(SEED)
            && let Some((_, seed)) = kept.belongings.arguments.iter().find(|(path, _)| path == SEED)
        {
            settings.set(SEED, seed.clone());
            options.seed = seed.parse().map_err(|_| unfit(format!("expected a seed, got '{seed}'")))?;
        }
        all.push(kept);
    }
    let now = Belongings::new(library, settings)?;
    for (kept, path) in all.iter().zip(&paths) {
        if let Some((name, was, is)) = kept.belongings.difference(&now) {
            let path = path.display();
            let what = format!("expected what the run to be resumed had: {was}; got {is}");
            return Err(Failure::config(format!("argument '{name}': {what} ('{RESUME}' is '{path}')")));
        }
    }
    Ok(all)
}

/// Keeps the chains of a run in files.
pub struct Files {
    paths: Vec<PathBuf>,
    period: Duration,
    first_id: u64,
    belongings: Belongings,
}

impl Files {
    /// The files, where chains are to be kept; nothing is written yet.
    pub fn new(library: &str, settings: &Settings, options: &SampleOptions) -> Result<Option<Self>, Failure> {
        let name = settings.file(CHECKPOINT);
        if name.is_empty() {
            return match settings.is_given(EVERY) {
                true => {
                    Err(Failure::usage(format!("argument '{EVERY}': expected a file '{CHECKPOINT}' as well, got none")))
                }
                false => Ok(None),
            };
        }
        // Chains are kept each in its own time: some before a meeting that others are past.
        let together = options.adaptation.is_some_and(|a| a.warmup == WarmupMode::Together);
        if together || options.until_ess > 0.0 || options.until_rhat > 0.0 {
            let got = if together { "warmup=together" } else { "until_ess or until_rhat" };
            let expected = "chains that are kept each by itself, or none";
            return Err(Failure::usage(format!("argument '{CHECKPOINT}': expected {expected}, got {got}")));
        }
        let paths = output_files(CHECKPOINT, name, options.init_chain_id, options.num_chains)?;
        if let Some(path) = paths.iter().find(|path| path.exists() && !path.is_file()) {
            let path = path.display();
            let what = format!("expected a file, or a name for one, got '{path}', which is something else");
            return Err(Failure::no_input(format!("argument '{CHECKPOINT}': {what}")));
        }
        Ok(Some(Self {
            // Where links lead: the file there is to be replaced, not the link.
            paths: paths.into_iter().map(|path| path.canonicalize().unwrap_or(path)).collect(),
            period: Duration::try_from_secs_f64(settings.real(EVERY)).unwrap_or(Duration::MAX),
            first_id: options.init_chain_id,
            belongings: Belongings::new(library, settings)?,
        }))
    }

    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Keeps the chains at the places `own` as they are before the run, so that none is without a file.
    pub fn begin(&self, own: Range<usize>, resumed: &[Kept]) -> Result<(), Failure> {
        for place in own {
            let moment = resumed.get(place).map_or(Moment::default(), |kept| Moment {
                checkpoint: kept.checkpoint.clone(),
                sample: kept.sample.clone(),
                diagnostic: kept.diagnostic.clone(),
            });
            self.keep(place, &moment)?;
        }
        Ok(())
    }

    /// Keeps the chains that were stopped as they are, and the ends of those that are done beside what there is of them; `marks` tells where their files end.
    pub fn end(
        &self,
        report: &SampleReport,
        mut marks: impl FnMut(usize) -> Result<(Mark, Mark), Error>,
    ) -> Result<(), Failure> {
        for (place, chain) in report.chains.iter().enumerate() {
            let Some(checkpoint) = &chain.checkpoint else { continue };
            match chain.outcome {
                Outcome::Stopped => {
                    let (sample, diagnostic) = marks(place)?;
                    self.keep(place, &Moment { checkpoint: checkpoint.clone(), sample, diagnostic })?;
                }
                Outcome::Finished => {
                    let path = &self.paths[place];
                    let bytes = std::fs::read(path).map_err(|e| Failure::no_input(cannot_read(path, &e)))?;
                    let kept: Kept = open(&bytes)?;
                    self.write(place, &Kept { end: checkpoint.clone(), ..kept })?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn write(&self, place: usize, kept: &Kept) -> Result<(), Error> {
        let path = &self.paths[place];
        replace(path, &seal(kept))
            .map_err(|e| Error::new(Code::Io, format!("checkpoint '{}' cannot be written: {e}", path.display())))
    }
}

/// What a file holds; a pipe or device might have no end.
pub fn file_bytes(path: &Path) -> io::Result<Vec<u8>> {
    match path.metadata()?.is_file() {
        true => std::fs::read(path),
        false => Err(io::Error::other("it is no file but something else")),
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read '{}': {error}", path.display())
}

impl Kept {
    /// Where the chain stands at the last: done, or as far as it came.
    pub fn latest(&self) -> &[u8] {
        if self.end.is_empty() { &self.checkpoint } else { &self.end }
    }
}

impl Keeper for Files {
    fn period(&self) -> Duration {
        self.period
    }

    fn keep(&self, place: usize, moment: &Moment) -> Result<(), Error> {
        let kept = Kept {
            chain_id: self.first_id + place as u64,
            belongings: self.belongings.clone(),
            checkpoint: moment.checkpoint.clone(),
            end: Vec::new(),
            sample: moment.sample.clone(),
            diagnostic: moment.diagnostic.clone(),
        };
        self.write(place, &kept)
    }
}

/// Writes a file aside, waits until it lasts, and puts it in the place of the one before: whenever the machine stops, one of
/// both is there whole.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = aside(path);
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&aside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The new name lasts with the folder; where folders cannot be waited for the rename must do.
    File::open(folder).and_then(|folder| folder.sync_all()).or(Ok(()))
}
