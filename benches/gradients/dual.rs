//! Numbers with their derivatives by `N` coordinates, so that a model is written once and its gradient comes with it.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value and its derivatives.
#[derive(Clone, Copy, Debug)]
pub struct Dual<const N: usize> {
    pub value: f64,
    pub slopes: [f64; N],
}

impl<const N: usize> Dual<N> {
    /// A number that depends on nothing.
    pub fn of(value: f64) -> Self {
        Self { value, slopes: [0.0; N] }
    }

    /// Coordinate `i`.
    fn coordinate(value: f64, i: usize) -> Self {
        let mut x = Self::of(value);
        x.slopes[i] = 1.0;
        x
    }

    /// All coordinates of a position.
    pub fn position(x: &[f64]) -> [Self; N] {
        std::array::from_fn(|i| Self::coordinate(x[i], i))
    }

    /// A function's value, where its derivative is `slope`.
    fn chain(self, value: f64, slope: f64) -> Self {
        Self { value, slopes: self.slopes.map(|s| s * slope) }
    }

    /// A function of two, whose derivatives by them are `by_self` and `by_other`.
    fn joined(self, by_self: f64, other: Self, by_other: f64, value: f64) -> Self {
        Self { value, slopes: std::array::from_fn(|i| by_self * self.slopes[i] + by_other * other.slopes[i]) }
    }

    pub fn exp(self) -> Self {
        let value = self.value.exp();
        self.chain(value, value)
    }

    pub fn ln(self) -> Self {
        self.chain(self.value.ln(), 1.0 / self.value)
    }

    pub fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        self.chain(value, 0.5 / value)
    }

    pub fn square(self) -> Self {
        self.chain(self.value * self.value, 2.0 * self.value)
    }

    pub fn tanh(self) -> Self {
        let value = self.value.tanh();
        self.chain(value, 1.0 - value * value)
    }

    /// log(1 + exp(x)).
    pub fn softplus(self) -> Self {
        let value = self.value.max(0.0) + (-self.value.abs()).exp().ln_1p();
        self.chain(value, 1.0 / (1.0 + (-self.value).exp()))
    }

    /// 1 / (1 + exp(-x)).
    pub fn inv_logit(self) -> Self {
        let value = 1.0 / (1.0 + (-self.value).exp());
        self.chain(value, value * (1.0 - value))
    }

    /// log(exp(a) + exp(b)).
    pub fn log_sum_exp(self, other: Self) -> Self {
        other + (self - other).softplus()
    }

    /// Log density, but for a constant, of a normal of mean `mean` and standard deviation `sd`.
    pub fn normal(self, mean: impl Into<Self>, sd: impl Into<Self>) -> Self {
        let sd = sd.into();
        ((self - mean.into()) / sd).square() * -0.5 - sd.ln()
    }

    /// Log density, but for a constant, of a half-Cauchy of scale `scale`.
    pub fn half_cauchy(self, scale: f64) -> Self {
        -((self / scale).square() + 1.0).ln()
    }
}

impl<const N: usize> From<f64> for Dual<N> {
    fn from(value: f64) -> Self {
        Self::of(value)
    }
}

impl<const N: usize> Neg for Dual<N> {
    type Output = Self;
    fn neg(self) -> Self {
        self.chain(-self.value, -1.0)
    }
}

/// An operation on two, and on one and a number: the value, and the derivatives by left and right.
macro_rules! operation {
    ($name:ident, $method:ident, |$a:ident, $b:ident| $value:expr, $by_a:expr, $by_b:expr) => {
        impl<const N: usize> $name for Dual<N> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                let ($a, $b) = (self.value, other.value);
                let (by_a, by_b) = ($by_a, $by_b);
                self.joined(by_a, other, by_b, $value)
            }
        }
        impl<const N: usize> $name<f64> for Dual<N> {
            type Output = Self;
            fn $method(self, other: f64) -> Self {
                let ($a, $b) = (self.value, other);
                let _ = $b;
                self.chain($value, $by_a)
            }
        }
    };
}
operation!(Add, add, |a, b| a + b, 1.0, 1.0);
operation!(Sub, sub, |a, b| a - b, 1.0, -1.0);
operation!(Mul, mul, |a, b| a * b, b, a);
operation!(Div, div, |a, b| a / b, 1.0 / b, -a / (b * b));

impl<const N: usize> std::iter::Sum for Dual<N> {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::of(0.0), |a, b| a + b)
    }
}
