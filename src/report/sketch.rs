//! One variable's draws as few bytes: enough to draw its trace, the densities and the ranks of its chains.

use super::scale::{Range, bytes_up_to, encoded};
use crate::diagnostics::Workbench;

/// Bytes that the sketches of all variables may take, before they are written as text, which adds a third.
const BUDGET: usize = 3_000_000;
/// Bins of the ranks (Vehtari et al. 2021, section 5, have about as many).
const RANKS: usize = 20;
/// Fewest and most bins of a trace and of a density.
const TRACE: [usize; 2] = [24, 400];
const DENSITY: [usize; 2] = [28, 96];
/// Ranks are drawn up to so many times the number of draws that a bin has if all chains agree.
pub const MOST_RANKS: f64 = 4.0;
/// A density is told as if each draw were a normal of so many bandwidths by Silverman's rule; a bit less than one keeps
/// modes apart.
const BANDWIDTHS: f64 = 0.8;

/// How finely draws are sketched: the more variables, the coarser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Variables that have a sketch: all, or as many as the budget allows at the coarsest.
    pub variables: usize,
    /// Bins of a chain's trace; each has the smallest and the largest draw in it.
    pub trace: usize,
    /// Points of a chain's density.
    pub density: usize,
    /// Bins of a chain's ranks.
    pub ranks: usize,
}

impl Shape {
    /// For so many variables.
    pub fn new(variables: usize, chains: usize, draws: usize) -> Self {
        let bytes = |trace: usize, density: usize| chains * (2 * trace + density + RANKS);
        let most_trace = draws.clamp(1, TRACE[1]);
        let least_trace = most_trace.min(TRACE[0]);
        let variables_at_most = BUDGET / bytes(least_trace, DENSITY[0]);
        let kept = variables.min(variables_at_most.max(1));
        let each = BUDGET / kept.max(1) / chains;
        let density = (each / 8).clamp(DENSITY[0], DENSITY[1]);
        let trace = (each.saturating_sub(density + RANKS) / 2).clamp(least_trace, most_trace);
        Self { variables: kept, trace, density, ranks: RANKS }
    }
}

/// The sketch of one variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    /// The smallest and the largest draw.
    pub(super) range: Range,
    /// Traces, densities and ranks, each chain after chain.
    bytes: Vec<u8>,
}

impl Sketch {
    /// Of the draws on a workbench.
    pub fn new(bench: &mut Workbench, shape: &Shape) -> Self {
        let draws = bench.draws();
        let chains = bench.values().len() / draws;
        let range = Range::of(bench.values().iter().copied());
        let mut bytes = Vec::with_capacity(chains * (2 * shape.trace + shape.density + shape.ranks));
        for chain in bench.values().chunks_exact(draws) {
            bytes.extend(trace(chain, shape.trace).flat_map(|bin| [range.byte(bin.low), range.byte(bin.high)]));
        }
        let densities: Vec<Vec<f64>> =
            bench.values().chunks_exact(draws).map(|chain| density(chain, |_| 1.0, &range, shape.density)).collect();
        let top = densities.iter().flatten().fold(0.0, |top: f64, x| top.max(*x));
        densities.iter().for_each(|density| bytes.extend(bytes_up_to(density, top)));
        let (size, expected) = (bench.values().len(), draws as f64 / shape.ranks as f64);
        let mut counts = vec![0.0; chains * shape.ranks];
        for (rank, place) in bench.places().enumerate() {
            counts[place / draws * shape.ranks + rank * shape.ranks / size] += 1.0;
        }
        bytes.extend(bytes_up_to(&counts, MOST_RANKS * expected));
        Self { range, bytes }
    }

    /// As text for the page's script.
    pub(super) fn encoded(&self) -> String {
        encoded(&self.bytes)
    }
}

/// The smallest and largest draws of each bin of a chain; NaN to NaN where none is finite.
fn trace(chain: &[f64], bins: usize) -> impl Iterator<Item = Range> + '_ {
    let edge = move |bin: usize| bin * chain.len() / bins;
    (0..bins).map(move |bin| {
        let draws = &chain[edge(bin)..edge(bin + 1).max(edge(bin) + 1)];
        let none = Range { low: f64::NAN, high: f64::NAN };
        let finite = draws.iter().filter(|x| x.is_finite());
        finite.fold(none, |range, &x| Range { low: range.low.min(x), high: range.high.max(x) })
    })
}

