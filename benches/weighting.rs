//! Weighting and resampling 10^6 particles of 10 numbers against copying the same arrays, on one thread and on two.
//!
//! `cargo bench --bench weighting` prints, for each number of threads, GB/s of the copy (bytes read and written) and of
//! weighting, drawing ancestors and gathering their states, whose bytes are counted the same, and their ratio; the median
//! of rounds that take turns. Log weights of a filter that has just been told to resample: effective sample size a third.

use catena::drive::{Pool, PoolBlocks, on_pool};
use catena::error::Error;
use catena::particles::BLOCK;
use catena::particles::blocks::Blocks;
use catena::particles::filter::Layout;
use catena::particles::resample::Spread;
use catena::particles::weights::{Sums, rescale, weigh_block};
use catena::random::{MomentumLanes, Purpose, Stream};
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

const PARTICLES: usize = 1_000_000;
const DIM: usize = 10;
const ROUNDS: usize = 21;

struct Arrays {
    states: Vec<f64>,
    log_weights: Vec<f64>,
    to: Vec<f64>,
    to_weights: Vec<f64>,
    ancestors: Vec<u32>,
}

/// The arrays in as many parts as there are threads.
fn copy(a: &mut Arrays, threads: usize, blocks: &PoolBlocks<'_>) -> Result<(), Error> {
    let (states, weights) = ((PARTICLES * DIM).div_ceil(threads), PARTICLES.div_ceil(threads));
    let weights = a.log_weights.chunks(weights).zip(a.to_weights.chunks_mut(weights));
    let items: Vec<_> = a.states.chunks(states).zip(a.to.chunks_mut(states)).zip(weights).collect();
    type Pair<'a> = (&'a [f64], &'a mut [f64]);
    let work = |_: &mut (), ((from, to), (weights, to_weights)): (Pair<'_>, Pair<'_>)| {
        to.copy_from_slice(from);
        to_weights.copy_from_slice(weights);
        Ok(())
    };
    blocks.for_each(items.into_iter(), || Ok(()), work)
}

/// What a filter does between two times: weigh, draw ancestors, gather their states, level the weights.
fn weigh_and_resample(a: &mut Arrays, stream: &mut Stream, blocks: &PoolBlocks<'_>) -> Result<(), Error> {
    let mut sums = vec![Sums::NONE; PARTICLES.div_ceil(BLOCK)];
    let items: Vec<_> = a.log_weights.chunks(BLOCK).zip(&mut sums).collect();
    let weigh = |weights: &mut [f64; BLOCK], (of, sums): (&[f64], &mut Sums)| {
        *sums = weigh_block(of, &mut weights[..of.len()]);
        Ok(())
    };
    blocks.for_each(items.into_iter(), || Ok([0.0; BLOCK]), weigh)?;
    let total = Sums::of_blocks(&sums);
    let spread = Spread::of_sums(sums.iter().map(|block| block.sum * block.scale(&total)), PARTICLES);
    let shift = stream.uniform();
    let slots = spread.slots(shift);
    let mut rest = &mut a.ancestors[..];
    let mut items = Vec::new();
    for (b, of) in a.log_weights.chunks(BLOCK).enumerate() {
        let (mine, others) = rest.split_at_mut(slots[b + 1] - slots[b]);
        rest = others;
        items.push((b, of, mine));
    }
    let fill = |weights: &mut [f64; BLOCK], (b, of, mine): (usize, &[f64], &mut [u32])| {
        let weights = &mut weights[..of.len()];
        rescale(of, total.largest, weights);
        spread.fill(b, weights, shift, slots[b], mine);
        Ok(())
    };
    blocks.for_each(items.into_iter(), || Ok([0.0; BLOCK]), fill)?;
    let layout = Layout::new(PARTICLES, DIM, false);
    let weights = a.to_weights.chunks_mut(BLOCK);
    let items: Vec<_> = a.ancestors.chunks(BLOCK).zip(a.to.chunks_mut(BLOCK * DIM)).zip(weights).collect();
    let gather = |room: &mut Vec<f64>, ((ancestors, to), weights): ((&[u32], &mut [f64]), &mut [f64])| {
        // In the cache, then whole lines at once: single numbers stored into lines that are elsewhere hold up the loads.
        layout.gather(&a.states, ancestors, &mut room[..to.len()]);
        to.copy_from_slice(&room[..to.len()]);
        weights.fill(0.0);
        Ok(())
    };
    blocks.for_each(items.into_iter(), || Ok(vec![0.0; layout.chunk_size()]), gather)
}

fn main() {
    let mut lanes = MomentumLanes::new(1, 1);
    let mut normals = |n: usize, scale: f64| {
        let mut rows = vec![[0.0; 8]; n / 8];
        lanes.fill_normals(&mut rows);
        rows.into_flattened().into_iter().map(|x| scale * x).collect::<Vec<f64>>()
    };
    let mut a = Arrays {
        states: normals(PARTICLES * DIM, 1.0),
        log_weights: normals(PARTICLES, 1.05),
        to: vec![0.0; PARTICLES * DIM],
        to_weights: vec![0.0; PARTICLES],
        ancestors: vec![0; PARTICLES],
    };
    let mut stream = Stream::new(1, 1, Purpose::Sampler);
    let bytes = (2 * 8 * PARTICLES * (DIM + 1)) as f64;
    println!("{:>8} {:>12} {:>12} {:>7}", "threads", "copy GB/s", "ours GB/s", "ratio");
    for threads in [1, 2] {
        let (pool, stop) = (Pool::new(threads).expect("threads"), AtomicBool::new(false));
        let (mut copies, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = Instant::now();
            on_pool(&pool, &stop, || false, || copy(&mut a, threads, &PoolBlocks::new(&pool, &stop))).expect("copied");
            copies.push(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let work = || weigh_and_resample(&mut a, &mut stream, &PoolBlocks::new(&pool, &stop));
            on_pool(&pool, &stop, || false, work).expect("resampled");
            ours.push(start.elapsed().as_secs_f64());
            black_box(&a.to);
        }
        let median = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        let (copies, ours) = (bytes / median(&mut copies) / 1e9, bytes / median(&mut ours) / 1e9);
        println!("{threads:>8} {copies:>12.2} {ours:>12.2} {:>7.2}", ours / copies);
    }
}
