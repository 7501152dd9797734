use super::*;

/// Long enough for every lane to meet wedges and tails.
const BLOCKS: usize = 100_000;

fn bits_of(x: &[[f64; LANES]]) -> Vec<u64> {
    x.iter().flatten().map(|x| x.to_bits()).collect()
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let start = MomentumLanes::new(20, 7);
    let (mut fast, mut plain) = (start.clone(), start);
    let mut by_fast = vec![[0.0; LANES]; BLOCKS];
    let mut by_plain = by_fast.clone();
    fast.fill_normals(&mut by_fast);
    plain.fill_normals_on(Arch::Scalar, &mut by_plain);
    assert_eq!(bits_of(&by_fast), bits_of(&by_plain));
    assert_eq!(fast, plain);
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = pulp::x86::V3::try_new() {
        let mut lanes = MomentumLanes::new(20, 7);
        let mut by_avx2 = vec![[0.0; LANES]; BLOCKS];
        lanes.fill_normals_on(Arch::V3(avx2), &mut by_avx2);
        assert_eq!(bits_of(&by_avx2), bits_of(&by_plain));
    }
}

#[test]
fn tails_are_met_in_each_lane() {
    let mut lanes = MomentumLanes::new(20, 7);
    let mut x = vec![[0.0; LANES]; BLOCKS];
    lanes.fill_normals(&mut x);
    for lane in 0..LANES {
        assert!(x.iter().any(|block| block[lane].abs() > super::super::tables::TAIL));
    }
}
