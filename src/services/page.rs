//! The page about a run's draws, as a file.

use super::summary::MANY;
use crate::drive::{Hands, Pool};
use crate::error::{Code, Error};
use crate::model::Threading;
use crate::particles::blocks::Serial;
use crate::report::{ReportInput, report};
use std::path::Path;
use std::sync::Arc;

/// Writes the page ([`report`]) to `path`; an older file is replaced once the new page is made. Without a pool, threads are
/// started where there are many numbers.
///
/// # Errors
/// Those of [`report`]; the file cannot be written.
pub fn write_report(input: &ReportInput<'_>, pool: Option<Arc<Pool>>, path: &Path) -> Result<(), Error> {
    let page = match pool {
        None if input.draws.values.len() < MANY => report(input, &Serial)?,
        None => report(input, &Hands::new(&Pool::new(0)?, Threading::Any, || false))?,
        Some(pool) => report(input, &Hands::new(&pool, Threading::Any, || false))?,
    };
    std::fs::write(path, page).map_err(|e| Error::new(Code::Io, format!("cannot write '{}': {e}", path.display())))
}
