//! The targets by their names, for `fuzz_targets/target.rs`.

#[path = "../../src/bin/catena/approximations.rs"]
#[allow(dead_code)]
mod approximations;
#[path = "../../src/bin/catena/argument.rs"]
#[allow(dead_code)]
mod argument;
#[path = "../../src/bin/catena/modes.rs"]
#[allow(dead_code)]
mod modes;
#[path = "../../src/bin/catena/parse.rs"]
#[allow(dead_code)]
mod parse;
#[path = "../../src/bin/catena/settings.rs"]
#[allow(dead_code)]
mod settings;
mod targets;
#[path = "../../src/bin/catena/tree.rs"]
#[allow(dead_code)]
mod tree;
#[path = "../../src/bin/catena/words.rs"]
#[allow(dead_code)]
mod words;

#[global_allocator]
static LIMITED: targets::Limited = targets::Limited;

/// Gives `bytes` to the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    let (_, target) = targets::TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    target(bytes);
}

/// The content of a checkpoint of this version, from which its target's corpus begins.
pub use targets::some_checkpoint;
