use std::sync::{Mutex, PoisonError};

/// What the machines of a run leave for when all have ended: one place for each.
pub struct Gathered<T>(Vec<Mutex<T>>);

impl<T: Default> Gathered<T> {
    pub fn new(places: usize) -> Self {
        Self((0..places).map(|_| Mutex::default()).collect())
    }

    /// Leaves something at `place`.
    pub fn put(&self, place: usize, what: T) {
        *self.0[place].lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// All that was left, in the order of the places.
    pub fn into_all(self) -> Vec<T> {
        self.0.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}
