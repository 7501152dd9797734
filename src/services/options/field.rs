//! Fields of the options as values, and back.

use super::value::{Value, names};
use std::time::Duration;

/// A field of the options as a value and back.
pub(super) trait Field: Sized {
    fn value(&self) -> Value;
    /// `None`: the field cannot hold it.
    fn of(value: Value) -> Option<Self>;
}

macro_rules! whole_fields {
    ($($field:ty),*) => {$(
        impl Field for $field {
            fn value(&self) -> Value {
                Value::Whole(*self as u64)
            }
            fn of(value: Value) -> Option<Self> {
                if let Value::Whole(n) = value { n.try_into().ok() } else { None }
            }
        }
    )*};
}
whole_fields!(u32, u64, usize);

impl Field for f64 {
    fn value(&self) -> Value {
        Value::Real(*self)
    }
    fn of(value: Value) -> Option<Self> {
        if let Value::Real(x) = value { Some(x) } else { None }
    }
}

impl Field for Duration {
    fn value(&self) -> Value {
        Value::Real(self.as_secs_f64())
    }
    fn of(value: Value) -> Option<Self> {
        if let Value::Real(x) = value { Self::try_from_secs_f64(x).ok() } else { None }
    }
}

impl Field for Vec<String> {
    fn value(&self) -> Value {
        Value::Names(self.join(","))
    }
    fn of(value: Value) -> Option<Self> {
        if let Value::Names(text) = value { names(&text) } else { None }
    }
}

impl Field for bool {
    fn value(&self) -> Value {
        Value::Switch(*self)
    }
    fn of(value: Value) -> Option<Self> {
        if let Value::Switch(on) = value { Some(on) } else { None }
    }
}
