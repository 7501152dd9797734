//! What an earlier run left of an Arrow file.

use super::frames::Frames;
use super::table::{ALIGNMENT, HEAD, INDEX, schema};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::root_as_footer;
use arrow_schema::{DataType, Schema};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Gives the first `count` rows of a chain's file to `take`, whether it was finished or not.
///
/// `Err` says what was expected of the file, and what it is.
pub fn replay(
    path: &Path,
    names: &[String],
    chain: i64,
    count: usize,
    mut take: impl FnMut(&[f64]) -> Result<(), String>,
) -> Result<(), String> {
    let stream = to_be_resumed(path)?;
    if stream.schema().fields() != schema(names).fields() {
        return Err("expected the columns of the run to be resumed, got others".into());
    }
    let (mut row, mut done) = (vec![0.0; names.len()], 0);
    // After the last whole batch there may be part of another, or the end of a stream.
    for batch in stream.map_while(Result::ok) {
        let chains = batch.column(0).as_primitive::<Int64Type>();
        if let Some(other) = chains.values().iter().find(|id| **id != chain) {
            return Err(format!("expected the rows of chain {chain}, got one of chain {other}"));
        }
        for at in 0..batch.num_rows() {
            if done == count {
                return Ok(());
            }
            read_row(&batch, at, &mut row);
            take(&row)?;
            done += 1;
        }
    }
    if done == count { Ok(()) } else { Err(format!("expected the chain's {count} rows, got {done}")) }
}

/// The batches of a file.
type Batches = StreamReader<Frames<BufReader<File>>>;

/// A file's batches, finished or not.
pub fn batches(path: &Path) -> Result<Batches, String> {
    let opened = File::open(path).and_then(|mut file| {
        let start = file.seek(SeekFrom::Start(ALIGNMENT as u64))?;
        let length = file.metadata()?.len().saturating_sub(start);
        Ok(Frames::new(BufReader::new(file), length))
    });
    let frames = opened.map_err(|e| e.to_string())?;
    StreamReader::try_new(frames, None).map_err(|e| e.to_string())
}

fn to_be_resumed(path: &Path) -> Result<Batches, String> {
    batches(path).map_err(|e| format!("expected the file of the run to be resumed, got one that cannot be read: {e}"))
}

/// What was said before the first row of a file that is to be gone on with.
pub fn head(path: &Path) -> Result<Vec<String>, String> {
    Ok(said_before(&to_be_resumed(path)?.schema()))
}

/// What was said before the first row.
pub fn said_before(schema: &Schema) -> Vec<String> {
    schema.metadata().get(HEAD).map_or(Vec::new(), |text| text.lines().map(String::from).collect())
}

fn read_row(batch: &RecordBatch, at: usize, row: &mut [f64]) {
    for (value, column) in row.iter_mut().zip(&batch.columns()[INDEX.len()..]) {
        *value = match column.data_type() {
            DataType::Int64 => column.as_primitive::<Int64Type>().value(at) as f64,
            DataType::Boolean => f64::from(u8::from(column.as_boolean().value(at))),
            _ => column.as_primitive::<Float64Type>().value(at),
        };
    }
}

/// The messages in the foot of a file that was finished.
pub fn messages(path: &Path, key: &str) -> Vec<String> {
    foot(path).ok().flatten().and_then(|bytes| message(&bytes, key)).unwrap_or_default()
}

fn message(foot: &[u8], key: &str) -> Option<Vec<String>> {
    let all = root_as_footer(foot).ok()?.custom_metadata()?;
    let found = all.iter().find(|one| one.key() == Some(key))?;
    Some(found.value()?.lines().map(String::from).collect())
}

/// The foot of a file, if it has one: before its length and Arrow's letters, at the end.
fn foot(path: &Path) -> io::Result<Option<Vec<u8>>> {
    const LETTERS: &[u8; 6] = b"ARROW1";
    const LENGTH: usize = size_of::<u32>();
    let mut file = File::open(path)?;
    let mut tail = [0; LENGTH + LETTERS.len()];
    let end = file.metadata()?.len();
    let Some(at) = end.checked_sub(tail.len() as u64) else { return Ok(None) };
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut tail)?;
    let (length, letters) = tail.split_at(LENGTH);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
    let Some(start) = at.checked_sub(u64::from(length)).filter(|_| letters == LETTERS) else { return Ok(None) };
    file.seek(SeekFrom::Start(start))?;
    let mut foot = vec![0; length as usize];
    file.read_exact(&mut foot)?;
    Ok(Some(foot))
}
