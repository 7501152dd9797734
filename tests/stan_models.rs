//! Real Stan programs. CATENA_STAN_MODELS is the folder where tests/stan/build.sh put its libraries; run with
//! `cargo test --test stan_models -- --ignored`.

mod common;

use catena::Code;
use catena::diagnostics::Statistic;
use catena::ffi::bridgestan::{Jacobian, load};
use catena::ffi::model::catena_model_log_density;
use catena::io::TableWriter;
use catena::model::{Density, Threading};
use catena::services::{SampleIo, SampleOptions, log_density, sample_nuts};
use common::bridgestan::{Lines, Model, failure, started, told};
use common::{bits, borrow, column, run, summary};
use std::path::Path;
use std::ptr::null_mut;

fn model(name: &str, data: &str) -> Model {
    let folder = std::env::var("CATENA_STAN_MODELS").expect("CATENA_STAN_MODELS names a folder of libraries");
    let library = Path::new(&folder).join(format!("{name}.so"));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stan").join(data);
    Model::new(&library, if data.is_file() { data.to_str().unwrap() } else { "" })
}

fn options() -> SampleOptions {
    SampleOptions { seed: 20, num_threads: 2, refresh: 0, num_samples: 2000, ..SampleOptions::stan() }
}

/// Mean and Monte Carlo standard error.
fn mean(writers: &[TableWriter], name: &str) -> (f64, f64) {
    let summary = summary(writers);
    let row = summary.rows().iter().find(|r| r.name == name).unwrap_or_else(|| panic!("no {name}"));
    assert!(row.value(Statistic::Rhat) < 1.02, "{name}");
    (row.value(Statistic::Mean), row.value(Statistic::McseMean))
}

/// Equal within 5 Monte Carlo standard errors of both together.
fn agree(name: &str, (a, error_a): (f64, f64), (b, error_b): (f64, f64)) {
    let error = error_a.hypot(error_b);
    assert!((a - b).abs() < 5.0 * error, "{name}: {a} and {b} with an error of {error}");
}

/// The posterior is beta(3, 9).
#[test]
#[ignore = "needs libraries made by tests/stan/build.sh"]
fn bernoulli() {
    let model = model("bernoulli", "bernoulli.json");
    assert_eq!(model.get().threading(), Threading::Any);
    assert_eq!(model.get().output_names(), ["theta", "y_new"]);
    let writers = run(model.get(), &options()).1;
    agree("theta", mean(&writers, "theta"), (0.25, 0.0));
    agree("y_new", mean(&writers, "y_new"), (0.25, 0.0));
    let single = run(model.get(), &SampleOptions { num_threads: 1, ..options() }).1;
    assert!(single.iter().map(bits).eq(writers.iter().map(bits)));
}

/// Programs whose posteriors are among those of tests/data/posteriors.json, and their names there.
const POSTERIORS: [(&str, &str); 5] = [
    ("eight_schools", "eight_schools-eight_schools_noncentered"),
    ("linear_regression", "sblri-blr"),
    ("kidscore", "kidiq-kidscore_momhsiq"),
    ("garch11", "garch-garch11"),
    ("ar_k", "arK-arK"),
];

/// Means and standard deviations against posteriordb's reference draws.
#[test]
#[ignore = "needs libraries made by tests/stan/build.sh"]
fn posteriors() {
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/posteriors.json")).unwrap();
    let references: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for (program, posterior) in POSTERIORS {
        let model = model(program, &format!("{program}.json"));
        let (report, writers) = run(model.get(), &SampleOptions { num_samples: 5000, ..options() });
        report.status().unwrap();
        let summary = summary(&writers);
        for (name, reference) in references[posterior]["params"].as_object().unwrap() {
            let name = name.replace('[', ".").replace(']', "");
            let figure = |key: &str| reference[key].as_f64().unwrap();
            let what = format!("{name} of {program}");
            agree(&what, mean(&writers, &name), (figure("mean"), figure("mcse_mean")));
            let row = summary.rows().iter().find(|r| r.name == name).unwrap();
            let ratio = row.value(Statistic::Sd) / figure("sd");
            assert!((ratio - 1.0).abs() < 0.05, "{what}: standard deviations differ by {ratio}");
        }
    }
}

