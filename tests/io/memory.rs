//! Writers into memory: both layouts, their checks, tables.

use catena::Code;
use catena::io::{Grid, Layout, MemoryWriter, NullWriter, Sink, TableWriter, Writer};
use std::sync::atomic::{AtomicU64, Ordering};

const CHAINS: usize = 3;
const ROWS: usize = 4;
const COLUMNS: usize = 2;

/// A different number for each cell.
fn value(chain: usize, row: usize, column: usize) -> f64 {
    (100 * chain + 10 * row + column) as f64
}

/// One array that several chains' writers share.
struct Shared<'a>(&'a [AtomicU64]);

impl Sink for Shared<'_> {
    fn size(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> f64 {
        f64::from_bits(self.0[index].load(Ordering::Relaxed))
    }

    fn put(&mut self, index: usize, value: f64) {
        self.0[index].store(value.to_bits(), Ordering::Relaxed);
    }
}

/// Each chain's rows written on a thread of its own.
fn filled(layout: Layout) -> Vec<f64> {
    let cells: Vec<AtomicU64> = (0..CHAINS * ROWS * COLUMNS).map(|_| AtomicU64::new(f64::NAN.to_bits())).collect();
    std::thread::scope(|scope| {
        for chain in 0..CHAINS {
            let grid = Grid::of_chain(layout, CHAINS, ROWS, COLUMNS, chain).unwrap();
            let mut writer = MemoryWriter::new(Shared(&cells), grid).unwrap();
            scope.spawn(move || {
                writer.names(&["a".to_owned(), "b".to_owned()]).unwrap();
                for row in 0..ROWS {
                    writer.row(&[value(chain, row, 0), value(chain, row, 1)]).unwrap();
                }
                writer.message("dropped").unwrap();
                writer.finish().unwrap();
                assert_eq!(writer.rows(), ROWS);
            });
        }
    });
    cells.into_iter().map(|cell| f64::from_bits(cell.into_inner())).collect()
}

#[test]
fn rows_layout_is_chains_by_draws_by_columns_in_c_order() {
    let values = filled(Layout::Rows);
    for (at, x) in values.into_iter().enumerate() {
        let (chain, row, column) = (at / (ROWS * COLUMNS), at / COLUMNS % ROWS, at % COLUMNS);
        assert_eq!(x, value(chain, row, column));
    }
}

#[test]
fn columns_layout_is_draws_by_chains_by_columns_first_index_fastest() {
    let values = filled(Layout::Columns);
    for (at, x) in values.into_iter().enumerate() {
        let (row, chain, column) = (at % ROWS, at / ROWS % CHAINS, at / (ROWS * CHAINS));
        assert_eq!(x, value(chain, row, column));
    }
}

#[test]
fn slices_and_vectors_take_rows_with_strides() {
    let mut values = [0.0; 12];
    let grid = Grid::new(2, 2, 5, 2).unwrap().at_offset(1).unwrap();
    assert_eq!(grid.extent(), 1 + 5 + 2 + 1);
    let mut writer = MemoryWriter::new(&mut values[..], grid).unwrap();
    writer.row(&[1.0, 2.0]).unwrap();
    writer.row(&[3.0, 4.0]).unwrap();
    assert_eq!(values, [0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 3.0, 0.0, 4.0, 0.0, 0.0, 0.0]);

    let mut writer = MemoryWriter::new(vec![0.0; 6], Grid::column_major(3, 2).unwrap()).unwrap();
    writer.row(&[1.0, 2.0]).unwrap();
    writer.row(&[3.0, 4.0]).unwrap();
    assert_eq!(writer.into_sink(), [1.0, 3.0, 0.0, 2.0, 4.0, 0.0]);
}

