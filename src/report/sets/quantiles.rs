//! Quantiles of weighted numbers.

/// The smallest number up to which the weights reach each share of their total; NaN without any weight. `shares` ascend.
pub fn quantiles(values: &[f64], weights: &[f64], shares: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| weights[i] > 0.0 && values[i].is_finite()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let total: f64 = order.iter().map(|&i| weights[i]).sum();
    let (mut found, mut sum, mut at) = (Vec::with_capacity(shares.len()), 0.0, 0);
    for share in shares {
        while at < order.len() && sum + weights[order[at]] < share * total {
            sum += weights[order[at]];
            at += 1;
        }
        found.push(order.get(at.min(order.len().saturating_sub(1))).map_or(f64::NAN, |&i| values[i]));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_count() {
        let values = [3.0, 1.0, 2.0, f64::NAN];
        assert_eq!(quantiles(&values, &[1.0, 1.0, 1.0, 9.0], &[0.0, 0.34, 0.5, 1.0]), [1.0, 2.0, 2.0, 3.0]);
        assert_eq!(quantiles(&values, &[98.0, 1.0, 1.0, 0.0], &[0.005, 0.5]), [1.0, 3.0]);
        assert!(quantiles(&values, &[0.0; 4], &[0.5])[0].is_nan());
    }
}
