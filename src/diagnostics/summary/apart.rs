//! Chains that lie apart: stuck in different modes, or in a corner of what the others explore.

use crate::diagnostics::quantile;
use crate::diagnostics::workbench::{Flaw, Workbench};

/// Chains whose R-hat is above this have not mixed (Vehtari et al. 2021, section 4).
pub(super) const HIGHEST_RHAT: f64 = 1.01;
/// Chains lie apart where their central intervals between these quantiles have no number in common.
const CENTRAL: [f64; 2] = [0.05, 0.95];
/// A chain whose central interval is narrower than this share of the others' median one stays in a corner.
const NARROW: f64 = 0.1;

/// How the chains of one variable differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Apart {
    /// Groups of chains, counted from 0, that overlap among themselves alone, each with the median of its draws; in the order
    /// of their first chains.
    Groups(Vec<(Vec<usize>, f64)>),
    /// Chains that stay in a small part of what the others explore.
    Narrow(Vec<usize>),
}

impl Apart {
    /// Looks at a variable whose chains have not mixed.
    pub fn look(bench: &mut Workbench, rhat: f64) -> Option<Self> {
        let doubtful = rhat > HIGHEST_RHAT || matches!(bench.flaw(), Flaw::Stuck(_));
        if !doubtful {
            return None;
        }
        let chains = bench.sorted_chains();
        let intervals: Vec<[f64; 2]> = chains.iter().map(|c| CENTRAL.map(|p| quantile(c, p))).collect();
        let groups = groups(&intervals);
        if groups.len() > 1 {
            let median = |group: &[usize]| {
                let mut all: Vec<f64> = group.iter().flat_map(|&c| &chains[c]).copied().collect();
                all.sort_unstable_by(f64::total_cmp);
                quantile(&all, 0.5)
            };
            return Some(Self::Groups(groups.into_iter().map(|g| (median(&g), g)).map(|(m, g)| (g, m)).collect()));
        }
        let narrow = narrow(&intervals);
        (!narrow.is_empty()).then_some(Self::Narrow(narrow))
    }
}

/// Chains whose intervals are joined by others' in between.
fn groups(intervals: &[[f64; 2]]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..intervals.len()).collect();
    order.sort_by(|&a, &b| intervals[a][0].total_cmp(&intervals[b][0]));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut reach = f64::NEG_INFINITY;
    for chain in order {
        let [low, high] = intervals[chain];
        match groups.last_mut() {
            Some(group) if low <= reach => group.push(chain),
            _ => groups.push(vec![chain]),
        }
        reach = reach.max(high);
    }
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort_unstable();
    groups
}

fn narrow(intervals: &[[f64; 2]]) -> Vec<usize> {
    let width = |c: usize| intervals[c][1] - intervals[c][0];
    let is_narrow = |&c: &usize| {
        let mut others: Vec<f64> = (0..intervals.len()).filter(|o| *o != c).map(width).collect();
        others.sort_unstable_by(f64::total_cmp);
        width(c) < NARROW * quantile(&others, 0.5)
    };
    (0..intervals.len()).filter(is_narrow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_chains_are_one_group() {
        assert_eq!(groups(&[[0.0, 1.0], [5.0, 6.0], [0.5, 2.0], [1.5, 3.0]]), [vec![0, 2, 3], vec![1]]);
        assert_eq!(groups(&[[5.0, 5.0], [0.0, 1.0]]), [vec![0], vec![1]]);
        assert_eq!(groups(&[[0.0, 1.0], [1.0, 2.0]]), [vec![0, 1]]);
    }

    #[test]
    fn a_chain_in_a_corner_is_narrow() {
        assert_eq!(narrow(&[[0.0, 1.0], [0.5, 0.55], [-0.2, 1.0]]), [1]);
        assert_eq!(narrow(&[[0.0, 1.0], [0.0, 0.2]]), [0usize; 0]);
        assert_eq!(narrow(&[[0.0, 1.0]]), [0usize; 0]);
    }
}
