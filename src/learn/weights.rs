//! The weights of a set's models: products of likelihoods that lose no model to underflow.
//!
//! One number per model. A block of [`BLOCK`] models holds its weights as products with a power of two in common; as soon as
//! a product falls below 2^-900 of that, or likelihoods come as logarithms, the block holds log weights, until the set is
//! resampled. So an update costs one product per model where nothing is extreme, and a model that the data leave at
//! e^-800 of the others is still there when other data favour it.

use super::kernels::{is_valid, ln, multiply, scale_by};
use crate::particles::BLOCK;
use crate::particles::weights::{Sums, first_invalid, weigh_block};
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;
use std::ops::Range;

/// Products below this (2^-900) would soon lose digits.
const TINY: f64 = f64::from_bits((1023 - 900) << 52);
/// A block whose sum leaves these bounds is scaled.
const SMALL: f64 = f64::from_bits((1023 - 100) << 52);
const LARGE: f64 = f64::from_bits((1023 + 100) << 52);

/// How a block holds its weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Form {
    /// Value times 2 to this power.
    Linear(i32),
    /// The log weight.
    Log,
}

/// One block: how it is held, and the sums of its weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Held {
    form: Form,
    largest: f64,
    sum: f64,
    squares: f64,
}

impl Held {
    fn new(form: Form, sums: Sums) -> Self {
        Self { form, largest: sums.largest, sum: sums.sum, squares: sums.squares }
    }

    fn sums(&self) -> Sums {
        Sums { largest: self.largest, sum: self.sum, squares: self.squares }
    }

    /// The place of a block that is yet to be filled.
    pub const EMPTY: Self = Self { form: Form::Log, largest: f64::NEG_INFINITY, sum: 0.0, squares: 0.0 };
}

/// The weights of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    values: Vec<f64>,
    blocks: Vec<Held>,
}

/// A likelihood that is none: the model of the block, and the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Invalid {
    pub at: usize,
    pub value: f64,
}

/// Numbers of a block beside its weights in [`Weights::numbers`].
pub const OF_BLOCK: usize = 4;

impl Weights {
    /// `count` weights of 1.
    pub fn level(count: usize) -> Self {
        Self::of_values(vec![1.0; count])
    }

    /// These weights, finite and not negative.
    pub fn of_values(values: Vec<f64>) -> Self {
        let block = |values: &[f64]| {
            let (mut sum, mut squares) = (0.0, 0.0);
            values.iter().for_each(|w| {
                sum += w;
                squares += w * w;
            });
            held(0, sum, squares)
        };
        let blocks = values.chunks(BLOCK).map(block).collect();
        Self { values, blocks }
    }

    /// Of these log weights, none NaN or +inf.
    pub fn of_logs(values: Vec<f64>) -> Self {
        let mut room = [0.0; BLOCK];
        let block = |values: &[f64]| Held::new(Form::Log, weigh_block(values, &mut room[..values.len()]));
        let blocks = values.chunks(BLOCK).map(block).collect();
        Self { values, blocks }
    }

    /// Room for as many weights as `other` has, in the memory of this one.
    pub fn make_room(&mut self, other: &Self) {
        self.values.resize(other.values.len(), 0.0);
        self.blocks.resize(other.blocks.len(), Held::EMPTY);
    }

    /// No weights, no memory.
    pub fn empty() -> Self {
        Self { values: Vec::new(), blocks: Vec::new() }
    }

    /// Number of weights.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the parts fit each other.
    pub fn is_whole(&self) -> bool {
        self.values.len().div_ceil(BLOCK) == self.blocks.len()
    }

    /// The numbers and the blocks, to be read.
    pub fn parts(&self) -> (&[f64], &[Held]) {
        (&self.values, &self.blocks)
    }

    /// As [`Weights::parts`], to be filled by [`update_block`].
    pub fn parts_mut(&mut self) -> (&mut [f64], &mut [Held]) {
        (&mut self.values, &mut self.blocks)
    }

    /// Some blocks as numbers, after those in `out`: of each its weights, the power of two that they are held with (+inf: logarithms), its
    /// sums.
    pub fn numbers(&self, blocks: Range<usize>, out: &mut Vec<f64>) {
        for b in blocks {
            let Held { form, largest, sum, squares } = self.blocks[b];
            let form = if let Form::Linear(exponent) = form { f64::from(exponent) } else { f64::INFINITY };
            out.extend_from_slice(&self.values[b * BLOCK..self.values.len().min((b + 1) * BLOCK)]);
            out.extend_from_slice(&[form, largest, sum, squares]);
        }
    }

