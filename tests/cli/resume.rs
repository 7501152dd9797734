//! Runs of the command line program that are ended at any moment, and go on: their files end as those of undisturbed ones.

use crate::cli::{bad, compiled, folder, good, program, told};
use catena::io::{StanCsv, read_chain};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Set to a number of rounds, it makes the test of killed runs longer.
const ROUNDS: &str = "CATENA_KILL_ROUNDS";
const QUICK_ROUNDS: u64 = 12;

fn library() -> &'static str {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| compiled("normals", "tests/c/exported/normals.c")).to_str().unwrap()
}

fn normals(at: &Path, line: &str) -> Command {
    program(at, [library()].into_iter().chain(line.split_whitespace()))
}

fn read(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A file without what tells of the clock; of an Arrow file all but the foot.
fn without_times(path: PathBuf) -> Vec<u8> {
    const OF_THE_CLOCK: [&str; 4] = ["start_datetime", "(Warm-up)", "(Sampling)", "(Total)"];
    let mut bytes = read(path.clone());
    if path.extension().is_some_and(|e| e == "arrow") {
        const MARK: &str = "ARROW1";
        let length = bytes.len() - MARK.len();
        assert_eq!(&bytes[length..], MARK.as_bytes(), "{}: a foot", path.display());
        let foot = i32::from_le_bytes(bytes[length - 4..length].try_into().unwrap()) as usize;
        bytes.truncate(length - 4 - foot);
        let (clock, time) = (OF_THE_CLOCK[0].as_bytes(), "start_datetime = 2024-07-20 12:00:01 UTC".len());
        let at = bytes.windows(clock.len()).position(|piece| piece == clock).expect("a time in the head");
        bytes[at..at + time].fill(b' ');
        return bytes;
    }
    let text = String::from_utf8(bytes).unwrap();
    let lines = text.lines().filter(|line| !OF_THE_CLOCK.iter().any(|word| line.contains(word)));
    lines.map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

const RUN: &str = "sample num_chains=2 num_warmup=3000 num_samples=30000 save_warmup=true thin=2 random seed=8 num_threads=2 \
                   output file=x.csv diagnostic_file=d.arrow sig_figs=0 checkpoint=c.bin every=0.02 refresh=0";

#[test]
fn killed_runs_go_on_to_the_same_bytes() {
    let whole = folder("whole");
    let start = Instant::now();
    good(normals(&whole, RUN));
    let lasts = start.elapsed();
    let rounds = std::env::var(ROUNDS).map_or(QUICK_ROUNDS, |n| n.parse().expect("a number of rounds"));
    let at = folder("killed");
    let mut random = 88172645463325252u64;
    let mut fraction = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut resumed = 0;
    for round in 0..rounds {
        let _ = std::fs::remove_dir_all(&at);
        std::fs::create_dir_all(&at).unwrap();
        // Two deaths, then a life to the end.
        for life in 0..3 {
            let there = (1..=2).all(|id| at.join(format!("c_{id}.bin")).exists());
            let line = if there { format!("{RUN} resume=c.bin") } else { RUN.into() };
            resumed += u64::from(there);
            let mut child = normals(&at, &line).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            if life < 2 {
                std::thread::sleep(lasts.mul_f64(fraction()));
                let _ = child.kill();
            }
            let output = child.wait_with_output().unwrap();
            let (words, code) = told(&output);
            // One that was done before it was killed is as good.
            assert!(code == Some(0) || (code.is_none() && life < 2), "round {round}: {code:?}: {words}");
        }
        for name in ["x_1.csv", "x_2.csv", "d_1.arrow", "d_2.arrow"] {
            let (got, expected) = (without_times(at.join(name)), without_times(whole.join(name)));
            let differs = got.iter().zip(&expected).position(|(a, b)| a != b);
            let [here, there] = [&got, &expected].map(|bytes| {
                let at = differs.unwrap_or(0);
                String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 80)]).into_owned()
            });
            assert!(got == expected, "round {round}, {name}: byte {differs:?}: {here:?}, expected {there:?}");
            let [got, expected] = [&at, &whole].map(|folder| read_chain(&folder.join(name)).unwrap());
            let ends = |file: &StanCsv| (file.warmup_rows(), file.adapted().cloned());
            assert_eq!(ends(&got), ends(&expected), "round {round}, {name}");
        }
    }
    assert!(resumed >= rounds, "most lives begin with a checkpoint");
}

/// A run that was ended by Ctrl-C, in a folder of its own; its files.
fn ended(name: &str) -> (PathBuf, Vec<&'static str>) {
    let at = folder(name);
    let line = RUN.replace("num_samples=30000", "num_samples=300000000").replace("refresh=0", "refresh=1000");
    let mut child = normals(&at, &line).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let has_draws = || std::fs::metadata(at.join("x_2.csv")).is_ok_and(|m| m.len() > 100_000);
    while !has_draws() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    (at, vec!["x_1.csv", "x_2.csv", "d_1.arrow", "d_2.arrow", "c_1.bin", "c_2.bin"])
}

