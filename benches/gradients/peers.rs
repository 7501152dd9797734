//! nutpie on the same five posteriors, its effective sample sizes by Catena's diagnostics.

use super::figures::{Figures, least_ess};
use std::process::Command;

/// Chains and draws of each that the peer makes.
const CHAINS: usize = 4;
const DRAWS: usize = 1000;

/// What the peer's runs showed, by way and posterior. Its gradients are Python functions that numba compiled: what calling
/// them takes is in its time.
///
/// # Errors
/// Why there are none, in words.
pub fn nutpie(seeds: u64) -> Result<Vec<(String, String, Figures)>, String> {
    let file = std::env::temp_dir().join(format!("catena-peer-{}", std::process::id()));
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/gradients/peer.py");
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stan");
    let out = Command::new(python).args([here, data]).arg(&file).arg(seeds.to_string()).output();
    let bytes = std::fs::read(&file).unwrap_or_default();
    let _ = std::fs::remove_file(&file);
    let out = out.map_err(|e| e.to_string())?;
    if !out.status.success() {
        let error = String::from_utf8_lossy(&out.stderr);
        return Err(error.lines().last().unwrap_or("it says nothing").to_string());
    }
    let numbers: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let mut rest = numbers.as_slice();
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&out.stdout).lines() {
        let fields: Vec<&str> = line.split(';').collect();
        let number = |i: usize| fields[i].parse::<f64>().expect("a number");
        let columns = number(2) as usize;
        let (values, others) = rest.split_at(CHAINS * DRAWS * columns);
        rest = others;
        let ess = least_ess(values, CHAINS, columns);
        let figures =
            Figures { total: number(3) / ess, sampling: number(4) / ess, time: number(5) / ess, ..Figures::default() };
        found.push((fields[0].to_string(), fields[1].to_string(), figures));
    }
    Ok(found)
}