/// A solver for differential equations and the solution in closed form are the same posterior.
#[test]
#[ignore = "needs libraries made by tests/stan/build.sh"]
fn differential_equation() {
    let models = [model("decay", "decay.json"), model("decay_exact", "decay.json")];
    let evaluate = |model: &Model| {
        let (mut value, mut gradient) = (0.0, [0.0; 2]);
        // SAFETY: one point of two coordinates.
        told(|error| unsafe {
            let position = [-0.4f64, 1.6].as_ptr();
            catena_model_log_density(model.0, 1, position, &mut value, gradient.as_mut_ptr(), null_mut(), error)
        })
        .unwrap();
        [value, gradient[0], gradient[1]]
    };
    for (a, b) in evaluate(&models[0]).iter().zip(evaluate(&models[1])) {
        assert!((a - b).abs() < 1e-6 * (1.0 + b.abs()), "{a} and {b}");
    }
    let draws = models.map(|m| run(m.get(), &SampleOptions { num_samples: 500, ..options() }).1);
    for name in ["k", "y0"] {
        agree(name, mean(&draws[0], name), mean(&draws[1], name));
    }
}

/// Steps so small that the only draw is the initial point, up to rounding.
fn standing() -> SampleOptions {
    SampleOptions { num_warmup: 0, num_samples: 1, adaptation: None, stepsize: 1e-9, max_depth: 1, ..options() }
}

#[test]
#[ignore = "needs libraries made by tests/stan/build.sh"]
fn initial_values_of_many_types() {
    let model = model("shapes", "");
    let start = |init: &str| {
        let (report, writer, _) = started(&model, init, &standing());
        report.status().unwrap();
        writer.values()[..13].to_vec()
    };
    // Coordinates of an array come element by element, those of a matrix column by column. (Stan's names of unconstrained
    // arrays of vectors come in the order of constrained values, which is another.)
    let expected = [-1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
    let close = |a: Vec<f64>| assert!(a.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?}");
    let given = r#"{"a": -1, "b": [[1, 2, 3], [4, 5, 6]], "c": [[1, 2, 3], [4, 5, 6]]}"#;
    close(start(given));
    let all = r#"{"a": -1, "b": [[1, 2, 3], [4, 5, 6]], "c": [[1, 2, 3], [4, 5, 6]], "s": [0.2, 0.3, 0.5],
                  "sigma": [[2, 0.5], [0.5, 1]], "above": 0}"#;
    close(start(all));
    for (init, words) in [
        (r#"{"s": [0.2, 0.3, 0.6]}"#, "simplex"),
        (r#"{"sigma": [[1, 2], [2, 1]]}"#, "meet the parameter's constraint"),
        (r#"{"a": 3.5}"#, "a is too large: 3.5"),
    ] {
        let (report, ..) = started(&model, init, &standing());
        let error = failure(&report, 0);
        assert!(error.code() == Code::Initialization && error.to_string().contains(words), "{error}");
    }
}

#[test]
#[ignore = "needs libraries made by tests/stan/build.sh"]
fn printed_lines_have_their_chain() {
    let model = model("shapes", "");
    let (lines, mut writers) = (Lines::default(), vec![TableWriter::new(); 4]);
    let io = SampleIo { sample_writers: borrow(&mut writers), logger: &lines, ..Default::default() };
    sample_nuts(model.get(), &SampleOptions { num_samples: 200, ..options() }, io).unwrap().status().unwrap();
    let lines = lines.take();
    for (i, writer) in writers.iter().enumerate() {
        let said: Vec<&str> = lines
            .iter()
            .filter(|(_, chain, line)| *chain == Some(1 + i as u64) && line.starts_with("a is "))
            .map(|(.., line)| &line[..])
            .collect();
        assert_eq!(said.len(), 200);
        for ((line, a), noise) in said.iter().zip(column(writer, "a")).zip(column(writer, "noise")) {
            let (said_a, said_noise) = line.strip_prefix("a is ").unwrap().split_once(" and noise ").unwrap();
            // Stan prints six digits.
            let close =
                |text: &str, value: f64| (text.parse::<f64>().unwrap() - value).abs() < 1e-5 * (1.0 + value.abs());
            assert!(close(said_a, a) && close(said_noise, noise), "{line}: {a} {noise}");
        }
    }
}

/// The transform of tau, bounded below by 0, has tau as its Jacobian.
#[test]
#[ignore = "needs libraries made by tests/stan/build.sh"]
fn densities_without_the_jacobian() {
    let folder = std::env::var("CATENA_STAN_MODELS").expect("CATENA_STAN_MODELS names a folder of libraries");
    let library = Path::new(&folder).join("eight_schools.so");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stan/eight_schools.json");
    let value = |jacobian| {
        let model = load(&library, data.to_str().unwrap(), 1, jacobian).unwrap();
        let position = [0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 1.0, 0.7];
        let mut gradient = [0.0; 10];
        (log_density(&model, &position, Some(&mut gradient)).unwrap()[0], gradient[9])
    };
    let ((with, with_gradient), (without, without_gradient)) = (value(Jacobian::Included), value(Jacobian::LeftOut));
    assert!((with - without - 0.7).abs() < 1e-14 && (with_gradient - without_gradient - 1.0).abs() < 1e-14);
}
