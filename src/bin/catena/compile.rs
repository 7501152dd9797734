//! `catena compile PROGRAM.stan`: a Stan program as a library with BridgeStan's interface.

mod tools;

use crate::common::say;
use crate::failure::Failure;
use crate::words;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tools::Tools;

/// Its options, written `name=value` or `--name=value`, and what each takes.
const OPTIONS: [(&str, &str); 2] = [
    ("output", "the library (the program's name with .so)"),
    (
        "stan",
        "a folder of CmdStan, BridgeStan or httpstan (CATENA_STAN, CMDSTAN, BRIDGESTAN, or the httpstan of python3)",
    ),
];
/// BridgeStan's interface over what stanc makes of a program.
const BRIDGE: &str = include_str!("compile/bridge.cpp");

struct Wish {
    program: PathBuf,
    output: PathBuf,
    stan: Option<PathBuf>,
}

impl Wish {
    fn read(given: &[String]) -> Result<Self, Failure> {
        let (mut programs, mut output, mut stan) = (Vec::new(), None, None);
        for word in given {
            let plain = word.strip_prefix("--").unwrap_or(word);
            let known = plain.split_once('=').filter(|(name, _)| OPTIONS.iter().any(|(known, _)| known == name));
            match known {
                Some((name, "")) => {
                    return Err(Failure::usage(format!("catena compile, '{name}': expected a value, got none")));
                }
                Some(("output", value)) => output = Some(PathBuf::from(words::name(value))),
                Some((_, value)) => stan = Some(PathBuf::from(words::name(value))),
                None if word.starts_with('-') => {
                    let known = OPTIONS.map(|(name, _)| name).join(", ");
                    let words = format!("catena compile: expected a Stan program or one of {known}; got '{word}'");
                    return Err(Failure::usage(words));
                }
                None => programs.push(PathBuf::from(words::name(word))),
            }
        }
        let [program] = &programs[..] else {
            let got = programs.len();
            return Err(Failure::usage(format!("catena compile: expected one Stan program, got {got}")));
        };
        if !program.is_file() {
            return Err(Failure::no_input(format!(
                "expected a Stan program, got '{}', which is no file",
                program.display()
            )));
        }
        let output = output.unwrap_or_else(|| program.with_extension("so"));
        if output == *program {
            return Err(Failure::usage(format!(
                "catena compile: output is '{}', the program itself",
                output.display()
            )));
        }
        Ok(Self { program: program.clone(), output, stan })
    }
}

/// The options in words.
pub fn help() -> String {
    let lines: String = OPTIONS.iter().map(|(name, what)| format!("  {:<22}{what}\n", format!("--{name}"))).collect();
    format!("Options of compile, also written name=value:\n{lines}\n")
}

pub fn run(given: &[String]) -> Result<(), Failure> {
    let wish = Wish::read(given)?;
    let tools = Tools::find(wish.stan.as_deref())?;
    let place = Place::new()?;
    let (source, object) = (place.0.join("program.cpp"), place.0.join("program.o"));
    let mut stanc = Command::new(&tools.stanc);
    let mut named = OsString::from("--o=");
    named.push(&source);
    finish(start(stanc.arg(named).arg(&wish.program))?, "stanc")?;
    let (bridge, bridge_object) = (place.0.join("bridge.cpp"), place.0.join("bridge.o"));
    std::fs::write(&bridge, BRIDGE).map_err(|e| unwritten(&bridge, &e))?;
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let compile = |from: &Path, to: &Path| {
        start(Command::new(&compiler).args(&tools.flags).arg("-c").arg(from).arg("-o").arg(to))
    };
    // Both at once: each takes long.
    let (program, interface) = (compile(&source, &object)?, compile(&bridge, &bridge_object));
    let program = finish(program, "the C++ compiler");
    finish(interface?, "the C++ compiler")?;
    program?;
    // What was there before stays until there is something to be put in its place.
    let library = place.0.join("library.so");
    let mut link = Command::new(&compiler);
    link.arg("-shared").arg(&bridge_object).arg(&object).arg("-o").arg(&library).args(&tools.libraries);
    finish(start(&mut link)?, "the linker")?;
    let put = std::fs::rename(&library, &wish.output).or_else(|_| std::fs::copy(&library, &wish.output).map(drop));
    put.map_err(|e| unwritten(&wish.output, &e))?;
    say(&format!("{} is compiled to {}\n", wish.program.display(), wish.output.display()))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::no_input(format!("file '{}' cannot be made: {error}", path.display()))
}

fn start(command: &mut Command) -> Result<Child, Failure> {
    let name = command.get_program().to_owned();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    child.map_err(|e| Failure::no_input(format!("'{}' cannot be run: {e}", name.display())))
}

fn finish(child: Child, what: &str) -> Result<(), Failure> {
    let done = child.wait_with_output().map_err(|e| Failure::software(format!("{what} was lost: {e}")))?;
    if done.status.success() {
        return Ok(());
    }
    let said = [done.stderr, done.stdout].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_string());
    Err(Failure::software(format!("{what} failed ({}):\n{}", done.status, said.join("\n").trim())))
}

/// A folder that goes with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("catena-compile-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|e| unwritten(&path, &e))?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What can't be cleared away is in a folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
