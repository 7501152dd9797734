//! `examples/README.md` lists every example, says how to run it, and leads nowhere that is not there.

use std::fs;
use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn index() -> String {
    fs::read_to_string(root().join("examples/README.md")).expect("examples/README.md is there")
}

/// The rows of the first table, as cells.
fn rows(index: &str) -> Vec<Vec<&str>> {
    let table = index.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    table.skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn every_example_is_listed_with_a_command() {
    let index = index();
    let rows = rows(&index);
    let mut listed: Vec<String> = Vec::new();
    for row in &rows {
        let [example, shows, command] = row[..] else { panic!("expected three cells, got {row:?}") };
        let name = example.split('`').nth(1).unwrap_or_else(|| panic!("no name between backticks: {example}"));
        assert!(!shows.is_empty(), "{name}: what it shows is not said");
        let program = command.split('`').nth(1).unwrap_or_else(|| panic!("{name}: no command between backticks"));
        assert!(program.starts_with(&format!("examples/{name}/")), "{name}: {program} belongs to another example");
        assert!(root().join(program).is_file(), "{name}: there is no {program}");
        listed.push(name.to_string());
    }
    let entries = fs::read_dir(root().join("examples")).expect("examples/ is there");
    let folders = entries.map(|entry| entry.expect("examples/ is readable")).filter(|entry| entry.path().is_dir());
    let mut there: Vec<String> = folders.map(|folder| folder.file_name().into_string().expect("UTF-8")).collect();
    there.sort();
    listed.sort();
    assert_eq!(listed, there, "the folders of examples/ and the rows of examples/README.md");
}

#[test]
fn every_link_of_the_index_leads_somewhere() {
    let index = index();
    let links: Vec<&str> = index.split("](").skip(1).map(|rest| rest.split(')').next().expect("a link ends")).collect();
    assert!(!links.is_empty(), "there are no links");
    for link in links {
        assert!(root().join("examples").join(link).exists(), "examples/README.md: there is no {link}");
    }
}

#[test]
fn the_parts_named_in_the_index_are_those_of_the_tests() {
    let run = |argument| Command::new(root().join("tests/run")).arg(argument).output().expect("tests/run starts");
    let list = String::from_utf8(run("--list").stdout).expect("UTF-8");
    let parts: Vec<&str> = list.lines().collect();
    let refused = run("nonsense");
    assert_eq!(refused.status.code(), Some(2));
    let words = String::from_utf8(refused.stderr).expect("UTF-8");
    assert!(words.contains("'nonsense' is no part"), "{words}");
    assert!(
        parts.iter().all(|part| words.contains(&format!("  {part} "))),
        "a part without a word in the usage: {words}"
    );
    let index = index();
    let second = &index[index.find("| where |").expect("there is a second table")..];
    for line in second.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let named = line.trim_matches('|').rsplit('|').next().expect("a row has cells");
        let named: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no part is named: {line}");
        for part in named {
            assert!(parts.contains(&part), "'{part}' is no part of tests/run: {line}");
        }
    }
}
