//! What independent sets say together.

/// An estimate of the log evidence with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Log of the mean of the sets' estimates of the evidence, which is as unbiased as they are.
    pub log_estimate: f64,
    /// Standard error of `log_estimate` across the independent sets, by the delta method: the standard error of the mean
    /// over the mean. NaN for fewer than two sets, or when all are lost.
    pub standard_error: f64,
}

/// The evidence of independent sets from the log evidence of each.
pub fn pooled(log_evidences: &[f64]) -> Evidence {
    let count = log_evidences.len() as f64;
    // Counted from the largest, so that equal ones are their mean exactly.
    let largest = log_evidences.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean =
        log_evidences.iter().map(|log| if log == &largest { 1.0 } else { (log - largest).exp() }).sum::<f64>() / count;
    let log_estimate = largest + mean.ln();
    let deviation = |log: &f64| (log - log_estimate).exp() - 1.0;
    let sum: f64 = log_evidences.iter().map(|log| deviation(log) * deviation(log)).sum();
    let standard_error = (sum / (count - 1.0) / count).sqrt();
    Evidence { log_estimate, standard_error: if count < 2.0 { f64::NAN } else { standard_error } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_that_of_the_mean() {
        let e = pooled(&[1.0f64.ln(), 3.0f64.ln()]);
        assert!((e.log_estimate - 2.0f64.ln()).abs() < 1e-15);
        // The standard deviation is sqrt(2), over sqrt(2) sets and the mean of 2.
        assert!((e.standard_error - 0.5).abs() < 1e-15);
        assert!(pooled(&[-5.0]).standard_error.is_nan() && pooled(&[-5.0]).log_estimate == -5.0);
        let equal = pooled(&[-1e5; 3]);
        assert_eq!((equal.log_estimate, equal.standard_error), (-1e5, 0.0));
        let lost = pooled(&[f64::NEG_INFINITY; 3]);
        assert!(lost.log_estimate == f64::NEG_INFINITY && lost.standard_error.is_nan());
    }
}
