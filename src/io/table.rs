use super::Writer;
use crate::error::{Code, Error};

/// The writer that drops everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullWriter;

impl Writer for NullWriter {
    fn names(&mut self, _names: &[String]) -> Result<(), Error> {
        Ok(())
    }

    fn row(&mut self, _values: &[f64]) -> Result<(), Error> {
        Ok(())
    }

    fn message(&mut self, _line: &str) -> Result<(), Error> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Keeps all that a chain writes in memory of its own: names, rows and messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableWriter {
    names: Vec<String>,
    columns: Option<usize>,
    rows: usize,
    values: Vec<f64>,
    messages: Vec<String>,
    finished: bool,
}

impl TableWriter {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names of the columns; empty for a resumed chain, which writes none.
    pub fn column_names(&self) -> &[String] {
        &self.names
    }

    /// Number of columns: of the names, or else of the first row; 0 before either came.
    pub fn columns(&self) -> usize {
        self.columns.unwrap_or(0)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All values, rows × columns, one row after the other.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Row `at`, from 0; `None` past the last.
    pub fn row_values(&self, at: usize) -> Option<&[f64]> {
        let columns = self.columns();
        (at < self.rows).then(|| &self.values[at * columns..(at + 1) * columns])
    }

    /// The values of the column called `name`, one for each row; `None` when there is no such column.
    pub fn column(&self, name: &str) -> Option<Vec<f64>> {
        let at = self.names.iter().position(|n| n == name)?;
        Some(self.values.chunks_exact(self.columns()).map(|row| row[at]).collect())
    }

    /// The messages, in the order they came.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// True once the chain ended.
    pub fn finished(&self) -> bool {
        self.finished
    }
}

impl Writer for TableWriter {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        check_names(names.len(), self.columns)?;
        self.columns = Some(names.len());
        self.names = names.to_vec();
        Ok(())
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        check_row(self.rows, values.len(), *self.columns.get_or_insert(values.len()))?;
        self.values.extend_from_slice(values);
        self.rows += 1;
        Ok(())
    }

    fn message(&mut self, line: &str) -> Result<(), Error> {
        self.messages.push(line.to_owned());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.finished = true;
        Ok(())
    }

    fn held(&self) -> Option<Vec<f64>> {
        Some(self.values.clone())
    }
}

/// Refuses names whose number is not that of the columns, when that is known.
pub(super) fn check_names(names: usize, columns: Option<usize>) -> Result<(), Error> {
    match columns {
        Some(columns) if columns != names => {
            Err(Error::new(Code::Writer, format!("the writer has {columns} columns, got names for {names}")))
        }
        _ => Ok(()),
    }
}

/// Refuses a row whose length is not the number of columns; `rows` counts those before it.
pub(super) fn check_row(rows: usize, length: usize, columns: usize) -> Result<(), Error> {
    if length == columns {
        return Ok(());
    }
    Err(Error::new(Code::Writer, format!("row {}: expected {columns} values, got {length}", rows + 1)))
}
