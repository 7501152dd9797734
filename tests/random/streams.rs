//! The contract of `docs/random-streams.md`: its test vectors, lanes against single streams, and writing and reading.

use catena::random::{LANES, MomentumLanes, ParticlePurpose, ParticleStreams, Purpose, Stream};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const CONTRACT: &str = include_str!("../../docs/random-streams.md");
const FIRST_LANE: usize = 8;
const TAIL: f64 = 4.038849846109504522714423405335931204701;

fn stream(seed: u64, id: u64, number: usize) -> Stream {
    match number {
        0 => Stream::new(seed, id, Purpose::Init),
        1 => Stream::new(seed, id, Purpose::Sampler),
        2 => Stream::new(seed, id, Purpose::Outputs),
        3 => Stream::new(seed, id, Purpose::Model),
        _ => MomentumLanes::new(seed, id).streams()[number - FIRST_LANE].clone(),
    }
}

fn shown(x: f64) -> String {
    format!("{x:?} = {:016X}", x.to_bits())
}

/// What the contract's column of values says for a stream.
fn values(kind: &str, mut stream: Stream) -> String {
    let first_four = |mut draw: Box<dyn FnMut() -> String>| (0..4).map(|_| draw()).collect::<Vec<_>>().join(", ");
    match kind {
        "bits" => first_four(Box::new(move || format!("{:016X}", stream.bits()))),
        "uniform" => first_four(Box::new(move || shown(stream.uniform()))),
        "uniform_open" => first_four(Box::new(move || shown(stream.uniform_open()))),
        "exponential" => first_four(Box::new(move || shown(stream.exponential()))),
        "normal" => first_four(Box::new(move || shown(stream.normal()))),
        "tail" => {
            let normals = std::iter::repeat_with(|| stream.normal()).enumerate();
            let tail: Vec<_> = normals.filter(|(_, x)| x.abs() > TAIL).take(2).collect();
            tail.iter().map(|(i, x)| format!("{i}: {}", shown(*x))).collect::<Vec<_>>().join(", ")
        }
        "fold" => {
            let fold = (0..1_000_000).fold(0u64, |x, _| x.rotate_left(1) ^ stream.normal().to_bits());
            format!("{fold:016X}")
        }
        _ => panic!("the contract has a vector of unknown kind {kind}"),
    }
}

/// Whatever the seeds and the ids of chains, up to their limits: no two streams begin alike, nor those of neighbours in both.
#[test]
fn no_seeds_and_chains_share_a_stream() {
    let seeds = [0, 1, (1 << 31) - 1, (1 << 32) - 1, 1 << 63, u64::MAX];
    let ids = [0, 1, 32_767, 32_768, 65_535, 1 << 31];
    let mut pairs: Vec<(u64, u64)> = seeds.iter().flat_map(|seed| ids.map(|id| (*seed, id))).collect();
    let neighbours = |(seed, id): &(u64, u64)| [(*seed, id + 1), (seed.wrapping_add(1), *id)];
    pairs.extend(pairs.iter().flat_map(neighbours).collect::<Vec<_>>());
    pairs.sort_unstable();
    pairs.dedup();
    let mut seen = std::collections::BTreeMap::new();
    for (seed, id) in pairs {
        for number in (0..4).chain(FIRST_LANE..FIRST_LANE + LANES) {
            let mut stream = stream(seed, id, number);
            let first: Vec<u64> = (0..4).map(|_| stream.bits()).collect();
            let other = seen.insert(first, (seed, id, number));
            assert!(other.is_none(), "{:?} and {other:?} begin alike", (seed, id, number));
        }
    }
}

#[test]
fn the_vectors_of_the_contract() {
    let table = CONTRACT.split("## Test vectors").nth(1).unwrap();
    let mut wrong = Vec::new();
    let mut kinds = std::collections::BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [kind, seed, id, number, expected] = cells[..] else { panic!("five columns in {row}") };
        kinds.insert(kind);
        let got = values(kind, stream(seed.parse().unwrap(), id.parse().unwrap(), number.parse().unwrap()));
        if got != expected {
            wrong.push(format!("| {kind} | {seed} | {id} | {number} | {got} |"));
        }
    }
    assert!(wrong.is_empty(), "the streams give instead\n{}", wrong.join("\n"));
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

/// The starts of chains and streams against rand_xoshiro's own seeding and jumps.
#[test]
fn chains_are_jumps_of_rand_xoshiro() {
    let mut theirs = Xoshiro256PlusPlus::seed_from_u64(77);
    for id in 0..20 {
        let mut ours = Stream::new(77, id, Purpose::Init);
        let mut copy = theirs.clone();
        for _ in 0..10 {
            assert_eq!(ours.bits(), copy.next_u64(), "chain {id}");
        }
        theirs.jump();
    }
}

