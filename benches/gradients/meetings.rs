//! The time that 64 chains on two threads lose by waiting to meet: what the threads don't work, by the processor time that
//! the process took.

use super::figures;
use super::large;
use catena::services::{SampleIo, SampleOptions, sample_nuts};
use std::time::Instant;

const CHAINS: usize = 64;
const THREADS: usize = 2;
const ROUNDS: u64 = 5;
/// Clock ticks per second in /proc, on every Linux.
const TICKS: f64 = 100.0;

pub fn print() {
    if processor_time().is_none() {
        return println!("waiting is not measured: there is no /proc/self/stat");
    }
    println!(
        "share of {THREADS} threads' time not worked by {CHAINS} chains: alone, together (median of {ROUNDS} pairs)"
    );
    let model = large::logistic("logistic", 20, 200);
    let mut lost: Vec<[f64; 2]> = (1..=ROUNDS)
        .map(|seed| {
            ["alone", "together"].map(|warmup| {
                let settings = format!("metric=auto num_warmup=150 num_samples=150 delta=0.7 warmup={warmup}");
                let options = SampleOptions {
                    seed,
                    refresh: 0,
                    num_chains: CHAINS,
                    num_threads: THREADS,
                    ..figures::options(&settings)
                };
                let (wall, worked) = (Instant::now(), processor_time());
                sample_nuts(&model, &options, SampleIo::default()).expect("options").status().expect("a run");
                let worked = processor_time().zip(worked).map_or(f64::NAN, |(after, before)| after - before);
                1.0 - worked / (THREADS as f64 * wall.elapsed().as_secs_f64())
            })
        })
        .collect();
    lost.sort_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    let [alone, together] = lost[lost.len() / 2];
    println!("{alone:.4} {together:.4}, by meeting {:.4}", together - alone);
}

/// Seconds of user and system time so far.
fn processor_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / TICKS)
}
