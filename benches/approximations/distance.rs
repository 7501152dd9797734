//! Distances of draws to reference draws.

use catena::io::{TableWriter, Writer};
use catena::model::Density;
use catena::services::{MetricKind, SampleIo, SampleOptions, sample_nuts};

/// Reference draws by NUTS, column by column, sorted, with each column's standard deviation.
pub struct Reference {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
    sd: Vec<f64>,
}

impl Reference {
    /// Of all outputs of a model, by 4 chains.
    pub fn new<D: Density>(model: &D, draws: usize) -> Self {
        let mut tables = vec![TableWriter::new(); 4];
        let options = SampleOptions {
            seed: 11,
            metric: MetricKind::Auto,
            num_warmup: 500,
            num_samples: draws / 4,
            num_threads: 2,
            refresh: 0,
            ..SampleOptions::stan()
        };
        let sample_writers = tables.iter_mut().map(|table| table as &mut dyn Writer).collect();
        let io = SampleIo { sample_writers, ..Default::default() };
        sample_nuts(model, &options, io).and_then(|report| report.status()).expect("reference draws");
        let names = model.output_names();
        let columns: Vec<Vec<f64>> = names.iter().map(|name| sorted(tables.iter().flat_map(|t| of(t, name)))).collect();
        let sd = columns.iter().map(|column| sd(column)).collect();
        Self { names, columns, sd }
    }

    /// Mean over the outputs of the 1-Wasserstein distance of a marginal, in standard deviations of the reference.
    pub fn distance(&self, table: &TableWriter) -> f64 {
        let each = self.names.iter().zip(&self.columns).zip(&self.sd);
        let sum: f64 =
            each.map(|((name, column), sd)| wasserstein(column, &sorted(of(table, name).into_iter())) / sd).sum();
        sum / self.names.len() as f64
    }
}

fn of(table: &TableWriter, name: &str) -> Vec<f64> {
    table.column(name).expect("an output")
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn sd(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// ∫ |F⁻¹ - G⁻¹| of two sorted samples.
fn wasserstein(a: &[f64], b: &[f64]) -> f64 {
    let (mut i, mut j, mut at, mut sum) = (0, 0, 0.0, 0.0);
    while i < a.len() && j < b.len() {
        let (next_a, next_b) = ((i + 1) as f64 / a.len() as f64, (j + 1) as f64 / b.len() as f64);
        let next = next_a.min(next_b);
        sum += (next - at) * (a[i] - b[j]).abs();
        at = next;
        i += usize::from(next_a <= next);
        j += usize::from(next_b <= next);
    }
    sum
}
