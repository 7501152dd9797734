//! What an earlier run left of an Arrow file.

use super::table::{ALIGNMENT, INDEX, schema};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::DataType;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
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
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    file.seek(SeekFrom::Start(ALIGNMENT as u64)).map_err(|e| e.to_string())?;
    let stream = StreamReader::try_new(BufReader::new(file), None)
        .map_err(|e| format!("expected the file of the run to be resumed, got one that cannot be read: {e}"))?;
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
    let reader = File::open(path).ok().and_then(|file| FileReader::try_new(file, None).ok());
    let text = reader.and_then(|reader| reader.custom_metadata().get(key).cloned()).unwrap_or_default();
    text.lines().map(String::from).collect()
}
