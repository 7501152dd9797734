//! What `docs/cluster.md` predicts for sizes that no machine at hand has: seconds per pulse, look, meeting and stage; with the argument
//! `measured`, what ranks that are threads of this machine take against one process.
//!
//! An allgather is played round by round, each process sending what it has to the one at twice the distance of the round
//! before (Bruck et al. 1997), so that R processes need ⌈log2 R⌉ rounds; a round takes a message's latency and the time of its bytes.

mod measured;

use catena::adapt::{FIRST_LOOK, next_look};
use catena::drive::share;
use catena::particles::plan::ROWS;

const BITS_PER_BYTE: f64 = 8.0;
/// Bytes with which a process tells where it stands, before each member of a meeting, and of a number.
const PULSE: f64 = 24.0;
const HEAD: f64 = 16.0;
const NUMBER: f64 = 8.0;
/// Numbers that a block of particles brings beside those of its particles, and of each of these.
const OF_A_BLOCK: f64 = 14.0;
const BROUGHT: f64 = 3.0;

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

    /// Seconds in which every process sends so many bytes to the next one.
    fn all_to_next(&self, bytes: f64) -> f64 {
        self.latency + bytes * BITS_PER_BYTE / self.bits_per_second
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

/// One set of particles in parts on processes: what all get to know of each other's weights, the moments of blocks, and what crosses
/// the borders between processes where offspring scatter as those of independent particles do (variance 1 each): at the share f of
/// N particles the number of offspring before a border has the variance N f (1 - f).
fn particles(processes: usize, particles: f64, dim: usize) {
    println!("\none set of {particles:e} particles of {dim} coordinates on {processes} processes");
    let part = particles / processes as f64;
    let blocks = (part / ROWS as f64).ceil();
    let of_blocks = |numbers: f64| blocks * (HEAD + NUMBER * (OF_A_BLOCK + numbers));
    let meeting = |n: &Network, bytes: f64| {
        let all = |bytes: f64| n.all_gather(&vec![bytes; processes]);
        all(PULSE) + all(NUMBER) + all(bytes)
    };
    let weights = of_blocks(ROWS as f64 * BROUGHT);
    let moments = of_blocks((2 + dim + dim * (dim + 1) / 2) as f64);
    line("end of a stage: what all particles weigh", weights * processes as f64, |n| meeting(n, weights));
    line("scale of the moves: moments of blocks", moments * processes as f64, |n| meeting(n, moments));
    let row = NUMBER * (dim + 2) as f64;
    let crossing = |border: usize| {
        let f = border as f64 / processes as f64;
        row * (particles * f * (1.0 - f) * std::f64::consts::FRAC_2_PI).sqrt()
    };
    let bytes: Vec<f64> = (1..processes).map(crossing).collect();
    let most = bytes.iter().copied().fold(0.0, f64::max);
    line("resampling: what crosses the borders, expected", bytes.iter().sum(), |n| n.all_to_next(most));
    line("the same, were all particles sent to all", row * particles, |n| n.all_gather(&vec![row * part; processes]));
}

fn main() {
    if std::env::args().any(|argument| argument == "measured") {
        return measured::all();
    }
    chains(2, 64, 100);
    chains(1000, 10_000, 100);
    particles(8, 1e5, 10);
    particles(1000, 1e10, 10);
}
