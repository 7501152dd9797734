//! What `CONTRIBUTING.md` and `docs/architecture.md` name is there.

use std::path::Path;

/// Words between backticks that look like paths of the repository.
fn paths(page: &str) -> Vec<&str> {
    let mut out: Vec<&str> = page.split('`').skip(1).step_by(2).collect();
    let tops = ["src/", "tests/", "docs/", "benches", "bindings", "include/", "examples", ".cargo/"];
    out.retain(|word| tops.iter().any(|top| word.starts_with(top)) && !word.contains([' ', '<', '*']));
    out
}

#[test]
fn every_path_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (page, least) in [("CONTRIBUTING.md", 30), ("docs/architecture.md", 10)] {
        let text = std::fs::read_to_string(root.join(page)).expect(page);
        let text: String = text.split("```").step_by(2).collect();
        let named = paths(&text);
        assert!(named.len() >= least, "{page} names {} paths", named.len());
        for path in named {
            assert!(root.join(path).exists(), "{page} names {path}, which is not there");
        }
    }
}

#[test]
fn the_parts_of_the_tests_are_those_of_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = std::process::Command::new(root.join("tests/run")).arg("--list").output().expect("tests/run starts");
    let parts: Vec<&str> = std::str::from_utf8(&listed.stdout).unwrap().lines().collect();
    assert!(parts.len() > 5);
    let page = std::fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains(&parts.join(", ")), "CONTRIBUTING.md lists the parts {parts:?}");
}
