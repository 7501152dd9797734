//! `catena summary FILE…`, and the summary that closes a run.

use crate::common::say;
use crate::failure::Failure;
use crate::output::same_file;
use crate::words;
use catena::diagnostics::{Summary, SummaryOptions};
use catena::drive::{Hands, Pool};
use catena::io::CsvChains;
use catena::model::Threading;
use catena::services::names;
use std::path::{Path, PathBuf};

/// Files of more bytes together are not read back after a run: the numbers are held in memory.
const MOST_BYTES: u64 = 1 << 30;

/// Its options: the name, CmdStan's letter, what it takes.
const OPTIONS: [(&str, Option<char>, &str); 6] = [
    ("percentiles", Some('p'), "percentiles of the table, separated by commas (5,50,95)"),
    ("sig_figs", Some('s'), "significant digits (4; 6 in a CSV file)"),
    ("include_param", Some('i'), "names of variables, separated by commas (all)"),
    ("csv_filename", Some('c'), "a CSV file for the table"),
    ("order", None, "a column of the table to order rows by; -r_hat: the largest first"),
    ("num_threads", None, "threads (all cores)"),
];
/// Significant digits in a CSV file where none are asked for.
const CSV_DIGITS: u32 = 6;

/// What the words of the command line ask for.
#[derive(Debug, Default, PartialEq)]
struct Wish {
    files: Vec<PathBuf>,
    options: SummaryOptions,
    digits: Option<u32>,
    csv: Option<PathBuf>,
    threads: usize,
}

impl Wish {
    fn read(words: &[String]) -> Result<Self, Failure> {
        let mut wish = Self::default();
        let mut words = words.iter();
        let mut only_files = false;
        while let Some(word) = words.next() {
            if only_files || (!word.starts_with('-') && option_of(word).is_none()) {
                wish.files.push(words::name(word).into());
                continue;
            }
            if word == "--" {
                only_files = true;
                continue;
            }
            let Some((name, value)) = option_of(word) else {
                let known: Vec<&str> = OPTIONS.iter().map(|o| o.0).collect();
                let known = known.join(", ");
                return Err(Failure::usage(format!("catena summary: expected files or one of {known}; got '{word}'")));
            };
            let value = match value {
                Some(value) => value.to_string(),
                None => words.next().cloned().unwrap_or_default(),
            };
            wish.take(name, &value)?;
        }
        Ok(wish)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        let bad =
            |expected: &str| Failure::usage(format!("catena summary, '{name}': expected {expected}, got '{value}'"));
        let whole =
            |least: u32, expected: &str| value.parse().ok().filter(|n| *n >= least).ok_or_else(|| bad(expected));
        match name {
            "percentiles" => {
                const EXPECTED: &str = "numbers from 0 to 100, separated by commas";
                let percent = |cell: &str| {
                    let number = cell.trim().parse().ok().filter(|p| (0.0..=100.0).contains(p));
                    number.map(|p: f64| p / 100.0).ok_or_else(|| bad(EXPECTED))
                };
                self.options.quantiles = value.split(',').map(percent).collect::<Result<_, _>>()?;
            }
            "sig_figs" => self.digits = Some(whole(1, "1 to 18")?),
            "include_param" => self.options.variables.extend(names(value).ok_or_else(|| bad("names"))?),
            "csv_filename" if value.is_empty() => return Err(bad("the name of a file")),
            "csv_filename" => self.csv = Some(words::name(value).into()),
            "order" => {
                let options = std::mem::take(&mut self.options).ordered_by(value);
                self.options = options.map_err(|e| Failure::usage(format!("catena summary: {e}")))?;
            }
            _ => self.threads = whole(1, "a number above 0")? as usize,
        }
        Ok(())
    }
}

/// The options in words.
pub fn help() -> String {
    let line = |(name, letter, what): &(&str, Option<char>, &str)| {
        let letter = letter.map_or(String::new(), |c| format!("-{c}, "));
        format!("  {:<22}{what}\n", format!("{letter}--{name}"))
    };
    let lines: String = OPTIONS.iter().map(line).collect();
    format!("Options of summary, also written name=value:\n{lines}\n")
}

/// The option that a word names, in CmdStan's ways of writing one: `name=value`, `--name=value`, `--name` and `-n`, the
/// value then being the next word.
fn option_of(word: &str) -> Option<(&'static str, Option<&str>)> {
    let letter = |c: char| OPTIONS.iter().find(|(_, letter, _)| *letter == Some(c)).map(|(name, ..)| *name);
    if let Some(short) = word.strip_prefix('-').filter(|s| !s.starts_with('-')) {
        let name = letter(short.chars().next()?)?;
        let rest = &short[1..];
        return Some((name, Some(rest.strip_prefix('=').unwrap_or(rest)).filter(|rest| !rest.is_empty())));
    }
    let long = word.strip_prefix("--");
    let (name, value) = match long.unwrap_or(word).split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (long?, None),
    };
    OPTIONS.iter().find(|(known, ..)| *known == name).map(|(name, ..)| (*name, value))
}

