use super::*;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const START: State = [0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, 3, 0x8000_0000_0000_0001];

fn generator(state: State) -> Xoshiro256PlusPlus {
    let bytes: Vec<u8> = state.iter().flat_map(|w| w.to_le_bytes()).collect();
    Xoshiro256PlusPlus::from_seed(bytes.try_into().unwrap())
}

/// The shortest linear recurrence of a sequence of bits (Massey 1969): its length and its connection polynomial,
/// coefficient i at index i.
fn berlekamp_massey(bits: &[bool]) -> (usize, Vec<bool>) {
    let n = bits.len();
    let (mut c, mut b) = (vec![false; n + 1], vec![false; n + 1]);
    c[0] = true;
    b[0] = true;
    let (mut length, mut since) = (0, 1);
    for i in 0..n {
        let discrepancy = (0..=length).fold(false, |d, j| d ^ (c[j] & bits[i - j]));
        if !discrepancy {
            since += 1;
            continue;
        }
        let before = c.clone();
        for j in since..=n {
            c[j] ^= b[j - since];
        }
        if 2 * length <= i {
            length = i + 1 - length;
            b = before;
            since = 1;
        } else {
            since += 1;
        }
    }
    (length, c)
}

#[test]
fn the_characteristic_polynomial_is_that_of_the_step() {
    for (word, bit) in [(0, 0), (3, 17)] {
        let mut s = START;
        let bits: Vec<bool> = (0..1024)
            .map(|_| {
                let b = s[word] >> bit & 1 == 1;
                advance(Scalar, &mut s);
                b
            })
            .collect();
        let (length, connection) = berlekamp_massey(&bits);
        assert_eq!(length, 256);
        assert!(connection[0]);
        let mut found = [0; 4];
        for i in 0..256 {
            found[i / 64] |= u64::from(connection[256 - i]) << (i % 64);
        }
        assert_eq!(found, CHARACTERISTIC);
    }
}

#[test]
fn the_stride_is_x_squared_124_times() {
    let x = [2, 0, 0, 0];
    let stride = (0..124).fold(x, |a, _| product(&a, &a));
    assert_eq!(stride, STRIDE);
}

#[test]
fn small_powers_of_x_are_steps() {
    let mut power = [1, 0, 0, 0];
    let mut s = START;
    for _ in 0..1000 {
        assert_eq!(applied(&power, START), s);
        power = times_x(power);
        advance(Scalar, &mut s);
    }
}

#[test]
fn the_step_is_that_of_rand_xoshiro() {
    let mut theirs = generator(START);
    let mut s = START;
    for _ in 0..100 {
        theirs.next_u64();
        advance(Scalar, &mut s);
        assert_eq!(generator(s), theirs);
    }
}

#[test]
fn one_chain_is_one_jump_and_two_to_the_64_chains_one_long_jump() {
    let mut theirs = generator(START);
    for id in 0..40 {
        assert_eq!(generator(jumped(START, id, 0)), theirs, "chain {id}");
        theirs.jump();
    }
    let mut long = generator(START);
    long.long_jump();
    let last = jumped(START, u64::MAX, 0);
    assert_eq!(generator(jumped(last, 1, 0)), long);
}

#[test]
fn the_runs_streams_follow_those_of_the_largest_id() {
    for purpose in 0..STREAMS_PER_CHAIN {
        let last = jumped(START, u64::MAX, purpose);
        assert_eq!(jumped_of_run(START, purpose), jumped(last, 1, 0), "stream {purpose}");
    }
}

#[test]
fn jumps_compose() {
    let by_purposes = (0..STREAMS_PER_CHAIN).fold(START, |s, _| jumped(s, 0, 1));
    assert_eq!(by_purposes, jumped(START, 1, 0));
    for (id, purpose) in [(0, 5), (1, 15), (1_000_000_000, 3), (u64::MAX, 15)] {
        let whole = jumped(START, id, purpose);
        assert_eq!(jumped(jumped(START, 0, purpose), id, 0), whole);
        assert_eq!(jumped(jumped(START, id / 2, purpose), id - id / 2, 0), whole);
        let single = (0..purpose).fold(jumped(START, id, 0), |s, _| jumped(s, 0, 1));
        assert_eq!(single, whole);
    }
}

/// The table of powers against plain square-and-multiply.
#[test]
fn the_power_is_square_and_multiply() {
    for (id, purpose) in [(7, 9), (1_000_000_000, 8), (0xFEDC_BA98_7654_3210, 1), (u64::MAX, 15)] {
        let exponent = (u128::from(id) << 4) | u128::from(purpose);
        let power = (0..128).rev().fold([1, 0, 0, 0], |a, bit| {
            let square = product(&a, &a);
            if exponent >> bit & 1 == 1 { product(&square, &STRIDE) } else { square }
        });
        assert_eq!(applied(&power, START), jumped(START, id, purpose));
    }
}
