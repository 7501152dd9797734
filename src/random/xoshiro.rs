//! The step of Xoshiro256++ (Blackman and Vigna 2021, *Scrambled linear pseudorandom number generators*), for one
//! generator or for as many as fit into a vector.

use pulp::{Simd, bytemuck};

/// The state of one generator.
pub(super) type State = [u64; 4];

/// The outputs, and the step to the next states; word w of each state is in `s[w]`.
#[inline(always)]
pub(super) fn next<S: Simd>(simd: S, s: &mut [S::u64s; 4]) -> S::u64s {
    let sum = rotated_left::<S, 23>(simd, simd.add_u64s(s[0], s[3]));
    let bits = simd.add_u64s(sum, s[0]);
    advance(simd, s);
    bits
}

/// The step alone, which is linear over GF(2).
#[inline(always)]
pub(super) fn advance<S: Simd>(simd: S, s: &mut [S::u64s; 4]) {
    let shifted = each::<S>(s[1], |x| x << 17);
    s[2] = simd.xor_u64s(s[2], s[0]);
    s[3] = simd.xor_u64s(s[3], s[1]);
    s[1] = simd.xor_u64s(s[1], s[2]);
    s[0] = simd.xor_u64s(s[0], s[3]);
    s[2] = simd.xor_u64s(s[2], shifted);
    s[3] = rotated_left::<S, 45>(simd, s[3]);
}

/// Two shifts rather than a rotation of each word, which compilers leave to the scalar unit where vectors have none.
#[inline(always)]
fn rotated_left<S: Simd, const N: u32>(simd: S, v: S::u64s) -> S::u64s {
    simd.or_u64s(each::<S>(v, |x| x << N), each::<S>(v, |x| x >> (u64::BITS - N)))
}

/// `f` of every word; shifts written so become vector instructions, for which pulp has no name.
#[inline(always)]
fn each<S: Simd>(mut v: S::u64s, f: impl Fn(u64) -> u64) -> S::u64s {
    for x in bytemuck::cast_slice_mut::<S::u64s, u64>(std::slice::from_mut(&mut v)) {
        *x = f(*x);
    }
    v
}
