//! What is fuzzed: one function per reader and boundary. Each takes any bytes and returns; what it must not do is panic, abort,
//! ask for memory beyond [`MOST_MEMORY`], or break what it says itself of what it read.
//!
//! `tests/fuzz.rs` runs them over the corpora with mutations of its own, `fuzz/fuzz_targets` under libFuzzer.

use crate::parse::parse;
use catena::ffi::density::catena_density;
use catena::ffi::error::{catena_error, catena_error_free, catena_status};
use catena::ffi::init::{catena_init, catena_init_free, catena_init_new, catena_init_table};
use catena::ffi::io::catena_io;
use catena::ffi::model::{catena_model, catena_model_free, catena_model_new};
use catena::ffi::options::{catena_options, catena_options_free, catena_options_new};
use catena::ffi::sample::catena_sample_nuts;
use catena::ffi::writer::{catena_writer, catena_writer_free, catena_writer_new, catena_writer_table};
use catena::hmc::{Chain, MetricKind};
use catena::io::{StanCsv, Values, check_json, metric_json, read_metric_file};
use catena::model::{Density, InitContext, Refusal, Task, WorkerError, open, seal};
use catena::services::{Given, OPTIONS, OptionSet, SampleIo, SampleOptions, sample_nuts};
use catena::{Code, Error};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{null, null_mut};

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its corpus.
pub const TARGETS: [(&str, Target); 8] = [
    ("json", json),
    ("r_dump", r_dump),
    ("stan_csv", stan_csv),
    ("metric", metric),
    ("checkpoint", checkpoint),
    ("arguments", arguments),
    ("options", options),
    ("tables", tables),
];

/// The largest piece of memory that any input may ask for.
const MOST_MEMORY: usize = 1 << 28;

/// The system's allocator, which refuses pieces that no small input needs: a size taken from a file unchecked becomes an abort.
pub struct Limited;

// SAFETY: the system's allocator, which may fail.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        if layout.size() > MOST_MEMORY { null_mut() } else { unsafe { System.alloc(layout) } }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: passed on to the caller.
        if size > MOST_MEMORY { null_mut() } else { unsafe { System.realloc(pointer, layout, size) } }
    }
}

/// An error has words of one line or more, and none that only a bug has.
fn has_words(error: &Error) {
    assert!(!error.to_string().is_empty() && error.code() != Code::Internal, "{error}");
}

fn values(read: Result<Values, Error>) {
    match read {
        Ok(values) => assert!(values.unused().len() < usize::MAX),
        Err(error) => has_words(&error),
    }
}

/// Data and initial values.
fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // What is read as values is JSON, but for bare words that JSON has not.
    let _ = check_json(text, "text");
    values(Values::from_json(text));
}

fn r_dump(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    values(Values::from_dump(text));
}

/// Draws of an earlier run.
fn stan_csv(bytes: &[u8]) {
    match StanCsv::from_text(&String::from_utf8_lossy(bytes)) {
        Ok(csv) => {
            assert!(!csv.names().is_empty());
            assert_eq!(csv.values().len(), csv.rows() * csv.names().len());
            assert!(csv.warmup_rows() <= csv.rows());
            assert_eq!(csv.draws().len(), (csv.rows() - csv.warmup_rows()) * csv.names().len());
            if let Some(adapted) = csv.adapted().filter(|a| a.metric_rows > 0) {
                assert!(adapted.inv_metric.len().is_multiple_of(adapted.metric_rows));
            }
        }
        Err(error) => has_words(&error),
    }
}

/// Metric files; the first byte tells which metric is wanted of how many coordinates.
fn metric(bytes: &[u8]) {
    const KINDS: [MetricKind; 4] = [MetricKind::Diag, MetricKind::Dense, MetricKind::LowRank, MetricKind::Auto];
    const DIMENSIONS: usize = 5;
    let Some((&first, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let first = usize::from(first);
    let (kind, dim) = (KINDS[first % KINDS.len()], first / KINDS.len() % DIMENSIONS);
    match read_metric_file(text, kind, dim) {
        // What is written reads back to the same bits.
        Ok(metric) if kind != MetricKind::Auto => {
            let again = read_metric_file(&metric_json(0.5, kind, &metric), kind, dim);
            let bits = |metric: &[f64]| metric.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&again.unwrap_or_default()), bits(&metric), "{text}");
        }
        Ok(_) => {}
        Err(error) => has_words(&error),
    }
}

/// A normal of two coordinates.
struct Normal;

impl Density for Normal {
    type Worker = ();

