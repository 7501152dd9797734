//! `catena report FILE…`: a page for a browser, about chains or about sets of particles.

use crate::common::say;
use crate::failure::Failure;
use crate::output::same_file;
use crate::words;
use catena::drive::{Hands, Pool};
use catena::io::CsvChains;
use catena::model::Threading;
use catena::services::report_files;
use std::path::PathBuf;
use std::sync::Arc;

/// Its options, written `name=value` or `--name=value`, and what each takes.
const OPTIONS: [(&str, &str); 3] = [
    ("output", "the file of the page (report.html)"),
    ("title", "the title of the page (the model's name, or the first file's)"),
    ("num_threads", "threads (all cores)"),
];
/// The page's file where none is named.
const OUTPUT: &str = "report.html";

#[derive(Debug, PartialEq)]
struct Wish {
    files: Vec<PathBuf>,
    output: PathBuf,
    title: Option<String>,
    threads: usize,
}

impl Wish {
    fn read(words: &[String]) -> Result<Self, Failure> {
        let mut wish = Self { files: Vec::new(), output: OUTPUT.into(), title: None, threads: 0 };
        for word in words {
            let plain = word.strip_prefix("--").unwrap_or(word);
            let known = plain.split_once('=').filter(|(name, _)| OPTIONS.iter().any(|(known, _)| known == name));
            match known {
                Some(("output", value)) if !value.is_empty() => wish.output = words::name(value).into(),
                Some(("title", value)) if !value.is_empty() => wish.title = Some(value.into()),
                Some(("num_threads", value)) => {
                    wish.threads = value.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
                        Failure::usage(format!(
                            "catena report, 'num_threads': expected a number above 0, got '{value}'"
                        ))
                    })?;
                }
                Some((name, _)) => {
                    return Err(Failure::usage(format!("catena report, '{name}': expected a value, got none")));
                }
                None if word.starts_with('-') => {
                    let known = OPTIONS.map(|(name, _)| name).join(", ");
                    return Err(Failure::usage(format!(
                        "catena report: expected files or one of {known}; got '{word}'"
                    )));
                }
                None => wish.files.push(words::name(word).into()),
            }
        }
        if wish.files.is_empty() {
            return Err(Failure::usage(
                "catena report: expected Stan CSV or Arrow files, one per chain or set, got none",
            ));
        }
        Ok(wish)
    }
}

/// The options in words.
pub fn help() -> String {
    let lines: String = OPTIONS.iter().map(|(name, what)| format!("  {:<22}{what}\n", format!("--{name}"))).collect();
    format!("Options of report, also written name=value:\n{lines}\n")
}

pub fn run(words: &[String]) -> Result<(), Failure> {
    let wish = Wish::read(words)?;
    if let Some(input) = same_file(&wish.output, &wish.files) {
        let input = input.display();
        return Err(Failure::usage(format!("catena report: output is '{input}', which is to be reported on")));
    }
    let pool = Arc::new(Pool::new(wish.threads)?);
    let hands = Hands::new(&pool, Threading::Any, || false);
    let chains = CsvChains::read(&wish.files, &hands)?;
    report_files(&chains, &wish.files, wish.title.as_deref(), Some(pool.clone()), &wish.output)?;
    say(&format!("{}\n", wish.output.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Wish, String> {
        Wish::read(&words.iter().map(|w| w.to_string()).collect::<Vec<_>>()).map_err(|e| e.to_string())
    }

    #[test]
    fn words_are_files_or_options() {
        let wish = read(&["a.csv", "output=x.html", "--title=Eight schools", "num_threads=2", "b=c.csv"]).unwrap();
        assert_eq!(wish.files, [PathBuf::from("a.csv"), "b=c.csv".into()]);
        assert_eq!((wish.output, wish.title.as_deref(), wish.threads), ("x.html".into(), Some("Eight schools"), 2));
        for (words, part) in [
            (&["output=x.html"][..], "expected Stan CSV or Arrow files"),
            (&["a.csv", "--out=x"], "expected files or one of output, title, num_threads; got '--out=x'"),
            (&["a.csv", "output="], "'output': expected a value"),
            (&["a.csv", "num_threads=0"], "expected a number above 0, got '0'"),
        ] {
            let error = read(words).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
