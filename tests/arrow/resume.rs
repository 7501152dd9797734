//! Arrow files of chains that are stopped or killed, and go on: they end as those of undisturbed ones.

use crate::common::Correlated;
use arrow_ipc::reader::FileReader;
use catena::Error;
use catena::io::{ArrowWriter, Keeper, Mark, Moment, Writer};
use catena::model::{open, seal};
use catena::services::{Outcome, SampleIo, SampleOptions, SampleReport, sample_nuts};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The folder in which this process is to run the chains; set in the processes that are killed.
const CHILD: &str = "CATENA_ARROW_CHILD";
/// Set to a number of rounds, it makes the test of killed runs longer.
const ROUNDS: &str = "CATENA_KILL_ROUNDS";
const QUICK_ROUNDS: u64 = 10;
const CHAINS: usize = 2;
/// Bytes behind a file's foot: its length, and Arrow's letters.
const TAIL: usize = 4 + 6;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("resume_arrow_{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn file(at: &Path, place: usize) -> PathBuf {
    at.join(format!("draws_{}.arrow", place + 1))
}

fn options(num_samples: usize) -> SampleOptions {
    SampleOptions {
        num_chains: CHAINS,
        num_warmup: 300,
        num_samples,
        save_warmup: true,
        seed: 4,
        num_threads: 2,
        ..SampleOptions::stan()
    }
}

fn run(
    options: &SampleOptions,
    writers: &mut [ArrowWriter],
    checkpoints: &[Vec<u8>],
    keeper: Option<&dyn Keeper>,
) -> SampleReport {
    let io = SampleIo {
        sample_writers: writers.iter_mut().map(|w| w as &mut dyn Writer).collect(),
        checkpoints: checkpoints.iter().map(Vec::as_slice).collect(),
        keeper,
        ..SampleIo::default()
    };
    sample_nuts(&Correlated { dim: 3, rho: 0.5 }, options, io).unwrap()
}

fn new_writers(at: &Path) -> Vec<ArrowWriter> {
    (0..CHAINS).map(|place| ArrowWriter::new(file(at, place), place as u64 + 1).unwrap()).collect()
}

/// The batches as bytes, and the messages but for what tells of the clock.
fn contents(path: &Path) -> (Vec<u8>, Vec<String>) {
    let mut bytes = std::fs::read(path).unwrap();
    let tail = bytes.len() - TAIL;
    let foot = i32::from_le_bytes(bytes[tail..tail + 4].try_into().unwrap()) as usize;
    bytes.truncate(tail - foot);
    let reader = FileReader::try_new(File::open(path).unwrap(), None).unwrap();
    let messages = reader.custom_metadata()["catena.messages"].lines().map(String::from);
    (bytes, messages.filter(|line| !line.contains("seconds")).collect())
}

#[track_caller]
fn same(at: &Path, whole: &Path, what: &str) {
    for place in 0..CHAINS {
        let (got, expected) = (contents(&file(at, place)), contents(&file(whole, place)));
        assert_eq!(got.1, expected.1, "{what}, chain {}", place + 1);
        assert!(got.0 == expected.0, "{what}, chain {}: {} and {} bytes", place + 1, got.0.len(), expected.0.len());
        assert!(!at.join(format!("draws_{}.arrow.part", place + 1)).exists(), "{what}");
    }
}

#[test]
fn stopped_chains_go_on_to_the_same_bytes() {
    let (whole, at) = (folder("whole"), folder("stopped"));
    let samples = 2000;
    run(&options(samples), &mut new_writers(&whole), &[], None).status().unwrap();
    let mut checkpoints: Vec<Vec<u8>> = Vec::new();
    let mut parts = 0;
    loop {
        let resume = |place| ArrowWriter::resume(file(&at, place), place as u64 + 1, &[]).unwrap();
        let mut writers = if parts == 0 { new_writers(&at) } else { (0..CHAINS).map(resume).collect() };
        let options = SampleOptions { max_evaluations: 1 + 977 * parts, ..options(samples) };
        let report = run(&options, &mut writers, &checkpoints, None);
        report.status().unwrap();
        parts += 1;
        if report.chains.iter().all(|c| c.outcome == Outcome::Finished) {
            break;
        }
        checkpoints = report.chains.into_iter().map(|c| c.checkpoint.unwrap()).collect();
    }
    assert!(parts > 3);
    same(&at, &whole, "in parts");
}

/// Keeps chains in files as the command line does.
struct Files(PathBuf);

impl Files {
    fn path(&self, place: usize) -> PathBuf {
        self.0.join(format!("kept_{}.bin", place + 1))
    }

    fn read(&self, place: usize) -> Option<(Vec<u8>, Mark)> {
        std::fs::read(self.path(place)).ok().map(|bytes| open(&bytes).unwrap())
    }
}

