//! Threefry-4x64-20: a bijection of 256 bits chosen by a key (Salmon, Moraes, Dror and Shaw 2011, *Parallel random
//! numbers: as easy as 1, 2, 3*).

use super::xoshiro::State;

/// What the fifth word of the key is made with, so that a key of zeros mixes too.
const PARITY: u64 = 0x1BD1_1BDA_A9FC_1A22;

/// Rotations of the two pairs of words, by round modulo 8.
const ROTATIONS: [[u32; 2]; 8] = [[14, 16], [52, 57], [23, 40], [5, 37], [25, 33], [46, 12], [58, 22], [32, 32]];

/// The key is added once before the rounds and after every four.
const ROUNDS_PER_KEY: usize = 4;
const ROUNDS: usize = 20;

/// The image of `counter` under the bijection of `key`.
pub(super) fn image(key: State, counter: State) -> State {
    let last = key.iter().fold(PARITY, |parity, word| parity ^ word);
    let key = [key[0], key[1], key[2], key[3], last];
    let mut x = counter;
    add_key(&mut x, &key, 0);
    for round in 0..ROUNDS {
        let [r0, r1] = ROTATIONS[round % ROTATIONS.len()];
        // Odd rounds mix the other pairs.
        let (a, b) = if round % 2 == 0 { (1, 3) } else { (3, 1) };
        x[0] = x[0].wrapping_add(x[a]);
        x[a] = x[a].rotate_left(r0) ^ x[0];
        x[2] = x[2].wrapping_add(x[b]);
        x[b] = x[b].rotate_left(r1) ^ x[2];
        if (round + 1) % ROUNDS_PER_KEY == 0 {
            add_key(&mut x, &key, (round + 1) / ROUNDS_PER_KEY);
        }
    }
    x
}

fn add_key(x: &mut State, key: &[u64; 5], time: usize) {
    for (i, word) in x.iter_mut().enumerate() {
        *word = word.wrapping_add(key[(time + i) % key.len()]);
    }
    x[3] = x[3].wrapping_add(time as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their code.
    #[test]
    fn known_answers() {
        let zeros = [0; 4];
        let answer = [0x0921_8EBD_E6C8_5537, 0x5594_1F52_66D8_6105, 0x4BD2_5E16_2824_34DC, 0xEE29_EC84_6BD2_E40B];
        assert_eq!(image(zeros, zeros), answer);
        let ones = [u64::MAX; 4];
        let answer = [0x29C2_4097_942B_BA1B, 0x0371_BBFB_0F6F_4E11, 0x3C23_1FFA_33F8_3A1C, 0xCD29_113F_DE32_D168];
        assert_eq!(image(ones, ones), answer);
        let counter = [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344, 0xA409_3822_299F_31D0, 0x082E_FA98_EC4E_6C89];
        let key = [0x4528_21E6_38D0_1377, 0xBE54_66CF_34E9_0C6C, 0xBE54_66CF_34E9_0C6C, 0xC0AC_29B7_C97C_50DD];
        let answer = [0xA7E8_FDE5_9165_1BD9, 0xBAAF_D0C3_0138_319B, 0x84A5_C1A7_29E6_85B9, 0x901D_406C_CEBC_1BA4];
        assert_eq!(image(key, counter), answer);
    }
}
