//! Rows as record batches of an Arrow file.

use crate::io::OutputFile;
use crate::io::patience::Patience;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch};
use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

/// Numbers that are gathered before they go to the file as a record batch: about 8 MiB.
const BATCH_CELLS: usize = 1 << 20;
/// Most rows of a record batch.
const BATCH_ROWS: usize = 1024;
/// Bytes that the parts of a file are aligned to; also where the stream in it begins.
pub const ALIGNMENT: usize = 8;
/// The key of the schema's metadata that holds what was said before the first row.
pub const HEAD: &str = "catena.head";
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

/// Gathers the parts of a batch, so that it goes to the file in one write.
struct Whole {
    out: OutputFile,
    batch: Vec<u8>,
}

impl Write for Whole {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.batch.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.batch);
        self.batch.clear();
        written.and_then(|()| self.out.flush())
    }
}

/// A file under way, with the rows that are gathered for its next batch.
pub struct Table {
    file: FileWriter<Whole>,
    schema: Arc<Schema>,
    chain: i64,
    /// Draws before this file, and those of this file in its batches.
    before: usize,
    written: usize,
    /// Row after row.
    rows: Vec<f64>,
    width: usize,
    most: usize,
    patience: Patience,
    /// Why a write failed: what would follow does not belong behind what is there.
    failed: Option<String>,
}

impl Table {
    /// A table of these columns, after `before` rows elsewhere; the file has its head, with what was said before the rows.
    pub fn new(
        file: OutputFile,
        names: &[String],
        head: &[String],
        chain: i64,
        before: usize,
    ) -> Result<Self, ArrowError> {
        let mut schema = schema(names);
        if !head.is_empty() {
            let metadata = HashMap::from([(HEAD.to_string(), head.join("\n"))]);
            schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata));
        }
        let whole = Whole { out: file, batch: Vec::new() };
        let mut file = FileWriter::try_new_with_options(whole, &schema, layout()?)?;
        file.flush()?;
        let width = names.len();
        let most = (BATCH_CELLS / width.max(1)).clamp(1, BATCH_ROWS);
        let (rows, patience) = (Vec::new(), Patience::default());
        Ok(Self { file, schema, chain, before, written: 0, rows, width, most, patience, failed: None })
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
        self.patience.begin();
        let count = self.rows.len() / self.width.max(1);
        if count >= self.written.clamp(1, self.most) { self.flush() } else { Ok(()) }
    }

    /// Looks at the clock: rows that have waited for long are put behind the batches, where their own batch replaces them.
    pub fn look(&mut self, now: Instant) -> Result<(), ArrowError> {
        if !self.patience.is_over(now) || self.rows.is_empty() {
            return Ok(());
        }
        self.patience.end();
        let mut stream = StreamWriter::try_new_with_options(Vec::new(), &self.schema, layout()?)?;
        let head = stream.get_ref().len();
        stream.write(&self.batch()?)?;
        let written = self.file.get_mut().out.write_ahead(&stream.get_ref()[head..]);
        self.noted(written.map_err(ArrowError::from))
    }

    fn noted<T>(&mut self, done: Result<T, ArrowError>) -> Result<T, ArrowError> {
        if let Err(error) = &done {
            self.failed.get_or_insert_with(|| error.to_string());
        }
        done
    }

    /// The rows that wait.
    fn batch(&self) -> Result<RecordBatch, ArrowError> {
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
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
    }

    fn flush(&mut self) -> Result<(), ArrowError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let batch = self.batch()?;
        self.written += batch.num_rows();
        self.rows.clear();
        self.patience.end();
        let written = self.file.write(&batch).and_then(|()| self.file.flush());
        self.noted(written)
    }

    /// Waits until the batches last, and tells where they end.
    pub fn settle(&mut self) -> Result<u64, ArrowError> {
        Ok(self.file.get_mut().out.settle()?)
    }

    /// Writes the rows that wait and the file's foot, with `metadata`. A file that could not be written is left without a foot.
    pub fn finish(&mut self, (key, value): (&str, String)) -> Result<(), ArrowError> {
        if let Some(why) = &self.failed {
            return Err(ArrowError::IpcError(why.clone()));
        }
        self.flush()?;
        self.file.write_metadata(key, value);
        self.file.finish()
    }
}

fn layout() -> Result<IpcWriteOptions, ArrowError> {
    IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)
}