impl Keeper for Files {
    fn period(&self) -> Duration {
        Duration::from_millis(3)
    }

    fn keep(&self, place: usize, moment: &Moment) -> Result<(), Error> {
        let aside = self.path(place).with_extension("part");
        std::fs::write(&aside, seal(&(&moment.checkpoint, &moment.sample))).unwrap();
        std::fs::rename(&aside, self.path(place)).unwrap();
        Ok(())
    }
}

const LONG: usize = 40_000;

/// What a process that may be killed does: begins the chains, or goes on with what the last one left.
fn live(at: &Path) {
    let files = Files(at.to_owned());
    let kept: Vec<_> = (0..CHAINS).map(|place| files.read(place)).collect();
    let writer = |place: usize| match &kept[place] {
        Some((_, mark)) => ArrowWriter::resume(file(at, place), place as u64 + 1, &mark.rest).unwrap(),
        None => ArrowWriter::new(file(at, place), place as u64 + 1).unwrap(),
    };
    let mut writers: Vec<_> = (0..CHAINS).map(writer).collect();
    let checkpoints: Vec<Vec<u8>> = kept.iter().map(|kept| kept.clone().unwrap_or_default().0).collect();
    run(&options(LONG), &mut writers, &checkpoints, Some(&files)).status().unwrap();
}

#[test]
fn killed_chains_go_on_to_the_same_bytes() {
    if let Ok(at) = std::env::var(CHILD) {
        return live(Path::new(&at));
    }
    let process = |at: &Path| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "resume::killed_chains_go_on_to_the_same_bytes"]).env(CHILD, at);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let whole = folder("undisturbed");
    let start = Instant::now();
    assert!(process(&whole).wait().unwrap().success());
    let lasts = start.elapsed();
    let rounds = std::env::var(ROUNDS).map_or(QUICK_ROUNDS, |n| n.parse().expect("a number of rounds"));
    // A golden-ratio sequence: every part of the run is hit.
    let moments = (1u32..).map(|i| (f64::from(i) * 0.618_033_988_749_895).fract());
    let mut moments = moments.map(|fraction| lasts.mul_f64(fraction));
    let mut resumed = 0;
    for round in 0..rounds {
        let at = folder("killed");
        for life in 0..3 {
            resumed += u64::from(Files(at.clone()).path(0).exists());
            let mut child = process(&at);
            if life < 2 {
                std::thread::sleep(moments.next().unwrap());
                let _ = child.kill();
            }
            let output = child.wait_with_output().unwrap();
            let killed = output.status.code().is_none();
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || (killed && life < 2), "round {round}, life {life}: {words}");
        }
        same(&at, &whole, &format!("round {round}"));
    }
    assert!(resumed >= rounds, "most lives begin with a checkpoint");
}

#[test]
fn what_does_not_fit_gets_words_and_stays() {
    let at = folder("unfit");
    let report = run(&SampleOptions { max_evaluations: 3000, ..options(500) }, &mut new_writers(&at), &[], None);
    let checkpoints: Vec<Vec<u8>> = report.chains.into_iter().map(|c| c.checkpoint.unwrap()).collect();
    let path = file(&at, 0);
    let good = std::fs::read(&path).unwrap();
    let words = |bytes: &[u8], chain: u64| {
        std::fs::write(&path, bytes).unwrap();
        let mut writer = ArrowWriter::resume(&path, chain, &[]).unwrap();
        let model = Correlated { dim: 3, rho: 0.5 };
        let io =
            SampleIo { sample_writers: vec![&mut writer], checkpoints: vec![&checkpoints[0]], ..SampleIo::default() };
        let options = SampleOptions { num_chains: 1, ..options(500) };
        let report = sample_nuts(&model, &options, io).unwrap();
        drop(writer);
        assert!(std::fs::read(&path).unwrap() == bytes || report.status().is_ok(), "the file is another");
        assert!(!at.join("draws_1.arrow.part").exists(), "nothing is left beside it");
        report.status().err().map_or(String::new(), |e| e.to_string())
    };
    assert!(words(&[], 1).contains("cannot be read"));
    assert!(words(b"lp__,x\n1,2\n", 1).contains("cannot be read"));
    assert!(words(&good, 7).contains("chain 7"));
    for length in (0..good.len()).step_by(good.len() / 60) {
        // Only a cut in the foot leaves all rows there.
        let told = words(&good[..length], 1);
        assert!(told.contains("draws_1.arrow") || length > good.len() * 4 / 5, "{length}: {told}");
    }
    assert_eq!(words(&good, 1), "");
    assert!(ArrowWriter::resume(&path, 1, b"nonsense").is_err());
    assert!(ArrowWriter::resume(at.join("none.arrow"), 1, &[]).is_err());
}