    fn dim(&self) -> usize {
        2
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(
        &self,
        (): &mut (),
        _: &mut Task<'_>,
        position: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, Refusal> {
        gradient.iter_mut().zip(position).for_each(|(g, x)| *g = -x);
        Ok(-0.5 * position.iter().map(|x| x * x).sum::<f64>())
    }
}

/// The run that the checkpoints of the corpus are of.
fn run_of_checkpoints() -> SampleOptions {
    SampleOptions { num_chains: 1, num_warmup: 20, num_samples: 10, num_threads: 1, seed: 1, ..SampleOptions::stan() }
}

/// Bytes before the content of what is sealed: those that tell what it is, its length and its checksum.
const SEAL: usize = 24;

/// The content of a checkpoint in the midst of warm-up.
pub fn some_checkpoint() -> Vec<u8> {
    let options = SampleOptions { max_evaluations: 40, ..run_of_checkpoints() };
    let report = sample_nuts(&Normal, &options, SampleIo::default()).expect("a run");
    report.chains[0].checkpoint.as_ref().expect("a checkpoint")[SEAL..].to_vec()
}

/// Checkpoints whose checksum is right, whatever they say, and as they are.
fn checkpoint(bytes: &[u8]) {
    let mut sealed = seal(&());
    sealed.truncate(SEAL);
    sealed[12..20].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    sealed[20..24].copy_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    sealed.extend_from_slice(bytes);
    for bytes in [bytes, &sealed] {
        if let Err(error) = open::<Chain>(bytes) {
            has_words(&error);
        }
        let options = SampleOptions { max_evaluations: 60, ..run_of_checkpoints() };
        let io = SampleIo { checkpoints: vec![bytes], ..SampleIo::default() };
        match sample_nuts(&Normal, &options, io) {
            Ok(report) => report.status().err().iter().for_each(has_words),
            Err(error) => has_words(&error),
        }
    }
}

/// The command line: words are parted by zeros.
fn arguments(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<String> = text.split('\0').map(String::from).collect();
    match parse(&words) {
        Ok(settings) => assert!(!settings.text("method").is_empty() && !settings.lines().is_empty()),
        Err(words) => assert!(!words.is_empty()),
    }
}

/// Options by name: lines of name=value. What is set is what is got.
fn options(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut options = OptionSet::default();
    for line in text.lines() {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        let before = options.clone();
        let set = match value.parse() {
            Ok(number) => options.set(name, Given::Number(number)),
            Err(_) => options.set(name, Given::Text(value)),
        };
        match set {
            Ok(()) => assert!(OPTIONS.iter().any(|row| row.name == name) && options.get(name).is_ok()),
            Err(error) => {
                has_words(&error);
                assert!(options == before, "{line}: a refused value changed something");
            }
        }
    }
    if let Err(error) = options.validate() {
        has_words(&error);
    }
}

/// A host's table of exactly so many bytes as its struct_size says, with `rest` beyond what this version knows.
fn host_table<T>(known: &T, size: usize, rest: &[u8]) -> Vec<u64> {
    // Whole words, so that members are aligned.
    let mut table = vec![0u64; size.div_ceil(8).max(1)];
    // SAFETY: both are plain bytes, and no more are copied than either has.
    unsafe {
        let room = table.as_mut_ptr().cast::<u8>();
        std::ptr::copy_nonoverlapping((&raw const *known).cast::<u8>(), room, size_of::<T>().min(table.len() * 8));
        if size > size_of::<T>() {
            let most = rest.len().min(size - size_of::<T>());
            std::ptr::copy_nonoverlapping(rest.as_ptr(), room.add(size_of::<T>()), most);
        }
    }
    table[0] = size as u64;
    table
}

unsafe extern "C" fn evaluate(
    _: *mut std::ffi::c_void,
    _: *mut std::ffi::c_void,
    _: *mut catena::ffi::task::catena_task,
    _: *const f64,
    log_density: *mut f64,
    _: *mut f64,
) -> i32 {
    // SAFETY: a place for a number.
    unsafe { *log_density = 0.0 };
    0
}

/// Tables of a host compiled with another version: the first byte chooses the table, the next two are its size.
fn tables(bytes: &[u8]) {
    let [which, low, high, rest @ ..] = bytes else { return };
    let size = usize::from(u16::from_le_bytes([*low, *high])) % 1024;
    let mut error: *mut catena_error = null_mut();
    // SAFETY: every table has as many bytes as it says, zeros and function pointers that are right, and what is made is freed.
    unsafe {
        let status = match which % 4 {
            0 => {
                let mut known: catena_density = std::mem::zeroed();
                known.dimension = 1;
                known.log_density_gradient = Some(evaluate);
                let (table, mut made) = (host_table(&known, size, rest), null_mut::<catena_model>());
                let status = catena_model_new(table.as_ptr().cast(), &mut made, &mut error);
                assert_eq!(made.is_null(), status != catena_status::CATENA_OK);
                catena_model_free(made);
                status
            }
            1 => {
                let known: catena_writer_table = std::mem::zeroed();
                let (table, mut made) = (host_table(&known, size, rest), null_mut::<catena_writer>());
                let status = catena_writer_new(table.as_ptr().cast(), &mut made, &mut error);
                assert_eq!(made.is_null(), status != catena_status::CATENA_OK);
                catena_writer_free(made);
                status
            }
            2 => {
                let known: catena_init_table = std::mem::zeroed();
                let (table, mut made) = (host_table(&known, size, rest), null_mut::<catena_init>());
                let status = catena_init_new(table.as_ptr().cast(), &mut made, &mut error);
                assert_eq!(made.is_null(), status != catena_status::CATENA_OK);
                catena_init_free(made);
                status
            }
            _ => {
                let known: catena_io = std::mem::zeroed();
                let (table, mut options) = (host_table(&known, size, rest), null_mut::<catena_options>());
                catena_options_new(&mut options, null_mut());
                let mut result = null_mut();
                let status = catena_sample_nuts(null(), options, table.as_ptr().cast(), &mut result, &mut error);
                assert_ne!(status, catena_status::CATENA_OK, "there is no model");
                catena_options_free(options);
                status
            }
        };
        assert_ne!(status, catena_status::CATENA_INTERNAL);
        assert_eq!(error.is_null(), status == catena_status::CATENA_OK);
        catena_error_free(error);
    }
}
