//! Products of outcomes, models and experiments on an OpenCL device (PoCL's processor where there is no other), against the
//! same numbers computed here.

use catena::drive::device::{CellShape, Device, Precision, Product};
use catena::drive::opencl::{DeviceChoice, DeviceKind, DeviceProgram, devices};

const SHAPE: CellShape = CellShape { outcome: 1, parameters: 2, fields: 3 };

/// As the kernel below.
fn cell(outcome: f64, model: [f64; 2], experiment: [f64; 3]) -> f64 {
    let phase = 0.5 * model[0] * experiment[0] + experiment[1] * model[1];
    let zero = phase.cos().powi(2) * experiment[2];
    if outcome == 0.0 { zero } else { 1.0 - zero }
}

const SOURCE: &str = r"
real likelihood(const real *outcome, const real *model, const real *experiment) {
  const real phase = (real)0.5 * model[0] * experiment[0] + experiment[1] * model[1];
  const real c = cos(phase), zero = c * c * experiment[2];
  return outcome[0] == 0 ? zero : 1 - zero;
}
";

fn program(precision: Precision) -> DeviceProgram {
    DeviceProgram::new(SOURCE, SHAPE, precision, &DeviceChoice::default()).expect("a device; Debian: pocl-opencl-icd")
}

fn column(n: usize, scale: f64) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| scale * (i as f64 * 0.618_033_988_749_895).fract())
}

/// A product of these sizes, and what it should be.
struct Case {
    outcomes: Vec<f64>,
    models: Vec<f64>,
    experiments: Vec<f64>,
    expected: Vec<f64>,
}

fn case(n_o: usize, n_m: usize, n_e: usize) -> Case {
    let outcomes: Vec<f64> = (0..n_o).map(|o| o as f64).collect();
    let models: Vec<f64> = column(n_m, 1.0).chain(column(n_m, -2.0)).collect();
    let experiments: Vec<f64> = column(n_e, 9.0).chain(column(n_e, 1.0)).chain(column(n_e, 0.9)).collect();
    let mut expected = Vec::with_capacity(n_o * n_m * n_e);
    for e in 0..n_e {
        let experiment = [0, 1, 2].map(|f| experiments[f * n_e + e]);
        for &outcome in &outcomes {
            expected.extend((0..n_m).map(|m| cell(outcome, [models[m], models[n_m + m]], experiment)));
        }
    }
    Case { outcomes, models, experiments, expected }
}

impl Case {
    /// The largest error of the device, none of whose numbers is written beyond the product.
    fn error(&self, program: &DeviceProgram) -> f64 {
        let Self { outcomes, models, experiments, expected } = self;
        let product = Product::new(outcomes, models, experiments, SHAPE);
        let mut out = vec![f64::MAX; expected.len() + 2];
        let last = out.len() - 1;
        program.compute(&product, &mut out[1..last]).unwrap();
        assert!(out[0] == f64::MAX && out[last] == f64::MAX);
        let errors = out[1..last].iter().zip(expected).map(|(a, b)| (a - b).abs() / b.abs().max(1e-3));
        errors.fold(0.0, f64::max)
    }
}

#[test]
fn every_size_has_the_numbers_of_the_host() {
    let (double, single) = (program(Precision::Double), program(Precision::Single));
    for n_m in [1, 31, 32, 33, 1000, 1025] {
        for n_e in [1, 7] {
            for n_o in [2, 3] {
                let case = case(n_o, n_m, n_e);
                assert!(case.error(&double) < 1e-12, "{n_o} x {n_m} x {n_e}: {}", case.error(&double));
                assert!(case.error(&single) < 1e-2, "{n_o} x {n_m} x {n_e}: {}", case.error(&single));
            }
        }
    }
}

#[test]
fn no_cut_into_chunks_changes_a_number() {
    let program = program(Precision::Double);
    for cells in [1, 2, 7, 64, 999, 1000, 1001, 5000] {
        program.limit_chunks(cells);
        assert!(case(2, 50, 10).error(&program) < 1e-12, "{cells} cells at a time");
    }
}

