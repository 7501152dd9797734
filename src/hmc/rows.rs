//! Equal vectors side by side in one allocation, laid out for the passes of [`super::kernels`].

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers a block of a pass has, and partial sums a sum is made of, whatever the width of the machine's vectors. It is
/// part of the contract that makes draws reproducible; momenta are filled by as many generators.
pub(crate) use crate::random::LANES;

/// Cache lines from which on a row is long enough to crowd others out of the cache.
const LONG_ROW: usize = 8;
/// More rows than a chain of no coordinates has, whatever its trees.
const MOST_EMPTY: usize = 1024;

/// `count` vectors of `dim` numbers, each padded with zeros to whole lanes and starting on a cache line.
///
/// Zero padding lets every pass run over whole lanes: a padded coordinate has zero momentum, gradient and metric, stays
/// at zero and adds zero to every sum.
pub(crate) struct Rows {
    data: Vec<f64>,
    start: usize,
    stride: usize,
    dim: usize,
    /// Length of a row with padding.
    padded: usize,
    count: usize,
}

impl Rows {
    /// `count` rows of zeros.
    pub fn new(count: usize, dim: usize) -> Self {
        let lines = dim.div_ceil(LANES).max(1);
        // An odd number of cache lines per row keeps long rows of a power-of-two dimension out of the same cache sets.
        let stride = if lines < LONG_ROW { lines } else { lines | 1 } * LANES;
        let data = vec![0.0; count * stride + LANES];
        let start = data.as_ptr().align_offset(LANES * size_of::<f64>()).min(LANES);
        Self { data, start, stride, dim, padded: lines * LANES, count }
    }

    /// Number of rows and their length without padding.
    pub fn shape(&self) -> (usize, usize) {
        (self.count, self.dim)
    }

    /// Length of a row without padding.
    pub fn dim(&self) -> usize {
        self.dim
    }

    #[inline]
    fn range(&self, i: usize) -> std::ops::Range<usize> {
        debug_assert!(i < self.count);
        let begin = self.start + i * self.stride;
        begin..begin + self.padded
    }

    /// Row `i` with its padding.
    #[inline]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[self.range(i)]
    }

    /// Row `i` with its padding; what is written into the padding must be zero.
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        let range = self.range(i);
        &mut self.data[range]
    }

    /// Row `i` without padding.
    #[inline]
    pub fn values(&self, i: usize) -> &[f64] {
        &self.row(i)[..self.dim]
    }

    /// Row `i` without padding.
    #[inline]
    pub fn values_mut(&mut self, i: usize) -> &mut [f64] {
        let dim = self.dim;
        &mut self.row_mut(i)[..dim]
    }

    /// Row `read` to read and the different row `write` to write.
    #[inline]
    pub fn pair(&mut self, read: usize, write: usize) -> (&[f64], &mut [f64]) {
        let [r, w] = self.pair_mut(read, write);
        (r, w)
    }

    /// Two different rows to write.
    #[inline]
    pub fn pair_mut(&mut self, i: usize, j: usize) -> [&mut [f64]; 2] {
        let ranges = [self.range(i), self.range(j)];
        self.data.get_disjoint_mut(ranges).expect("the rows differ")
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.data.len() * size_of::<f64>()
    }

    fn check(&self) -> Option<()> {
        (self.dim == 0 || self.dim.checked_mul(self.count).is_some()).then_some(())
    }
}

impl Clone for Rows {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.count, self.dim);
        for i in 0..self.count {
            copy.row_mut(i).copy_from_slice(self.row(i));
        }
        copy
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values: Vec<f64> = (0..self.count).flat_map(|i| self.values(i).iter().copied()).collect();
        (self.count, self.dim, values).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (count, dim, values): (usize, usize, Vec<f64>) = Deserialize::deserialize(deserializer)?;
        if count.checked_mul(dim) != Some(values.len()) {
            return Err(serde::de::Error::custom("rows: the number of values does not match the shape"));
        }
        // Rows of no numbers take memory all the same, and no values bound how many there are.
        if dim == 0 && count > MOST_EMPTY {
            return Err(serde::de::Error::custom("rows: more empty rows than a chain has"));
        }
        let mut rows = Self::new(count, dim);
        if dim > 0 {
            for (i, row) in values.chunks_exact(dim).enumerate() {
                rows.values_mut(i).copy_from_slice(row);
            }
        }
        rows.check().ok_or_else(|| serde::de::Error::custom("rows: shape out of range"))?;
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_ask_for_endless_rows_are_refused() {
        let read = |count: usize, dim: usize, values: Vec<f64>| {
            postcard::from_bytes::<Rows>(&postcard::to_stdvec(&(count, dim, values)).unwrap())
        };
        assert!(read(3, 0, Vec::new()).is_ok() && read(2, 1, vec![1.0, 2.0]).is_ok());
        for (count, dim) in [(1 << 50, 0), (usize::MAX, 0), (usize::MAX, 2), (1 << 40, 1)] {
            assert!(read(count, dim, Vec::new()).is_err(), "{count} rows of {dim}");
        }
    }

    #[test]
    fn rows_are_disjoint_and_aligned() {
        for dim in [1, 7, 8, 9, 64, 1000] {
            let mut rows = Rows::new(3, dim);
            for i in 0..3 {
                rows.values_mut(i).fill(i as f64 + 1.0);
                assert_eq!(rows.row(i).as_ptr().align_offset(64), 0);
            }
            for i in 0..3 {
                assert!(rows.values(i).iter().all(|&v| v == i as f64 + 1.0));
                assert!(rows.row(i)[dim..].iter().all(|&v| v == 0.0));
            }
        }
    }

    #[test]
    fn bytes_come_back() {
        let mut rows = Rows::new(2, 11);
        rows.values_mut(1)[10] = -0.0;
        rows.values_mut(0)[3] = f64::NAN;
        let bytes = postcard::to_stdvec(&rows).unwrap();
        let back: Rows = postcard::from_bytes(&bytes).unwrap();
        for i in 0..2 {
            for (a, b) in rows.values(i).iter().zip(back.values(i)) {
                assert_eq!(a.to_bits(), b.to_bits());
            }
        }
    }
}
