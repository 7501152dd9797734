//! The tables of docs/services.md by language: no cell is empty, and every name in them is one that its language has.

use crate::definitions::{Definitions, in_word, read, sources, without_comments, word_after};
use std::collections::BTreeSet;
use std::path::Path;

/// The tables' columns; the first names the row.
const LANGUAGES: [&str; 7] = ["C", "C++", "R", "Julia", "Python", "Rust", "command line"];

/// A cell and where it stands.
struct Cell {
    row: String,
    language: String,
    text: String,
}

/// The cells of every table whose columns are languages.
fn cells(page: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut languages: Vec<String> = Vec::new();
    for line in page.lines() {
        let Some(inside) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            languages.clear();
            continue;
        };
        let entries: Vec<&str> = inside.split('|').map(str::trim).collect();
        if languages.is_empty() {
            let known = entries[1..].iter().all(|name| LANGUAGES.contains(name));
            // A table of other things has no cells here, which a first column without a name stands for.
            languages = if known { entries } else { vec![""] }.into_iter().map(String::from).collect();
        } else if languages.len() > 1 && !inside.starts_with("---") {
            assert_eq!(entries.len(), languages.len(), "{line}: a cell per language");
            for (language, text) in languages.iter().zip(&entries).skip(1) {
                cells.push(Cell { row: entries[0].into(), language: language.clone(), text: text.to_string() });
            }
        }
    }
    cells
}

/// The texts between backticks.
fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_language_has_every_service() {
    let definitions = Definitions::new();
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/services.md"));
    let cells = cells(&page);
    let mut wrong = Vec::new();
    for cell in &cells {
        let names = names(&cell.text);
        if names.is_empty() {
            wrong.push(format!("{} in {}: no name", cell.row, cell.language));
        }
        for name in names {
            if !definitions.has(&cell.language, name) {
                wrong.push(format!("{} in {}: '{name}' is not defined", cell.row, cell.language));
            }
        }
    }
    assert!(wrong.is_empty(), "docs/services.md:\n{}", wrong.join("\n"));
    for language in LANGUAGES {
        let rows = cells.iter().filter(|cell| cell.language == language).count();
        assert!(rows >= 11, "{language} has {rows} rows");
    }
}

/// Every service of the C ABI that starts from a model stands in the table.
#[test]
fn every_service_of_the_header_has_a_row() {
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/services.md"));
    let in_table: Vec<String> = cells(&page)
        .iter()
        .filter(|cell| cell.language == "C")
        .flat_map(|cell| names(&cell.text).into_iter().map(String::from).collect::<Vec<_>>())
        .collect();
    let header = sources("include", ".h");
    let services: Vec<&str> = header
        .lines()
        .filter_map(|line| word_after(line, "catena_status "))
        .filter(|name| {
            let body = &header[header.find(&format!("catena_status {name}(")).unwrap()..];
            let arguments = &body[..body.find(';').unwrap()];
            // catena_run_start is catena_run_start_engine for NUTS.
            arguments.contains("const struct catena_model *model,") && *name != "catena_run_start"
        })
        .collect();
    assert!(services.len() >= 7, "{services:?}");
    for service in services {
        assert!(in_table.iter().any(|name| name == service), "{service} has no row in docs/services.md");
    }
}

/// Every verb of populations in the header stands in the table.
#[test]
fn every_verb_of_populations_has_a_row() {
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/services.md"));
    let cells = cells(&page);
    let in_table: Vec<&str> =
        cells.iter().filter(|cell| cell.language == "C").flat_map(|cell| names(&cell.text)).collect();
    let header = without_comments(&sources("include", ".h"));
    let verb = |word: &&str| word.starts_with("catena_population_") && header.contains(&format!(" {word}("));
    let mut declared: Vec<&str> = header.split(|c| !in_word(c)).filter(verb).collect();
    declared.dedup();
    assert!(declared.len() >= 37, "{declared:?}");
    for verb in declared.into_iter().filter(|verb| *verb != "catena_population_free") {
        assert!(in_table.contains(&verb), "{verb} has no row in docs/services.md");
    }
}

/// Every function of updaters and priors in the header stands in the table.
#[test]
fn every_function_of_updaters_has_a_row() {
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/services.md"));
    let cells = cells(&page);
    let in_table: Vec<&str> =
        cells.iter().filter(|cell| cell.language == "C").flat_map(|cell| names(&cell.text)).collect();
    let header = without_comments(&sources("include", ".h"));
    let of_learning = |word: &&str| {
        let named = word.starts_with("catena_updater_") || word.starts_with("catena_prior_");
        named && header.contains(&format!(" {word}("))
    };
    let declared: BTreeSet<&str> = header.split(|c| !in_word(c)).filter(of_learning).collect();
    // What every language does by itself.
    // Devices are for C and Rust so far, as the page says.
    let own = [
        "catena_updater_computes",
        "catena_updater_free",
        "catena_updater_options_init",
        "catena_prior_free",
        "catena_prior_dimension",
    ];
    assert!(declared.len() >= 54, "{declared:?}");
    for function in declared.into_iter().filter(|function| !own.contains(function)) {
        assert!(in_table.contains(&function), "{function} has no row in docs/services.md");
    }
}

/// The looking-up can fail.
#[test]
fn what_is_not_there_is_not_found() {
    let definitions = Definitions::new();
    let none = [
        ("C", "catena_sample_nut"),
        ("C", "catena_io.inv_metric"),
        ("C++", "catena::sampled"),
        ("C++", "Io::engine"),
        ("C++", "Options::engine(CATENA_ENGINE_NONE)"),
        ("C++", "sample"),
        ("R", "catena_sampled()"),
        ("R", "catena_sample"),
        ("R", "catena_sample(metrics = )"),
        ("R", "catena_log_density(metric = )"),
        ("R", "fit$metrics"),
        ("Julia", "Catena.sampled"),
        ("Julia", "Catena.sample(shape_of = )"),
        ("Julia", "ChainReport.step"),
        ("Julia", "fetched(run)"),
        ("Julia", "Catena.UniformPri"),
        ("C++", "Updater::updates"),
        ("Python", "catena.sampled"),
        ("Python", "catena.sample(metrics=)"),
        ("Python", "sample"),
        ("Python", "Population.applied"),
        ("Python", "ModelSet.est"),
        ("Python", "catena.Traces"),
        ("Rust", "sample_nut"),
        ("Rust", "SampleOptions::inits"),
        ("Rust", "Session::cancel"),
        ("command line", "samples"),
        ("command line", "metric=dense"),
        ("command line", "diagnose=1"),
    ];
    for (language, name) in none {
        assert!(!definitions.has(language, name), "'{name}' was found in {language}");
    }
    assert!(names(&cells("| service | C | Rust |\n| --- | --- | --- |\n| NUTS |  | `a` |\n")[0].text).is_empty());
}
