//! Chains of one run in modes of their own: which stay, and which set out anew from the others' draws.

use super::common::bridgestan::Lines;
use super::common::{bits, borrow, column};
use super::{Own, in_slices, options};
use catena::adapt::WarmupMode;
use catena::io::{PositionInit, TableWriter};
use catena::model::InitContext;
use catena::services::{MetricKind, SampleIo, SampleOptions, SampleReport, sample_nuts};

/// Where the second mode begins, and its middle.
const BORDER: f64 = 1000.0;
const SECOND: f64 = 2000.0;

/// Two coordinates, in a mode about 0 and one about [`SECOND`] in the first of them, each a normal. The first has standard deviation
/// 3 and height 0.
fn two_modes<const PEAK: i32, const SD: i32>(x: &[f64], g: &mut [f64]) -> f64 {
    let is_second = x[0] > BORDER;
    let (centre, sd, peak) = if is_second { (SECOND, f64::from(SD), f64::from(PEAK)) } else { (0.0, 3.0, 0.0) };
    g[0] = -(x[0] - centre) / (sd * sd);
    g[1] = -x[1] / (sd * sd);
    peak - 0.5 * ((x[0] - centre).powi(2) + x[1] * x[1]) / (sd * sd)
}

fn starts() -> [PositionInit; 4] {
    [0.0, 1.0, SECOND, -1.0].map(|x| PositionInit::new(&[x, 0.0]).unwrap())
}

struct Run {
    report: SampleReport,
    /// The chain, and what was warned of.
    told: Vec<(Option<u64>, String)>,
    writers: Vec<TableWriter>,
}

/// Four chains together, the third of which begins in the second mode.
fn third_in_the_second(log_density: fn(&[f64], &mut [f64]) -> f64, options: &SampleOptions) -> Run {
    let (starts, lines) = (starts(), Lines::default());
    let mut writers = vec![TableWriter::new(); starts.len()];
    let io = SampleIo {
        inits: starts.iter().map(|start| start as &dyn InitContext).collect(),
        sample_writers: borrow(&mut writers),
        logger: &lines,
        ..Default::default()
    };
    let report = sample_nuts(&Own { dim: 2, log_density }, options, io).unwrap();
    report.status().unwrap();
    let told = lines.take().into_iter().map(|(_, chain, line)| (chain, line));
    let told = told.filter(|(_, line)| line.contains("from the others") || line.contains("set out anew")).collect();
    Run { report, told, writers }
}

fn together() -> SampleOptions {
    options(MetricKind::FisherDiag, WarmupMode::Together)
}

#[test]
fn a_chain_in_a_mode_of_its_own_keeps_to_itself_and_says_so() {
    let Run { report, told, writers } = third_in_the_second(two_modes::<0, 3>, &together());
    for (i, chain) in report.chains.iter().enumerate() {
        // Its metric is that of its own draws.
        assert_eq!(chain.inv_metric == report.chains[0].inv_metric, i != 2);
        assert!(chain.inv_metric.iter().all(|v| (v / 9.0 - 1.0).abs() < 0.2), "{:?}", chain.inv_metric);
    }
    assert!(told.len() == 1 && told[0].0 == Some(3) && told[0].1.contains("far from the others"), "{told:?}");
    assert!(column(&writers[2], "x.1").iter().all(|x| *x > BORDER));
}

#[test]
fn a_low_mode_that_is_broad_keeps_its_chain() {
    // exp(-14) as high and, with 300 times its width along both coordinates, a fourteenth of the mass of the first.
    let Run { told, writers, .. } = third_in_the_second(two_modes::<-14, 80>, &together());
    assert!(told.len() == 1 && told[0].1.contains("far from the others"), "{told:?}");
    assert!(column(&writers[2], "x.1").iter().all(|x| *x > BORDER));
}

#[test]
fn a_chain_where_next_to_nothing_is_sets_out_anew_and_says_so() {
    let Run { report, told, writers } = third_in_the_second(two_modes::<-40, 3>, &together());
    assert!(told.len() == 1 && told[0].0 == Some(3), "{told:?}");
    assert!(
        told[0].1.contains("of warm-up") && told[0].1.contains("set out anew from another chain's draw"),
        "{told:?}"
    );
    assert!(report.chains.iter().all(|c| c.inv_metric == report.chains[0].inv_metric));
    // It samples the first mode as the others do, by random numbers of its own: five standard errors of draws that depend little on one
    // another.
    let draws: Vec<Vec<f64>> = writers.iter().map(|w| column(w, "x.1")).collect();
    for (i, draws) in draws.iter().enumerate() {
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 5.0 * 3.0 / (0.3 * draws.len() as f64).sqrt(), "chain {}: {mean}", i + 1);
    }
    for other in [0, 1, 3] {
        assert!(draws[2].iter().zip(&draws[other]).all(|(a, b)| a != b), "chain {}", other + 1);
    }
    // Alone it stays.
    let alone = SampleOptions { num_samples: 50, ..options(MetricKind::FisherDiag, WarmupMode::Alone) };
    let Run { told, writers, .. } = third_in_the_second(two_modes::<-40, 3>, &alone);
    assert!(told.is_empty() && column(&writers[2], "x.1").iter().all(|x| *x > BORDER), "{told:?}");
}

#[test]
fn setting_out_anew_is_the_same_on_any_threads_and_from_any_checkpoint() {
    for kind in [MetricKind::FisherDiag, MetricKind::LowRank, MetricKind::Auto] {
        let options = SampleOptions { metric: kind, num_samples: 30, save_warmup: true, ..together() };
        let Run { told, writers: whole, .. } = third_in_the_second(two_modes::<-40, 3>, &options);
        assert_eq!(told.len(), 1, "{kind:?}");
        for num_threads in [1, 4] {
            let again =
                third_in_the_second(two_modes::<-40, 3>, &SampleOptions { num_threads, ..options.clone() }).writers;
            assert!(again.iter().map(bits).eq(whole.iter().map(bits)), "{kind:?}, {num_threads} threads");
        }
        let model = Own { dim: 2, log_density: two_modes::<-40, 3> };
        let writers = in_slices(&model, &SampleOptions { max_evaluations: 61, ..options }, &starts());
        assert!(writers.iter().map(bits).eq(whole.iter().map(bits)), "{kind:?}");
    }
}
