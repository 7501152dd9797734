//! Step size and inverse metric as JSON, in the format of CmdStan's metric files.

use super::{Values, shortest};
use crate::adapt::LowRank;
use crate::error::{Code, Error};
use crate::hmc::MetricKind;
use crate::model::InitContext;

/// The name of a kind, in files and as an option; that of CmdStan for a shape.
pub(crate) fn metric_name(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Unit => "unit_e",
        MetricKind::Diag => "diag_e",
        MetricKind::Dense => "dense_e",
        MetricKind::FisherDiag => "fisher_diag",
        MetricKind::FisherDense => "fisher_dense",
        MetricKind::LowRank => "low_rank",
        MetricKind::Auto => "auto",
    }
}

/// A number in JSON, which has no other words for those that are not finite than strings.
fn number(x: f64) -> String {
    match x {
        x if x.is_nan() => "\"NaN\"".into(),
        x if x.is_infinite() => if x > 0.0 { "\"Inf\"" } else { "\"-Inf\"" }.into(),
        x => shortest(x),
    }
}

fn list(numbers: &[f64]) -> String {
    format!("[{}]", numbers.iter().map(|&x| number(x)).collect::<Vec<_>>().join(", "))
}

/// As [`metric_json`], with variances as `inv_metric`, and `values` and `vectors` beside it.
fn low_rank_json(stepsize: f64, inverse: &[f64]) -> String {
    let low_rank = LowRank::from_numbers(inverse).unwrap_or_default();
    let vectors: Vec<String> = low_rank.vectors.chunks(low_rank.variances.len().max(1)).map(list).collect();
    format!(
        "{{\"stepsize\": {}, \"metric_type\": \"{}\", \"inv_metric\": {}, \"values\": {}, \"vectors\": [{}]}}",
        number(stepsize),
        metric_name(MetricKind::LowRank),
        list(&low_rank.variances),
        list(&low_rank.values),
        vectors.join(", ")
    )
}

/// `{"stepsize": …, "metric_type": …, "inv_metric": …}`: one line, numbers in the shortest form that reads back to the
/// same bits. `inverse` holds nothing (unit), the variances (diag) or the rows of the matrix (dense).
pub fn metric_json(stepsize: f64, kind: MetricKind, inverse: &[f64]) -> String {
    let metric = match kind {
        MetricKind::Unit | MetricKind::Diag | MetricKind::FisherDiag => list(inverse),
        MetricKind::LowRank | MetricKind::Auto => return low_rank_json(stepsize, inverse),
        MetricKind::Dense | MetricKind::FisherDense => {
            let rows = inverse.chunks(inverse.len().isqrt().max(1)).map(list);
            format!("[{}]", rows.collect::<Vec<_>>().join(", "))
        }
    };
    format!(
        "{{\"stepsize\": {}, \"metric_type\": \"{}\", \"inv_metric\": {metric}}}",
        number(stepsize),
        metric_name(kind)
    )
}