/// A cell's number in single precision, or in 24 bits, would skip odd ones.
#[test]
fn cells_are_counted_with_all_their_bits() {
    const ACROSS: usize = 4097;
    const DOWN: usize = 4096;
    let source = "real likelihood(const real *o, const real *m, const real *e) {
        return (real)(((ulong)e[0] * 4097 + (ulong)m[0]) % 1000); }";
    let shape = CellShape { outcome: 1, parameters: 1, fields: 1 };
    let program = DeviceProgram::new(source, shape, Precision::Double, &DeviceChoice::default()).unwrap();
    let count = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    let (models, experiments) = (count(ACROSS), count(DOWN));
    let mut out = vec![-1.0; ACROSS * DOWN];
    let product = Product::new(&[0.0], &models, &experiments, shape);
    program.compute(&product, &mut out).unwrap();
    for i in (16_777_215..=16_777_220).chain([0, out.len() - 1]) {
        assert_eq!(out[i], (i % 1000) as f64, "cell {i}");
    }
}

#[test]
fn models_stay_on_the_device_until_they_change() {
    let program = program(Precision::Double);
    let mut case = case(2, 100, 3);
    for _ in 0..3 {
        assert!(case.error(&program) < 1e-12);
    }
    assert_eq!(program.uploads(), 1);
    let (new, old) = (self::case(2, 100, 4), case.models.clone());
    assert!(new.error(&program) < 1e-12);
    assert_eq!((program.uploads(), old == new.models), (1, true));
    case.models[150] += 0.25;
    case.expected = (0..3)
        .flat_map(|e| {
            let experiment = [0, 1, 2].map(|f| case.experiments[f * 3 + e]);
            let models = &case.models;
            (0..2).flat_map(move |o| (0..100).map(move |m| cell(o as f64, [models[m], models[100 + m]], experiment)))
        })
        .collect();
    assert!(case.error(&program) < 1e-12);
    assert_eq!(program.uploads(), 2);
}

/// Models in blocks, as sets have them; those of several owners stay on the device side by side.
#[test]
fn blocks_of_models_and_their_owners_are_told_apart() {
    let program = program(Precision::Double);
    let case = case(2, 1000, 3);
    let blocks = |block: usize| -> Vec<f64> {
        let rows = |first: usize| first..1000.min(first + block);
        let columns = |first| rows(first).chain(rows(first).map(|m| 1000 + m).collect::<Vec<_>>());
        (0..1000).step_by(block).flat_map(columns).map(|at| case.models[at]).collect()
    };
    for (owner, block) in [(1, 64), (2, 999), (3, 1000), (1, 64), (2, 999), (3, 4096)] {
        let models = blocks(block);
        let product = Product { owner, block, ..Product::new(&case.outcomes, &models, &case.experiments, SHAPE) };
        let mut out = vec![0.0; case.expected.len()];
        program.compute(&product, &mut out).unwrap();
        assert!(out.iter().zip(&case.expected).all(|(a, b)| (a - b).abs() < 1e-12), "blocks of {block}");
    }
    assert_eq!(program.uploads(), 3);
}

