//! The order of the house, held by the `use` lines and paths of `src`: imports run down the floors, no files import each
//! other in a circle, `unsafe` lives in two rooms, and no file is long. `docs/architecture.md` has the picture.

#[path = "common/source.rs"]
mod source;

use source::House;
use std::collections::{BTreeMap, BTreeSet};

/// The floors from the top down: each with its rooms, folders or files of `src`. A room uses what stands below it and
/// nothing beside it: diagnostics read what `io` wrote; models come to the command through `ffi`.
const FLOORS: &[&[&str]] = &[
    &["bin"],
    &["ffi"],
    &["services"],
    &["report"],
    &["diagnostics"],
    &["io"],
    &["drive"],
    &["learn"],
    &["particles"],
    &["hmc"],
    &["adapt", "model"],
    &["random"],
    &["room"],
    &["error"],
];

/// The rooms that may hold `unsafe`.
const UNSAFE: &[&str] = &["ffi", "drive"];

/// Most lines of a file, with its tests or of tests alone.
const LONGEST: usize = 350;

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Rooms that the table lacks, and those of the table that are not there.
fn unknown_rooms(house: &House) -> Vec<String> {
    let there: BTreeSet<&str> = house.files().filter_map(|file| file.room()).collect();
    let named: BTreeSet<&str> = FLOORS.iter().copied().flatten().copied().collect();
    let lacking = there.difference(&named).map(|room| format!("src/{room} stands on no floor of the table"));
    let gone = named.difference(&there).map(|room| format!("src/{room} of the table is not there"));
    lacking.chain(gone).collect()
}

/// Imports of a room from one that does not stand below it.
fn upward_imports(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, path, target) in house.imports() {
        let (Some(from), Some(to)) = (file.room(), target.room()) else { continue };
        if from != to && floor(from).zip(floor(to)).is_none_or(|(from, to)| to <= from) {
            wrong.push(format!("src/{} uses {path}, but src/{from} does not stand above src/{to}", file.name));
        }
    }
    wrong
}

/// Groups of files each of which imports, through others of the group, itself. A module's own file (`mod.rs`, or `x.rs`
/// beside the folder `x`) stands for its folder and is in none.
fn circles(house: &House) -> Vec<Vec<&str>> {
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, _, target) in house.imports() {
        if !(file.is_door || target.is_door || file.name == target.name) {
            edges.entry(&file.name).or_default().insert(&target.name);
        }
    }
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for &start in edges.keys() {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(at) = open.pop() {
            let next = edges.get(at).into_iter().flatten().copied();
            open.extend(next.filter(|next| seen.insert(*next)));
        }
        reached.insert(start, seen);
    }
    let both = |a: &&str, b: &&str| reached[a].contains(*b) && reached.get(b).is_some_and(|r| r.contains(*a));
    let in_one = |file: &&str| -> Vec<&str> { edges.keys().copied().filter(|other| both(file, other)).collect() };
    let groups: BTreeSet<Vec<&str>> = edges.keys().map(in_one).filter(|group| !group.is_empty()).collect();
    groups.into_iter().collect()
}

fn unsafe_elsewhere(house: &House) -> Vec<String> {
    let elsewhere = house.files().filter(|file| file.room().is_none_or(|room| !UNSAFE.contains(&room)));
    elsewhere.filter(|file| file.has_word("unsafe")).map(|file| format!("src/{} has unsafe", file.name)).collect()
}

fn long_files(house: &House) -> Vec<String> {
    let long = house.lengths().filter(|(_, lines)| *lines > LONGEST);
    long.map(|(name, lines)| format!("src/{name} has {lines} lines")).collect()
}

#[test]
fn the_table_names_every_room() {
    assert_eq!(unknown_rooms(&House::read()), [""; 0]);
}

