//! What `docs/cluster.md` predicts for sizes that no machine at hand has: seconds per pulse, look, meeting and stage.
//!
//! An allgather is played round by round, each process sending what it has to the one at twice the distance of the round
//! before (Bruck et al. 1997), so that R processes need ⌈log2 R⌉ rounds; a round takes a message's latency and the time of its bytes.

use catena::adapt::{FIRST_LOOK, next_look};
use catena::drive::share;

const BITS_PER_BYTE: f64 = 8.0;
/// Bytes with which a process tells where it stands, before each member of a meeting, and of a number.
const PULSE: f64 = 24.0;
const HEAD: f64 = 16.0;
const NUMBER: f64 = 8.0;

struct Network {
    name: &'static str,
    bits_per_second: f64,
    /// Seconds of a message without content.
    latency: f64,
}

const NETWORKS: [Network; 3] = [
    Network { name: "1 Gbit/s", bits_per_second: 1e9, latency: 30e-6 },
    Network { name: "10 Gbit/s", bits_per_second: 1e10, latency: 15e-6 },
    Network { name: "100 Gbit/s", bits_per_second: 1e11, latency: 2e-6 },
];

impl Network {
    /// Seconds of an allgather of so many bytes from each process.
    fn all_gather(&self, bytes: &[f64]) -> f64 {
        let size = bytes.len();
        let (mut seconds, mut has) = (0.0, 1);
        while has < size {
            // A round lasts as long as its longest message, of the blocks that somebody sends.
            let sent = has.min(size - has);
            let of = |first: usize| (0..sent).map(|k| bytes[(first + k) % size]).sum::<f64>();
            let longest =
                if bytes.windows(2).all(|w| w[0] == w[1]) { of(0) } else { (0..size).map(of).fold(0.0, f64::max) };
            seconds += self.latency + longest * BITS_PER_BYTE / self.bits_per_second;
            has += sent;
        }
        seconds
    }

    /// Seconds of a meeting to which each of the process's members brings so many numbers: a pulse, lengths, members.
    fn meeting(&self, members: &[usize], numbers: f64) -> f64 {
        let brings: Vec<f64> = members.iter().map(|n| *n as f64 * (HEAD + NUMBER * numbers)).collect();
        let all = |bytes: f64| self.all_gather(&vec![bytes; members.len()]);
        all(PULSE) + all(NUMBER) + self.all_gather(&brings)
    }
}

fn line(what: &str, bytes: f64, seconds: impl Fn(&Network) -> f64) {
    print!("{what:<56} {:>10.3e} bytes", bytes);
    for network in &NETWORKS {
        print!("  {} {:>10.3e} s", network.name, seconds(network));
    }
    println!();
}

/// Chains, `dim` coordinates, on so many processes.
fn chains(processes: usize, chains: usize, dim: usize) {
    println!("\n{chains} chains of {dim} coordinates on {processes} processes");
    let members: Vec<usize> = (0..processes).map(|rank| share(chains, rank, processes).len()).collect();
    let total = |numbers: f64| chains as f64 * (HEAD + NUMBER * numbers);
    line("a pulse", PULSE * processes as f64, |n| n.all_gather(&vec![PULSE; processes]));
    for draws in [10, 50, 200] {
        let numbers = (1 + dim + 2 * draws * dim) as f64;
        let what = format!("a meeting of warmup=together, {draws} draws each");
        line(&what, total(numbers), |n| n.meeting(&members, numbers));
    }
    for columns in [1, dim + 1] {
        let looks = std::iter::successors(Some(FIRST_LOOK), |n| Some(next_look(*n))).take_while(|n| *n < 1000);
        let numbers: Vec<f64> = looks.map(|n| (n * columns) as f64).collect();
        let what = format!("all {} looks of 1000 draws, {columns} columns", numbers.len());
        line(&what, numbers.iter().map(|n| total(*n)).sum(), |n| numbers.iter().map(|x| n.meeting(&members, *x)).sum());
    }
}

/// One set of particles, whose blocks bring all of them to the end of a stage; and the least that a resampling must move where
/// the numbers of offspring of the processes' parts scatter as those of independent parts do (relative spread 1 / sqrt(part)).
fn particles(processes: usize, particles: f64, dim: usize) {
    const BROUGHT: usize = 4;
    println!("\none set of {particles:e} particles of {dim} coordinates on {processes} processes");
    let part = particles / processes as f64;
    let bytes = part * NUMBER * (dim + BROUGHT) as f64;
    line("a stage, as it is: all particles to all", bytes * processes as f64, |n| {
        n.all_gather(&vec![bytes; processes])
    });
    let surplus = part.sqrt() * NUMBER * dim as f64;
    line("a stage, the least that imbalance demands", surplus * processes as f64, |n| {
        n.latency * (processes as f64).log2().ceil() + surplus * BITS_PER_BYTE / n.bits_per_second
    });
}

fn main() {
    chains(2, 64, 100);
    chains(1000, 10_000, 100);
    particles(8, 1e5, 10);
    particles(1000, 1e10, 10);
}
