//! Every reader and boundary takes any bytes: the corpora of `fuzz/corpus`, each many times changed at random. `fuzz/README.md`
//! tells of longer runs, and of those that look for new paths.

#[path = "../src/bin/catena/approximations.rs"]
#[allow(dead_code)]
mod approximations;
#[path = "../src/bin/catena/argument.rs"]
#[allow(dead_code)]
mod argument;
#[path = "../src/bin/catena/modes.rs"]
#[allow(dead_code)]
mod modes;
#[path = "../src/bin/catena/parse.rs"]
#[allow(dead_code)]
mod parse;
#[path = "../src/bin/catena/settings.rs"]
#[allow(dead_code)]
mod settings;
#[path = "../fuzz/src/targets.rs"]
mod targets;
#[path = "../src/bin/catena/tree.rs"]
#[allow(dead_code)]
mod tree;
#[path = "../src/bin/catena/words.rs"]
#[allow(dead_code)]
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use targets::{Limited, TARGETS, Target, some_checkpoint};

#[global_allocator]
static LIMITED: Limited = Limited;

/// How many inputs each target gets; some thousands where this is not set.
const INPUTS: &str = "CATENA_FUZZ_INPUTS";
const QUICK: u64 = 20_000;
/// A target whose inputs take longer gets fewer.
const SLOW: (&str, u64) = ("checkpoint", 10);
/// Where the random numbers begin.
const SEED: &str = "CATENA_FUZZ_SEED";
/// Longest input.
const LONGEST: usize = 1 << 16;

/// What breaks readers: ends of numbers and of nesting, sizes, and what formats have for words.
const WORDS: [&str; 30] = [
    "0",
    "-1",
    "1e999",
    "-0.0",
    "NaN",
    "nan",
    "Inf",
    "-inf",
    "18446744073709551615",
    "9223372036854775808",
    "4294967296",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    "\"",
    "\\u0000",
    "\n",
    "\r\n",
    "\0",
    "=",
    "#",
    "structure(",
    "c(",
    ".Dim = ",
    "1:",
    "é",
];

struct Random(u64);

impl Random {
    /// xorshift64*
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        (high as usize * n) >> 32
    }
}

/// Changes an input at one place.
fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + 1 + random.below(16)).min(input.len());
    match random.below(8) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.below(256) as u8,
        2 => drop(input.drain(at..end.max(at))),
        3 => {
            let again = input[at.min(end)..end].to_vec();
            drop(input.splice(at..at, again));
        }
        4 => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            let to = (from + random.below(64)).min(other.len());
            drop(input.splice(at..at, other[from..to].iter().copied()));
        }
        5 => input.truncate(at),
        6 if at + 8 <= input.len() => {
            let ends = [0, 1, u64::MAX, u64::MAX >> 1, 1 << 32, f64::NAN.to_bits(), f64::INFINITY.to_bits()];
            input[at..at + 8].copy_from_slice(&ends[random.below(ends.len())].to_le_bytes());
        }
        _ => drop(input.splice(at..at, WORDS[random.below(WORDS.len())].bytes())),
    }
    input.truncate(LONGEST);
}

/// The files of a target's corpus, those that once fell among them.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut corpus: Vec<_> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    if name == "checkpoint" {
        // Its layout is that of today. The file is for libFuzzer.
        let today = some_checkpoint();
        if std::env::var_os("CATENA_BLESS").is_some() {
            std::fs::write(folder.join("chain"), &today).unwrap();
        }
        corpus.push(today);
    }
    corpus
}

fn fuzz(name: &str, target: Target) {
    let of = |name: &str, default: u64| std::env::var(name).map_or(default, |n| n.parse().expect("a number"));
    let count = of(INPUTS, QUICK) / if name == SLOW.0 { SLOW.1 } else { 1 };
    let mut random = Random(of(SEED, 1) ^ 0x9E37_79B9_7F4A_7C15);
    let corpus = corpus(name);
    let run = |input: &[u8]| {
        let fell = catch_unwind(AssertUnwindSafe(|| target(input))).is_err();
        assert!(!fell, "{name}: b\"{}\"", input.escape_ascii());
    };
    corpus.iter().for_each(|input| run(input));
    for _ in 0..count {
        let mut input = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(6) {
            change(&mut input, &corpus, &mut random);
        }
        run(&input);
    }
}

/// One test for all, so that no target is without one.
#[test]
fn any_bytes_are_taken_or_refused_with_words() {
    let chosen = std::env::var("CATENA_FUZZ_TARGET").ok();
    for (name, target) in TARGETS {
        if chosen.as_ref().is_none_or(|chosen| chosen == name) {
            fuzz(name, target);
        }
    }
}

/// A vector that has grown by a sequence takes as much again for one number more.
#[test]
fn a_number_after_a_long_sequence_is_refused_with_words() {
    for text in ["x <- c(1:18446746, 5)", "x <- structure(0, .Dim = 1:18446746)"] {
        let error = catena::io::Values::from_dump(text).unwrap_err().to_string();
        assert!(error.contains("memory") || error.contains("as many elements"), "{error}");
    }
}
