//! The command `catena`: runs the model of a shared library, mostly a Stan program's, in the argument style of CmdStan.

mod approximate;
mod approximations;
mod argument;
mod common;
mod compile;
mod diagnose;
mod draws;
mod ends;
mod failure;
mod kept;
mod laplace;
mod log_prob;
mod modes;
mod optimize;
mod output;
mod parse;
mod progress;
mod quantities;
mod ranks;
mod report;
mod sample;
mod settings;
mod smc;
mod summary;
mod tree;
mod words;

use failure::Failure;
use ranks::Ranks;
use settings::Settings;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use tree::{DIAGNOSTICS, INIT};

const USAGE: &str = "\
catena MODEL METHOD [ARGUMENT…]   run the model of a shared library: a Stan program with BridgeStan's interface, or
                                  a library that exports catena_model
catena compile [OPTION…] PROGRAM  make that library of a Stan program, with the stanc and headers of CmdStan, BridgeStan or
                                  Python's httpstan
catena summary [OPTION…] FILE…    summarise Stan CSV or Arrow files, one per chain
catena report [OPTION…] FILE…     make a page for a browser of Stan CSV or Arrow files, one per chain or set
catena help                       this text
catena version                    the version

Arguments are those of CmdStan, in its style: name=value after the group they belong to, as in
  catena ./model.so sample num_chains=4 adapt delta=0.9 data file=data.json random seed=1 output file=draws.csv

";

/// Arguments that belong to no method, with the methods that have a use for them.
const OF_SOME: [(&str, &[&str]); 6] = [
    (DIAGNOSTICS, &["sample", "variational"]),
    (kept::CHECKPOINT, &["sample"]),
    (kept::EVERY, &["sample"]),
    (kept::RESUME, &["sample"]),
    (ranks::COMMUNICATOR, &["sample"]),
    (ranks::TIME_OUT, &["sample"]),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| words::text(&word)).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.has_words() {
                let _ = writeln!(std::io::stderr(), "error: {}", words::shown(&failure.to_string()));
            }
            ExitCode::from(failure.exit)
        }
    }
}

fn dispatch(words: &[String]) -> Result<(), Failure> {
    const HELP: [&str; 4] = ["help", "help-all", "--help", "-h"];
    let Some(first) = words.first() else {
        return Err(Failure::usage(format!(
            "expected a model, 'compile', 'summary' or 'report', got nothing\n\n{USAGE}"
        )));
    };
    if words.iter().any(|w| HELP.contains(&w.as_str())) {
        return common::say(&format!(
            "{USAGE}{}{}{}{}",
            compile::help(),
            summary::help(),
            report::help(),
            parse::help()
        ));
    }
    match first.as_str() {
        "version" | "--version" => common::say(concat!("catena ", env!("CARGO_PKG_VERSION"), "\n")),
        "compile" => compile::run(&words[1..]),
        "summary" => summary::run(&words[1..]),
        "report" => report::run(&words[1..]),
        library => {
            if !Path::new(&words::name(library)).is_file() {
                return Err(Failure::no_input(format!(
                    "expected the shared library of a model as first word, got '{library}', which is no file"
                )));
            }
            let mut settings = parse::parse(&words[1..]).map_err(Failure::usage)?;
            let method = settings.text("method");
            let useless = OF_SOME.iter().find(|(name, methods)| settings.is_given(name) && !methods.contains(&method));
            if let Some((name, methods)) = useless {
                let methods = methods.join("' or '");
                return Err(Failure::usage(format!(
                    "argument '{name}': it goes with '{methods}', but '{method}' is chosen"
                )));
            }
            const WITHOUT_INIT: [&str; 3] = ["generate_quantities", "log_prob", "smc"];
            if WITHOUT_INIT.contains(&method) && settings.is_given(INIT) {
                return Err(Failure::usage(format!("argument '{INIT}': '{method}' begins at no initial value")));
            }
            let ranks = ranks::Ranks::open(&settings)?;
            let done = perform(library, &mut settings, &ranks);
            ranks.end(done)
        }
    }
}

fn perform(library: &str, settings: &mut Settings, ranks: &Ranks) -> Result<(), Failure> {
    common::settle_seed(settings);
    ranks.share_seed(settings)?;
    match settings.text("method") {
        "generate_quantities" => quantities::run(library, settings),
        "diagnose" => diagnose::run(library, settings),
        "log_prob" => log_prob::run(library, settings),
        "optimize" => optimize::run(library, settings),
        "laplace" => laplace::run(library, settings),
        "smc" => smc::run(library, settings),
        "pathfinder" => approximate::run_pathfinder(library, settings),
        "variational" => approximate::run_variational(library, settings),
        _ => sample::run(library, settings, ranks),
    }
}
