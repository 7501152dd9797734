//! Rows as record batches of an Arrow file.

use crate::io::OutputFile;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use std::io::BufWriter;
use std::sync::Arc;

/// Numbers that are gathered before they go to the file as a record batch: about 8 MiB.
const BATCH_CELLS: usize = 1 << 20;
/// Most rows of a record batch.
const BATCH_ROWS: usize = 1024;
/// Bytes that the parts of a file are aligned to; also where the stream in it begins.
pub const ALIGNMENT: usize = 8;
/// The first columns of every file.
pub const INDEX: [&str; 2] = ["chain", "draw"];

/// The type of a column by its name.
fn data_type(name: &str) -> DataType {
    match name {
        "treedepth__" | "n_leapfrog__" => DataType::Int64,
        "divergent__" => DataType::Boolean,
        _ => DataType::Float64,
    }
}

/// The columns of a file of these names.
pub fn schema(names: &[String]) -> Arc<Schema> {
    let index = INDEX.iter().map(|name| Field::new(*name, DataType::Int64, false));
    let rest = names.iter().map(|name| Field::new(name, data_type(name), false));
    Arc::new(Schema::new(index.chain(rest).collect::<Vec<_>>()))
}

/// A file under way, with the rows that are gathered for its next batch.
pub struct Table {
    file: FileWriter<BufWriter<OutputFile>>,
    schema: Arc<Schema>,
    chain: i64,
    /// Draws before this file, and those of this file in its batches.
    before: usize,
    written: usize,
    /// Row after row.
    rows: Vec<f64>,
    width: usize,
    most: usize,
}

impl Table {
    /// A table of these columns, after `before` rows elsewhere; the file has its head.
    pub fn new(file: OutputFile, names: &[String], chain: i64, before: usize) -> Result<Self, ArrowError> {
        let schema = schema(names);
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
        let mut file = FileWriter::try_new_with_options(BufWriter::new(file), &schema, options)?;
        file.flush()?;
        let width = names.len();
        let most = (BATCH_CELLS / width.max(1)).clamp(1, BATCH_ROWS);
        Ok(Self { file, schema, chain, before, written: 0, rows: Vec::new(), width, most })
    }

    /// Rows that wait for their batch, one after the other.
    pub fn waiting(&self) -> &[f64] {
        &self.rows
    }

    /// Rows so far, those before this file included.
    pub fn rows(&self) -> usize {
        self.before + self.written + self.rows.len() / self.width.max(1)
    }

    /// Takes a row, and writes a batch when it is complete: of 1, 1, 2, 4, ... rows.
    pub fn push(&mut self, row: &[f64]) -> Result<(), ArrowError> {
        self.rows.extend_from_slice(&row[..self.width]);
        let count = self.rows.len() / self.width.max(1);
        if count >= self.written.clamp(1, self.most) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ArrowError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let count = self.rows.len() / self.width;
        let first = self.before + self.written + 1;
        let draws = (first..first + count).map(|draw| draw as i64);
        let mut arrays: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from_value(self.chain, count)), Arc::new(Int64Array::from_iter_values(draws))];
        for (at, field) in self.schema.fields()[INDEX.len()..].iter().enumerate() {
            let values = self.rows[at..].iter().step_by(self.width).copied();
            arrays.push(match field.data_type() {
                DataType::Int64 => Arc::new(Int64Array::from_iter_values(values.map(|value| value as i64))),
                DataType::Boolean => Arc::new(values.map(|value| Some(value != 0.0)).collect::<BooleanArray>()),
                _ => Arc::new(Float64Array::from_iter_values(values)),
            });
        }
        self.written += count;
        self.rows.clear();
        self.file.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)?;
        self.file.flush()
    }

    /// Waits until the batches last, and tells where they end.
    pub fn settle(&mut self) -> Result<u64, ArrowError> {
        self.file.flush()?;
        Ok(self.file.get_mut().get_mut().settle()?)
    }

    /// Writes the rows that wait and the file's foot, with `metadata`.
    pub fn finish(&mut self, (key, value): (&str, String)) -> Result<(), ArrowError> {
        self.flush()?;
        self.file.write_metadata(key, value);
        self.file.finish()
    }
}
