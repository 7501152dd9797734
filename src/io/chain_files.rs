//! File names over chains: one name given stands for the files of all chains of a run.

use super::file::is_anyones;
use crate::error::{Code, Error};
use crate::model::check_chain_ids;
use crate::room;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Separates the names of a list.
const SEPARATOR: u8 = b',';

/// `name_7.ext` for `name.ext` and chain 7.
fn of_chain(name: &OsStr, id: u64) -> PathBuf {
    let path = Path::new(name);
    let mut own = path.file_stem().unwrap_or_default().to_owned();
    own.push(format!("_{id}"));
    if let Some(extension) = path.extension() {
        own.push(".");
        own.push(extension);
    }
    path.with_file_name(own)
}

fn is_list(name: &OsStr) -> bool {
    name.as_bytes().contains(&SEPARATOR)
}

fn listed(name: &OsStr, argument: &str, num_chains: usize) -> Result<Vec<PathBuf>, Error> {
    let names: Vec<&[u8]> = name.as_bytes().split(|byte| *byte == SEPARATOR).collect();
    let expected = || format!("one file name, or {num_chains} separated by commas, one per chain");
    if names.len() != num_chains {
        let got = format!("{} names in '{}'", names.len(), name.display());
        return Err(Error::argument(argument, expected(), got));
    }
    if names.iter().any(|name| name.is_empty()) {
        return Err(Error::argument(argument, expected(), format!("an empty name in '{}'", name.display())));
    }
    Ok(names.into_iter().map(|name| OsStr::from_bytes(name).into()).collect())
}

fn ids(name: &OsStr, first_id: u64, num_chains: usize) -> Result<Range<u64>, Error> {
    check_chain_ids("first_id", first_id, num_chains)?;
    room::check("num_chains", &[num_chains, size_of::<PathBuf>() + name.len()], num_chains)?;
    Ok(first_id..first_id + num_chains as u64)
}

/// The files that `name` stands for as input of chains `first_id` to `first_id + num_chains - 1`, one per chain.
///
/// For `name.ext` and a first id N, `name_N.ext` is looked for. When it is there, every chain has a file of its own, named
/// by its id, and all of them must be there; else `name.ext` serves every chain. So a run of many chains reads what
/// runs of single chains read. A list with commas names exactly one file per chain. `argument` is the name of the
/// argument in errors.
///
/// # Errors
/// [`Code::InvalidArgument`] for a list of another length or ids that chains do not have; [`Code::Io`] when a file is missing, naming those looked for.
pub fn input_files(
    argument: &str,
    name: impl AsRef<OsStr>,
    first_id: u64,
    num_chains: usize,
) -> Result<Vec<PathBuf>, Error> {
    let name = name.as_ref();
    let ids = ids(name, first_id, num_chains)?;
    let missing = |what: String| Error::new(Code::Io, format!("argument '{argument}': {what}"));
    if is_list(name) {
        let names = listed(name, argument, num_chains)?;
        if let Some(lost) = names.iter().find(|path| !path.exists()) {
            return Err(missing(format!("there is no file '{}'", lost.display())));
        }
        return Ok(names);
    }
    let own: Vec<PathBuf> = ids.map(|id| of_chain(name, id)).collect();
    let Some(first) = own.first().filter(|first| first.exists()) else {
        if Path::new(name).exists() {
            return Ok(vec![PathBuf::from(name); num_chains]);
        }
        let first = of_chain(name, first_id);
        return Err(missing(format!("there is neither a file '{}' nor '{}'", first.display(), name.display())));
    };
    match own.iter().find(|path| !path.exists()) {
        Some(lost) => Err(missing(format!(
            "there is a file '{}' for the first chain, but no '{}'; each chain needs one",
            first.display(),
            lost.display()
        ))),
        None => Ok(own),
    }
}

/// The files that `name` stands for as output, one per chain: `name.ext` itself for one chain, `name_N.ext` … for more; a
/// device that any number of writers may have, such as /dev/null, for all. A list with commas names exactly one file per chain. `argument` is the name of the argument in errors.
///
/// # Errors
/// [`Code::InvalidArgument`] for a list of another length, one that names a file twice, a pipe or the like for several
/// chains, or ids that chains do not have.
pub fn output_files(
    argument: &str,
    name: impl AsRef<OsStr>,
    first_id: u64,
    num_chains: usize,
) -> Result<Vec<PathBuf>, Error> {
    let name = name.as_ref();
    let ids = ids(name, first_id, num_chains)?;
    if is_list(name) {
        let names = listed(name, argument, num_chains)?;
        let again = names.iter().enumerate().find(|(i, path)| names[..*i].contains(path) && !is_anyones(path));
        return match again {
            Some((_, path)) => {
                let got = format!("'{}' twice", path.display());
                Err(Error::argument(argument, "a file of its own for each chain", got))
            }
            None => Ok(names),
        };
    }
    if num_chains == 1 {
        return Ok(vec![PathBuf::from(name)]);
    }
    let path = Path::new(name);
    if is_anyones(path) {
        return Ok(vec![path.to_owned(); num_chains]);
    }
    if leads_elsewhere(path) {
        let got = format!("'{}', which {num_chains} chains would have to share", path.display());
        return Err(Error::argument(argument, "a name of which each chain's file is made, or one file per chain", got));
    }
    Ok(ids.map(|id| of_chain(name, id)).collect())
}