#[test]
fn lanes_are_streams() {
    let mut lanes = MomentumLanes::new(5, 1_000_000_000);
    let mut by_hand = lanes.streams();
    for blocks in [1, 2, 0, 125, 40_000] {
        let mut x = vec![[0.0; LANES]; blocks];
        lanes.fill_normals(&mut x);
        for (b, block) in x.iter().enumerate() {
            for (lane, x) in block.iter().enumerate() {
                assert_eq!(x.to_bits(), by_hand[lane].normal().to_bits(), "lane {lane}, block {b} of {blocks}");
            }
        }
        assert_eq!(lanes.streams(), by_hand);
    }
}

#[test]
fn streams_of_one_seed_differ() {
    let mut seen = std::collections::HashSet::new();
    for id in [0, 1, 2, 1 << 32, u64::MAX] {
        for number in [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15] {
            let mut stream = stream(3, id, number);
            assert!((0..100).all(|_| seen.insert(stream.bits())), "chain {id}, stream {number}");
        }
    }
}

#[test]
fn written_and_read_back_they_go_on() {
    let mut stream = Stream::new(1, 2, Purpose::Sampler);
    let mut lanes = MomentumLanes::new(1, 2);
    let mut x = [[0.0; LANES]; 100];
    lanes.fill_normals(&mut x);
    stream.normal();
    let bytes = postcard::to_stdvec(&(&stream, &lanes)).unwrap();
    let (mut stream_again, mut lanes_again): (Stream, MomentumLanes) = postcard::from_bytes(&bytes).unwrap();
    let mut y = x;
    lanes.fill_normals(&mut x);
    lanes_again.fill_normals(&mut y);
    assert_eq!(x, y);
    assert_eq!(stream.normal(), stream_again.normal());
    assert_eq!((stream, lanes), (stream_again, lanes_again));
}

const PURPOSES: [Purpose; 5] = [Purpose::Init, Purpose::Sampler, Purpose::Outputs, Purpose::Model, Purpose::Start];

/// What belongs to no chain: the contract's second table, which powers of the transition's 256 x 256 matrix gave.
#[test]
fn the_vectors_of_the_runs_own_streams() {
    let table =
        CONTRACT.split("## Test vectors of the run's own streams").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [kind, seed, number, expected] = cells[..] else { panic!("four columns in {row}") };
        let purpose = PURPOSES[number.parse::<usize>().unwrap()];
        assert_eq!(values(kind, Stream::of_run(seed.parse().unwrap(), purpose)), expected, "{row}");
        rows += 1;
    }
    assert_eq!(rows, 8);
}

/// The run's streams begin after rand_xoshiro's own long jump, 2^192 steps, where those of the largest id end.
#[test]
fn no_id_reaches_the_runs_own_streams() {
    for seed in [0, 77, u64::MAX] {
        let mut theirs = Xoshiro256PlusPlus::seed_from_u64(seed);
        theirs.long_jump();
        let mut ours = Stream::of_run(seed, Purpose::Init);
        assert!((0..100).all(|_| ours.bits() == theirs.next_u64()));
    }
    let mut seen = std::collections::HashSet::new();
    for purpose in PURPOSES {
        for id in [0, 1, 2, 1 << 32, (1 << 63) - 1, u64::MAX] {
            let mut stream = Stream::new(3, id, purpose);
            assert!((0..100).all(|_| seen.insert(stream.bits())), "chain {id}, {purpose:?}");
        }
        let mut stream = Stream::of_run(3, purpose);
        assert!((0..100).all(|_| seen.insert(stream.bits())), "the run, {purpose:?}");
    }
}

/// Streams of traces and particles: the contract's third table, which `tests/data/threefry.py` gave.
#[test]
fn the_vectors_of_particles_streams() {
    use ParticlePurpose::{Choice, Copy, Move, Report, Work};
    let table = CONTRACT.split("## Test vectors of particles' streams").nth(1).unwrap();
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [kind, seed, set, particle, generation, purpose, expected] = cells[..] else {
            panic!("seven columns in {row}")
        };
        let number = |text: &str| text.parse::<u64>().unwrap();
        let streams = ParticleStreams::new(number(seed));
        let (set, particle, generation) = (number(set), number(particle), number(generation));
        let stream = match number(purpose) {
            lane @ 8.. => streams.lanes_at(set, particle, generation).streams()[lane as usize - FIRST_LANE].clone(),
            purpose => streams.at(set, particle, generation, [Work, Choice, Move, Report, Copy][purpose as usize]),
        };
        assert_eq!(values(kind, stream), expected, "{row}");
        rows += 1;
    }
    assert_eq!(rows, 8);
}
