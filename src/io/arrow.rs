//! Draws as an Arrow IPC file.

use super::{OutputFile, Writer};
use crate::error::{Code, Error};
use crate::model::check_chain_ids;
use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_ipc::MetadataVersion;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Numbers that are gathered before they go to the file as a record batch: about 8 MiB.
const BATCH_CELLS: usize = 1 << 20;
/// Most rows of a record batch.
const BATCH_ROWS: usize = 1024;
/// Bytes that the parts of a file are aligned to; also where the stream in it begins.
const ALIGNMENT: usize = 8;
/// The first columns of every file.
const INDEX: [&str; 2] = ["chain", "draw"];
/// The key of the file's metadata that holds the messages (adaptation, elapsed times), one per line.
const MESSAGES: &str = "catena.messages";

/// Writes one chain's rows to an Arrow IPC file ("Feather version 2"), as the run goes, a record batch at a time: of 1, 1, 2,
/// 4, ... rows up to 1024, or fewer where rows are long, so that a run that is killed has left at least half of its first rows
/// and the same draws are the same bytes.
///
/// The columns `chain` (the id given) and `draw` (from 1, 64-bit integers) come first, then the run's: counts
/// (`treedepth__`, `n_leapfrog__`) as 64-bit integers, `divergent__` as booleans, all others as doubles. The messages stand
/// in the footer's metadata under `catena.messages`. A file that was never finished (the process was killed) is read as an
/// IPC stream from its ninth byte on. A resumed chain writes a new file, which goes on counting draws.
pub struct ArrowWriter {
    path: PathBuf,
    chain: i64,
    /// Until the names come.
    file: Option<OutputFile>,
    table: Option<Table>,
    messages: Vec<String>,
}

struct Table {
    file: FileWriter<BufWriter<OutputFile>>,
    schema: Arc<Schema>,
    columns: Vec<Column>,
    /// Draws before the batch that is being gathered, and those of them in this file.
    before: i64,
    written: usize,
    rows: usize,
    most: usize,
}

enum Column {
    Real(Float64Builder),
    Count(Int64Builder),
    Flag(BooleanBuilder),
}

impl Column {
    fn of(name: &str) -> Self {
        match name {
            "treedepth__" | "n_leapfrog__" => Self::Count(Int64Builder::new()),
            "divergent__" => Self::Flag(BooleanBuilder::new()),
            _ => Self::Real(Float64Builder::new()),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Real(_) => DataType::Float64,
            Self::Count(_) => DataType::Int64,
            Self::Flag(_) => DataType::Boolean,
        }
    }

    fn push(&mut self, value: f64) {
        match self {
            Self::Real(column) => column.append_value(value),
            Self::Count(column) => column.append_value(value as i64),
            Self::Flag(column) => column.append_value(value != 0.0),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Real(column) => Arc::new(column.finish()),
            Self::Count(column) => Arc::new(column.finish()),
            Self::Flag(column) => Arc::new(column.finish()),
        }
    }
}

impl ArrowWriter {
    /// A writer of the chain `chain_id` to a file at `path`; one that is there is emptied when the names of the columns
    /// come, see [`OutputFile`].
    ///
    /// # Errors
    /// The id is none of a chain, or the file cannot be made.
    pub fn new(path: impl AsRef<Path>, chain_id: u64) -> Result<Self, Error> {
        check_chain_ids("chain_id", chain_id, 1)?;
        let path = path.as_ref().to_owned();
        let file = Some(OutputFile::create(&path)?.in_pieces());
        Ok(Self { path, chain: chain_id as i64, file, table: None, messages: Vec::new() })
    }

    fn open(&mut self, names: &[String], before: usize) -> Result<(), Error> {
        if let Some(taken) = names.iter().find(|name| INDEX.contains(&name.as_str())) {
            let got = format!("an output named '{taken}'");
            return Err(Error::argument("names", "names other than 'chain' and 'draw'", got));
        }
        let columns: Vec<Column> = names.iter().map(|name| Column::of(name)).collect();
        let index = INDEX.iter().map(|name| Field::new(*name, DataType::Int64, false));
        let rest = names.iter().zip(&columns).map(|(name, column)| Field::new(name, column.data_type(), false));
        let schema = Arc::new(Schema::new(index.chain(rest).collect::<Vec<_>>()));
        let Some(file) = self.file.take() else {
            return Err(Error::new(Code::Writer, "the names of the columns came twice"));
        };
        let open = |file| {
            let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
            let mut file = FileWriter::try_new_with_options(BufWriter::new(file), &schema, options)?;
            file.flush()?;
            Ok(file)
        };
        let file = open(file).map_err(|e: ArrowError| failed(&self.path, &e))?;
        let most = (BATCH_CELLS / names.len().max(1)).clamp(1, BATCH_ROWS);
        self.table = Some(Table { file, schema, columns, before: before as i64, written: 0, rows: 0, most });
        Ok(())
    }
}

impl Table {
    fn flush(&mut self, chain: i64) -> Result<(), ArrowError> {
        if self.rows == 0 {
            return Ok(());
        }
        let draws = (1..=self.rows as i64).map(|i| self.before + i);
        let index: [ArrayRef; 2] =
            [Arc::new(Int64Array::from_value(chain, self.rows)), Arc::new(Int64Array::from_iter_values(draws))];
        let arrays = index.into_iter().chain(self.columns.iter_mut().map(Column::finish)).collect();
        self.before += self.rows as i64;
        self.written += self.rows;
        self.rows = 0;
        self.file.write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)?;
        self.file.flush()
    }
}

impl Writer for ArrowWriter {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        self.open(names, 0)
    }

    fn resumed(&mut self, names: &[String], rows: usize) -> Result<(), Error> {
        self.open(names, rows)
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        let Some(table) = &mut self.table else {
            return Err(Error::new(Code::Writer, "a row came before the names of its columns"));
        };
        for (column, &value) in table.columns.iter_mut().zip(values) {
            column.push(value);
        }
        table.rows += 1;
        if table.rows >= table.written.clamp(1, table.most) {
            table.flush(self.chain).map_err(|e| failed(&self.path, &e))?;
        }
        Ok(())
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        self.messages.push(line.to_string());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        let Some(mut table) = self.table.take() else { return Ok(()) };
        let close = |table: &mut Table| {
            table.flush(self.chain)?;
            table.file.write_metadata(MESSAGES, self.messages.join("\n"));
            table.file.finish()
        };
        close(&mut table).map_err(|e| failed(&self.path, &e))
    }
}

fn failed(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(Code::Writer, format!("Arrow file '{}': {why}", path.display()))
}