/// Whether a name is that of something other than a file or folder: a pipe, a socket, what this process has open.
fn leads_elsewhere(path: &Path) -> bool {
    const OPEN_HERE: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    let is_other = std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir());
    is_other || OPEN_HERE.iter().any(|open| path.starts_with(open))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new folder with empty files.
    fn folder(test: &str, files: &[&str]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("catena-chain-files-{}-{test}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        files.iter().for_each(|f| std::fs::write(folder.join(f), "").unwrap());
        folder
    }

    fn inputs(folder: &Path, name: &str, first: u64, chains: usize) -> Result<Vec<String>, String> {
        let name = name.split(',').map(|n| folder.join(n).display().to_string()).collect::<Vec<_>>().join(",");
        let found = input_files("init", &name, first, chains).map_err(|e| e.to_string())?;
        Ok(found.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn own_files_come_first_and_must_be_complete() {
        let at = folder("own", &["a.json", "a_2.json", "a_3.json", "b.json", "b_9.json"]);
        assert_eq!(inputs(&at, "a.json", 2, 2).unwrap(), ["a_2.json", "a_3.json"]);
        assert_eq!(inputs(&at, "a.json", 3, 1).unwrap(), ["a_3.json"], "the rule is the same for one chain");
        let error = inputs(&at, "a.json", 2, 3).unwrap_err();
        assert!(error.contains("a_2.json") && error.contains("a_4.json"), "{error}");
        // Without the first id's own file the common one serves all, whatever other ids have.
        assert_eq!(inputs(&at, "a.json", 1, 3).unwrap(), ["a.json"; 3]);
        assert_eq!(inputs(&at, "b.json", 1, 2).unwrap(), ["b.json"; 2]);
        std::fs::remove_dir_all(at).unwrap();
    }

    #[test]
    fn a_missing_file_is_named_both_ways() {
        let at = folder("missing", &[]);
        let error = inputs(&at, "c.json", 5, 4).unwrap_err();
        assert!(error.contains("'init'") && error.contains("c_5.json") && error.contains("c.json'"), "{error}");
        std::fs::remove_dir_all(at).unwrap();
    }

    #[test]
    fn a_list_has_one_name_per_chain() {
        let at = folder("list", &["x.json", "y.R"]);
        assert_eq!(inputs(&at, "y.R,x.json", 7, 2).unwrap(), ["y.R", "x.json"]);
        assert_eq!(inputs(&at, "x.json,x.json", 7, 2).unwrap(), ["x.json"; 2]);
        assert!(inputs(&at, "x.json,y.R", 1, 3).unwrap_err().contains("or 3 separated by commas"));
        assert!(inputs(&at, "x.json,z.json", 1, 2).unwrap_err().contains("no file"));
        let error = input_files("init", "a,", 1, 2).unwrap_err();
        assert!(error.to_string().contains("an empty name"), "{error}");
        std::fs::remove_dir_all(at).unwrap();
    }

    #[test]
    fn outputs_get_the_id_for_more_than_one_chain() {
        let names = |name: &str, first, chains| output_files("output", name, first, chains).unwrap();
        assert_eq!(names("output.csv", 3, 1), [PathBuf::from("output.csv")]);
        assert_eq!(names("run.1/o.x.csv", 3, 2), [PathBuf::from("run.1/o.x_3.csv"), "run.1/o.x_4.csv".into()]);
        assert_eq!(names("run.1/draws", 9, 2), [PathBuf::from("run.1/draws_9"), "run.1/draws_10".into()]);
        assert_eq!(names("a.csv,b.csv", 1, 2), [PathBuf::from("a.csv"), "b.csv".into()]);
        let error = output_files("output", "a.csv,a.csv", 1, 2).unwrap_err().to_string();
        assert!(error.contains("'a.csv' twice"), "{error}");
        assert!(output_files("output", "a.csv,b.csv", 1, 4).unwrap_err().to_string().contains("2 names"));
    }

    #[test]
    fn what_is_no_file_is_not_renamed_over_chains() {
        let at = folder("pipes", &[]);
        let pipe = at.join("pipe.csv");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(output_files("output", &pipe, 1, 1).unwrap(), std::slice::from_ref(&pipe));
        for name in [pipe.as_path(), Path::new("/dev/stdout"), Path::new("/dev/fd/63")] {
            if is_anyones(name) {
                continue;
            }
            let error = output_files("output", name, 1, 2).unwrap_err().to_string();
            assert!(error.contains("'output'") && error.contains("2 chains would have to share"), "{error}");
        }
        assert_eq!(output_files("output", "/dev/null", 1, 3).unwrap(), ["/dev/null"; 3].map(PathBuf::from));
        std::fs::remove_dir_all(at).unwrap();
    }

    #[test]
    fn more_names_than_memory_holds_are_refused() {
        let (inputs, outputs) =
            (input_files("init", "a.json", 1, 1 << 50), output_files("output", "a.csv", 1, 1 << 50));
        for error in [inputs.unwrap_err(), outputs.unwrap_err()] {
            assert_eq!(error.argument_name(), Some("num_chains"), "{error}");
        }
    }

    #[test]
    fn only_ids_of_chains_make_names() {
        let last = i64::MAX as u64;
        let names = output_files("output", "a.csv", last - 1, 2).unwrap();
        assert_eq!(names, [PathBuf::from("a_9223372036854775806.csv"), "a_9223372036854775807.csv".into()]);
        for (first, chains) in [(0, 1), (0, 2), (last, 2), (u64::MAX, 3)] {
            for name in ["a.csv", "a.csv,b.csv,c.csv"] {
                let error = output_files("output", name, first, chains).unwrap_err();
                assert_eq!(error.argument_name(), Some("first_id"), "{error}");
                let error = input_files("init", name, first, chains).unwrap_err();
                assert_eq!(error.argument_name(), Some("first_id"), "{error}");
            }
        }
    }
}
