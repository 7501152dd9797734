//! Files of a run, with the run's settings at the head.

use crate::common::{say, sig_figs};
use crate::draws::Draws;
use crate::failure::Failure;
use crate::kept::RESUME;
use crate::ranks::{COMMUNICATOR, TIME_OUT};
use crate::settings::Settings;
use crate::tree::FROM;
use crate::words;
use catena::ffi::streams::is_output_closed;
use catena::io::{FileId, Writer, input_files, output_files};
use rustix::process::{Resource, getrlimit};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of CmdStan whose layout the files have; readers go by it.
const LAYOUT: [(&str, u32); 3] = [("major", 2), ("minor", 35), ("patch", 0)];

/// Arguments that name files to be read.
const INPUTS: [&str; 9] = [
    "data file",
    "init",
    "sample hmc metric_file",
    FROM,
    "generate_quantities fitted_params",
    "laplace mode",
    "smc reference_file",
    "log_prob unconstrained_params",
    "log_prob constrained_params",
];

/// Names of standard output.
const STANDARD_OUTPUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// The head of one chain's files: that of a run of this chain alone, so that the files of one run of many chains are those
/// of many runs of one.
pub struct Head<'a> {
    pub settings: &'a Settings,
    pub library: &'a str,
    pub chain_id: u64,
}

impl Head<'_> {
    /// Makes the file and writes its head; `changed` are settings in which this chain's own run differs.
    pub fn create(&self, path: &Path, changed: &[(&str, &str)]) -> Result<Draws, Failure> {
        self.create_as(path, self.chain_id, changed)
    }

    /// As [`Head::create`], for rows of another id than the run's.
    pub fn create_as(&self, path: &Path, row_id: u64, changed: &[(&str, &str)]) -> Result<Draws, Failure> {
        if is_output_closed() && STANDARD_OUTPUT.iter().any(|name| path == Path::new(name)) {
            let path = path.display();
            return Err(Failure::no_input(format!(
                "file '{path}': standard output was closed when the program was started"
            )));
        }
        let mut csv = Draws::create(path, row_id, sig_figs(self.settings))?;
        let mut settings = self.settings.clone();
        settings.set("id", self.chain_id.to_string());
        // A chain that begins anew in a run that goes on is that of the run that goes on.
        settings.set(RESUME, String::new());
        // Which process had it does not matter.
        [COMMUNICATOR, TIME_OUT].iter().for_each(|name| settings.reset(name));
        settings.set("sample num_chains", "1".into());
        settings.set("generate_quantities num_chains", "1".into());
        for (argument, value) in changed {
            settings.set(argument, value.to_string());
        }
        for (part, number) in LAYOUT {
            csv.comment(&format!("stan_version_{part} = {number}"))?;
        }
        csv.comment(&format!("model = {}", model_name(self.library)))?;
        csv.comment(&format!("start_datetime = {}", utc(SystemTime::now())))?;
        for line in settings.lines() {
            csv.comment(&words::shown(&line))?;
        }
        csv.comment(concat!("catena_version = ", env!("CARGO_PKG_VERSION")))?;
        Ok(csv)
    }
}

/// The names of the files of `count` chains, if the process may have as many open at once: told before any is made. Of several processes
/// each opens some only.
pub fn files_of_chains(settings: &Settings, argument: &str, first: u64, count: usize) -> Result<Vec<PathBuf>, Failure> {
    let most = getrlimit(Resource::Nofile).current;
    if let Some(most) = most.filter(|&most| count as u64 > most && settings.text(COMMUNICATOR).is_empty()) {
        let expected = format!("at most {most} files, which the process may have open at once (ulimit -n)");
        return Err(Failure::no_input(format!(
            "argument '{argument}': expected {expected}, got one for each of {count} chains"
        )));
    }
    Ok(output_files(argument, settings.file(argument), first, count)?)
}

/// What chain number `place` takes of an argument that may be a list.
pub fn of_chain(text: &str, place: usize) -> &str {
    if text.contains(',') { text.split(',').nth(place).unwrap_or(text) } else { text }
}

/// One writer per chain as a run borrows them.
pub fn borrow(files: &mut [Draws]) -> Vec<&mut dyn Writer> {
    files.iter_mut().map(|f| f as &mut dyn Writer).collect()
}

