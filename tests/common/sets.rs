//! Runs of sets of particles, what they write, and estimates with their errors across the sets.
#![allow(dead_code, reason = "each test uses a part")]

use catena::io::{TableWriter, Writer};
use catena::model::Density;
use catena::services::{SampleIo, SampleOptions, SmcOptions, SmcReport, sample_smc};

pub fn run_options(seed: u64) -> SampleOptions {
    SampleOptions { seed, num_threads: 2, refresh: 0, ..SampleOptions::stan() }
}

/// A run without output that goes well.
pub fn run<D: Density>(model: &D, seed: u64, smc: &SmcOptions) -> SmcReport {
    let report = sample_smc(model, &run_options(seed), smc, None, SampleIo::default()).expect("good arguments");
    report.status().unwrap();
    report
}

/// The evidence within 4 of its standard errors.
pub fn evidence(what: &str, report: &SmcReport, exact: f64) {
    let (value, error) = (report.log_evidence, report.standard_error);
    let z = (value - exact) / error;
    println!("{what}: {value:.4} +- {error:.4}, exact {exact:.4}, z {z:.2}");
    assert!(error > 0.0 && error < 0.2, "{what}: an error of {error}");
    assert!(z.abs() < 4.0, "{what}: {value} +- {error}, exact {exact}");
}

/// What one set wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub names: Vec<String>,
    pub values: Vec<f64>,
}

impl Table {
    pub fn rows(&self) -> Vec<&[f64]> {
        self.values.chunks_exact(self.names.len()).collect()
    }
}

/// What each set writes in a run that goes well.
pub fn tables<D: Density>(model: &D, options: &SampleOptions, smc: &SmcOptions) -> Vec<Table> {
    let mut writers: Vec<TableWriter> = (0..smc.num_sets).map(|_| TableWriter::default()).collect();
    let sample_writers = writers.iter_mut().map(|t| t as &mut dyn Writer).collect();
    let io = SampleIo { sample_writers, ..SampleIo::default() };
    let report = sample_smc(model, options, smc, None, io).expect("good arguments");
    report.status().unwrap();
    let table = |w: &TableWriter| Table { names: w.column_names().to_vec(), values: w.values().to_vec() };
    writers.iter().map(table).collect()
}

/// A weighted mean and its error.
pub struct Estimate {
    pub mean: f64,
    pub error: f64,
}

impl Estimate {
    /// Within 4 of its standard errors.
    pub fn check(&self, what: &str, exact: f64) {
        let Self { mean, error } = *self;
        assert!(error.is_finite() && error > 0.0, "{what}: an error of {error}");
        assert!((mean - exact).abs() < 4.0 * error, "{what}: {mean} +- {error}, exact {exact}");
    }
}

/// The weighted mean of a function of a column over all sets, as a ratio of means over sets, with its error by the delta
/// method.
pub fn of(tables: &[Table], column: &str, f: impl Fn(f64) -> f64) -> Estimate {
    let at = tables[0].names.iter().position(|name| name == column).expect("a column of this name");
    let largest = tables.iter().flat_map(|t| t.rows()).map(|row| row[1]).fold(f64::NEG_INFINITY, f64::max);
    let sums: Vec<[f64; 2]> = tables
        .iter()
        .map(|table| {
            let mut sums = [0.0; 2];
            for row in table.rows() {
                let weight = (row[1] - largest).exp();
                sums[0] += weight * f(row[at]);
                sums[1] += weight;
            }
            sums
        })
        .collect();
    let n = sums.len() as f64;
    let total: f64 = sums.iter().map(|s| s[1]).sum();
    let mean = sums.iter().map(|s| s[0]).sum::<f64>() / total;
    let square: f64 = sums.iter().map(|s| (s[0] - mean * s[1]).powi(2)).sum();
    Estimate { mean, error: (square * n / (n - 1.0)).sqrt() / total }
}
