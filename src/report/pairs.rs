//! Draws of a few variables together, some of all and every divergent one, for pictures of two at a time.

use super::scale::{Range, encoded};
use crate::diagnostics::SummaryInput;
use serde::Serialize;

/// Most variables, and most draws of each kind.
pub const VARIABLES: usize = 12;
pub const DRAWS: usize = 1500;
const DIVERGENT: usize = 500;

/// Positive variables whose largest draw is so many times the smallest are shown on a logarithmic scale: where a scale's
/// logarithm matters, as in a funnel.
const DECADES: f64 = 100.0;

/// Draws of some variables.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pairs {
    pub names: Vec<String>,
    /// The ends of each variable's range, of the logarithms where these are shown.
    pub ranges: Vec<[f64; 2]>,
    /// Whether the natural logarithms are shown.
    pub logarithmic: Vec<bool>,
    /// How many draws there are, and how many of them, the last ones, diverged.
    pub draws: usize,
    pub divergent: usize,
    /// How many transitions diverged in all; `null` where that is not known.
    pub diverged: Option<usize>,
    /// A byte for each draw of each variable, variable after variable.
    bytes: String,
}

impl Pairs {
    /// Of the first of these columns; `None` of fewer than two.
    pub fn of(input: &SummaryInput<'_>, columns: &[usize]) -> Option<Self> {
        let columns = &columns[..columns.len().min(VARIABLES)];
        let values = |column: usize| -> Option<Vec<f64>> {
            let draws = input.column(column).ok()?;
            Some((0..draws.chains()).flat_map(|c| draws.chain(c)).collect())
        };
        let flags = input.names.iter().position(|n| n == "divergent__").and_then(values);
        let size = input.chains * input.draws;
        let is_divergent = |i: &usize| flags.as_ref().is_some_and(|flags| flags[*i] != 0.0);
        let (divergent, calm): (Vec<usize>, Vec<usize>) = (0..size).partition(|i| is_divergent(i));
        let diverged = divergent.len();
        let (calm, divergent) = (thinned(&calm, DRAWS), thinned(&divergent, DIVERGENT));
        let places = [&calm[..], &divergent[..]].concat();
        let columns: Option<Vec<(&String, Vec<f64>)>> = columns
            .iter()
            .map(|&column| {
                let values = values(column)?;
                Some((&input.names[column], places.iter().map(|&i| values[i]).collect()))
            })
            .collect();
        Self::new(columns?, divergent.len(), flags.is_some().then_some(diverged))
    }

    /// Of named draws, the last `divergent` of which diverged; `diverged` did in all, if that is known.
    pub fn new(columns: Vec<(&String, Vec<f64>)>, divergent: usize, diverged: Option<usize>) -> Option<Self> {
        let mut pairs = Self {
            names: Vec::new(),
            ranges: Vec::new(),
            logarithmic: Vec::new(),
            draws: columns.first()?.1.len(),
            divergent,
            diverged,
            bytes: String::new(),
        };
        let mut bytes = Vec::new();
        for (name, mut values) in columns {
            let mut range = Range::of(values.iter().copied());
            let logarithmic = range.low > 0.0 && range.high / range.low >= DECADES;
            if logarithmic {
                values.iter_mut().for_each(|x| *x = libm::log(*x));
                range = Range::of(values.iter().copied());
            }
            if range.high > range.low {
                pairs.names.push(name.clone());
                pairs.ranges.push([range.low, range.high]);
                pairs.logarithmic.push(logarithmic);
                bytes.extend(values.iter().map(|x| range.byte(*x)));
            }
        }
        pairs.bytes = encoded(&bytes);
        (pairs.names.len() > 1).then_some(pairs)
    }
}

/// At most `most` of the places, evenly spread.
fn thinned(places: &[usize], most: usize) -> Vec<usize> {
    let n = places.len();
    let kept = n.min(most);
    (0..kept).map(|k| places[k * n / kept]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Layout;

    #[test]
    fn divergent_draws_come_last() {
        let names = ["x", "y", "constant", "divergent__"].map(String::from);
        let x: Vec<f64> = (0..4000).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 1.0 + x).collect();
        let divergent: Vec<f64> = x.iter().map(|x| f64::from(*x as i32 % 1000 == 7)).collect();
        let values = [x, y, vec![1.0; 4000], divergent].concat();
        let (layout, names) = (Layout::Columns, &names[..]);
        let input =
            SummaryInput { values: &values, chains: 2, draws: 2000, columns: 4, layout, names, max_depth: None };
        let pairs = Pairs::of(&input, &[0, 1, 2]).unwrap();
        assert_eq!(
            (pairs.names.as_slice(), pairs.draws, pairs.divergent, pairs.diverged),
            (&names[..2], 1504, 4, Some(4))
        );
        assert_eq!((pairs.logarithmic, pairs.ranges[1][0]), (vec![false, true], 0.0));
        assert_eq!(Pairs::of(&input, &[0, 2]), None);
    }

    #[test]
    fn thinning_keeps_few_and_spreads_them() {
        assert_eq!(thinned(&[3, 5, 8], 10), [3, 5, 8]);
        assert_eq!(thinned(&(0..100).collect::<Vec<_>>(), 4), [0, 25, 50, 75]);
        assert_eq!(thinned(&[], 4), [0usize; 0]);
    }
}
