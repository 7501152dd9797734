//! `include/catena.h` is what the source says. `CATENA_BLESS=1 cargo test --test header` writes it anew.

use std::path::Path;

#[test]
fn the_committed_header_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is valid");
    let bindings = cbindgen::Builder::new().with_crate(root).with_config(config).generate().expect("src/ffi is parsed");
    let mut fresh = Vec::new();
    bindings.write(&mut fresh);
    let fresh = without_safety(&String::from_utf8(fresh).expect("UTF-8"));
    let path = root.join("include/catena.h");
    if std::env::var_os("CATENA_BLESS").is_some() {
        std::fs::write(&path, &fresh).expect("include/ is writable");
    }
    let committed = std::fs::read_to_string(&path).expect("include/catena.h is there");
    assert!(committed == fresh, "include/catena.h is stale; CATENA_BLESS=1 cargo test --test header writes it anew");
}

/// Drops Rust's `# Safety` sections, which say to a Rust caller what the header's conventions say to a C programmer.
fn without_safety(header: &str) -> String {
    let mut out = String::with_capacity(header.len());
    let mut skipping = false;
    for line in header.lines() {
        if line.trim() == "// # Safety" {
            skipping = true;
            // The blank comment line before the section goes too.
            if out.ends_with("//\n") {
                out.truncate(out.len() - 3);
            }
        } else if !line.trim_start().starts_with("//") {
            skipping = false;
        }
        if !skipping {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
