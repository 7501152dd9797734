//! Srinivasan's sampling process (Gerber, Chopin and Whiteley 2019, "Negative association, ordering and convergence of
//! resampling methods", Annals of Statistics 47, Algorithm 2).

use crate::random::Stream;

/// Each particle gets floor(n w) offspring, and its fraction is settled against that of the one particle that is still
/// open: of the two, one is rounded and the other goes on with what is left.
pub(super) fn draw(weights: &[f64], total: f64, stream: &mut Stream, out: &mut [u32]) {
    let n = out.len();
    let scale = n as f64 / total;
    let mut counts = vec![0u32; weights.len()];
    let (mut open, mut fraction) = (None, 0.0);
    let mut drawn = 0u64;
    for (i, &w) in weights.iter().enumerate() {
        let whole = (w * scale).floor();
        counts[i] = whole as u32;
        drawn += whole as u64;
        let part = w * scale - whole;
        if part == 0.0 {
            continue;
        }
        let Some(other) = open else {
            (open, fraction) = (Some(i), part);
            continue;
        };
        let sum = fraction + part;
        let u = stream.uniform();
        if sum < 1.0 {
            // One is rounded down; the other holds the sum.
            if u * sum >= fraction {
                open = Some(i);
            }
            fraction = sum;
        } else {
            // One is rounded up; the other holds the rest.
            let up = if u * (2.0 - sum) < 1.0 - part {
                open = Some(i);
                other
            } else {
                i
            };
            counts[up] += 1;
            drawn += 1;
            fraction = sum - 1.0;
            if fraction == 0.0 {
                open = None;
            }
        }
    }
    // The fraction left is 0 or 1 but for rounding.
    if let (Some(open), true) = (open, drawn < n as u64) {
        counts[open] += 1;
    }
    let (mut filled, mut last) = (0, 0);
    for (i, &count) in counts.iter().enumerate() {
        let end = n.min(filled + count as usize);
        out[filled..end].fill(i as u32);
        last = if count > 0 { i } else { last };
        filled = end;
    }
    out[filled..].fill(last as u32);
}
