//! Who runs the pieces of a set's work: threads or one loop. What is asked for depends on neither.

use crate::error::Error;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Mutex, PoisonError};

/// Runs independent pieces of work, each with a bench of its thread's.
pub trait Blocks {
    /// Runs `work` on every item, with a bench that no other piece uses meanwhile; returns the error of the first item, in
    /// their order, that failed. After a failure, or when told to stop, items that were not begun are left.
    fn for_each<I: Send, B>(
        &self,
        items: impl ExactSizeIterator<Item = I> + Send,
        bench: impl Fn() -> Result<B, Error> + Sync,
        work: impl Fn(&mut B, I) -> Result<(), Error> + Sync,
    ) -> Result<(), Error>;

    /// Number of processes that share the work, each with all that it is done with.
    fn processes(&self) -> usize {
        1
    }

    /// The part of `count` units of work that this process does: all where there is no other.
    fn own(&self, count: usize) -> Range<usize> {
        0..count
    }

    /// Hands round what the processes have made of their parts of `count` units: `take` gets each part with its numbers, in the order
    /// of the parts. All processes come to it, those that failed too: then all fail.
    fn exchange(
        &self,
        count: usize,
        made: Result<Vec<f64>, Error>,
        mut take: impl FnMut(Range<usize>, &[f64]),
    ) -> Result<(), Error> {
        made.map(|numbers| take(0..count, &numbers))
    }

    /// `made`, if all processes have made theirs, and with the same `token`, which stands for what must be the same on all; before
    /// anything is changed by it.
    fn agree<T>(&self, made: Result<T, Error>, _token: impl FnOnce(&T) -> u64) -> Result<T, Error> {
        made
    }
}

/// One after the other, on this thread.
pub struct Serial;

impl Blocks for Serial {
    fn for_each<I: Send, B>(
        &self,
        mut items: impl ExactSizeIterator<Item = I> + Send,
        bench: impl Fn() -> Result<B, Error> + Sync,
        work: impl Fn(&mut B, I) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let mut bench = bench()?;
        items.try_for_each(|item| work(&mut bench, item))
    }
}

/// Lends things to one user at a time and makes new ones when all are in use.
pub struct Lender<T> {
    free: Mutex<Vec<T>>,
}

impl<T> Default for Lender<T> {
    fn default() -> Self {
        Self { free: Mutex::default() }
    }
}

impl<T> Lender<T> {
    /// One that is free, or a new one.
    pub fn lend<E>(&self, new: impl FnOnce() -> Result<T, E>) -> Result<Lent<'_, T>, E> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let thing = match free {
            Some(thing) => thing,
            None => new()?,
        };
        Ok(Lent { thing: Some(thing), home: self })
    }
}

/// What a [`Lender`] lent, until it is dropped.
pub struct Lent<'a, T> {
    thing: Option<T>,
    home: &'a Lender<T>,
}

impl<T> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.thing.as_ref().expect("held until dropped")
    }
}

impl<T> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_mut().expect("held until dropped")
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        // After a panic it may be in any state: it is freed, not lent again.
        if let Some(thing) = self.thing.take()
            && !std::thread::panicking()
        {
            self.home.free.lock().unwrap_or_else(PoisonError::into_inner).push(thing);
        }
    }
}
