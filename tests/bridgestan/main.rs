//! Models of libraries with BridgeStan's C ABI, with a library of our own in C (tests/c/bridgestan/mock_model.c). The
//! tests share it, with its counters and what it prints, so they run one after the other.

#[path = "../common/mod.rs"]
mod common;
mod tables;

use catena::Code;
use catena::diagnostics::Statistic;
use catena::ffi::bridgestan::catena_density_from_bridgestan;
use catena::ffi::density::catena_density;
use catena::ffi::error::catena_status;
use catena::ffi::model::catena_model_log_density;
use catena::ffi::task::{catena_task, catena_task_chain_id, catena_task_log};
use catena::io::{Level, TableWriter};
use catena::model::{Density, Threading};
use catena::optimize::Algorithm;
use catena::services::{LaplaceOptions, OptimizeOptions, SampleIo, SampleOptions, laplace, optimize, sample_nuts};
use common::bridgestan::{Lines, Model, empty_table, failure, started, table_of, told};
use common::{bits, borrow, column, run, summary};
use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::{null, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by each test.
static ONE_BY_ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names of the libraries this process has compiled: one that is loaded must not be replaced, an old one must.
static COMPILED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Compiles the library with `flags`, once, and returns its path.
fn library(name: &str, flags: &[&str]) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libmock_{name}.so"));
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if compiled.iter().any(|c| c == name) {
        return out;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/bridgestan/mock_model.c");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let status = Command::new(&compiler)
        .args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O1", "-fPIC", "-shared"])
        .args(flags)
        .arg(source)
        .arg("-o")
        .arg(&out)
        .args(["-lm", "-lpthread"])
        .status()
        .unwrap_or_else(|e| panic!("cannot run the C compiler '{compiler}': {e}"));
    assert!(status.success());
    compiled.push(name.into());
    out
}

fn mock() -> PathBuf {
    library("threads", &[])
}

/// Calls a counter of the library.
fn counter(library: &Path, name: &str) -> i32 {
    // SAFETY: the library is ours and loaded already; the counter takes nothing and returns an int.
    unsafe {
        let library = libloading::Library::new(library).unwrap();
        let count = library.get::<unsafe extern "C" fn() -> c_int>(name).unwrap();
        count()
    }
}

fn options() -> SampleOptions {
    SampleOptions { num_warmup: 200, num_samples: 100, seed: 3, num_threads: 2, refresh: 0, ..SampleOptions::stan() }
}

const NAMES: &str = "mu.1,mu.2,sigma,m.1.1,m.2.1,m.1.2,m.2.2,m.1.3,m.2.3,tau";

#[test]
fn names_are_the_librarys() {
    let _alone = alone();
    let model = Model::new(&mock(), "");
    let names: Vec<&str> = NAMES.split(',').collect();
    assert_eq!(model.get().names(), names);
    assert_eq!(model.get().output_names(), [&names[..], &["mu_sum", "noise"]].concat());
    assert_eq!(model.get().threading(), Threading::Any);
    let plain = Model::new(&mock(), r#"{"plain": 1}"#);
    assert_eq!(plain.get().output_names(), [&names[..], &["mu_sum"]].concat());
    assert_eq!(counter(&mock(), "mock_callbacks_set"), 1, "a library's print callback is set once");
}

/// Means within 5 Monte Carlo standard errors, over 13 variables of a fixed seed.
#[test]
fn draws_have_the_models_moments() {
    let _alone = alone();
    let model = Model::new(&mock(), "");
    let options = SampleOptions { num_warmup: 500, num_samples: 1500, ..options() };
    let (report, writers) = run(model.get(), &options);
    report.status().unwrap();
    let summary = summary(&writers);
    let sigma = (0.5f64 * 0.5 / 2.0).exp();
    let truth = [
        ("mu.1", 1.0, 2.0),
        ("mu.2", 2.0, 2.0),
        ("m.1.1", 11.0, 1.0),
        ("m.2.1", 21.0, 1.0),
        ("m.1.2", 12.0, 1.0),
        ("m.2.2", 22.0, 1.0),
        ("m.1.3", 13.0, 1.0),
        ("m.2.3", 23.0, 1.0),
        ("mu_sum", 3.0, 8.0f64.sqrt()),
        ("noise", 0.5, (1.0f64 / 12.0).sqrt()),
        ("sigma", sigma, sigma * (0.25f64.exp() - 1.0).sqrt()),
        ("tau", sigma + 1.0, (sigma * sigma * (0.25f64.exp() - 1.0) + 1.0).sqrt()),
    ];
    for (name, mean, sd) in truth {
        let row = summary.rows().iter().find(|r| r.name == name).unwrap();
        let (got, error) = (row.value(Statistic::Mean), row.value(Statistic::McseMean));
        assert!((got - mean).abs() < 5.0 * error, "{name}: mean {got}, not {mean}, with an error of {error}");
        // The standard error is that of a mean of at least 500 independent draws of the true spread.
        assert!(error < sd / 500f64.sqrt() && row.value(Statistic::Rhat) < 1.02, "{name}: {error} {sd}");
    }
}

#[test]
fn the_bits_do_not_depend_on_threads_or_company() {
    let _alone = alone();
    let model = Model::new(&mock(), "");
    let reference: Vec<_> = run(model.get(), &options()).1.iter().map(bits).collect();
    let before = counter(&mock(), "mock_generators");
    let single = run(model.get(), &SampleOptions { num_threads: 1, ..options() }).1;
    let draws = single.iter().map(TableWriter::rows).sum::<usize>();
    assert_eq!(counter(&mock(), "mock_generators") - before, draws as i32, "one generator per draw");
    assert_eq!(single.iter().map(bits).collect::<Vec<_>>(), reference);
    for (i, expected) in reference.iter().enumerate() {
        let alone = SampleOptions { num_chains: 1, init_chain_id: 1 + i as u64, ..options() };
        assert_eq!(&bits(&run(model.get(), &alone).1[0]), expected, "chain {}", i + 1);
    }
    let other = run(model.get(), &SampleOptions { seed: 4, ..options() }).1;
    assert_ne!(column(&other[0], "noise"), column(&single[0], "noise"));
    assert_ne!(column(&single[1], "noise"), column(&single[0], "noise"));
    // Without generated quantities the parameters' draws are the same and no generator is made.
    let plain = Model::new(&mock(), r#"{"plain": 1}"#);
    let before = counter(&mock(), "mock_generators");
    let draws = run(plain.get(), &options()).1;
    assert_eq!(counter(&mock(), "mock_generators"), before);
    assert_eq!(column(&draws[0], "tau"), column(&single[0], "tau"));
}

#[test]
fn values_not_given_are_drawn() {
    let _alone = alone();
    let model = Model::new(&mock(), "");
    let near = SampleOptions { init_radius: 0.001, num_warmup: 0, num_samples: 1, ..options() };
    let all = r#"{"mu": [1, 2], "sigma": 0.5, "m": [[11, 12, 13], [21, 22, 23]], "tau": 1.5}"#;
    let (report, start, _) = started(&model, all, &near);
    report.status().unwrap();
    let expected = [1.0, 2.0, 0.5f64.ln(), 11.0, 21.0, 12.0, 22.0, 13.0, 23.0, 0.0];
    assert_eq!(start.values(), expected);

    // Sigma's transform depends on nothing: the others are drawn by the run, with its radius.
    let (report, start, _) = started(&model, r#"{"sigma": 0.7}"#, &near);
    report.status().unwrap();
    for (name, value) in start.column_names().iter().zip(start.values()) {
        if name == "sigma" {
            assert_eq!(*value, 0.7f64.ln());
        } else {
            assert!(value.abs() < 0.001 && *value != 0.0, "{name}: {value}");
        }
    }

    // Tau's depends on sigma, which is drawn with it; some draws of sigma lie above this tau.
    for id in 1..=20 {
        let (report, start, _) =
            started(&model, r#"{"tau": 0.9}"#, &SampleOptions { init_chain_id: id, ..near.clone() });
        report.status().unwrap();
        let (sigma, tau) = (start.values()[2], start.values()[9]);
        assert!((sigma.exp() + tau.exp() - 0.9).abs() < 1e-12, "chain {id}: {sigma} {tau}");
        assert!(start.values().iter().all(|v| v.is_finite()));
    }
}

#[test]
fn initial_values_that_cannot_be_used_are_reported() {
    let _alone = alone();
    let model = Model::new(&mock(), "");
    let cases = [
        (r#"{"sigma": -1}"#, "lb_free: Lower bounded variable sigma must be greater than 0"),
        (r#"{"mu": [1, 2, 3]}"#, "init 'mu': expected dimensions [2], got [3]"),
        (r#"{"m": [[1, 2], [3, 4], [5, 6]]}"#, "init 'm': expected dimensions [2, 3], got [3, 2]"),
        (r#"{"mu": [1, NaN]}"#, "init 'mu': expected values that meet the parameter's constraint, got [1.0, NaN]"),
        (r#"{"sigma": [1]}"#, "init 'sigma': expected dimensions [], got [1]"),
    ];
    for (init, words) in cases {
        let (report, ..) = started(&model, init, &options());
        let error = failure(&report, 0);
        assert!(error.code() == Code::Initialization && error.to_string().contains(words), "{error}");
    }
    let (report, _, lines) = started(&model, r#"{"sigma": 1, "mu_sum": 3, "unknown": 1}"#, &options());
    report.status().unwrap();
    let warnings = lines.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("mu_sum, unknown"), "{warnings:?}");
}

#[test]
fn whole_lines_are_logged_with_their_chain() {
    let _alone = alone();
    let model = Model::new(&mock(), r#"{"print": 1}"#);
    let (lines, mut writers) = (Lines::default(), vec![TableWriter::new(); 4]);
    let io = SampleIo { sample_writers: borrow(&mut writers), logger: &lines, ..Default::default() };
    sample_nuts(model.get(), &options(), io).unwrap().status().unwrap();
    let lines = lines.take();
    for (i, writer) in writers.iter().enumerate() {
        let said: Vec<&str> =
            lines.iter().filter(|(_, chain, _)| *chain == Some(1 + i as u64)).map(|(.., line)| &line[..]).collect();
        let expected: Vec<[String; 2]> =
            column(writer, "mu.1").iter().map(|mu| [format!("half a line {mu:?}"), "and no end".into()]).collect();
        // The numbers are compared as numbers: C and Rust write them differently.
        let number = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        assert_eq!(said.len(), 2 * expected.len());
        for (said, [line, end]) in said.chunks(2).zip(&expected) {
            assert!(said[0].starts_with("half a line ") && number(said[0]) == number(line), "{said:?}, not {line}");
            assert_eq!(said[1], end);
        }
    }
    assert_eq!(lines.len(), 4 * 100 * 2, "and nothing else");
}

#[test]
fn what_other_threads_print_is_logged_without_a_chain() {
    let _alone = alone();
    let model = Model::new(&mock(), r#"{"foreign": 1, "loud": 1}"#);
    let lines = Lines::default();
    let mut writers = vec![TableWriter::new(); 2];
    let options = SampleOptions { num_chains: 2, ..options() };
    let io = SampleIo { sample_writers: borrow(&mut writers), logger: &lines, ..Default::default() };
    sample_nuts(model.get(), &options, io).unwrap().status().unwrap();
    let lines = lines.take();
    assert_eq!(lines[0], (Level::Info, None, "transformed data".to_string()));
    assert_eq!(lines.len(), 1 + 2 * 100);
    assert!(lines[1..].iter().all(|l| *l == (Level::Info, None, "from another thread".to_string())));
}

#[test]
fn one_message_at_every_point_ends_the_chain() {
    let _alone = alone();
    let one = SampleOptions { num_chains: 1, ..options() };
    // No point to begin with.
    let report = run(Model::new(&mock(), r#"{"fail": 1}"#).get(), &options()).0;
    for i in 0..4 {
        let error = failure(&report, i);
        assert!(
            error.code() == Code::Initialization && error.to_string().contains("nothing can be evaluated"),
            "{error}"
        );
    }
    // Later on, in a search for a step size after warm-up's first window: the message is told.
    let later = r#"{"fail": 1, "later": 1}"#;
    let report = run(Model::new(&mock(), later).get(), &one).0;
    let error = failure(&report, 0);
    assert!(error.to_string().contains("no step size") && error.to_string().contains("nothing can be"), "{error}");
    // In the middle of its iterations.
    let fixed = SampleOptions { adaptation: None, stepsize: 0.3, num_samples: 5000, ..one.clone() };
    let later = Model::new(&mock(), later);
    let report = run(later.get(), &fixed).0;
    let error = failure(&report, 0);
    assert_eq!((error.code(), error.chain()), (Code::Model, Some(1)));
    let words = "1000 evaluations in a row were refused, all with: nothing can be evaluated";
    assert!(error.to_string().contains(words), "{error}");
    // A new message each time is a hard posterior, not a broken model.
    let count = Model::new(&mock(), r#"{"count": 1, "later": 1}"#);
    let (report, writers) = run(count.get(), &fixed);
    report.status().unwrap();
    assert_eq!(writers[0].rows(), 5000);
    // Points outside the support are divergences, however many, as long as others are not.
    let limited = Model::new(&mock(), r#"{"limit": 1}"#);
    let (report, writers) = run(limited.get(), &SampleOptions { num_samples: 3000, ..options() });
    report.status().unwrap();
    let divergences: u64 = report.chains.iter().map(|c| c.divergences).sum();
    assert!(divergences > 1000, "{divergences}");
    assert!(writers.iter().all(|w| column(w, "sigma").iter().all(|s| *s <= 1.5)));
}

#[test]
fn evaluations_outside_a_run_are_not_counted() {
    let _alone = alone();
    let model = Model::new(&mock(), r#"{"fail": 1}"#);
    let positions = vec![0.0; 10 * 2000];
    let (mut values, mut codes) = (vec![0.0; 2000], vec![0; 2000]);
    // SAFETY: the arrays are as long as documented.
    told(|error| unsafe {
        let (positions, values) = (positions.as_ptr(), values.as_mut_ptr());
        catena_model_log_density(model.0, 2000, positions, values, null_mut(), codes.as_mut_ptr(), error)
    })
    .unwrap();
    assert!(values.iter().all(|v| v.is_nan()) && codes.iter().all(|c| *c > 0));
}

#[test]
fn a_library_without_threads_is_entered_by_one() {
    let _alone = alone();
    let path = library("single", &["-DMOCK_THREADS=0"]);
    let model = Model::new(&path, "");
    assert_eq!(model.get().threading(), Threading::One);
    let logged = |threads: usize| {
        let lines = Lines::default();
        let mut writers = vec![TableWriter::new(); 4];
        let io = SampleIo { sample_writers: borrow(&mut writers), logger: &lines, ..Default::default() };
        let report = sample_nuts(model.get(), &SampleOptions { num_threads: threads, ..options() }, io).unwrap();
        report.status().unwrap();
        (lines.warnings(), writers.iter().map(bits).collect::<Vec<_>>())
    };
    let (warnings, draws) = logged(4);
    assert_eq!(warnings, ["the model may be called from one thread only: the run uses 1 thread, not 4"]);
    let (warnings, same) = logged(1);
    assert!(warnings.is_empty(), "{warnings:?}");
    let reference: Vec<_> = run(Model::new(&mock(), "").get(), &options()).1.iter().map(bits).collect();
    assert!(draws == reference && same == reference, "a library with threads draws the same");
    // Not even two runs of two host threads, over two models, are inside at once.
    let second = Model::new(&path, r#"{"plain": 1}"#);
    std::thread::scope(|scope| {
        scope.spawn(|| run(model.get(), &options()).0.status().unwrap());
        scope.spawn(|| run(second.get(), &options()).0.status().unwrap());
    });
    assert_eq!(counter(&path, "mock_overlaps"), 0);
}

#[test]
fn data_come_as_text_or_file() {
    let _alone = alone();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mock_data.json");
    std::fs::write(&file, r#"{"plain": 1}"#).unwrap();
    let model = Model::new(&mock(), file.to_str().unwrap());
    assert_eq!(model.get().output_names().len(), 11);
    for (data, words) in
        [("[1]", "Error in JSON parsing at line=1 column=1"), ("no/such/file.json", "Could not open data file")]
    {
        let (status, message) = table_of(&mock(), data).err().unwrap();
        assert!(status == catena_status::CATENA_MODEL && message.contains(words), "{message}");
    }
}

#[test]
fn libraries_that_do_not_fit_are_refused() {
    let _alone = alone();
    let refused = |path: &Path| table_of(path, "").err().unwrap();
    let (status, message) = refused(&library("version", &["-DMOCK_MAJOR=1"]));
    assert_eq!(status, catena_status::CATENA_INVALID_ARGUMENT);
    assert!(message.contains("argument 'library'") && message.contains("version 2") && message.contains("1.9.0"));
    let (status, message) = refused(&library("nameless", &["-DMOCK_WITHOUT_NAMES"]));
    assert_eq!(status, catena_status::CATENA_INVALID_ARGUMENT);
    assert!(message.contains("without the symbol 'bs_param_names'"), "{message}");
    let (status, message) = refused(Path::new("no/such/library.so"));
    assert!(status == catena_status::CATENA_IO && message.contains("no/such/library.so"), "{message}");
    let (status, message) = refused(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    assert!(status == catena_status::CATENA_IO && message.contains("Cargo.toml"), "{message}");
    let (status, _) = refused(Path::new(""));
    assert_eq!(status, catena_status::CATENA_INVALID_ARGUMENT);

    let path = CString::new(mock().to_str().unwrap()).unwrap();
    let mut short = empty_table();
    short.struct_size = 16;
    for (library, out) in
        [(null(), &mut empty_table() as *mut _), (path.as_ptr(), null_mut()), (path.as_ptr(), &mut short)]
    {
        // SAFETY: NULL is documented; the short table is never written.
        let answer = told(|error| unsafe { catena_density_from_bridgestan(library, null(), 1, out, error) });
        assert_eq!(answer.unwrap_err().0, catena_status::CATENA_INVALID_ARGUMENT);
    }
    assert_eq!((short.struct_size, short.dimension), (16, 0));
    // A host of an older version gets the members that it knows, and nothing is written behind them.
    let mut older = empty_table();
    older.struct_size = offset_of!(catena_density, log_density_parts);
    older.data_count = 77;
    // SAFETY: the table is larger than it says.
    let answer = told(|error| unsafe { catena_density_from_bridgestan(path.as_ptr(), null(), 1, &mut older, error) });
    answer.unwrap();
    assert_eq!((older.struct_size, older.data_count), (offset_of!(catena_density, log_density_parts), 77));
    assert!(older.dimension > 0 && older.log_density_gradient.is_some() && older.log_density_parts.is_none());
    // SAFETY: the host owns the table.
    unsafe { older.release.unwrap()(older.user) };
    // One that ends inside a member is nobody's.
    older.struct_size = offset_of!(catena_density, names) + 4;
    let answer = told(|error| unsafe { catena_density_from_bridgestan(path.as_ptr(), null(), 1, &mut older, error) });
    assert_eq!(answer.unwrap_err().0, catena_status::CATENA_INVALID_ARGUMENT);
    // A table never made into a model is released by its host.
    let table = table_of(&mock(), "").unwrap();
    // SAFETY: the host owns the table.
    unsafe { table.release.unwrap()(table.user) };
}

unsafe extern "C" fn talk(
    _: *mut c_void,
    _: *mut c_void,
    task: *mut catena_task,
    x: *const f64,
    value: *mut f64,
    gradient: *mut f64,
) -> c_int {
    // SAFETY: a callback of a table of one dimension.
    unsafe {
        *value = -0.5 * *x * *x;
        *gradient = -*x;
        let line = CString::new(format!("I am chain {}\nso I am", catena_task_chain_id(task))).unwrap();
        catena_task_log(task, 2, line.as_ptr());
        catena_task_log(task, 9, c"far out".as_ptr());
        catena_task_log(task, 1, null::<c_char>());
        catena_task_log(null_mut(), 1, c"nobody".as_ptr());
    }
    0
}
