//! Summaries: microseconds per column of 4 chains x 2000 draws, on one thread and on two, and the seconds of one column of 4
//! random walks of 10^5 draws, beside ArviZ's on the same draws in the same run (`benches/diagnostics_peer.py`, by the Python
//! that PYTHON names, or python3; skipped with words where there is none, or no ArviZ).

use catena::diagnostics::{Layout, Summary, SummaryInput, SummaryOptions};
use catena::drive::{Hands, Pool};
use catena::model::Threading;
use catena::random::{Purpose, Stream};
use std::process::Command;
use std::time::Instant;

const CHAINS: usize = 4;
const DRAWS: usize = 2000;
const COLUMNS: usize = 5000;
const WALK: usize = 100_000;
/// Columns that the peer gets, which takes its time.
const FEW: usize = 100;

/// First-order autoregressions, columns of a draw together.
fn draws(rho: f64, columns: usize, draws: usize) -> Vec<f64> {
    let mut stream = Stream::new(1, 1, Purpose::Model);
    let mut rows = vec![0.0; CHAINS * draws * columns];
    for chain in rows.chunks_exact_mut(draws * columns) {
        for d in 0..draws {
            for k in 0..columns {
                let before = if d > 0 { chain[(d - 1) * columns + k] } else { 0.0 };
                chain[d * columns + k] = rho * before + stream.normal();
            }
        }
    }
    rows
}

/// Seconds per column.
fn ours(values: &[f64], columns: usize, draws: usize, threads: usize) -> f64 {
    let names: Vec<String> = (0..columns).map(|i| format!("x.{i}")).collect();
    let input =
        SummaryInput { values, chains: CHAINS, draws, columns, layout: Layout::Rows, names: &names, max_depth: None };
    let pool = Pool::new(threads).expect("threads");
    let start = Instant::now();
    let summary = Summary::with(&input, &SummaryOptions::default(), &Hands::new(&pool, Threading::Any, || false));
    assert_eq!(summary.expect("a summary").rows().len(), columns);
    start.elapsed().as_secs_f64() / columns as f64
}

/// The peer's seconds per column.
fn peer(values: &[f64], columns: usize, draws: usize) -> Result<f64, String> {
    let file = std::env::temp_dir().join(format!("catena-draws-{}", std::process::id()));
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(&file, bytes).map_err(|e| e.to_string())?;
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/diagnostics_peer.py");
    let shape = [CHAINS, draws, columns].map(|n| n.to_string());
    let out = Command::new(python).arg(script).arg(&file).args(shape).output().map_err(|e| e.to_string());
    let _ = std::fs::remove_file(&file);
    let out = out?;
    let text = String::from_utf8_lossy(&out.stdout);
    let error = String::from_utf8_lossy(&out.stderr);
    text.trim().parse().map_err(|_| error.lines().last().unwrap_or("it says nothing").to_string())
}

fn main() {
    for rho in [0.0, 0.5, 0.9, 0.99] {
        let few = draws(rho, FEW, DRAWS);
        let all = draws(rho, COLUMNS, DRAWS);
        let [one, two] = [1, 2].map(|threads| ours(&all, COLUMNS, DRAWS, threads));
        print!(
            "autocorrelation {rho:4}: {:6.0} us a column on one thread, {:6.0} on two, {COLUMNS} columns in {:.2} s",
            one * 1e6,
            two * 1e6,
            two * COLUMNS as f64
        );
        match peer(&few, FEW, DRAWS) {
            Ok(theirs) => println!("; ArviZ {:6.0}, ratio {:.4}", theirs * 1e6, one / theirs),
            Err(why) => println!("; ArviZ is skipped: {why}"),
        }
    }
    let walk = draws(1.0, 1, WALK);
    let one = ours(&walk, 1, WALK, 1);
    print!("4 random walks of {WALK} draws: {one:.3} s");
    match peer(&walk, 1, WALK) {
        Ok(theirs) => println!("; ArviZ {theirs:.3}, ratio {:.4}", one / theirs),
        Err(why) => println!("; ArviZ is skipped: {why}"),
    }
}