/// The density at points from one end of the range to the other, but for a factor that all chains share: a histogram of draws
/// by their weights on a finer grid, smoothed.
pub(super) fn density(chain: &[f64], weight: impl Fn(usize) -> f64, range: &Range, points: usize) -> Vec<f64> {
    const FINER: usize = 4;
    let fine = points * FINER;
    let mut counts = vec![0.0; fine];
    let finite = || chain.iter().enumerate().map(|(i, x)| (weight(i), *x)).filter(|(w, x)| *w > 0.0 && x.is_finite());
    finite().for_each(|(w, x)| counts[range.bin(x, fine)] += w);
    let total = finite().map(|(w, _)| w).sum::<f64>();
    // How many draws of one weight it is worth.
    let n = (total * total / finite().map(|(w, _)| w * w).sum::<f64>()).max(1.0);
    let total = if total > 0.0 { total } else { 1.0 };
    let mean = finite().map(|(w, x)| w * range.share(x)).sum::<f64>() / total;
    let away = |x: f64| (range.share(x) - mean) * (range.share(x) - mean);
    let sd = libm::sqrt(finite().map(|(w, x)| w * away(x)).sum::<f64>() / total);
    // In grid points. At least one, so that a chain that stands still is a narrow peak.
    let width = (BANDWIDTHS * 0.9 * sd * libm::pow(n, -0.2) * fine as f64).max(1.0);
    let reach = (3.0 * width) as usize;
    let kernel: Vec<f64> = (0..=reach).map(|i| libm::exp(-0.5 * (i as f64 / width) * (i as f64 / width))).collect();
    let norm = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
    let at = |point: usize| {
        let middle = point * (fine - 1) / (points - 1);
        let first = middle.saturating_sub(reach);
        let near = &counts[first..(middle + reach + 1).min(fine)];
        near.iter().zip(first..).map(|(n, i)| n * kernel[i.abs_diff(middle)]).sum::<f64>() / norm
    };
    (0..points).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Draws;

    fn sketch(values: &[f64], draws: usize, shape: &Shape) -> Sketch {
        let chains = values.len() / draws;
        Sketch::new(&mut Workbench::with(&Draws::new(values, chains, draws, draws, 1).unwrap()), shape)
    }

    #[test]
    fn many_variables_are_sketched_coarsely_and_none_beyond_the_budget() {
        let size = |s: &Shape, chains: usize| s.variables * chains * (2 * s.trace + s.density + s.ranks);
        for (variables, chains, draws) in
            [(1, 1, 1), (12, 4, 1000), (5000, 4, 2000), (100_000, 4, 1000), (3, 1000, 100)]
        {
            let shape = Shape::new(variables, chains, draws);
            assert!(size(&shape, chains) <= BUDGET, "{shape:?}");
            assert!(shape.trace <= draws.max(1) && shape.variables <= variables);
        }
        assert_eq!(Shape::new(12, 4, 1000), Shape { variables: 12, trace: 400, density: 96, ranks: 20 });
        assert_eq!(Shape::new(5000, 4, 2000).variables, 5000);
        assert!(Shape::new(100_000, 4, 1000).variables < 100_000);
    }

    #[test]
    fn chains_that_lie_apart_look_so() {
        let draws = 200;
        let values: Vec<f64> = (0..2 * draws).map(|i| (i * 37 % draws) as f64 + (1000 * (i / draws)) as f64).collect();
        let shape = Shape { variables: 1, trace: 10, density: 28, ranks: 20 };
        let sketch = sketch(&values, draws, &shape);
        assert_eq!((sketch.range.low, sketch.range.high), (0.0, 1199.0));
        let (traces, rest) = sketch.bytes.split_at(2 * 2 * shape.trace);
        let (first, second) = traces.split_at(2 * shape.trace);
        assert!(first.iter().all(|&x| x < 50) && second.iter().all(|&x| x > 200), "{traces:?}");
        let (densities, ranks) = rest.split_at(2 * shape.density);
        assert!(densities[20..28].iter().all(|&x| x == 0) && densities[28..40].iter().all(|&x| x == 0));
        // Twice their share in one half of the bins, none in the other.
        let twice = (254.0 * 2.0 / MOST_RANKS) as u8;
        let expected: Vec<u8> = [[twice; 10], [0; 10], [0; 10], [twice; 10]].concat();
        assert_eq!(ranks, expected);
    }

    #[test]
    fn a_density_has_the_shape_of_the_draws() {
        let draws: Vec<f64> =
            (0..999).map(|i| (i + 1) as f64 / 1000.0).map(|u| if u < 0.5 { u } else { 9.0 + u }).collect();
        let range = Range::of(draws.iter().copied());
        let density = density(&draws, |_| 1.0, &range, 41);
        let sum: f64 = density.iter().sum();
        let half: f64 = density[..20].iter().sum();
        assert!((half / sum - 0.5).abs() < 0.03 && density[20] < 1e-3 * density[0], "{density:?}");
    }

    #[test]
    fn draws_that_are_no_numbers_are_left_out() {
        let values = [1.0, f64::NAN, 2.0, f64::INFINITY];
        let shape = Shape { variables: 1, trace: 4, density: 28, ranks: 20 };
        let sketch = sketch(&values, 4, &shape);
        assert_eq!(sketch.bytes[..8], [0, 0, 255, 255, 254, 254, 255, 255]);
    }
}
