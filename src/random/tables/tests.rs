//! The tables once more, in double-double arithmetic (Dekker 1971), about 32 digits.

use super::*;

#[derive(Clone, Copy, PartialEq, Debug)]
struct Wide(f64, f64);

const ONE: Wide = Wide(1.0, 0.0);
const LN_2: Wide = Wide(std::f64::consts::LN_2, 2.3190468138462996e-17);
/// What rounding R to [`TAIL`] left over.
const TAIL_REST: f64 = 3.735313563487527e-16;

fn two_sum(a: f64, b: f64) -> Wide {
    let s = a + b;
    let t = s - a;
    Wide(s, (a - (s - t)) + (b - t))
}

impl std::ops::Add for Wide {
    type Output = Wide;
    fn add(self, o: Wide) -> Wide {
        let high = two_sum(self.0, o.0);
        let low = two_sum(self.1, o.1);
        let s = two_sum(high.0, high.1 + low.0);
        two_sum(s.0, s.1 + low.1)
    }
}

impl std::ops::Mul for Wide {
    type Output = Wide;
    fn mul(self, o: Wide) -> Wide {
        let p = self.0 * o.0;
        let rest = self.0.mul_add(o.0, -p);
        two_sum(p, rest + (self.0 * o.1 + self.1 * o.0))
    }
}

impl std::ops::Div for Wide {
    type Output = Wide;
    fn div(self, o: Wide) -> Wide {
        let mut q = Wide(self.0 / o.0, 0.0);
        for _ in 0..2 {
            let rest = self + (q * o).times(-1.0);
            q = q + Wide(rest.0 / o.0, 0.0);
        }
        q
    }
}

impl Wide {
    fn times(self, a: f64) -> Wide {
        self * Wide(a, 0.0)
    }

    fn exp(self) -> Wide {
        const HALVINGS: i32 = 9;
        let k = (self.0 / LN_2.0).round();
        let r = (self + LN_2.times(-k)).times(0.5f64.powi(HALVINGS));
        let series = (1..=14).rev().fold(ONE, |sum, n| ONE + r * sum / Wide(f64::from(n), 0.0));
        let power = (0..HALVINGS).fold(series, |x, _| x * x);
        power.times(2f64.powi(k as i32))
    }

    /// By Newton's method on exp.
    fn ln(self) -> Wide {
        (0..3).fold(Wide(self.0.ln(), 0.0), |z, _| z + self * z.times(-1.0).exp() + ONE.times(-1.0))
    }

    fn sqrt(self) -> Wide {
        (0..3).fold(Wide(self.0.sqrt(), 0.0), |z, _| (z + self / z).times(0.5))
    }
}

fn density(x: Wide) -> Wide {
    (x * x).times(-0.5).exp()
}

/// ∫_x^∞ f by the continued fraction of Mills' ratio.
fn beyond(x: Wide) -> Wide {
    density(x) / (1..600).rev().fold(x, |c, n| x + Wide(f64::from(n), 0.0) / c)
}

#[test]
fn the_tables_are_the_recurrence_rounded_once() {
    let r = Wide(TAIL, TAIL_REST);
    let area = r * density(r) + beyond(r);
    let mut x = r;
    let mut height = density(r);
    assert_eq!(EDGES[0], (area / height).0);
    assert_eq!(HEIGHTS[0], density(area / height).0);
    for i in 1..LAYERS {
        assert_eq!(EDGES[i].to_bits(), x.0.to_bits(), "edge {i}");
        assert_eq!(HEIGHTS[i].to_bits(), height.0.to_bits(), "height {i}");
        height = height + area / x;
        x = height.ln().times(-2.0).sqrt();
    }
    // The last layer closes the curve: this is what determines R.
    assert!((height + ONE.times(-1.0)).0.abs() < 1e-25, "{height:?}");
    assert_eq!((EDGES[LAYERS], HEIGHTS[LAYERS]), (0.0, 1.0));
    assert_eq!(EDGES[1], TAIL);
}
