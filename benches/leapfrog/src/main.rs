//! Time per leapfrog step beyond the model's own gradient: Catena and nuts-rs, one after the other in the same process,
//! on the same targets with the same warm-up. Prints both and the ratio, then what a leapfrog step costs more when the
//! model stands behind the C ABI. Nothing here decides a test.
//!
//! `cargo run --release --manifest-path benches/leapfrog/Cargo.toml [DIM …]`

mod abi;
mod ours;
mod peer;
mod target;

use std::hint::black_box;
use std::time::Instant;
use target::Target;

/// Repetitions of each measurement; the quickest counts.
const ROUNDS: usize = 5;
/// Leapfrog steps times dimension that one measurement takes, about.
const WORK: usize = 40_000_000;

fn main() {
    let dims: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let dims = if dims.is_empty() { vec![10, 100, 1000, 10_000] } else { dims };
    println!(
        "{:<8}{:>7}{:>13}{:>13}{:>13}{:>9}{:>13}",
        "target", "d", "gradient ns", "catena ns", "nuts-rs ns", "ratio", "streams ns"
    );
    if let Some(target) = std::env::var("PROFILE").ok().and_then(|name| Target::named(&name)) {
        // For a profiler: Catena alone.
        for &dim in &dims {
            println!("{:.1}", ours::ns_per_leapfrog(target, dim, 10 * WORK / dim / 8, 1));
        }
        return;
    }
    for target in [Target::Normal, Target::Ar1] {
        for &dim in &dims {
            let gradient = best(|| target.gradient_ns(dim));
            let draws = (WORK / dim / 8).clamp(200, 50_000);
            let (mut catena, mut nuts_rs) = (f64::INFINITY, f64::INFINITY);
            // Alternating, so that a drifting clock hits both.
            for round in 0..ROUNDS {
                catena = catena.min(ours::ns_per_leapfrog(target, dim, draws, round as u64));
                nuts_rs = nuts_rs.min(peer::ns_per_leapfrog(target, dim, draws, round as u64));
            }
            let (catena, nuts_rs) = (catena - gradient, nuts_rs - gradient);
            println!(
                "{:<8}{dim:>7}{gradient:>13.1}{catena:>13.1}{nuts_rs:>13.1}{:>9.3}{:>13.1}",
                target.name(),
                catena / nuts_rs,
                best(|| streams_ns(dim))
            );
        }
    }
    println!("\n{:<8}{:>7}{:>13}{:>13}{:>13}", "target", "d", "rust ns", "c abi ns", "c abi extra");
    for &dim in &dims {
        let target = Target::Normal;
        let draws = (WORK / dim / 8).clamp(200, 50_000);
        let (mut rust, mut c) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            rust = rust.min(abi::rust_ns(target, dim, draws));
            c = c.min(abi::c_ns(target, dim, draws));
        }
        println!("{:<8}{dim:>7}{rust:>13.1}{c:>13.1}{:>13.1}", target.name(), c - rust);
    }
}

/// What a leapfrog step must move at the least: it reads position, momentum, gradient and inverse metric and writes
/// position and momentum, six streams of `dim` numbers, here as three copies.
fn streams_ns(dim: usize) -> f64 {
    let from = vec![vec![1.0; dim]; 3];
    let mut to = vec![vec![0.0; dim]; 3];
    let rounds = WORK / dim;
    let start = Instant::now();
    for _ in 0..rounds {
        for (to, from) in to.iter_mut().zip(black_box(&from)) {
            to.copy_from_slice(from);
        }
        black_box(&mut to);
    }
    start.elapsed().as_nanos() as f64 / rounds as f64
}

fn best(measure: impl Fn() -> f64) -> f64 {
    (0..ROUNDS).map(|_| measure()).fold(f64::INFINITY, f64::min)
}
