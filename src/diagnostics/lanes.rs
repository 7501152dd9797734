//! Several numbers in the place of one, so that a library's code for one sequence serves as many side by side.

use rustfft::num_traits::{FromPrimitive, Num, One, Signed, Zero};
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

/// Numbers side by side: as many as the widest vectors of most processors hold, and always so many, whatever the processor has,
/// so that bits are the same on all.
pub(super) const SIDE_BY_SIDE: usize = 4;

/// Operations are each lane's own.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(32))]
pub(super) struct Lanes(pub [f64; SIDE_BY_SIDE]);

impl Lanes {
    /// Lane by lane, and no loop: a transform inlines thousands of these into one function, and what the compiler takes for the
    /// loops of a function grows with their square.
    #[inline(always)]
    fn each(f: impl Fn(usize) -> f64) -> Self {
        Self([f(0), f(1), f(2), f(3)])
    }

    #[inline(always)]
    fn all(x: f64) -> Self {
        Self([x; SIDE_BY_SIDE])
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident $sign:tt),*) => {$(
        impl $operator for Lanes {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self::each(|i| self.0[i] $sign other.0[i])
            }
        }
    )*};
}
operators!(Add add +, Sub sub -, Mul mul *, Div div /, Rem rem %);

impl Neg for Lanes {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::each(|i| -self.0[i])
    }
}

impl Zero for Lanes {
    #[inline(always)]
    fn zero() -> Self {
        Self::all(0.0)
    }
    fn is_zero(&self) -> bool {
        *self == Self::zero()
    }
}

impl One for Lanes {
    #[inline(always)]
    fn one() -> Self {
        Self::all(1.0)
    }
}

impl Num for Lanes {
    type FromStrRadixErr = <f64 as Num>::FromStrRadixErr;
    fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
        f64::from_str_radix(text, radix).map(Self::all)
    }
}

impl Signed for Lanes {
    fn abs(&self) -> Self {
        Self::each(|i| self.0[i].abs())
    }
    fn abs_sub(&self, other: &Self) -> Self {
        Self::each(|i| (self.0[i] - other.0[i]).max(0.0))
    }
    fn signum(&self) -> Self {
        Self::each(|i| self.0[i].signum())
    }
    fn is_positive(&self) -> bool {
        self.0.iter().all(|x| *x > 0.0)
    }
    fn is_negative(&self) -> bool {
        self.0.iter().all(|x| *x < 0.0)
    }
}

impl FromPrimitive for Lanes {
    fn from_i64(n: i64) -> Option<Self> {
        Some(Self::all(n as f64))
    }
    fn from_u64(n: u64) -> Option<Self> {
        Some(Self::all(n as f64))
    }
    fn from_f64(n: f64) -> Option<Self> {
        Some(Self::all(n))
    }
}
