use super::turn::TurnPass;
use super::*;
use crate::hmc::rows::Rows;

/// A row of numbers with many different bits.
fn row(dim: usize, seed: u64) -> Rows {
    let mut rows = Rows::new(1, dim);
    let mut s = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for v in rows.values_mut(0) {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        *v = (s >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    }
    rows
}

fn leap(arch: Arch, dim: usize, unit: bool, variant: usize) -> (LeapSums, Vec<u64>) {
    let (mut half, gradient, mut sum) = (row(dim, 1), row(dim, 2), row(dim, 3));
    let (mut momentum, position, mut next) = (row(dim, 4), row(dim, 5), row(dim, 6));
    let (previous, metric) = (row(dim, 7), row(dim, 8));
    let sums = Leap {
        step: 0.37,
        inv_metric: (!unit).then(|| metric.row(0)),
        half: half.row_mut(0),
        gradient: gradient.row(0),
        sum: (variant == 0).then(|| sum.row_mut(0)),
        momentum: momentum.row_mut(0),
        previous: (variant != 2).then(|| previous.row(0)),
        drift: (variant > 0).then(|| (position.row(0), next.row_mut(0))),
    };
    let sums = arch.dispatch(sums);
    let all = [&half, &sum, &momentum, &next];
    (sums, all.iter().flat_map(|r| r.row(0).iter().map(|v| v.to_bits())).collect())
}

/// The instruction set chosen at run time must not change a bit.
#[test]
fn same_bits_on_every_instruction_set() {
    for dim in [1, 8, 10, 100, 1003] {
        for unit in [false, true] {
            for variant in 0..3 {
                let run = |arch| leap(arch, dim, unit, variant);
                let bits = run(Arch::Scalar);
                for arch in [Arch::new(), arch_for(1)] {
                    assert_eq!(run(arch), bits, "{arch:?} dim {dim} unit {unit} variant {variant}");
                }
            }
        }
        let r: Vec<Rows> = (10..20).map(|s| row(dim, s)).collect();
        let dots = |arch: Arch, unit: bool| {
            let turn = |sums| Turn {
                inv_metric: (!unit).then(|| r[0].row(0)),
                left: [r[1].row(0), r[2].row(0)],
                right: [r[3].row(0), r[4].row(0)],
                sums,
            };
            let (mut left, mut other, mut total) = (r[5].clone(), r[5].clone(), [row(dim, 1), row(dim, 1)]);
            let [first, second] = &mut total;
            let all = [
                HalfSums::Pairs { total: first.row_mut(0) },
                HalfSums::Stored { left: r[8].row(0), right: r[7].row(0), total: second.row_mut(0) },
                HalfSums::LeftAndPair { left: left.row_mut(0) },
                HalfSums::LeftAndStored { left: other.row_mut(0), right: r[9].row(0) },
            ];
            all.map(|s| {
                if unit { arch.dispatch(TurnPass::<true>(turn(s))) } else { arch.dispatch(TurnPass::<false>(turn(s))) }
            })
        };
        for (arch, unit) in [(Arch::new(), true), (Arch::new(), false), (arch_for(1), true), (arch_for(1), false)] {
            assert_eq!(dots(arch, unit), dots(Arch::Scalar, unit), "{arch:?} dim {dim} unit {unit}");
        }
    }
}

#[test]
fn leap_is_a_leapfrog_step() {
    let dim = 5;
    let (sums, _) = leap(Arch::Scalar, dim, false, 1);
    let v = |seed: u64| row(dim, seed).values(0).to_vec();
    let (half, gradient, previous, metric) = (v(1), v(2), v(7), v(8));
    let p: Vec<f64> = half.iter().zip(&gradient).map(|(h, g)| h + 0.5 * 0.37 * g).collect();
    let square: f64 = p.iter().zip(&metric).map(|(p, m)| m * p * p).sum();
    let cross: f64 = p.iter().zip(&metric).zip(&previous).map(|((p, m), b)| m * p * b).sum();
    assert!((sums.square - square).abs() < 1e-14 && (sums.cross - cross).abs() < 1e-14);
}

/// A small model's own work is slowed by vectors of 512 bits next to it.
#[cfg(target_arch = "x86_64")]
#[test]
fn few_dimensions_use_no_wide_vectors() {
    assert!(!matches!(arch_for(WIDE_FROM - 1), Arch::V4(_)));
    assert_eq!(format!("{:?}", arch_for(WIDE_FROM)), format!("{:?}", Arch::new()));
}
