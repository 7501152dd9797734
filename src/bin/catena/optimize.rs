//! `catena MODEL optimize`.

use crate::common::{Inits, interrupt, load_model, option_set};
use crate::draws::Draws;
use crate::failure::Failure;
use crate::output::{Head, check_distinct, say_beside};
use crate::progress::Screen;
use crate::settings::Settings;
use catena::ffi::bridgestan::Jacobian;
use catena::io::{TableWriter, Writer, output_files};
use catena::services::{OptimizeReport, SampleIo, StartOutcome, optimize};

pub fn run(library: &str, settings: &Settings) -> Result<(), Failure> {
    let set = option_set(settings)?;
    let (options, ways) = (set.options(), set.optimize());
    let (first, starts) = (options.init_chain_id, ways.num_starts);
    // One file, whatever the number of starts: that of the best.
    let outputs = output_files("output file", settings.file("output file"), first, 1)?;
    check_distinct(library, settings, (first, starts), &[("output file", &outputs)])?;
    let inits = Inits::read(settings, first, starts)?;
    let model = load_model(library, settings, Jacobian::Included)?;
    let interrupt = interrupt()?;
    let screen = Screen::plain();
    let mut csv = Head { settings, library, chain_id: first }.create(&outputs[0], &[])?;
    let mut tables = vec![TableWriter::new(); if starts > 1 { starts } else { 0 }];
    let sample_writers = match &mut tables[..] {
        [] => vec![&mut csv as &mut dyn Writer],
        several => several.iter_mut().map(|table| table as &mut dyn Writer).collect(),
    };
    let io = SampleIo {
        inits: inits.contexts(),
        sample_writers,
        logger: &screen,
        interrupt: &interrupt,
        ..Default::default()
    };
    let report = optimize(&model, &options, &ways, io)?;
    if let Some(best) = report.best.and_then(|place| tables.get(place)) {
        copy(best, &mut csv)?;
    }
    drop(csv);
    let said = say_beside(&outputs, &told(&report));
    report.status()?;
    said
}

/// What one start wrote, into the file of all.
fn copy(table: &TableWriter, csv: &mut Draws) -> Result<(), Failure> {
    csv.names(table.column_names())?;
    for at in 0..table.rows() {
        csv.row(table.row_values(at).expect("a row that is there"))?;
    }
    Ok(csv.finish()?)
}

/// A line per mode, or one on the best end where there is none.
fn told(report: &OptimizeReport) -> String {
    let all = report.starts.len();
    let line = |place: usize, what: &str| {
        let start = &report.starts[place];
        let (id, value) = (start.id, start.log_density);
        let (iterations, evaluations) = (start.iterations, start.evaluations);
        let ending =
            if let StartOutcome::Ended(ending) = start.outcome { format!("; {ending}") } else { String::new() };
        format!(
            "{what}: log density {value:.6}, start {id}, {iterations} iterations, {evaluations} evaluations{ending}\n"
        )
    };
    let modes = report.modes.iter().enumerate().map(|(i, mode)| {
        let what =
            if all == 1 { "mode".into() } else { format!("mode {}, found {} times of {all}", i + 1, mode.found) };
        line(mode.start, &what)
    });
    match (report.best, report.modes.is_empty()) {
        (Some(best), true) => line(best, "not converged"),
        _ => modes.collect(),
    }
}