#[test]
fn imports_run_down_the_floors() {
    assert_eq!(upward_imports(&House::read()), [""; 0]);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let house = House::read();
    let found = circles(&house);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn unsafe_lives_in_two_rooms() {
    assert_eq!(unsafe_elsewhere(&House::read()), [""; 0]);
}

#[test]
fn no_file_is_long() {
    assert_eq!(long_files(&House::read()), [""; 0]);
}

/// Each kind of breach, planted into the house as it is, in every spelling, is found.
#[test]
fn breaches_are_found() {
    let planted = |file: &str, text: &str| House::read_with(file, text);
    let up = |file: &str, text: &str| {
        let found = upward_imports(&planted(file, text));
        let named = |line: &String| line.starts_with(&format!("src/{file} "));
        assert!(!found.is_empty() && found.iter().all(named), "{text} in {file} gives {found:?}");
    };
    up("hmc/metric.rs", "use crate::drive::Pool;");
    up("io/table.rs", "use crate::{error::Code, diagnostics::{self as d, Summary as S}};");
    up("io/csv/number.rs", "fn f() { crate::services::log_density(); }");
    up("io/csv/number.rs", "fn f() { super::super::super::ffi::error::catena_version_string(); }");
    up("model/task.rs", "pub use crate::adapt::Schedule;");
    up("adapt/schedule.rs", "fn f() -> crate::model::Refusal;");
    up("error.rs", "use crate::random::{\n    Stream,\n};");
    up("drive/pool.rs", "/* // */ use crate::io /* nothing */ ::Writer; // use");
    up("services/points.rs", "const X: &str = \"\\\" {\"; const C: char = '\"'; use crate::ffi::io::catena_io;");
    up("ffi/error.rs", "fn f<'a>(x: &'a str) -> crate::bin::catena::tree::Kind;");
    let fine = |file: &str, text: &str| assert_eq!(upward_imports(&planted(file, text)), [""; 0], "{text} in {file}");
    fine("hmc/metric.rs", "// use crate::drive::Pool;\nconst X: &str = r#\"\nuse crate::drive::Pool; \"#;");
    fine("hmc/metric.rs", "#[cfg(test)]\nmod probe { use crate::drive::Pool; fn f() { { } } }");
    fine("diagnostics/rhat.rs", "use crate::io::Layout;");
    fine("bin/catena/tree.rs", "use catena::services::SampleOptions; use crate::settings::Settings;");

    let circle = |texts: &[(&str, &str)], expected: &[&str]| {
        let mut house = House::read();
        texts.iter().for_each(|(file, text)| house.plant(file, text));
        let found = circles(&house);
        let whole = |circle: &Vec<&str>| expected.iter().all(|file| circle.contains(file));
        assert!(found.iter().any(whole), "{texts:?} gives {found:?}");
    };
    circle(
        &[("error.rs", "use crate::error2::X;"), ("error2.rs", "use crate::error::Error;")],
        &["error.rs", "error2.rs"],
    );
    // Through what a folder's own file exports by name, and by a star; and by a path that begins with an imported module.
    circle(
        &[("io/table.rs", "use super::LineLogger;"), ("io/log.rs", "use crate::io::{TableWriter};")],
        &["io/log.rs", "io/table.rs"],
    );
    circle(
        &[
            ("ffi/run/pool.rs", "fn f(x: super::catena_progress);"),
            ("ffi/run/progress.rs", "use crate::ffi::run::catena_pool;"),
        ],
        &["ffi/run/pool.rs", "ffi/run/progress.rs"],
    );
    circle(
        &[
            ("ffi/task.rs", "use super::run; fn f(_: run::catena_pool);"),
            ("ffi/run/pool.rs", "use crate::ffi::task::hand;"),
        ],
        &["ffi/run/pool.rs", "ffi/task.rs"],
    );

    assert_eq!(unsafe_elsewhere(&planted("io/table.rs", "fn f() { unsafe { g() } }")), ["src/io/table.rs has unsafe"]);
    assert_eq!(unsafe_elsewhere(&planted("io/table.rs", "fn unsafe_not() {} // unsafe")), [""; 0]);
    for file in ["error.rs", "services/session/tests/mod.rs", "random/jump/tests.rs"] {
        let long = long_files(&planted(file, &"\n".repeat(LONGEST)));
        assert!(long.iter().any(|line| line.starts_with(&format!("src/{file} has "))), "{long:?}");
    }
    assert_eq!(unknown_rooms(&planted("attic/box.rs", "")), ["src/attic stands on no floor of the table"]);
}
