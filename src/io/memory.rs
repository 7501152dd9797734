use super::Writer;
use super::table::{check_names, check_row};
use crate::error::{Code, Error};

/// Memory that takes numbers by index: what a [`MemoryWriter`] fills.
///
/// Rows of several chains may interleave in one array, which safe Rust cannot hand out as disjoint `&mut` slices; so a
/// writer asks for no more than this. A slice and a vector are sinks.
pub trait Sink: Send {
    /// Number of cells.
    fn size(&self) -> usize;
    /// Stores `value` at `index`, which is below [`Sink::size`].
    fn put(&mut self, index: usize, value: f64);
    /// What was stored at `index`.
    fn get(&self, index: usize) -> f64;
}

impl Sink for &mut [f64] {
    fn size(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> f64 {
        self[index]
    }

    #[inline]
    fn put(&mut self, index: usize, value: f64) {
        self[index] = value;
    }
}

impl Sink for Vec<f64> {
    fn size(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> f64 {
        self[index]
    }

    #[inline]
    fn put(&mut self, index: usize, value: f64) {
        self[index] = value;
    }
}

/// How the rows (draws) and columns of several chains share one array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Layout {
    /// chains × rows × columns in C order: the values of a row stand together.
    Rows = 0,
    /// rows × chains × columns, first index fastest, as R and Julia store it: the draws of a column stand together.
    Columns = 1,
}

/// Where row r and column c of one chain lie: at `offset + r·row_stride + c·column_stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    offset: usize,
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl Grid {
    /// A grid that starts at index 0. Strides count cells, not bytes.
    ///
    /// # Errors
    /// Strides that let two cells share an index, or indices beyond what `usize` holds.
    pub fn new(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> Result<Self, Error> {
        Self { offset: 0, rows, columns, row_stride, column_stride }.checked()
    }

    /// One row after the other without gaps.
    ///
    /// # Errors
    /// More cells than `usize` counts.
    pub fn row_major(rows: usize, columns: usize) -> Result<Self, Error> {
        Self::new(rows, columns, columns.max(1), 1)
    }

    /// One column after the other without gaps.
    ///
    /// # Errors
    /// More cells than `usize` counts.
    pub fn column_major(rows: usize, columns: usize) -> Result<Self, Error> {
        Self::new(rows, columns, 1, rows.max(1))
    }

    /// The part of chain `chain` (from 0) in an array that `chains` chains share.
    ///
    /// # Errors
    /// `chain` is not below `chains`, or more cells than `usize` counts.
    pub fn of_chain(layout: Layout, chains: usize, rows: usize, columns: usize, chain: usize) -> Result<Self, Error> {
        if chain >= chains {
            return Err(Error::argument("chain", format!("an index below the number of chains, {chains}"), chain));
        }
        let times = |a: usize, b: usize| a.checked_mul(b).ok_or_else(|| too_large(rows, columns));
        let (offset, row_stride, column_stride) = match layout {
            Layout::Rows => (times(chain, times(rows, columns)?)?, columns.max(1), 1),
            Layout::Columns => (times(chain, rows)?, 1, times(chains, rows)?.max(1)),
        };
        Self { offset, rows, columns, row_stride, column_stride }.checked()
    }

    /// The same grid, starting at index `offset`.
    ///
    /// # Errors
    /// Indices beyond what `usize` holds.
    pub fn at_offset(self, offset: usize) -> Result<Self, Error> {
        Self { offset, ..self }.checked()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The least number of cells of memory that holds all of the grid; 0 for a grid without cells.
    pub fn extent(&self) -> usize {
        match (self.rows, self.columns) {
            (0, _) | (_, 0) => 0,
            (rows, columns) => self.index(rows - 1, columns - 1) + 1,
        }
    }

    fn index(&self, row: usize, column: usize) -> usize {
        self.offset + row * self.row_stride + column * self.column_stride
    }

    fn checked(self) -> Result<Self, Error> {
        if self.rows == 0 || self.columns == 0 {
            return Ok(self);
        }
        let too_large = || too_large(self.rows, self.columns);
        let span = |count: usize, stride: usize| (count - 1).checked_mul(stride).ok_or_else(too_large);
        let along_rows = span(self.rows, self.row_stride)?;
        let along_columns = span(self.columns, self.column_stride)?;
        let end = along_rows.checked_add(along_columns).and_then(|n| n.checked_add(self.offset));
        end.and_then(|n| n.checked_add(1)).ok_or_else(too_large)?;
        // Rows apart by more than a row is long, or columns apart by more than a column is long.
        let rows_apart = self.rows == 1 || self.row_stride > along_columns;
        let columns_apart = self.columns == 1 || self.column_stride > along_rows;
        let one_step = (self.rows == 1 || self.row_stride > 0) && (self.columns == 1 || self.column_stride > 0);
        if one_step && (rows_apart || columns_apart) {
            return Ok(self);
        }
        Err(Error::argument(
            "row_stride, column_stride",
            format!("strides that keep the cells of {} rows and {} columns apart", self.rows, self.columns),
            format!("{} and {}", self.row_stride, self.column_stride),
        ))
    }
}

fn too_large(rows: usize, columns: usize) -> Error {
    let got = format_args!("{rows} rows of {columns} columns").to_string();
    Error::argument("rows, columns", "a grid whose indices fit the address space", got)
}

/// Writes rows into memory, where a [`Grid`] says. Names are only counted and messages dropped; cells of rows that never
/// come keep what they held.
#[derive(Debug)]
pub struct MemoryWriter<S> {
    sink: S,
    grid: Grid,
    rows: usize,
}

impl<S: Sink> MemoryWriter<S> {
    /// Writes into `sink`, from the grid's first row on.
    ///
    /// # Errors
    /// The sink is smaller than [`Grid::extent`].
    pub fn new(sink: S, grid: Grid) -> Result<Self, Error> {
        let (size, extent) = (sink.size(), grid.extent());
        if size < extent {
            let expected = format!("at least {extent} values for {} rows and {} columns", grid.rows, grid.columns);
            return Err(Error::argument("size", expected, size));
        }
        Ok(Self { sink, grid, rows: 0 })
    }

    /// Number of rows received.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Gives back the memory.
    pub fn into_sink(self) -> S {
        self.sink
    }
}

impl<S: Sink> Writer for MemoryWriter<S> {
    fn names(&mut self, names: &[String]) -> Result<(), Error> {
        check_names(names.len(), Some(self.grid.columns))
    }

    fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        check_row(self.rows, values.len(), self.grid.columns)?;
        if self.rows == self.grid.rows {
            return Err(Error::new(Code::Writer, format!("the memory fits {} rows, got one more", self.grid.rows)));
        }
        let start = self.grid.index(self.rows, 0);
        for (column, &value) in values.iter().enumerate() {
            self.sink.put(start + column * self.grid.column_stride, value);
        }
        self.rows += 1;
        Ok(())
    }

    fn message(&mut self, _line: &str) -> Result<(), Error> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn held(&self) -> Option<Vec<f64>> {
        let cells = (0..self.rows).flat_map(|row| (0..self.grid.columns).map(move |column| (row, column)));
        Some(cells.map(|(row, column)| self.sink.get(self.grid.index(row, column))).collect())
    }
}
