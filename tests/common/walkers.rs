//! Traces of a random walk that is observed with noise, which count who lives and fail when told to.

#![allow(dead_code, reason = "each test uses a part")]

use catena::model::{Fingerprint, Operation, Refusal, Task, Threading, Traces};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// x += argument · normal.
pub const MOVE: i64 = 1;
/// The log density of the argument under N(x, 1).
pub const OBSERVE: i64 = 2;
/// The argument is the increment.
pub const ADD: i64 = 3;
/// x = argument.
pub const PUT: i64 = 4;
/// Rejects the trace when x is above the argument.
pub const REJECT_ABOVE: i64 = 5;
/// Two traces, at x - argument and x + argument, of half the weight each.
pub const SPLIT: i64 = 6;
/// Panics.
pub const PANIC: i64 = 7;

/// An operation on a number.
pub fn op(number: i64, x: f64) -> Operation {
    Operation::with(number, x.to_le_bytes())
}

fn number(operation: &Operation) -> f64 {
    f64::from_le_bytes(operation.argument.as_slice().try_into().expect("eight bytes"))
}

/// A place that one counts in while it lives.
pub struct Walker {
    pub x: f64,
    live: Arc<AtomicI64>,
}

impl Drop for Walker {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The host of walkers.
#[derive(Default)]
pub struct Walkers {
    /// Walkers that exist.
    pub live: Arc<AtomicI64>,
    /// Calls made so far, from 1.
    pub calls: Arc<AtomicUsize>,
    /// The call that fails; 0: none.
    pub fail_at: Arc<AtomicUsize>,
    pub threading: Threading,
    pub cannot_copy: bool,
    pub cannot_serialize: bool,
}

impl Walkers {
    fn walker(&self, x: f64) -> Walker {
        self.live.fetch_add(1, Ordering::Relaxed);
        Walker { x, live: Arc::clone(&self.live) }
    }

    fn count(&self, task: &mut Task<'_>) -> Result<(), Refusal> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call == self.fail_at.load(Ordering::Relaxed) { Err(task.stop("told to fail")) } else { Ok(()) }
    }
}

impl Traces for Walkers {
    type Trace = Walker;

    fn threading(&self) -> Threading {
        self.threading
    }

    fn create(&self, task: &mut Task<'_>) -> Result<Walker, Refusal> {
        self.count(task)?;
        Ok(self.walker(task.random().normal()))
    }

    fn can_copy(&self) -> bool {
        !self.cannot_copy
    }

    fn copy(&self, trace: &Walker, task: &mut Task<'_>) -> Result<Walker, Refusal> {
        self.count(task)?;
        Ok(self.walker(trace.x))
    }

    fn apply(&self, trace: &mut Walker, operation: &Operation, task: &mut Task<'_>) -> Result<f64, Refusal> {
        self.count(task)?;
        let a = number(operation);
        match operation.number {
            MOVE => trace.x += a * task.random().normal(),
            OBSERVE => return Ok(-0.5 * (a - trace.x).powi(2) - 0.5 * (2.0 * std::f64::consts::PI).ln()),
            ADD => return Ok(a),
            PUT => trace.x = a,
            REJECT_ABOVE if trace.x > a => return Err(Refusal::Reject),
            PANIC => panic!("walker {} of set {}", task.particle().unwrap(), task.chain_id()),
            _ => {}
        }
        Ok(0.0)
    }

    fn incorporate(&self, trace: &mut Walker, task: &mut Task<'_>) -> Result<f64, Refusal> {
        self.count(task)?;
        Ok(trace.x / 8.0)
    }

    fn reset_to_prior(&self, trace: &mut Walker, task: &mut Task<'_>) -> Result<(), Refusal> {
        self.count(task)?;
        trace.x = task.random().normal();
        Ok(())
    }

    fn weigh(&self, trace: &mut Walker, task: &mut Task<'_>) -> Result<f64, Refusal> {
        self.count(task)?;
        Ok(-trace.x.abs())
    }

    fn diversify(
        &self,
        trace: &Walker,
        operation: &Operation,
        task: &mut Task<'_>,
        emit: &mut dyn FnMut(Walker, f64),
    ) -> Result<(), Refusal> {
        self.count(task)?;
        for side in [-1.0, 1.0] {
            emit(self.walker(trace.x + side * number(operation)), 0.5f64.ln());
        }
        Ok(())
    }

    /// The whole part of x, in any scope.
    fn fingerprint(&self, trace: &Walker, _scope: i64, task: &mut Task<'_>) -> Result<Fingerprint, Refusal> {
        self.count(task)?;
        Ok([trace.x.floor().to_bits(), 0])
    }

    /// x, 2 x, ...
    fn report(&self, trace: &Walker, _what: i64, task: &mut Task<'_>, out: &mut [f64]) -> Result<(), Refusal> {
        self.count(task)?;
        out.iter_mut().enumerate().for_each(|(i, out)| *out = (i + 1) as f64 * trace.x);
        Ok(())
    }

    fn sample(&self, trace: &Walker, _what: i64, task: &mut Task<'_>, out: &mut [f64]) -> Result<(), Refusal> {
        self.count(task)?;
        out.iter_mut().for_each(|out| *out = trace.x + task.random().normal());
        Ok(())
    }

    fn can_serialize(&self) -> bool {
        !self.cannot_serialize
    }

    fn serialize(&self, trace: &Walker, task: &mut Task<'_>, out: &mut Vec<u8>) -> Result<(), Refusal> {
        self.count(task)?;
        out.extend(trace.x.to_le_bytes());
        Ok(())
    }

    fn deserialize(&self, bytes: &[u8], task: &mut Task<'_>) -> Result<Walker, Refusal> {
        self.count(task)?;
        let bytes = bytes.try_into().map_err(|_| task.stop("eight bytes, please"))?;
        Ok(self.walker(f64::from_le_bytes(bytes)))
    }
}
