//! Memory and wall time of many chains in one process. Prints figures; nothing here decides a test.
//!
//! `cargo bench --bench chains [-- logistic | many | live]`, all three by default:
//!
//! * `logistic`: a logistic regression with 10^6 rows × 20 columns (160 MB of data made from a seed). Resident memory of
//!   64 chains over 1 chain, and the time of 8 chains in one process over 8 processes side by side.
//! * `many`: 10,000 chains of dimension 10 on two threads, memory per chain.
//! * `live`: bytes of one live chain by dimension and depth.
//!
//! Each measurement runs in a process of its own, because peak memory is a property of a process.

use catena::hmc::{Chain, ChainSettings, Metric, Reply, Start};
use catena::model::{Density, Refusal, Task, WorkerError};
use catena::random::{Purpose, Stream};
use catena::services::{SampleIo, SampleOptions, sample_nuts};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const ROWS: usize = 1_000_000;
const COLUMNS: usize = 20;
const THREADS: usize = 2;
const SIDE_BY_SIDE: usize = 8;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["child-logistic", chains, id, draws] => {
            child_logistic(chains.parse().unwrap(), id.parse().unwrap(), draws.parse().unwrap())
        }
        ["child-many", chains] => child_many(chains.parse().unwrap()),
        ["logistic"] => logistic(),
        ["many"] => many(),
        ["live"] => live(),
        [] => {
            live();
            many();
            logistic();
        }
        _ => panic!("expected logistic, many, live or nothing, got {arguments:?}"),
    }
}

fn spawn(arguments: &[String]) -> Child {
    let exe = std::env::current_exe().expect("the path of this program");
    Command::new(exe).args(arguments).stdout(Stdio::piped()).spawn().expect("this program starts")
}

/// Runs a child and returns the numbers it printed: peak resident KiB, seconds.
fn measure(arguments: &[String]) -> (f64, f64) {
    let output = spawn(arguments).wait_with_output().expect("the child ends");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("numbers");
    let numbers: Vec<f64> = text.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    (numbers[0], numbers[1])
}

/// Peak resident memory of this process in KiB.
fn peak_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = status.lines().find(|l| l.starts_with("VmHWM")).expect("the peak is listed");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

fn logistic() {
    let child = |chains: usize, id: usize, draws: usize| {
        ["child-logistic".to_string(), chains.to_string(), id.to_string(), draws.to_string()]
    };
    let (one, _) = measure(&child(1, 1, 2));
    let (many, _) = measure(&child(64, 1, 2));
    println!(
        "logistic {ROWS} x {COLUMNS}: peak memory 1 chain {:.1} MB, 64 chains {:.1} MB, ratio {:.3}",
        one / 1024.0,
        many / 1024.0,
        many / one
    );
    // Alternating, so that a drifting clock hits both.
    for _ in 0..3 {
        let start = Instant::now();
        measure(&child(SIDE_BY_SIDE, 1, 20));
        let together = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let children: Vec<Child> = (1..=SIDE_BY_SIDE).map(|id| spawn(&child(1, id, 20))).collect();
        for child in children {
            assert!(child.wait_with_output().expect("the child ends").status.success());
        }
        let apart = start.elapsed().as_secs_f64();
        println!(
            "logistic: 8 chains in one process {together:.2} s, 8 processes {apart:.2} s, ratio {:.3}",
            together / apart
        );
    }
}

struct Logistic {
    x: Vec<f64>,
    y: Vec<bool>,
}

impl Logistic {
    fn new() -> Self {
        let mut stream = Stream::new(1, 1, Purpose::Model);
        let x: Vec<f64> = (0..ROWS * COLUMNS).map(|_| stream.uniform() - 0.5).collect();
        let y = x.chunks(COLUMNS).map(|row| 1.0 / (1.0 + (-row[0] + row[1]).exp()) > stream.uniform()).collect();
        Self { x, y }
    }
}

impl Density for Logistic {
    type Worker = ();

    fn dim(&self) -> usize {
        COLUMNS
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, beta: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let mut value = 0.0;
        for (b, g) in beta.iter().zip(g.iter_mut()) {
            value -= 0.5 * b * b;
            *g = -b;
        }
        for (row, &y) in self.x.chunks_exact(COLUMNS).zip(&self.y) {
            let eta: f64 = row.iter().zip(beta).map(|(x, b)| x * b).sum();
            let p = 1.0 / (1.0 + (-eta).exp());
            let residual = if y { 1.0 - p } else { -p };
            value += if y { p.ln() } else { (1.0 - p).ln() };
            for (x, g) in row.iter().zip(g.iter_mut()) {
                *g += residual * x;
            }
        }
        Ok(value)
    }
}

fn child_logistic(num_chains: usize, id: u64, num_samples: usize) {
    let model = Logistic::new();
    let start = Instant::now();
    let options = SampleOptions {
        num_chains,
        init_chain_id: id,
        num_warmup: 0,
        num_samples,
        stepsize: 0.005,
        max_depth: 3,
        init_radius: 0.1,
        num_threads: THREADS.min(num_chains),
        refresh: 0,
        ..SampleOptions::stan()
    };
    let report = sample_nuts(&model, &options, SampleIo::default()).expect("the options are right");
    report.status().expect("every chain finishes");
    println!("{} {}", peak_kib(), start.elapsed().as_secs_f64());
}

/// Independent standard normals.
struct Normal(usize);

impl Density for Normal {
    type Worker = ();

    fn dim(&self) -> usize {
        self.0
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        let mut value = 0.0;
        for (x, g) in x.iter().zip(g.iter_mut()) {
            *g = -x;
            value -= 0.5 * x * x;
        }
        Ok(value)
    }
}

fn child_many(num_chains: usize) {
    let options = SampleOptions { num_chains, num_threads: THREADS, refresh: 0, ..SampleOptions::stan() };
    let start = Instant::now();
    let report = sample_nuts(&Normal(10), &options, SampleIo::default()).expect("the options are right");
    report.status().expect("every chain finishes");
    println!("{} {}", peak_kib(), start.elapsed().as_secs_f64());
}

fn many() {
    const CHAINS: usize = 10_000;
    let child = |n: usize| ["child-many".to_string(), n.to_string()];
    let (base, _) = measure(&child(1));
    let (peak, seconds) = measure(&child(CHAINS));
    println!(
        "many: {CHAINS} chains of d = 10 on {THREADS} threads, 1000 + 1000 draws: {seconds:.2} s, {:.2} KiB per chain",
        (peak - base) / CHAINS as f64
    );
}

fn live() {
    for (dim, max_depth) in [(10, 10), (100, 10), (1000, 10), (1000, 5), (10_000, 10)] {
        let settings = ChainSettings {
            metric_kind: catena::services::MetricKind::Unit,
            metric_from_gradient: false,
            seed: 1,
            chain_id: 1,
            dim,
            num_warmup: 1000,
            num_samples: 1000,
            metric: Metric::diag(&vec![1.0; dim]).expect("variances of 1"),
            stepsize: 1.0,
            stepsize_jitter: 0.0,
            max_depth,
            max_energy_error: 1000.0,
            adaptation: Some(Default::default()),
            init_radius: 2.0,
            keep_momentum: false,
        };
        let mut chain = Chain::new(settings, Start(vec![f64::NAN; dim]));
        chain.resume(Reply::Continue);
        let bytes = chain.bytes();
        println!(
            "live: d = {dim}, max_depth {max_depth}: {:.1} KiB, {:.1} vectors",
            bytes as f64 / 1024.0,
            bytes as f64 / (8 * dim) as f64
        );
    }
}
