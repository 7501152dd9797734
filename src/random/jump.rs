//! Where each stream starts: jumps along the sequence of Xoshiro256++ by polynomials over GF(2).
//!
//! The state moves by a linear map A on GF(2)^256. If `x^n mod P = Σ c_i x^i`, with P the characteristic polynomial of
//! A, then `A^n s = Σ c_i A^i s`, so a jump of any length costs 256 steps (Haramoto, Matsumoto, Nishimura, Panneton and
//! L'Ecuyer 2008, *Efficient jump ahead for F2-linear random number generators*; Blackman and Vigna 2021, *Scrambled
//! linear pseudorandom number generators*).

use super::xoshiro::{State, advance};
use pulp::Scalar;
use std::sync::LazyLock;

/// A polynomial over GF(2) of degree below 256; bit b of word w is the coefficient of x^(64 w + b).
type Poly = [u64; 4];

/// P without its leading term x^256.
const CHARACTERISTIC: Poly =
    [0x9D11_6F2B_B0F0_F001, 0x0280_002B_CEFD_1A5E, 0x04B4_EDCF_2625_9F85, 0x0003_C03C_3F3E_CB19];

/// x^(2^124) mod P: one stream's length, a sixteenth of a chain's 2^128 numbers.
const STRIDE: Poly = [0xE986_51FA_6FB0_337B, 0x0BBF_D59E_D215_1F31, 0xD828_9B4A_E487_D7E1, 0xA1A3_090E_F816_C214];

const DIGIT_BITS: usize = 4;

/// How many streams a chain has.
pub(super) const STREAMS_PER_CHAIN: u64 = 1 << DIGIT_BITS;

/// Hexadecimal digits of a stream's number: one that only streams of the run itself have, 16 of the chain id and one of
/// the purpose.
const DIGITS: usize = 18;

/// `POWERS[j][d]` is `STRIDE^(d 16^j)`, so that a jump costs one polynomial for each digit of the stream's number.
static POWERS: LazyLock<[[Poly; 1 << DIGIT_BITS]; DIGITS]> = LazyLock::new(|| {
    let mut powers = [[[1, 0, 0, 0]; 1 << DIGIT_BITS]; DIGITS];
    let mut base = STRIDE;
    for row in &mut powers {
        for d in 1..row.len() {
            row[d] = product(&row[d - 1], &base);
        }
        base = product(&row[row.len() - 1], &base);
    }
    powers
});

/// The number of a run's own first stream: one beyond those of the largest chain id.
const OF_RUN: u128 = 1 << (u64::BITS as usize + DIGIT_BITS);

/// The state at the start of stream `purpose` (below 16) of chain `chain_id`, `2^128 chain_id + 2^124 purpose` numbers
/// after `start`. The time grows with the number of non-zero hexadecimal digits of the id, 17 jumps at most.
pub(super) fn jumped(start: State, chain_id: u64, purpose: u64) -> State {
    debug_assert!(purpose < STREAMS_PER_CHAIN);
    ahead(start, (u128::from(chain_id) << DIGIT_BITS) | u128::from(purpose))
}

/// The state at the start of stream `purpose` (below 16) of the run itself, `2^192 + 2^124 purpose` numbers after `start`.
pub(super) fn jumped_of_run(start: State, purpose: u64) -> State {
    debug_assert!(purpose < STREAMS_PER_CHAIN);
    ahead(start, OF_RUN | u128::from(purpose))
}

/// The state `number` streams after `start`.
fn ahead(start: State, mut number: u128) -> State {
    let mut state = start;
    for row in POWERS.iter() {
        let digit = (number % (1 << DIGIT_BITS)) as usize;
        if digit != 0 {
            state = applied(&row[digit], state);
        }
        number >>= DIGIT_BITS;
    }
    state
}

/// `a(A) s` for the polynomial `a`.
fn applied(a: &Poly, mut s: State) -> State {
    let mut sum = [0; 4];
    for word in a {
        for b in 0..64 {
            let mask = (word >> b & 1).wrapping_neg();
            for (t, x) in sum.iter_mut().zip(s) {
                *t ^= x & mask;
            }
            advance(Scalar, &mut s);
        }
    }
    sum
}

/// `a b mod P`, by Horner's rule over the coefficients of `b`.
fn product(a: &Poly, b: &Poly) -> Poly {
    let mut sum = [0; 4];
    for word in b.iter().rev() {
        for bit in (0..64).rev() {
            sum = times_x(sum);
            let mask = (word >> bit & 1).wrapping_neg();
            for (t, x) in sum.iter_mut().zip(a) {
                *t ^= x & mask;
            }
        }
    }
    sum
}

/// `a x mod P`.
fn times_x(a: Poly) -> Poly {
    let overflow = (a[3] >> 63).wrapping_neg();
    let mut carry = 0;
    std::array::from_fn(|w| {
        let word = (a[w] << 1 | carry) ^ (CHARACTERISTIC[w] & overflow);
        carry = a[w] >> 63;
        word
    })
}

#[cfg(test)]
mod tests;
