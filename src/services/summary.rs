//! A summary by the threads there are.

use crate::diagnostics::{Summary, SummaryInput, SummaryOptions};
use crate::drive::{Hands, Pool};
use crate::error::Error;
use crate::model::Threading;
use crate::particles::blocks::Serial;
use std::sync::Arc;

/// From so many numbers on threads are worth starting: a tenth of a second's work.
pub(super) const MANY: usize = 1 << 20;

/// Statistics of every variable, computed by the threads of `pool`, or where there is none, by one per core if there are many
/// numbers, else by the calling thread. The numbers are the same for all.
///
/// # Errors
/// As [`Summary::with`]; threads that can't be started.
pub fn summarise(
    input: &SummaryInput<'_>,
    options: &SummaryOptions,
    pool: Option<Arc<Pool>>,
) -> Result<Summary, Error> {
    let pool = match pool {
        None if input.values.len() < MANY => return Summary::with(input, options, &Serial),
        None => Arc::new(Pool::new(0)?),
        Some(pool) => pool,
    };
    Summary::with(input, options, &Hands::new(&pool, Threading::Any, || false))
}
