use super::*;

#[test]
fn dense_maps_are_consistent() {
    let dim = 11;
    let covariance: Vec<f64> = (0..dim * dim)
        .map(|k| {
            0.8f64.powi((k / dim) as i32 - (k % dim) as i32).min(0.8f64.powi((k % dim) as i32 - (k / dim) as i32))
                * (1.0 + (k / dim) as f64)
                * (1.0 + (k % dim) as f64)
        })
        .collect();
    let metric = Metric::dense(dim, &covariance).unwrap();
    let mut rows = Rows::new(4, dim);
    for (i, v) in rows.values_mut(0).iter_mut().enumerate() {
        *v = (i as f64).sin();
    }
    let arch = Arch::new();
    let (q, x) = rows.pair(0, 1);
    metric.to_sampler(q, x);
    let (x, back) = rows.pair(1, 2);
    metric.to_model(arch, x, back);
    for (a, b) in rows.values(0).iter().zip(rows.values(2)) {
        assert!((a - b).abs() < 1e-12);
    }
    // p_x = Lᵀ p_q undone by back substitution, and p_x·p_x = p_q·M⁻¹p_q.
    let (p, p_x) = rows.pair(0, 3);
    metric.pull_gradient(arch, p, p_x);
    let kinetic: f64 = rows.values(3).iter().map(|v| v * v).sum();
    let p = rows.values(0);
    let direct: f64 = (0..dim * dim).map(|k| p[k / dim] * covariance[k] * p[k % dim]).sum();
    assert!((kinetic - direct).abs() < 1e-10 * direct.abs());
    let mut p_x = rows.values(3).to_vec();
    metric.momentum_to_model(&mut p_x);
    for (a, b) in rows.values(0).iter().zip(&p_x) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn bad_metrics_are_named() {
    let text = |r: Result<Metric, Error>| r.err().expect("must fail").to_string();
    assert!(text(Metric::diag(&[1.0, -2.0])).contains("inv_metric[1]"));
    assert!(text(Metric::diag(&[f64::NAN])).contains("NaN"));
    assert!(text(Metric::dense(2, &[1.0, 0.5, 0.4, 1.0])).contains("mirror"));
    assert!(text(Metric::dense(2, &[1.0, 2.0, 2.0, 1.0])).contains("positive definite"));
    assert!(text(Metric::dense(2, &[1.0])).contains("2 x 2"));
}

#[test]
fn what_is_diagonal_is_one_where_the_kind_is_free() {
    let full = |covariance: &[f64]| Metric::dense(2, covariance).unwrap();
    let low = |values: Vec<f64>, vectors: Vec<f64>| {
        Metric::low_rank(2, &LowRank { variances: vec![4.0, 9.0], values, vectors }).unwrap()
    };
    let of = |metric: Metric, kind| {
        let metric = metric.of_kind(kind);
        (metric.kind(), metric.inverse())
    };
    let diagonal = (MetricKind::Diag, vec![4.0, 9.0]);
    assert_eq!(of(full(&[4.0, 0.0, 0.0, 9.0]), MetricKind::Auto), diagonal);
    assert_eq!(of(low(vec![], vec![]), MetricKind::Auto), diagonal);
    assert_eq!(of(full(&[4.0, 0.0, 0.0, 9.0]), MetricKind::FisherDense).0, MetricKind::Dense);
    assert_eq!(of(low(vec![], vec![]), MetricKind::LowRank).0, MetricKind::LowRank);
    assert_eq!(of(full(&[4.0, 1e-9, 1e-9, 9.0]), MetricKind::Auto).0, MetricKind::Dense);
    assert_eq!(of(low(vec![5.0], vec![0.6, 0.8]), MetricKind::Auto).0, MetricKind::LowRank);
    assert_eq!(of(Metric::unit(), MetricKind::Auto).0, MetricKind::Unit);
}
