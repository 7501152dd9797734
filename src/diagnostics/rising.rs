//! Sorting by digits.

/// Bits of a digit.
const BITS: u32 = 11;
/// Digits that are sorted by, from the highest bit in which keys differ on; what is left is next to its place.
const DIGITS: usize = 3;
/// Fewer numbers are sorted by comparisons.
const FEW: usize = 512;
/// Moves by one place, per number, after which what digits left is sorted by comparisons.
const PATIENCE: usize = 8;

/// Sorts pairs of a key and a place that come in the order of their places: by keys, those of equal keys by places. `spare`
/// is memory.
pub(super) fn sort(pairs: &mut Vec<(u64, usize)>, spare: &mut Vec<(u64, usize)>) {
    let bounds = pairs.iter().fold((u64::MAX, 0), |(low, high), &(key, _)| (key.min(low), key.max(high)));
    if pairs.len() < FEW || bounds.0 == bounds.1 {
        return pairs.sort_unstable();
    }
    // The digits are the highest bits of what a key is above the least one.
    let unused = (bounds.1 - bounds.0).leading_zeros();
    let digit =
        |key: u64, d: usize| (((key - bounds.0) << unused) >> (64 - BITS * (d as u32 + 1))) as usize % (1 << BITS);
    let mut counts = [[0usize; 1 << BITS]; DIGITS];
    for &(key, _) in pairs.iter() {
        (0..DIGITS).for_each(|d| counts[d][digit(key, d)] += 1);
    }
    spare.resize(pairs.len(), (0, 0));
    for d in (0..DIGITS).rev() {
        let mut first = 0;
        for count in &mut counts[d] {
            (*count, first) = (first, first + *count);
        }
        for &pair in pairs.iter() {
            let place = &mut counts[d][digit(pair.0, d)];
            spare[*place] = pair;
            *place += 1;
        }
        std::mem::swap(pairs, spare);
    }
    // Keys that have all digits in common stand in the order of their places.
    let mut moves = 0;
    for i in 1..pairs.len() {
        let pair = pairs[i];
        let mut at = i;
        while at > 0 && pairs[at - 1] > pair {
            pairs[at] = pairs[at - 1];
            at -= 1;
        }
        pairs[at] = pair;
        moves += i - at;
        if moves > PATIENCE * pairs.len() {
            return pairs.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    #[test]
    fn it_sorts_as_comparisons_do() {
        let mut stream = Stream::new(3, 1, Purpose::Model);
        let mut draws = |f: &dyn Fn(f64) -> u64, n: usize| -> Vec<(u64, usize)> {
            (0..n).map(|i| (f(stream.normal()), i)).collect()
        };
        let kinds: [&dyn Fn(f64) -> u64; 6] = [
            &|x| x.to_bits(),
            &|x| (x * 3.0).abs() as u64,
            &|_| 7,
            // Equal in all digits that are sorted by, but for two.
            &|x| if x > 3.0 { u64::MAX } else { (x.abs() * 1e6) as u64 },
            &|x| u64::MAX - (x.abs() * 1e3) as u64,
            &|x| if x > 0.0 { 0 } else { u64::MAX },
        ];
        for kind in kinds {
            for n in [0, 1, 2, 511, 512, 8000] {
                let mut pairs = draws(kind, n);
                let mut expected = pairs.clone();
                expected.sort_unstable();
                sort(&mut pairs, &mut Vec::new());
                assert!(pairs == expected, "{n}");
            }
        }
    }
}