    /// Takes blocks from what [`Weights::numbers`] gave, which begin `numbers`.
    pub fn read_numbers(&mut self, blocks: Range<usize>, numbers: &mut &[f64]) {
        for b in blocks {
            let last = self.values.len().min((b + 1) * BLOCK);
            let values = &mut self.values[b * BLOCK..last];
            values.copy_from_slice(numbers.split_off(..values.len()).expect("as many as were given"));
            let head = numbers.split_off(..OF_BLOCK).and_then(<[f64]>::first_chunk);
            let &[form, largest, sum, squares]: &[f64; OF_BLOCK] = head.expect("as above");
            let form = if form == f64::INFINITY { Form::Log } else { Form::Linear(form as i32) };
            self.blocks[b] = Held { form, largest, sum, squares };
        }
    }

    /// The sums of all.
    pub fn total(&self) -> Sums {
        let blocks: Vec<Sums> = self.blocks.iter().map(Held::sums).collect();
        Sums::of_blocks(&blocks)
    }

    /// The log weights of all, into `out`.
    pub fn logs(&self, out: &mut [f64]) {
        for ((values, block), out) in self.values.chunks(BLOCK).zip(&self.blocks).zip(out.chunks_mut(BLOCK)) {
            logs_of(values, block, out);
        }
    }

    /// The normalised weights of block `block`, into `out`; zeros when all are lost.
    pub fn normalized_block(&self, total: &Sums, block: usize, out: &mut [f64]) {
        let values = &self.values[block * BLOCK..][..out.len()];
        let held = &self.blocks[block];
        // What sums to 1 but for rounding is left as it is, so that normalised weights that are given back are the same.
        let near = (total.sum - 1.0).abs() <= f64::EPSILON * (16 + self.blocks.len()) as f64;
        let sum = if near { 1.0 } else { total.sum };
        match held.form {
            _ if held.largest == f64::NEG_INFINITY => out.fill(0.0),
            Form::Linear(_) => scale_by(values, held.sums().scale(total) / sum, out),
            Form::Log => {
                let sums = weigh_block(values, out);
                let scale = sums.scale(total) / sum;
                out.iter_mut().for_each(|w| *w *= scale);
            }
        }
    }

    /// All normalised weights.
    pub fn normalized(&self, out: &mut [f64]) {
        let total = self.total();
        out.chunks_mut(BLOCK).enumerate().for_each(|(b, out)| self.normalized_block(&total, b, out));
    }
}

fn held(exponent: i32, sum: f64, squares: f64) -> Held {
    let largest = if sum > 0.0 { f64::from(exponent) * LN_2 } else { f64::NEG_INFINITY };
    Held::new(Form::Linear(exponent), Sums { largest, sum, squares })
}

fn logs_of(values: &[f64], block: &Held, out: &mut [f64]) {
    match block.form {
        Form::Log => out.copy_from_slice(values),
        Form::Linear(exponent) => {
            let shift = f64::from(exponent) * LN_2;
            values.iter().zip(out).for_each(|(w, out)| *out = libm::log(*w) + shift);
        }
    }
}

/// 2 to the power `n`, of a normal number.
fn power(n: i32) -> f64 {
    f64::from_bits(((1023 + i64::from(n)) as u64) << 52)
}

/// Weights of one block after `likelihoods`, into `out`.
pub fn update_block(
    values: &[f64],
    block: &Held,
    likelihoods: &[f64],
    probability: bool,
    out: &mut [f64],
) -> Result<Held, Invalid> {
    let Form::Linear(exponent) = block.form else { return from_logs(values, block, likelihoods, probability, out) };
    let product = multiply(values, likelihoods, probability, out);
    if product.invalid {
        return Err(first_bad(likelihoods, probability));
    }
    if product.least < TINY || !product.squares.is_finite() {
        return from_logs(values, block, likelihoods, probability, out);
    }
    if (SMALL..LARGE).contains(&product.sum) || product.sum == 0.0 {
        return Ok(held(exponent, product.sum, product.squares));
    }
    // A power of two, so that no digit is lost.
    let shift = 1023 - (product.sum.to_bits() >> 52) as i32;
    let factor = power(shift);
    out.iter_mut().for_each(|w| *w *= factor);
    let squares = out.iter().map(|w| w * w).sum();
    Ok(held(exponent - shift, product.sum * factor, squares))
}

fn first_bad(likelihoods: &[f64], probability: bool) -> Invalid {
    let at = likelihoods.iter().position(|x| !is_valid(*x, probability)).unwrap_or(0);
    Invalid { at, value: likelihoods[at] }
}