#[test]
fn what_does_not_fit_is_named_and_nothing_is_touched() {
    let (at, files) = ended("unfit");
    let before: Vec<Vec<u8>> = files.iter().map(|name| read(at.join(name))).collect();
    let go_on = RUN.replace("num_samples=30000", "num_samples=300000000") + " resume=c.bin";
    let refused = |line: &str, words: &[&str]| {
        let (_, told) = bad(normals(&at, line));
        assert!(words.iter().all(|word| told.contains(word)), "{line}: {told}");
        for (name, before) in files.iter().zip(&before) {
            assert!(read(at.join(name)) == *before, "{line}: {name} is another");
        }
    };
    std::fs::write(at.join("data.json"), "{}").unwrap();
    for (was, is, words) in [
        ("seed=8", "seed=9", ["'random seed'", "8; got 9"]),
        ("thin=2", "thin=3", ["'sample thin'", "2; got 3"]),
        ("num_warmup=3000", "num_warmup=3001", ["'sample num_warmup'", "3000; got 3001"]),
        ("save_warmup=true", "save_warmup=false", ["'sample save_warmup'", "true; got false"]),
        ("thin=2", "thin=2 adapt delta=0.9", ["'sample adapt delta'", "0.7; got 0.9"]),
        ("thin=2", "thin=2 metric=dense_e", ["'sample hmc metric'", "auto; got dense_e"]),
        ("thin=2", "thin=2 engine=static", ["'sample hmc engine'", "nuts; got static"]),
        ("thin=2", "thin=2 max_depth=9", ["max_depth", "10; got 9"]),
        ("sig_figs=0", "sig_figs=7", ["'output sig_figs'", "0; got 7"]),
        ("random seed", "data file=data.json random seed", ["the data", "0 bytes"]),
        ("num_chains=2", "num_chains=3", ["'resume'", "c_3.bin"]),
        ("random seed", "id=2 random seed", ["'resume'", "c_3.bin"]),
        ("resume=c.bin", "resume=gone.bin", ["'resume'", "gone"]),
        ("resume=c.bin", "resume=c_2.bin,c_1.bin", ["checkpoint of chain 1", "that of chain 2"]),
    ] {
        refused(&go_on.replace(was, is), &words);
    }
    refused("generate_quantities fitted_params=x.csv resume=c.bin", &["'resume'", "'sample'"]);
    refused("sample output file=y.csv every=3", &["'output every'", "'output checkpoint'"]);
    for met in ["until_ess=400", "until_rhat=1.01", "adapt warmup=together"] {
        refused(&format!("sample {met} output file=y.csv checkpoint=k.bin"), &["'output checkpoint'", "got"]);
    }
    refused("sample output file=c.csv checkpoint=./c.csv", &["'output checkpoint'", "c.csv"]);
    // A file that lost draws which the checkpoint knows of.
    let draws = read(at.join("x_2.csv"));
    std::fs::write(at.join("x_2.csv"), &draws[..draws.len() / 3]).unwrap();
    let (_, words) = bad(normals(&at, &go_on));
    assert!(words.contains("x_2.csv") && words.contains("whole lines up to byte"), "{words}");
}

#[test]
fn damaged_checkpoints_get_words() {
    let (at, _) = ended("damaged");
    let good = read(at.join("c_1.bin"));
    let line = RUN.replace("num_samples=30000", "num_samples=300000000") + " resume=c.bin";
    let mut damaged: Vec<Vec<u8>> = vec![b"no checkpoint at all".into(), vec![0; 4096]];
    damaged.extend([0, 1, 7, 8, 23, 24, good.len() / 2, good.len() - 1].map(|length| good[..length].to_vec()));
    damaged.extend((0..good.len()).step_by(good.len() / 12).map(|i| {
        let mut flipped = good.clone();
        flipped[i] ^= 1;
        flipped
    }));
    // Whole, but none of a chain of this program.
    damaged.push(catena::model::seal(&vec![1.0, 2.0]));
    damaged.push(catena::model::seal(&(1u64, vec![("x".to_string(), "y".to_string()); 3])));
    for bytes in damaged {
        std::fs::write(at.join("c_1.bin"), &bytes).unwrap();
        let (code, words) = bad(normals(&at, &line));
        assert_eq!(code, 78, "{words}");
        assert!(words.contains("'resume'") && words.contains("c_1.bin"), "{words}");
    }
}

#[test]
fn an_ended_run_goes_on_with_other_threads_and_further() {
    let (at, _) = ended("further");
    let rows = |name: &str| read_chain(&at.join(name)).unwrap().rows();
    let (rows, warmup) = (rows("x_1.csv").max(rows("x_2.csv")), 3000);
    let further = (rows * 2).max(warmup) + 1000;
    let run = RUN.replace("num_samples=30000", &format!("num_samples={further}"));
    // The seed is that of the run that goes on.
    let unsaid = run.replace(" seed=8", "").replace("random", "").replace("num_threads=2", "num_threads=1");
    good(normals(&at, &format!("{unsaid} resume=c.bin")));
    let whole = folder("further_whole");
    good(normals(&whole, &run));
    for name in ["x_1.csv", "x_2.csv", "d_1.arrow", "d_2.arrow"] {
        let body = |folder: &Path| {
            let file = read_chain(&folder.join(name)).unwrap();
            (file.names().to_vec(), file.values().to_vec(), file.warmup_rows(), file.adapted().cloned())
        };
        assert!(body(&at) == body(&whole), "{name}");
        assert!(!at.join(format!("{name}.part")).exists());
    }
}