/// Runs the test of this name in a process of its own with `mode` in [`CHILD`] and a library between it and the real one.
fn beside_another_library(test: &str, mode: &str) {
    let folder = std::env::temp_dir().join(format!("catena-{mode}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (source, library) = (folder.join("between.c"), folder.join("between.so"));
    std::fs::write(&source, BETWEEN).unwrap();
    let compiler = std::env::var("CC").unwrap_or("cc".into());
    // What the library itself lacks is looked up in the real one, on which it depends.
    let made = std::process::Command::new(compiler)
        .args(["-shared", "-fPIC", "-Wl,--no-as-needed"])
        .arg(&source)
        .args(["-o".as_ref(), library.as_os_str(), "-l:libOpenCL.so.1".as_ref(), "-ldl".as_ref()])
        .status();
    assert!(made.unwrap().success(), "a C compiler and libOpenCL.so.1");
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(CHILD, mode)
        .env("OPENCL_DYLIB_PATH", &library)
        .status()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(status.success());
}

const CHILD: &str = "CATENA_TEST_OPENCL";

/// A device that is gone after its first launch, or one that has no numbers of 64 bits.
const BETWEEN: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
static void *real(const char *name) { return dlsym(dlopen("libOpenCL.so.1", RTLD_NOW), name); }
static int is(const char *mode) { return strcmp(getenv("CATENA_TEST_OPENCL"), mode) == 0; }
typedef int (*launch)(void *, void *, unsigned, const size_t *, const size_t *, const size_t *, unsigned, void *, void *);
int clEnqueueNDRangeKernel(void *queue, void *kernel, unsigned dims, const size_t *offset, const size_t *global,
                           const size_t *local, unsigned waits, void *wait, void *event) {
  static int launches;
  if (is("vanishing") && launches++ >= 1) return -2;
  return ((launch)real("clEnqueueNDRangeKernel"))(queue, kernel, dims, offset, global, local, waits, wait, event);
}
typedef int (*info)(void *, unsigned, size_t, void *, size_t *);
int clGetDeviceInfo(void *device, unsigned what, size_t size, void *value, size_t *needed) {
  const int status = ((info)real("clGetDeviceInfo"))(device, what, size, value, needed);
  if (is("single") && what == 0x1032 && value) memset(value, 0, size);
  return status;
}
"#;

fn mode() -> Option<String> {
    std::env::var(CHILD).ok()
}

#[test]
fn a_device_that_vanishes_is_said() {
    if mode().is_none() {
        return beside_another_library("a_device_that_vanishes_is_said", "vanishing");
    }
    let (program, case) = (program(Precision::Double), case(2, 100, 3));
    assert!(case.error(&program) < 1e-12);
    let Case { outcomes, models, experiments, expected } = &case;
    let mut out = vec![0.0; expected.len()];
    let error = program.compute(&Product::new(outcomes, models, experiments, SHAPE), &mut out).unwrap_err();
    assert_eq!(error.code(), catena::Code::Model);
    assert_eq!(error.to_string(), format!("the device {} failed: CL_DEVICE_NOT_AVAILABLE", program.name()));
}

/// Double precision is never narrowed in silence.
#[test]
fn a_device_without_doubles_is_refused_for_them() {
    if mode().is_none() {
        return beside_another_library("a_device_without_doubles_is_refused_for_them", "single");
    }
    let refused = DeviceProgram::new(SOURCE, SHAPE, Precision::Double, &DeviceChoice::default());
    let words = refused.err().unwrap().to_string();
    assert!(words.contains("'precision': expected single") && words.contains("no numbers of 64 bits"), "{words}");
    assert!(case(2, 100, 3).error(&program(Precision::Single)) < 1e-2);
}

#[test]
fn what_cannot_be_compiled_or_found_is_said() {
    let bad = "real likelihood(const real *o, const real *m, const real *e) { return no_such_thing; }";
    let error = DeviceProgram::new(bad, SHAPE, Precision::Double, &DeviceChoice::default()).err().unwrap().to_string();
    assert!(error.contains("'source'") && error.contains("no_such_thing"), "{error}");
    let choice = DeviceChoice { name: Some("quantum".into()), kind: None };
    let error = DeviceProgram::new(SOURCE, SHAPE, Precision::Double, &choice).err().unwrap().to_string();
    let (name, kind) = devices().unwrap().swap_remove(0);
    assert!(
        error.contains("'device'") && error.contains(&name) && error.ends_with("got kind any, name 'quantum'"),
        "{error}"
    );
    let by_name = DeviceChoice { name: Some(name[..3].to_uppercase()), kind };
    let found = DeviceProgram::new(SOURCE, SHAPE, Precision::Single, &by_name).unwrap();
    assert_eq!((found.name(), found.precision()), (name.as_str(), Precision::Single));
    if kind == Some(DeviceKind::Cpu) {
        DeviceProgram::new(SOURCE, SHAPE, Precision::Double, &DeviceChoice { kind: Some(DeviceKind::Cpu), name: None })
            .unwrap();
    }
}

/// Without a platform there are words, in a process of its own, for the library is loaded once.
#[test]
fn without_a_platform_there_are_words() {
    const CHILD: &str = "CATENA_TEST_WITHOUT_OPENCL";
    if std::env::var_os(CHILD).is_some() {
        let error = devices().unwrap_err().to_string();
        assert!(error.contains("no OpenCL platform can be used"), "{error}");
        return;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "without_a_platform_there_are_words"])
        .env(CHILD, "1")
        .env("OCL_ICD_VENDORS", "/nowhere")
        .status()
        .unwrap();
    assert!(status.success());
}