pub fn run(words: &[String]) -> Result<(), Failure> {
    let mut wish = Wish::read(words)?;
    if wish.files.is_empty() {
        return Err(Failure::usage("catena summary: expected Stan CSV or Arrow files, one per chain, got none"));
    }
    if let Some(input) = wish.csv.as_deref().and_then(|csv| same_file(csv, &wish.files)) {
        let input = input.display();
        return Err(Failure::usage(format!("catena summary: csv_filename is '{input}', which is to be summarised")));
    }
    wish.options.digits = wish.digits.unwrap_or(wish.options.digits);
    let (summary, text) = summarise(&wish.files, &wish.options, wish.threads)?;
    if let Some(path) = &wish.csv {
        let table = summary.csv(wish.digits.unwrap_or(CSV_DIGITS))?;
        std::fs::write(path, table)
            .map_err(|e| Failure::no_input(format!("cannot write '{}': {e}", path.display())))?;
    }
    say(&text)
}

/// The summary at the end of a run.
pub fn of_files<P: AsRef<Path> + Sync>(paths: &[P]) -> Result<String, String> {
    if paths.is_empty() {
        return Err("there are no draws".into());
    }
    let size: u64 = paths.iter().filter_map(|p| std::fs::metadata(p).ok()).map(|m| m.len()).sum();
    if size > MOST_BYTES {
        return Err(format!("the files have more than {MOST_BYTES} bytes; 'catena summary FILE…' makes one"));
    }
    summarise(paths, &SummaryOptions::default(), 0).map(|(_, text)| text).map_err(|e| e.to_string())
}

/// The summary and its text; `threads` 0: all cores.
fn summarise<P: AsRef<Path> + Sync>(
    paths: &[P],
    options: &SummaryOptions,
    threads: usize,
) -> Result<(Summary, String), Failure> {
    let pool = Pool::new(threads)?;
    let hands = Hands::new(&pool, Threading::Any, || false);
    let chains = CsvChains::read(paths, &hands)?;
    let options = SummaryOptions { lengths: chains.lengths().to_vec(), ..options.clone() };
    let summary = Summary::with(&chains.summary_input(), &options, &hands)?;
    let mut text = summary.to_string();
    for (file, cut) in chains.cut_off() {
        text.push_str(&format!("'{}' {cut}\n", paths[*file].as_ref().display()));
    }
    Ok((summary, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use catena::diagnostics::Statistic;

    fn read(words: &[&str]) -> Result<Wish, String> {
        Wish::read(&words.iter().map(|w| w.to_string()).collect::<Vec<_>>()).map_err(|e| e.to_string())
    }

    #[test]
    fn options_in_all_ways_of_writing() {
        let expected =
            read(&["a.csv", "percentiles=10,90", "sig_figs=3", "csv_filename=t.csv", "include_param=mu,th[1,2]"]);
        let expected = expected.unwrap();
        assert_eq!(expected.options.quantiles, [0.1, 0.9]);
        assert_eq!(expected.options.variables, ["mu", "th[1,2]"]);
        assert_eq!((expected.digits, expected.csv.clone()), (Some(3), Some("t.csv".into())));
        for words in [
            &["-p", "10,90", "-s3", "-c", "t.csv", "-i", "mu", "-i", "th[1,2]", "a.csv"][..],
            &[
                "--percentiles",
                "10,90",
                "a.csv",
                "--sig_figs=3",
                "--csv_filename=t.csv",
                "--include_param",
                "mu,th[1,2]",
            ],
            &["-p=10,90", "-s=3", "-c=t.csv", "-i=mu,th[1,2]", "--", "a.csv"],
        ] {
            assert_eq!(read(words).unwrap(), expected, "{words:?}");
        }
        let order = read(&["order=-r_hat", "num_threads=2"]).unwrap();
        assert_eq!((order.options.order, order.options.descending, order.threads), (Some(Statistic::Rhat), true, 2));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (words, part) in [
            (&["--autocorr", "1"][..], "expected files or one of"),
            (&["percentiles=5,101"], "expected numbers from 0 to 100"),
            (&["percentiles="], "expected numbers from 0 to 100"),
            (&["-p"], "expected numbers from 0 to 100"),
            (&["sig_figs=0"], "expected 1 to 18, got '0'"),
            (&["order=size"], "expected one of mean"),
            (&["csv_filename="], "expected the name of a file"),
            (&["num_threads=0"], "expected a number above 0"),
            (&["include_param=mu,,x"], "expected names"),
        ] {
            let error = read(words).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