/// The one of `files` that is the file at `path`, whatever the names.
pub fn same_file<'a>(path: &Path, files: &'a [PathBuf]) -> Option<&'a PathBuf> {
    let id = FileId::of(path)?;
    files.iter().find(|file| FileId::of(file) == Some(id))
}

/// A name of a file, or what tells it from all others if it is there.
#[derive(PartialEq, Eq, Hash)]
enum Known {
    File(FileId),
    Name(PathBuf),
}

/// No file may be written twice, or both read and written, whatever the names that lead there. Files to be made that are the
/// same by other names are found when they are opened.
pub fn check_distinct(
    library: &str,
    settings: &Settings,
    chains: (u64, usize),
    outputs: &[(&'static str, &[PathBuf])],
) -> Result<(), Failure> {
    let mut known = HashMap::new();
    let keys =
        |path: &Path| [Some(Known::Name(one_spelling(path))), FileId::of(path).map(Known::File)].into_iter().flatten();
    for (argument, path) in inputs(library, settings, chains) {
        known.extend(keys(&path).map(|key| (key, argument)));
    }
    for &(argument, paths) in outputs {
        for path in paths {
            for key in keys(path) {
                // A device that many may have goes by no identity, and may be named often.
                let is_device = matches!(key, Known::Name(_)) && FileId::of(path).is_none() && path.exists();
                if let Some(other) = known.insert(key, argument).filter(|_| !is_device) {
                    let path = path.display();
                    return Err(Failure::usage(format!(
                        "argument '{argument}': expected files of its own, got '{path}', which '{other}' has"
                    )));
                }
            }
        }
    }
    Ok(())
}

/// The name of a file that need not be there, as the folder has it.
fn one_spelling(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The files that a run reads, each with the argument that names it. Of those that are missing others tell.
fn inputs(library: &str, settings: &Settings, (first, count): (u64, usize)) -> Vec<(&'static str, PathBuf)> {
    let mut all = vec![("model", PathBuf::from(words::name(library)))];
    for argument in INPUTS {
        let name = settings.file(argument);
        if !name.is_empty() {
            let paths = input_files(argument, name, first, count).unwrap_or_default();
            all.extend(paths.into_iter().map(|path| (argument, path)));
        }
    }
    all
}

/// Whether what was written can be read back: regular files that do not go on growing as standard output.
pub fn can_be_read_back(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| m.is_file()) && !is_standard_output(path)
}

fn is_standard_output(path: &Path) -> bool {
    FileId::of(path).is_some_and(FileId::is_standard_output)
}

/// Tells the user something on standard output, or, where one of `outputs` goes there, on standard error.
pub fn say_beside(outputs: &[PathBuf], text: &str) -> Result<(), Failure> {
    if outputs.iter().any(|path| is_standard_output(path)) {
        // The run itself is not to fail for want of these words.
        let _ = std::io::stderr().write_all(text.as_bytes());
        return Ok(());
    }
    say(text)
}

/// `bernoulli_model` for `some/where/bernoulli_model.so`.
fn model_name(library: &str) -> String {
    Path::new(&words::name(library)).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// As CmdStan writes a time: `2024-07-20 12:00:01 UTC`.
fn utc(time: SystemTime) -> String {
    const DAY: u64 = 86_400;
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil(seconds / DAY);
    let rest = seconds % DAY;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a number of days after 1970-01-01 (Hinnant, "chrono-Compatible Low-Level Date Algorithms":
/// eras of 400 years that begin on 1 March of year 0).
fn civil(days: u64) -> (u64, u64, u64) {
    const TO_EPOCH: u64 = 719_468;
    const ERA: u64 = 146_097;
    let shifted = days + TO_EPOCH;
    let (era, day_of_era) = (shifted / ERA, shifted % ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(at(951_827_696), "2000-02-29 12:34:56 UTC");
        assert_eq!(at(1_721_476_801), "2024-07-20 12:00:01 UTC");
        assert_eq!(at(4_107_542_399), "2100-02-28 23:59:59 UTC");
        assert_eq!(at(4_107_542_400), "2100-03-01 00:00:00 UTC");
    }

    #[test]
    fn names_of_lists_and_models() {
        assert_eq!((of_chain("a,b", 1), of_chain("a", 1)), ("b", "a"));
        assert_eq!(model_name("some/where/bernoulli_model.so"), "bernoulli_model");
    }
}
