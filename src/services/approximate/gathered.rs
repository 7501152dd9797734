use crate::drive::Council;
use crate::services::spread::{bytes, read};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::Range;
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

    /// All that was left on all processes, of which this one has the places `own`, in the order of the places. Of a process that is
    /// lost nothing is left, and the reports of its machines tell of that.
    pub fn into_all_of(self, council: Option<&Council<'_>>, own: Range<usize>) -> Vec<T>
    where
        T: Serialize + DeserializeOwned,
    {
        let all = self.into_all();
        let told = council.and_then(|council| council.gather(&bytes(&&all[own])).ok());
        let read =
            |told: Vec<Vec<u8>>| told.iter().map(|bytes| read::<Vec<T>>(bytes)).collect::<Result<Vec<_>, _>>().ok();
        match told.and_then(read).map(|parts| parts.into_iter().flatten().collect::<Vec<T>>()) {
            Some(whole) if whole.len() == all.len() => whole,
            _ => all,
        }
    }

    /// All that was left, in the order of the places.
    pub fn into_all(self) -> Vec<T> {
        self.0.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}