#[test]
fn a_row_too_many_is_refused_and_nothing_is_overwritten() {
    let mut writer = MemoryWriter::new(vec![0.0; 4], Grid::row_major(2, 2).unwrap()).unwrap();
    writer.row(&[1.0, 2.0]).unwrap();
    writer.row(&[3.0, 4.0]).unwrap();
    let error = writer.row(&[5.0, 6.0]).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Writer, "the memory fits 2 rows, got one more"));
    assert_eq!(writer.rows(), 2);
    assert_eq!(writer.into_sink(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn wrong_numbers_of_columns_are_refused() {
    let mut writer = MemoryWriter::new(vec![0.0; 4], Grid::row_major(2, 2).unwrap()).unwrap();
    let error = writer.names(&["a".to_owned()]).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Writer, "the writer has 2 columns, got names for 1"));
    let error = writer.row(&[1.0, 2.0, 3.0]).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Writer, "row 1: expected 2 values, got 3"));
    assert_eq!(writer.into_sink(), [0.0; 4]);
}

#[test]
fn memory_too_small_for_the_grid_is_refused() {
    let error = MemoryWriter::new(vec![0.0; 5], Grid::row_major(2, 3).unwrap()).unwrap_err();
    assert_eq!((error.code(), error.argument_name()), (Code::InvalidArgument, Some("size")));
    assert!(error.message().contains("at least 6 values") && error.message().ends_with("got 5"));
    // A grid without cells fits anywhere and takes no row.
    let mut writer = MemoryWriter::new(Vec::new(), Grid::row_major(0, 3).unwrap()).unwrap();
    assert_eq!(writer.row(&[1.0, 2.0, 3.0]).unwrap_err().code(), Code::Writer);
}

#[test]
fn grids_whose_cells_overlap_or_overflow_are_refused() {
    for (rows, columns, row_stride, column_stride) in
        [(2, 3, 2, 1), (3, 2, 1, 2), (2, 1, 0, 1), (1, 2, 1, 0), (2, 2, 1, 1), (2, 2, 0, 5)]
    {
        let error = Grid::new(rows, columns, row_stride, column_stride).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains("keep the cells"), "{error}");
    }
    assert!(Grid::new(1, 3, 0, 1).is_ok());
    assert!(Grid::new(2, 3, 3, 1).is_ok());
    assert!(Grid::new(3, 1, 1, 0).is_ok());
    for grid in [
        Grid::new(usize::MAX, 2, 2, 1),
        Grid::new(2, 2, usize::MAX, 1),
        Grid::of_chain(Layout::Columns, usize::MAX / 2, 8, 2, 0),
        Grid::of_chain(Layout::Rows, usize::MAX, usize::MAX, 1, usize::MAX - 1),
        Grid::row_major(2, 2).and_then(|grid| grid.at_offset(usize::MAX)),
        Grid::of_chain(Layout::Rows, 2, 1, 1, 2),
    ] {
        assert_eq!(grid.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[test]
fn a_table_keeps_everything() {
    let mut table = TableWriter::new();
    table.names(&["a".to_owned(), "b".to_owned()]).unwrap();
    table.message("one").unwrap();
    table.row(&[1.0, 2.0]).unwrap();
    table.row(&[3.0, 4.0]).unwrap();
    assert_eq!(table.row(&[3.0]).unwrap_err().message(), "row 3: expected 2 values, got 1");
    table.message("two").unwrap();
    assert!(!table.finished());
    table.finish().unwrap();
    assert!(table.finished());
    assert_eq!((table.rows(), table.columns(), table.column_names().len()), (2, 2, 2));
    assert_eq!(table.values(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(table.row_values(1), Some(&[3.0, 4.0][..]));
    assert_eq!(table.row_values(2), None);
    assert_eq!(table.column("b"), Some(vec![2.0, 4.0]));
    assert_eq!(table.column("c"), None);
    assert_eq!(table.messages(), ["one", "two"]);
}

#[test]
fn a_table_of_a_resumed_chain_takes_its_width_from_the_first_row() {
    let mut table = TableWriter::new();
    table.row(&[1.0, 2.0, 3.0]).unwrap();
    assert_eq!(table.row(&[1.0]).unwrap_err().code(), Code::Writer);
    assert_eq!((table.columns(), table.rows()), (3, 1));
}

#[test]
fn the_null_writer_takes_anything() {
    let mut writer = NullWriter;
    writer.names(&[]).unwrap();
    writer.row(&[1.0]).unwrap();
    writer.message("x").unwrap();
    writer.finish().unwrap();
}