/// As [`update_block`], where log weights are called for.
fn from_logs(
    values: &[f64],
    block: &Held,
    likelihoods: &[f64],
    probability: bool,
    out: &mut [f64],
) -> Result<Held, Invalid> {
    if !likelihoods.iter().all(|x| is_valid(*x, probability)) {
        return Err(first_bad(likelihoods, probability));
    }
    let mut room = [0.0; BLOCK];
    let logs = &mut room[..likelihoods.len()];
    // The likelihoods of 0 and of what rounding put below it.
    let log = |x: f64| if x > 0.0 { libm::log(x) } else { f64::NEG_INFINITY };
    logs.iter_mut().zip(likelihoods).for_each(|(log_x, x)| *log_x = log(*x));
    add_logs(values, block, logs, out)
}

/// As [`update_block`] for logarithms of likelihoods.
pub fn add_logs(values: &[f64], block: &Held, log_likelihoods: &[f64], out: &mut [f64]) -> Result<Held, Invalid> {
    if let Some(at) = first_invalid(log_likelihoods) {
        return Err(Invalid { at, value: log_likelihoods[at] });
    }
    logs_of(values, block, out);
    out.iter_mut().zip(log_likelihoods).for_each(|(w, x)| *w += x);
    let mut room = [0.0; BLOCK];
    Ok(Held::new(Form::Log, weigh_block(out, &mut room[..out.len()])))
}

/// Entropy's sum over normalised weights, -Σ w ln w.
pub fn entropy_of(weights: &[f64]) -> f64 {
    weights.iter().map(|w| if *w > 0.0 { -w * ln(*w) } else { 0.0 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updated(of: &Weights, likelihoods: &[f64]) -> Weights {
        let mut next = Weights::empty();
        next.make_room(of);
        let (values, blocks) = of.parts();
        let (out, held) = next.parts_mut();
        for (b, (likelihoods, out)) in likelihoods.chunks(BLOCK).zip(out.chunks_mut(BLOCK)).enumerate() {
            held[b] = update_block(&values[b * BLOCK..][..out.len()], &blocks[b], likelihoods, true, out).unwrap();
        }
        next
    }

    /// Products of many likelihoods, against sums of logarithms; some models far below what a double can hold.
    #[test]
    fn products_keep_their_digits_and_lose_no_model() {
        let n = 1500;
        let likelihood = |i: usize, k: usize| match i % 3 {
            0 => 0.3 + 0.4 * ((i * 7 + k * 13) % 100) as f64 / 100.0,
            1 => 1e-30 * (1 + (i + k) % 5) as f64,
            _ => 1e-3 + ((i + 3 * k) % 7) as f64 / 10.0,
        };
        let (mut w, mut exact) = (Weights::level(n), vec![0.0; n]);
        for k in 0..60 {
            let l: Vec<f64> = (0..n).map(|i| likelihood(i, k)).collect();
            exact.iter_mut().zip(&l).for_each(|(x, l)| *x += libm::log(*l));
            w = updated(&w, &l);
            let mut logs = vec![0.0; n];
            w.logs(&mut logs);
            assert!(logs.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 1e-13 * (1.0 + b.abs())), "step {k}");
            let total = crate::particles::weights::sums(&exact);
            assert!((w.total().log_sum_exp() - total.log_sum_exp()).abs() < 1e-11);
            assert!((w.total().ess() / total.ess() - 1.0).abs() < 1e-10);
            let mut out = vec![0.0; n];
            w.normalized(&mut out);
            assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert!(w.parts().1.iter().all(|held| held.form == Form::Log));
    }

    #[test]
    fn small_sums_are_scaled_exactly() {
        let mut w = Weights::level(10);
        for _ in 0..2000 {
            w = updated(&w, &[0.25; 10]);
        }
        assert!((w.total().log_sum_exp() - (2000.0 * 0.25f64.ln() + 10f64.ln())).abs() < 1e-9);
        assert_eq!((w.total().ess(), w.parts().1[0].form == Form::Log), (10.0, false));
    }

    #[test]
    fn what_is_no_probability_is_found() {
        let w = Weights::level(3);
        for (bad, value) in [(f64::NAN, "NaN"), (1.5, "1.5"), (-0.1, "-0.1"), (f64::INFINITY, "inf")] {
            let l = [0.5, bad, 0.5];
            let found = update_block(w.parts().0, &w.parts().1[0], &l, true, &mut [0.0; 3]).unwrap_err();
            assert_eq!((found.at, found.value.to_string().as_str()), (1, value));
        }
        let (rounded, mut out) = ([1.0 + 1e-15, -1e-16, 0.5], [1.0; 3]);
        assert!(update_block(w.parts().0, &w.parts().1[0], &rounded, true, &mut out).is_ok());
        assert_eq!(out[1], 0.0);
        assert!(update_block(w.parts().0, &w.parts().1[0], &[7.0, 1e10, 0.0], false, &mut [0.0; 3]).is_ok());
    }
}
