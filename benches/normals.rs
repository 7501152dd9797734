//! Time per standard normal: the momentum lanes and single streams against rand_distr on the same generator.
//!
//! `cargo bench --bench normals` prints the median over rounds that take turns, in ns per normal.

use catena::random::{LANES, MomentumLanes, Purpose, Stream};
use rand_core::SeedableRng;
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 41;
const NUMBERS_PER_ROUND: usize = 1 << 20;

type Fill = Box<dyn FnMut(&mut [[f64; LANES]])>;

fn each(mut draw: impl FnMut() -> f64 + 'static) -> Fill {
    Box::new(move |out| out.as_flattened_mut().iter_mut().for_each(|x| *x = draw()))
}

/// ns per number of one round of fills of `size` numbers.
fn round(fill: &mut Fill, size: usize) -> f64 {
    let mut out = vec![[0.0; LANES]; size / LANES];
    let fills = NUMBERS_PER_ROUND / size;
    let start = Instant::now();
    for _ in 0..fills {
        fill(black_box(&mut out));
    }
    start.elapsed().as_nanos() as f64 / (fills * size) as f64
}

fn main() {
    let mut lanes = MomentumLanes::new(1, 1);
    let mut normals = Stream::new(1, 1, Purpose::Sampler);
    let mut exponentials = normals.clone();
    let mut peer_normals = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut peer_exponentials = peer_normals.clone();
    let mut fills: [(&str, Fill); 5] = [
        ("momentum lanes, normal", Box::new(move |out| lanes.fill_normals(out))),
        ("one stream, normal", each(move || normals.normal())),
        ("rand_distr, normal", each(move || StandardNormal.sample(&mut peer_normals))),
        ("one stream, exponential", each(move || exponentials.exponential())),
        ("rand_distr, exponential", each(move || Exp1.sample(&mut peer_exponentials))),
    ];
    for size in [1000, 16] {
        let mut times = vec![Vec::new(); fills.len()];
        for _ in 0..ROUNDS {
            for ((_, fill), times) in fills.iter_mut().zip(&mut times) {
                times.push(round(fill, size));
            }
        }
        for ((name, _), times) in fills.iter().zip(&mut times) {
            times.sort_by(f64::total_cmp);
            println!("{size:>5} numbers a fill, {name:<24} {:6.2} ns", times[ROUNDS / 2]);
        }
    }

    let start = Instant::now();
    let ids = 10_000;
    for id in 0..ids {
        black_box(Stream::new(1, black_box(id << 50 | id), Purpose::Model));
    }
    println!("a stream of a large id {:.2} µs", start.elapsed().as_secs_f64() * 1e6 / ids as f64);
}
