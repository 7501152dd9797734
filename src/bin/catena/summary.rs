//! `catena summary FILE…`, and the summary that closes a run.

use crate::common::say;
use crate::failure::Failure;
use catena::diagnostics::Summary;
use catena::io::CsvChains;
use std::path::Path;

/// Files of more bytes together are not read back after a run: the numbers are held in memory.
const MOST_BYTES: u64 = 1 << 30;

pub fn run(files: &[String]) -> Result<(), Failure> {
    if files.is_empty() {
        return Err(Failure::usage("catena summary: expected Stan CSV files, one per chain, got none"));
    }
    say(&text(&files.iter().map(Path::new).collect::<Vec<_>>())?)
}

/// The summary at the end of a run.
pub fn of_files<P: AsRef<Path>>(paths: &[P]) -> Result<String, String> {
    if paths.is_empty() {
        return Err("there are no draws".into());
    }
    let size: u64 = paths.iter().filter_map(|p| std::fs::metadata(p).ok()).map(|m| m.len()).sum();
    if size > MOST_BYTES {
        return Err(format!("the files have more than {MOST_BYTES} bytes; 'catena summary FILE…' makes one"));
    }
    text(paths).map_err(|e| e.to_string())
}

fn text<P: AsRef<Path>>(paths: &[P]) -> Result<String, Failure> {
    let chains = CsvChains::from_files(paths)?;
    let mut text = Summary::new(&chains.summary_input())?.to_string();
    if chains.left_out() > 0 {
        let (left, draws) = (chains.left_out(), chains.draws());
        text.push_str(&format!("the chains differ in length: {left} draws after the {draws}th were left out\n"));
    }
    Ok(text)
}
