//! The page about a run's draws, as a file.

use super::summary::MANY;
use crate::drive::{Hands, Pool};
use crate::error::{Code, Error};
use crate::io::CsvChains;
use crate::model::Threading;
use crate::particles::blocks::Serial;
use crate::report::{Course, ReportInput, SetsInput, report, report_sets};
use std::path::{Path, PathBuf};
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
    write(page, path)
}

/// Writes the page about sets of particles ([`report_sets`]) to `path`, as [`write_report`] does.
///
/// # Errors
/// Those of [`report_sets`]; the file cannot be written.
pub fn write_sets_report(input: &SetsInput<'_>, pool: Option<Arc<Pool>>, path: &Path) -> Result<(), Error> {
    let page = match pool {
        None if input.course.size() < MANY => report_sets(input, &Serial)?,
        None => report_sets(input, &Hands::new(&Pool::new(0)?, Threading::Any, || false))?,
        Some(pool) => report_sets(input, &Hands::new(&pool, Threading::Any, || false))?,
    };
    write(page, path)
}

/// Writes the page about files of chains or of sets of particles, read from `paths`, to `path`. Without a title it is the name
/// of the model, or of the first file.
///
/// # Errors
/// Those of [`write_report`] and [`write_sets_report`]; sets of different sizes.
pub fn report_files(
    files: &CsvChains,
    paths: &[PathBuf],
    title: Option<&str>,
    pool: Option<Arc<Pool>>,
    path: &Path,
) -> Result<(), Error> {
    let notes: Vec<String> =
        files.cut_off().iter().map(|(file, cut)| format!("'{}' {cut}.", paths[*file].display())).collect();
    let title = title.map_or_else(|| title_of(files, &paths[0]), String::from);
    match Course::of_files(files)? {
        Some(course) => {
            let settings = files.settings();
            let input = SetsInput { title: &title, course: &course, truth: &[], settings, notes: &notes };
            write_sets_report(&input, pool, path)
        }
        None => write_report(&ReportInput { notes: &notes, ..ReportInput::of_files(&title, files) }, pool, path),
    }
}

fn title_of(files: &CsvChains, first: &Path) -> String {
    let model = files.settings().iter().find(|(name, _)| name == "model").map(|(_, value)| value.clone());
    let name = || first.file_stem().map_or_else(|| "Draws".into(), |stem| stem.to_string_lossy().into_owned());
    model.filter(|model| !model.is_empty()).unwrap_or_else(name)
}

fn write(page: String, path: &Path) -> Result<(), Error> {
    std::fs::write(path, page).map_err(|e| Error::new(Code::Io, format!("cannot write '{}': {e}", path.display())))
}
