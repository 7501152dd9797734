//! Where stanc, Stan's headers and the libraries that it needs are.

use crate::failure::Failure;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables that name a folder of Stan's, the first one that is set counts.
const VARIABLES: [&str; 3] = ["CATENA_STAN", "CMDSTAN", "BRIDGESTAN"];
const WHERE: &str = "a folder of CmdStan or BridgeStan (stan=FOLDER, or in CATENA_STAN, CMDSTAN or BRIDGESTAN) in which `make \
                     build` was run, or Python's httpstan (`pip install httpstan`)";
const HTTPSTAN: &str =
    "import importlib.util as u; s = u.find_spec('httpstan'); print(s.submodule_search_locations[0] if s else '')";
const FLAGS: [&str; 8] = [
    "-std=c++17",
    "-O2",
    "-fPIC",
    "-w",
    "-DBOOST_DISABLE_ASSERTS",
    "-DBOOST_PHOENIX_NO_VARIADIC_EXPRESSION",
    "-D_REENTRANT",
    "-DSTAN_THREADS",
];
const SUNDIALS: [&str; 4] = ["cvodes", "idas", "kinsol", "nvecserial"];

/// What a program is compiled with.
pub struct Tools {
    pub stanc: PathBuf,
    /// Of the compiler.
    pub flags: Vec<OsString>,
    /// Of the linker.
    pub libraries: Vec<OsString>,
}

impl Tools {
    /// Those of `given`, else of a folder that the environment names, else of Python's httpstan.
    pub fn find(given: Option<&Path>) -> Result<Self, Failure> {
        let named = VARIABLES.iter().find_map(|name| Some((*name, PathBuf::from(set(name)?))));
        let (of, folder) = match (given, named) {
            (Some(folder), _) => ("stan".to_string(), folder.to_path_buf()),
            (None, Some((name, folder))) => (name.to_string(), folder),
            (None, None) => match of_python() {
                Some(folder) => ("httpstan".to_string(), folder),
                None => return Err(Failure::no_input(format!("compiling needs stanc and Stan's headers: {WHERE}"))),
            },
        };
        Self::wheel(&folder)
            .or_else(|| Self::wheel(&folder.join("httpstan")))
            .or_else(|| Self::tree(&folder))
            .ok_or_else(|| {
                let folder = folder.display();
                Failure::no_input(format!(
                    "'{of}': expected {WHERE}; got '{folder}', which lacks stanc, headers or libraries"
                ))
            })
    }

    /// Those of an unpacked httpstan.
    fn wheel(folder: &Path) -> Option<Self> {
        let (stanc, lib) = (folder.join("stanc"), folder.join("lib"));
        let include = folder.join("include");
        if !stanc.is_file() || !include.join("stan/model/model_base.hpp").is_file() {
            return None;
        }
        let libraries = SUNDIALS.map(|name| lib.join(format!("libsundials_{name}.a")));
        Self::of(stanc, &[include], &libraries, &lib)
    }

    /// Those of CmdStan or BridgeStan, which lie alike.
    fn tree(folder: &Path) -> Option<Self> {
        let (stanc, stan) = (folder.join("bin/stanc"), folder.join("stan"));
        let math = stan.join("lib/stan_math");
        let sundials = beside(&math.join("lib"), "sundials_")?;
        let includes = [
            stan.join("src"),
            math.clone(),
            beside(&stan.join("lib"), "rapidjson_").or_else(|| beside(&folder.join("lib"), "rapidjson_"))?,
            beside(&math.join("lib"), "eigen_")?,
            beside(&math.join("lib"), "boost_")?,
            beside(&math.join("lib"), "tbb_")?.join("include"),
            sundials.join("include"),
            sundials.join("src/sundials"),
        ];
        let libraries = SUNDIALS.map(|name| sundials.join(format!("lib/libsundials_{name}.a")));
        let found = Self::of(stanc, &includes, &libraries, &math.join("lib/tbb"))?;
        found.stanc.is_file().then_some(found)
    }

    fn of(stanc: PathBuf, includes: &[PathBuf], libraries: &[PathBuf], tbb: &Path) -> Option<Self> {
        if !libraries.iter().all(|library| library.is_file()) {
            return None;
        }
        let prefixed = |prefix: &str, path: &Path| {
            let mut flag = OsString::from(prefix);
            flag.push(std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()));
            flag
        };
        let flags = FLAGS.iter().map(OsString::from).chain(includes.iter().map(|path| prefixed("-I", path)));
        let tbb = [prefixed("-L", tbb), prefixed("-Wl,-rpath,", tbb), "-ltbb".into()];
        let libraries = libraries.iter().map(OsString::from).chain(tbb);
        Some(Self { stanc, flags: flags.collect(), libraries: libraries.collect() })
    }
}

/// The value of a variable that is set to something.
fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The first folder of `folder` whose name begins like this: behind it stands a version.
fn beside(folder: &Path, beginning: &str) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning))
        })
        .collect();
    found.sort();
    found.pop()
}

/// Where Python has httpstan.
fn of_python() -> Option<PathBuf> {
    let out = Command::new("python3").args(["-c", HTTPSTAN]).output().ok()?;
    let path = String::from_utf8(out.stdout).ok()?;
    Some(PathBuf::from(path.trim())).filter(|path| path.is_dir())
}
