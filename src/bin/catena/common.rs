//! What several methods need: the model with its data, seed, threads, initial values, the interrupt.

use crate::failure::{Failure, INTERRUPTED};
use crate::settings::Settings;
use crate::tree::{ALL_CORES, DEFAULT_SIG_FIGS, FROM, SEED_FROM_CLOCK, SIG_FIGS_UNSET};
use crate::words::name;
use catena::ffi::bridgestan::Jacobian;
use catena::ffi::exported::load;
use catena::ffi::model::catena_model;
use catena::ffi::signals::is_ignored;
use catena::ffi::streams::is_output_closed;
use catena::io::{FlagInterrupt, Values, check_json, input_files};
use catena::model::InitContext;
use catena::services::{Given, OptionSet, SampleOptions};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

/// The variable that CmdStan takes the number of threads from.
const THREADS_VARIABLE: &str = "STAN_NUM_THREADS";
/// Extension of files that are R dumps.
const DUMP_EXTENSION: &str = "R";

/// Writes to standard output.
///
/// # Errors
/// It cannot be written, because it is full or a closed pipe. A reader that has gone away (`catena summary … | head`) gets no words.
pub fn say(text: &str) -> Result<(), Failure> {
    if is_output_closed() {
        return Err(Failure::no_input("standard output cannot be written: it was closed when the program was started"));
    }
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Failure::broken_pipe()),
        Err(e) => Err(Failure::no_input(format!("standard output cannot be written: {e}"))),
    }
}

/// A seed from the clock where none was given, so that the files tell it.
pub fn settle_seed(settings: &mut Settings) {
    if settings.whole("random seed") == SEED_FROM_CLOCK {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Programs started in the same nanosecond still differ by their numbers.
        let mixed =
            (now.as_nanos() as u64 ^ u64::from(std::process::id()) << u32::BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        settings.set("random seed", (mixed >> u32::BITS).to_string());
    }
}

fn seed(settings: &Settings) -> u32 {
    u32::try_from(settings.whole("random seed")).expect("settled")
}

/// Loads the library with its data.
pub fn load_model(library: &str, settings: &Settings, jacobian: Jacobian) -> Result<catena_model, Failure> {
    let data = data_text(settings)?;
    load(Path::new(&name(library)), &data, seed(settings), jacobian).map_err(|e| Failure::of_model(&e))
}

/// The data as JSON text; empty where there are none.
pub fn data_text(settings: &Settings) -> Result<String, Failure> {
    let path = PathBuf::from(settings.file("data file"));
    if path.as_os_str().is_empty() {
        return Ok(String::new());
    }
    if is_dump(&path) {
        return Ok(Values::from_file(path)?.to_json());
    }
    let shown = path.display();
    let text = std::fs::read_to_string(&path)
        .map_err(|e| Failure::no_input(format!("argument 'data file': cannot read '{shown}': {e}")))?;
    check_json(&text, &format!("data file '{shown}'"))?;
    Ok(text)
}

fn is_dump(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == DUMP_EXTENSION)
}

/// The text of a file with values by name, as JSON.
pub fn values_text(path: &Path) -> Result<String, Failure> {
    if is_dump(path) {
        return Ok(Values::from_file(path)?.to_json());
    }
    std::fs::read_to_string(path).map_err(|e| Failure::no_input(format!("cannot read '{}': {e}", path.display())))
}

/// The options of a run as the arguments of its method say.
pub fn options(settings: &Settings) -> Result<SampleOptions, Failure> {
    Ok(option_set(settings)?.options())
}

/// All options, those of the method as its arguments say.
pub fn option_set(settings: &Settings) -> Result<OptionSet, Failure> {
    let mut set = OptionSet::default();
    for (option, text, is_given) in settings.options() {
        match option {
            // It has the preset's value.
            _ if !is_given && OptionSet::is_preset(option) => {}
            "num_threads" => set.set(option, Given::Whole(threads(settings)? as u64))?,
            // Without a number a file has the initial values.
            "init_radius" if by_pathfinder(settings) => set.set("init_from", Given::Text(PATHFINDER))?,
            "init_radius" => radius(settings)?.map_or(Ok(()), |radius| set.set(option, Given::Number(radius)))?,
            _ => set.set(option, Given::Text(text))?,
        }
    }
    if settings.is_given(FROM) {
        set.set("warm_start", Given::Whole(1))?;
    }
    Ok(set)
}