/// The inverse metric in the JSON text of a metric file, for a model of `dim` coordinates: `dim` variances (diag), `dim`²
/// elements row by row (dense), [`LowRank::to_numbers`] (low rank, for which a file of variances alone will do), nothing
/// (unit, whatever the file holds). A kind estimated from gradients reads the files of its shape, `auto` also variances alone. Whether it is positive
/// (definite) is checked when a run takes it.
///
/// # Errors
/// [`Code::Io`] when the text is no JSON (with line and column), has no `inv_metric`, one of another shape, or says by
/// its `metric_type` that it is for another metric.
pub fn read_metric_file(text: &str, kind: MetricKind, dim: usize) -> Result<Vec<f64>, Error> {
    let bad = |message: String| Error::new(Code::Io, format!("metric file: {message}"));
    let is_auto = kind == MetricKind::Auto;
    let kind = kind.shape(dim);
    let fits = |said: &str| {
        let variances_do = is_auto || kind == MetricKind::LowRank;
        said == metric_name(kind) || (variances_do && said == metric_name(MetricKind::Diag))
    };
    let text = match without_type(text) {
        Some((_, said)) if !fits(&said) => {
            return Err(bad(format!("expected the metric_type {}, got {said}", metric_name(kind))));
        }
        Some((rest, _)) => rest,
        None => text.to_string(),
    };
    let variables = Values::from_json(&text)?;
    if kind == MetricKind::Unit {
        return Ok(Vec::new());
    }
    let found = variables.variable("inv_metric")?.ok_or_else(|| bad("expected an inv_metric, got none".into()))?;
    if is_auto && kind == MetricKind::Dense && found.shape == [dim] {
        return Ok(found.values);
    }
    let expected = if kind == MetricKind::Dense { vec![dim, dim] } else { vec![dim] };
    if found.shape != expected {
        let dims = |shape: &[usize]| match shape {
            [] => "one number".to_string(),
            [n] => format!("{n} numbers"),
            _ => format!("{} numbers", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")),
        };
        return Err(bad(format!("expected an inv_metric of {}, got {}", dims(&expected), dims(&found.shape))));
    }
    if kind == MetricKind::Diag {
        return Ok(found.values);
    }
    if kind == MetricKind::LowRank {
        let list =
            |name: &str| Ok::<_, Error>(variables.variable(name)?.map(|v| (v.values.to_vec(), v.shape.to_vec())));
        let (values, _) = list("values")?.unwrap_or_default();
        let (vectors, shape) = list("vectors")?.unwrap_or_default();
        let count = values.len();
        if vectors.len() != count * dim || (count > 0 && shape != [count, dim]) {
            return Err(bad(format!("expected vectors of {count} x {dim} numbers, as there are {count} values")));
        }
        // First index fastest, as below.
        let vectors = (0..count * dim).map(|k| vectors[k % dim * count + k / dim]).collect();
        return Ok(LowRank { variances: found.values.to_vec(), values, vectors }.to_numbers());
    }
    // Variables hold the first index fastest; the metric is wanted row by row.
    Ok((0..dim * dim).map(|k| found.values[k % dim * dim + k / dim]).collect())
}

/// Step size, shape and inverse metric of a metric file, whatever its shape.
///
/// # Errors
/// As [`read_metric_file`]; also where the file does not say its `metric_type` or its `stepsize`.
pub fn read_adapted(text: &str) -> Result<(f64, MetricKind, Vec<f64>), Error> {
    let bad = |message: String| Error::new(Code::Io, format!("metric file: {message}"));
    let (rest, said) = without_type(text).ok_or_else(|| bad("expected a metric_type, got none".into()))?;
    let shapes = [MetricKind::Unit, MetricKind::Diag, MetricKind::Dense, MetricKind::LowRank];
    let kind = shapes.into_iter().find(|kind| metric_name(*kind) == said);
    let kind = kind.ok_or_else(|| bad(format!("expected the metric_type of a file, got {said}")))?;
    let variables = Values::from_json(&rest)?;
    let single = |name: &str| variables.get(name).filter(|v| v.values.len() == 1).map(|v| v.values[0]);
    let stepsize = single("stepsize").ok_or_else(|| bad("expected a stepsize, got none".into()))?;
    let dim = variables.get("inv_metric").and_then(|v| v.shape.first().copied()).unwrap_or(0);
    Ok((stepsize, kind, read_metric_file(text, kind, dim)?))
}

/// The text with the value of `metric_type`, the only one that is a word, turned into a number of the same length; and
/// that word.
fn without_type(text: &str) -> Option<(String, String)> {
    const KEY: &str = "\"metric_type\"";
    let after = text.find(KEY)? + KEY.len();
    let rest = &text[after..];
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let start = text.len() - value.len();
    let length = value.find('"')?;
    let word = value[..length].to_string();
    // Line and column of later errors stay as they are.
    let filler = format!("0{}", " ".repeat(length + 1));
    Some((format!("{}{filler}{}", &text[..start - 1], &text[start + length + 1..]), word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_shape_is_read_back_with_its_step_size() {
        let low = [1.0, 4.0, 9.0, 100.0, 0.6, 0.8];
        let cases: [(MetricKind, &[f64]); 4] = [
            (MetricKind::Unit, &[]),
            (MetricKind::Diag, &[0.5, 2.0]),
            (MetricKind::Dense, &[2.0, 0.5, 0.5, 1.0]),
            (MetricKind::LowRank, &low),
        ];
        for (kind, numbers) in cases {
            let read = read_adapted(&metric_json(0.3, kind, numbers)).unwrap();
            assert_eq!(read, (0.3, kind, numbers.to_vec()));
        }
        for (text, expected) in [
            (r#"{"inv_metric": [1]}"#, "metric_type"),
            (r#"{"metric_type": "round", "stepsize": 1, "inv_metric": [1]}"#, "got round"),
            (r#"{"metric_type": "diag_e", "inv_metric": [1]}"#, "stepsize"),
        ] {
            assert!(read_adapted(text).unwrap_err().to_string().contains(expected), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let diag = [0.1, 1e-300, 12345.678];
        let text = metric_json(0.3, MetricKind::Diag, &diag);
        assert_eq!(text, r#"{"stepsize": 0.3, "metric_type": "diag_e", "inv_metric": [0.1, 1e-300, 12345.678]}"#);
        assert_eq!(read_metric_file(&text, MetricKind::Diag, 3).unwrap(), diag);
        let dense = [1.0, 0.25, 0.5, 2.0];
        let text = metric_json(0.3, MetricKind::Dense, &dense);
        assert!(text.ends_with(r#""inv_metric": [[1, 0.25], [0.5, 2]]}"#), "{text}");
        assert_eq!(read_metric_file(&text, MetricKind::Dense, 2).unwrap(), dense);
        let low_rank = [2.0, 1.0, 4.0, 9.0, 100.0, 0.5, 1.0, 0.0, 0.0, 0.0, 0.6, 0.8];
        let text = metric_json(0.3, MetricKind::LowRank, &low_rank);
        let end = r#""inv_metric": [1, 4, 9], "values": [100, 0.5], "vectors": [[1, 0, 0], [0, 0.6, 0.8]]}"#;
        assert!(text.ends_with(end), "{text}");
        assert_eq!(read_metric_file(&text, MetricKind::LowRank, 3).unwrap(), low_rank);
        let none = metric_json(0.3, MetricKind::LowRank, &[0.0, 1.0, 4.0, 9.0]);
        assert_eq!(read_metric_file(&none, MetricKind::LowRank, 3).unwrap(), [0.0, 1.0, 4.0, 9.0]);
        let variances = metric_json(0.3, MetricKind::Diag, &[1.0, 4.0]);
        assert_eq!(read_metric_file(&variances, MetricKind::LowRank, 2).unwrap(), [0.0, 1.0, 4.0]);
        assert_eq!(read_metric_file(&variances, MetricKind::FisherDiag, 2).unwrap(), [1.0, 4.0]);
        let text = metric_json(0.3, MetricKind::Dense, &dense);
        assert_eq!(read_metric_file(&text, MetricKind::Auto, 2).unwrap(), dense);
        let text = metric_json(f64::NAN, MetricKind::Unit, &[]);
        assert_eq!(text, r#"{"stepsize": "NaN", "metric_type": "unit_e", "inv_metric": []}"#);
        assert!(read_metric_file(&text, MetricKind::Unit, 2).unwrap().is_empty());
        for text in [&text, &metric_json(f64::NEG_INFINITY, MetricKind::Diag, &diag)] {
            serde_json::from_str::<serde_json::Value>(text).unwrap();
        }
    }

    #[test]
    fn bad_files_are_told_apart() {
        let fails = |text: &str, kind, dim, word: &str| {
            let error = read_metric_file(text, kind, dim).unwrap_err();
            assert_eq!(error.code(), Code::Io);
            assert!(error.message().contains(word), "{error}");
        };
        fails(r#"{"stepsize": 1}"#, MetricKind::Diag, 2, "got none");
        fails(r#"{"inv_metric": [1, 2, 3]}"#, MetricKind::Diag, 2, "of 2 numbers, got 3 numbers");
        fails(r#"{"inv_metric": [1, 2]}"#, MetricKind::Dense, 2, "of 2 x 2 numbers, got 2 numbers");
        fails(r#"{"inv_metric": 1}"#, MetricKind::Diag, 1, "got one number");
        fails(r#"{"metric_type" : "dense_e", "inv_metric": [[1]]}"#, MetricKind::Diag, 1, "diag_e, got dense_e");
        fails("{\"metric_type\": \"diag_e\",\n \"inv_metric\": [1,, 2]}", MetricKind::Diag, 2, "line 2, column 19");
        let short = r#"{"metric_type": "low_rank", "inv_metric": [1, 2], "values": [3], "vectors": [[1]]}"#;
        fails(short, MetricKind::LowRank, 2, "vectors of 1 x 2");
        fails(short, MetricKind::Auto, 2, "dense_e, got low_rank");
        fails("", MetricKind::Diag, 2, "line 1");
        assert_eq!(read_metric_file(r#"{"inv_metric": [2]}"#, MetricKind::Diag, 1).unwrap(), [2.0]);
    }
}
