//! Ids of chains.

use crate::error::Error;

/// What stands for the id where no one chain is meant: ids of chains begin at 1.
pub const NO_CHAIN: u64 = 0;

/// Largest id of a chain: loggers, errors and columns of Arrow files have ids in signed numbers of 64 bits.
pub const MAX_CHAIN_ID: u64 = i64::MAX as u64;

/// Checks that the `count` ids from `first` on are ids of chains, 1 to [`MAX_CHAIN_ID`]; the error names `argument`.
pub fn check_chain_ids(argument: &str, first: u64, count: usize) -> Result<(), Error> {
    let most = MAX_CHAIN_ID.saturating_sub((count as u64).saturating_sub(1));
    if first != NO_CHAIN && first <= most {
        return Ok(());
    }
    let expected = match count {
        0 | 1 => format!("an id of a chain, 1 to {most}"),
        _ => format!("an id of at least 1 that leaves room for {count} chains, at most {most}"),
    };
    Err(Error::argument(argument, expected, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_begin_at_1_and_end_where_signed_numbers_do() {
        let check = |first, count| check_chain_ids("id", first, count).map_err(|e| e.to_string());
        for (first, count) in [(1, 1), (1, usize::MAX >> 1), (MAX_CHAIN_ID, 1), (MAX_CHAIN_ID - 3, 4), (7, 0)] {
            assert_eq!(check(first, count), Ok(()), "{count} from {first}");
        }
        for (first, count) in [
            (0, 0),
            (0, 1),
            (0, usize::MAX),
            (1, usize::MAX),
            (MAX_CHAIN_ID, 2),
            (MAX_CHAIN_ID - 3, 5),
            (MAX_CHAIN_ID + 1, 0),
            (u64::MAX, 1),
            (u64::MAX, usize::MAX),
        ] {
            let error = check(first, count).unwrap_err();
            assert!(error.contains("'id'") && error.ends_with(&format!("got {first}")), "{error}");
        }
        assert!(check(0, 1).unwrap_err().contains("1 to 9223372036854775807"));
        assert!(check(0, 3).unwrap_err().contains("room for 3 chains"));
    }
}
