//! Models of libraries with BridgeStan's C ABI, and what a test wants to see of their runs.

use super::borrow;
use catena::Error;
use catena::ffi::bridgestan::catena_density_from_bridgestan;
use catena::ffi::density::catena_density;
use catena::ffi::error::{catena_error, catena_error_code, catena_error_free, catena_error_message, catena_status};
use catena::ffi::model::{catena_model, catena_model_free, catena_model_new};
use catena::io::{Level, Logger, TableWriter, Values};
use catena::model::InitContext;
use catena::services::{Outcome, SampleIo, SampleOptions, SampleReport, sample_nuts};
use std::ffi::{CStr, CString};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Mutex;

/// Status and message of a call that may fail.
pub fn told(call: impl FnOnce(*mut *mut catena_error) -> catena_status) -> Result<(), (catena_status, String)> {
    let mut error = null_mut();
    let status = call(&mut error);
    if status == catena_status::CATENA_OK {
        assert!(error.is_null());
        return Ok(());
    }
    // SAFETY: a failure sets the error, which is freed once.
    unsafe {
        assert_eq!(catena_error_code(error), status);
        let message = CStr::from_ptr(catena_error_message(error)).to_str().unwrap().to_string();
        catena_error_free(error);
        Err((status, message))
    }
}

pub fn empty_table() -> catena_density {
    // SAFETY: zeros are valid in every table.
    let mut table: catena_density = unsafe { std::mem::zeroed() };
    table.struct_size = size_of::<catena_density>();
    table
}

pub fn table_of(library: &Path, data: &str) -> Result<catena_density, (catena_status, String)> {
    let library = CString::new(library.to_str().unwrap()).unwrap();
    let data = CString::new(data).unwrap();
    let mut table = empty_table();
    // SAFETY: texts and table are as documented.
    told(|error| unsafe { catena_density_from_bridgestan(library.as_ptr(), data.as_ptr(), 1, &mut table, error) })?;
    Ok(table)
}

/// A model freed at the end of its scope.
pub struct Model(pub *mut catena_model);

// SAFETY: a catena_model may be used from any thread.
unsafe impl Sync for Model {}

impl Model {
    pub fn from_table(table: &catena_density) -> Result<Self, (catena_status, String)> {
        let mut model = null_mut();
        // SAFETY: the table is valid.
        told(|error| unsafe { catena_model_new(table, &mut model, error) })?;
        Ok(Self(model))
    }

    pub fn new(library: &Path, data: &str) -> Self {
        Self::from_table(&table_of(library, data).unwrap()).unwrap()
    }

    pub fn get(&self) -> &catena_model {
        // SAFETY: alive until dropped.
        unsafe { &*self.0 }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: freed once.
        unsafe { catena_model_free(self.0) }
    }
}

/// Keeps every line.
#[derive(Default)]
pub struct Lines(pub Mutex<Vec<(Level, Option<u64>, String)>>);

impl Logger for Lines {
    fn log(&self, level: Level, chain: Option<u64>, line: &str) {
        self.0.lock().unwrap().push((level, chain, line.to_string()));
    }
}

impl Lines {
    pub fn take(self) -> Vec<(Level, Option<u64>, String)> {
        self.0.into_inner().unwrap()
    }

    pub fn warnings(self) -> Vec<String> {
        self.take().into_iter().filter(|(level, ..)| *level >= Level::Warning).map(|(.., line)| line).collect()
    }
}

pub fn failure(report: &SampleReport, index: usize) -> &Error {
    match &report.chains[index].outcome {
        Outcome::Failed(error) => error,
        other => panic!("chain {index} should have failed, but: {other:?}"),
    }
}

/// A run of one chain with initial values; the report, the initial unconstrained values and the log.
pub fn started(model: &Model, init: &str, options: &SampleOptions) -> (SampleReport, TableWriter, Lines) {
    let init = Values::from_json(init).unwrap();
    let (lines, mut writers) = (Lines::default(), [TableWriter::new()]);
    let io = SampleIo {
        inits: vec![&init as &dyn InitContext],
        init_writers: borrow(&mut writers),
        logger: &lines,
        ..Default::default()
    };
    let report = sample_nuts(model.get(), &SampleOptions { num_chains: 1, ..options.clone() }, io).unwrap();
    let [writer] = writers;
    (report, writer, lines)
}
