//! What a host gives to a run and gets from it: init contexts, writers, loggers, interrupts.

#[cfg(feature = "arrow")]
mod arrow;
mod chain_files;
mod csv;
mod csv_chains;
mod cut_off;
mod file;
mod host;
mod interrupt;
mod json;
mod log;
mod memory;
mod metric;
mod patience;
mod position;
mod rdump;
mod read_values;
mod stan_csv;
mod table;
mod text;
mod values;

#[cfg(feature = "arrow")]
pub use arrow::ArrowWriter;
pub use chain_files::{input_files, output_files};
pub use csv::{CsvWriter, MAX_SIG_FIGS, shortest, significant};
pub use csv_chains::{ChainRun, CsvChains, read_chain};
pub use cut_off::CutOff;
pub use file::{FileId, OutputFile, aside};
pub use host::{Interrupt, Keeper, Level, Logger, Mark, Moment, Never, Silent, Writer};
pub use interrupt::FlagInterrupt;
pub use json::check_json;
pub use log::{LineLogger, StderrLogger, log_lines};
pub use memory::{Grid, Layout, MemoryWriter, Sink};
pub(crate) use metric::metric_name;
pub use metric::{metric_json, read_adapted, read_metric_file};
pub use position::PositionInit;
pub use stan_csv::{Adapted, STAGE_COLUMNS, STAGES, StanCsv};
pub use table::{NullWriter, TableWriter};
pub use values::Values;
pub(crate) use values::write_arrays;