/// As [`options`], for a method that looks at one chain's initial value.
pub fn options_of_one(settings: &Settings) -> Result<SampleOptions, Failure> {
    Ok(SampleOptions { num_chains: 1, ..options(settings)? })
}

/// Threads of a run; 0: all cores.
fn threads(settings: &Settings) -> Result<usize, Failure> {
    let bad = |name: &str, got: &str| Failure::usage(format!("{name}: expected -1 or a number above 0, got '{got}'"));
    let read = |name: &str, text: &str| match text.parse::<i64>() {
        Ok(ALL_CORES) => Ok(0),
        Ok(n) if n > 0 => Ok(n as usize),
        _ => Err(bad(name, text)),
    };
    let variable = std::env::var(THREADS_VARIABLE).ok().filter(|v| !v.is_empty());
    let variable = variable.map(|v| read(&format!("the environment variable {THREADS_VARIABLE}"), &v)).transpose()?;
    let argument = read("argument 'num_threads'", settings.text("num_threads"))?;
    match variable {
        Some(v) if settings.is_given("num_threads") && v != argument => {
            let what = format!("argument 'num_threads': expected what {THREADS_VARIABLE} says, or one of them alone");
            Err(Failure::usage(format!("{what}; got {} and {v}", settings.text("num_threads"))))
        }
        Some(v) => Ok(v),
        None => Ok(argument),
    }
}

/// The word of `init` that stands for no file.
const PATHFINDER: &str = "pathfinder";

/// Whether Pathfinder is to find where chains that are sampled begin.
fn by_pathfinder(settings: &Settings) -> bool {
    settings.text("method") == "sample" && settings.text("init") == PATHFINDER
}

/// The number of `init`, if it is one.
fn radius(settings: &Settings) -> Result<Option<f64>, Failure> {
    match settings.text("init").parse::<f64>() {
        Err(_) => Ok(None),
        Ok(radius) if radius >= 0.0 && radius.is_finite() => Ok(Some(radius)),
        Ok(_) => {
            let got = settings.text("init");
            Err(Failure::usage(format!(
                "argument 'init': expected a file or a finite number of at least 0, got '{got}'"
            )))
        }
    }
}

/// Initial values of each chain.
pub struct Inits {
    /// Each file once.
    files: Vec<(PathBuf, Values)>,
    of_chain: Vec<usize>,
}

impl Inits {
    pub fn read(settings: &Settings, first_id: u64, num_chains: usize) -> Result<Self, Failure> {
        let mut inits = Self { files: Vec::new(), of_chain: Vec::new() };
        if by_pathfinder(settings) || radius(settings)?.is_some() {
            return Ok(inits);
        }
        for path in input_files("init", settings.file("init"), first_id, num_chains)? {
            let known = inits.files.iter().position(|(p, _)| *p == path);
            let place = match known {
                Some(place) => place,
                None => {
                    let values = Values::from_file(&path)?;
                    inits.files.push((path, values));
                    inits.files.len() - 1
                }
            };
            inits.of_chain.push(place);
        }
        Ok(inits)
    }

    /// One context per chain, or none.
    pub fn contexts(&self) -> Vec<&dyn InitContext> {
        self.of_chain.iter().map(|&i| &self.files[i].1 as &dyn InitContext).collect()
    }
}

/// Significant digits of numbers in files; 0: as many as give the same bits back.
pub fn sig_figs(settings: &Settings) -> u32 {
    match settings.whole("output sig_figs") {
        SIG_FIGS_UNSET => DEFAULT_SIG_FIGS,
        digits => u32::try_from(digits).expect("checked where it came in"),
    }
}

/// Ctrl-C (also SIGTERM and SIGHUP) asks the run to end, a second one ends the program at once. SIGHUP stays ignored where
/// the program was started to ignore it (`nohup`). Ctrl-C does not: shells start programs in the background of a script so,
/// and who sends it to one of those means it.
pub fn interrupt() -> Result<FlagInterrupt, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| signal != SIGHUP || !is_ignored(signal)) {
        // In this order: the first time the flag is not yet set.
        register_conditional_shutdown(signal, i32::from(INTERRUPTED), Arc::clone(&flag))
            .and_then(|_| register(signal, Arc::clone(&flag)))
            .map_err(|e| Failure::software(format!("cannot watch for Ctrl-C: {e}")))?;
    }
    Ok(FlagInterrupt::new(flag))
}
