//! Memory whose size a host or a file gives: a size that cannot be had is an error, not the end of the process.

use crate::error::Error;
use std::fmt;

/// A number of bytes as people read it.
struct Bytes(u128);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STEP: f64 = 1000.0;
        let (mut size, mut units) =
            (self.0 as f64, ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"].into_iter().peekable());
        let mut unit = units.next().unwrap_or_default();
        while size >= STEP && units.peek().is_some() {
            size /= STEP;
            unit = units.next().unwrap_or_default();
        }
        write!(f, "{size:.3} {unit}")
    }
}

/// Whether the system would give `factors` multiplied bytes at once; asks, and gives them back.
///
/// # Errors
/// It would not; the error is about `argument`, which came as `got`.
pub fn check(argument: &str, factors: &[usize], got: impl fmt::Display) -> Result<(), Error> {
    let bytes = factors.iter().try_fold(1u128, |product, &factor| product.checked_mul(factor as u128));
    let fits = bytes.and_then(|bytes| usize::try_from(bytes).ok());
    if fits.is_some_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok()) {
        return Ok(());
    }
    let bytes = Bytes(bytes.unwrap_or(u128::MAX));
    Err(Error::argument(argument, "a size for which there is memory", format_args!("{got}, which takes {bytes}")))
}

/// An empty vector with room for `count` elements.
///
/// # Errors
/// There is no memory for them; the error is about `argument`, which came as `got`.
pub fn vector<T>(argument: &str, count: usize, got: impl fmt::Display) -> Result<Vec<T>, Error> {
    let mut vector = Vec::new();
    match vector.try_reserve_exact(count) {
        Ok(()) => Ok(vector),
        Err(_) => {
            check(argument, &[count, size_of::<T>()], &got)?;
            // Other threads took and gave back memory in between.
            Err(Error::argument(argument, "a size for which there is memory", got))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_without_memory_are_told() {
        assert!(check("n", &[10, 8], 10).is_ok() && check("n", &[], 1).is_ok());
        let error = check("n", &[1 << 50, 8], 1u64 << 50).unwrap_err();
        assert_eq!(
            error.to_string(),
            "argument 'n': expected a size for which there is memory, got 1125899906842624, which takes 9.007 PB"
        );
        assert!(check("n", &[usize::MAX; 3], "three").unwrap_err().to_string().contains("got three"));
        assert!(vector::<f64>("n", 12, 12).unwrap().capacity() >= 12);
        assert!(vector::<f64>("n", usize::MAX, "all").unwrap_err().to_string().contains("EB"));
        assert_eq!(Bytes(999).to_string(), "999.000 bytes");
        assert_eq!(Bytes(720_000_000_000).to_string(), "720.000 GB");
    }
}
