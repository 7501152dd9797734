//! Host or device: measured for each size of product, never set.

use crate::learn::Grain;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Computes {
    /// Not known yet: both do, and are timed.
    Open = 0,
    /// The host's function.
    Host = 1,
    /// The device.
    Device = 2,
}

/// Calls of a size that both compute. The shortest times count, since other programs' time only adds and the first call of a
/// device sets it up.
const TRIALS: u32 = 3;
/// Sizes of one power of two share a choice.
const SIZES: usize = usize::BITS as usize;

/// The choices for all sizes.
pub(super) struct Choice {
    threads: usize,
    decided: [AtomicU8; SIZES],
    times: Mutex<[Times; SIZES]>,
    /// The device failed.
    given_up: AtomicBool,
}

#[derive(Clone, Copy)]
struct Times {
    trials: u32,
    host: Duration,
    device: Duration,
}

/// Who is to compute a product.
pub(super) enum Who<'a> {
    Host,
    Device,
    Both(Trial<'a>),
}

/// A call that both compute; nobody else's is timed meanwhile.
pub(super) struct Trial<'a> {
    choice: &'a Choice,
    times: MutexGuard<'a, [Times; SIZES]>,
    cells: usize,
}

fn class_of(cells: usize) -> usize {
    cells.max(1).ilog2() as usize
}

impl Choice {
    pub fn new(threads: usize) -> Self {
        let none = Times { trials: 0, host: Duration::MAX, device: Duration::MAX };
        Self {
            threads,
            decided: [const { AtomicU8::new(Computes::Open as u8) }; SIZES],
            times: Mutex::new([none; SIZES]),
            given_up: AtomicBool::new(false),
        }
    }

    pub fn computes(&self, cells: usize) -> Computes {
        match self.decided[class_of(cells)].load(Ordering::Relaxed) {
            _ if self.given_up.load(Ordering::Relaxed) => Computes::Host,
            n if n == Computes::Host as u8 => Computes::Host,
            n if n == Computes::Device as u8 => Computes::Device,
            _ => Computes::Open,
        }
    }

    pub fn who(&self, cells: usize) -> Who<'_> {
        match self.computes(cells) {
            Computes::Host => Who::Host,
            Computes::Device => Who::Device,
            // While another call is timed this one is the host's, as all are before the choice.
            Computes::Open => match self.times.try_lock() {
                Ok(times) => Who::Both(Trial { choice: self, times, cells }),
                Err(TryLockError::Poisoned(times)) => {
                    Who::Both(Trial { choice: self, times: PoisonError::into_inner(times), cells })
                }
                Err(TryLockError::WouldBlock) => Who::Host,
            },
        }
    }

    /// No device from here on. Whether this is new.
    pub fn give_up(&self) -> bool {
        !self.given_up.swap(true, Ordering::Relaxed)
    }
}

impl Trial<'_> {
    /// Takes down what a call took; says in words what is chosen once it is.
    /// `most` is the number of pieces that the host's work can be cut into.
    pub fn note(&mut self, host: Duration, device: Duration, most: usize, name: &str) -> Option<String> {
        let (cells, threads) = (self.cells, self.choice.threads);
        let times = &mut self.times[class_of(cells)];
        times.trials += 1;
        times.host = times.host.min(host);
        times.device = times.device.min(device);
        if times.trials < TRIALS {
            return None;
        }
        let (host, device) = (times.host.as_nanos() as f64, times.device.as_nanos() as f64);
        let pieces = Grain::pieces(host, threads.min(most));
        let (who, words) = if device < host / pieces as f64 {
            (Computes::Device, format!("the device {name}"))
        } else {
            (Computes::Host, "the host".to_owned())
        };
        self.choice.decided[class_of(cells)].store(who as u8, Ordering::Relaxed);
        let each = |time: f64| time / cells.max(1) as f64;
        Some(format!(
            "likelihoods of about {cells} cells are computed by {words}: the host needs {:.2} ns per cell, shared by {pieces} \
             of {threads} threads, the device {name} {:.2}",
            each(host),
            each(device),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(choice: &Choice, cells: usize, host_us: u64, device_us: u64) -> (Computes, String) {
        let mut said = None;
        let most = cells.div_ceil(1000);
        for _ in 0..TRIALS {
            assert!(said.is_none() && choice.computes(cells) == Computes::Open);
            let Who::Both(mut trial) = choice.who(cells) else { panic!("decided before") };
            // Whoever comes meanwhile is the host's.
            assert!(matches!(choice.who(cells), Who::Host));
            said = trial.note(Duration::from_micros(host_us), Duration::from_micros(device_us), most, "D");
        }
        (choice.computes(cells), said.unwrap())
    }

    #[test]
    fn the_quicker_one_computes_each_size() {
        let choice = Choice::new(2);
        let (who, words) = decided(&choice, 1001, 1000, 400);
        assert_eq!(who, Computes::Device);
        assert_eq!(
            words,
            "likelihoods of about 1001 cells are computed by the device D: the host needs 999.00 ns per cell, shared by 2 \
             of 2 threads, the device D 399.60"
        );
        // Two threads would share the host's work.
        assert_eq!(decided(&choice, 5000, 1000, 600).0, Computes::Host);
        assert_eq!(decided(&Choice::new(1), 5000, 1000, 600).0, Computes::Device);
        // One block of models, or too little to be shared.
        assert_eq!(decided(&choice, 500, 1000, 600).0, Computes::Device);
        assert_eq!(decided(&choice, 10, 30, 20).0, Computes::Device);
        assert_eq!((choice.computes(1023), choice.computes(1024)), (Computes::Device, Computes::Open));
        assert!(choice.give_up() && !choice.give_up());
        assert_eq!((choice.computes(1000), choice.computes(1 << 20)), (Computes::Host, Computes::Host));
    }
}
