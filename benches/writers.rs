//! Writing draws to disk: 8 chains with 1000 outputs each, to Stan CSV files and (with the feature) to Arrow files, against
//! plain writes of the same bytes. Prints figures; nothing here decides a test.
//!
//! `cargo bench --bench writers --all-features`. Everything ends with fsync. The model's outputs are copied normals, so that
//! hardly anything but writing takes time: a sampler that computes more waits less.

use catena::io::{CsvWriter, Writer};
use catena::model::{Density, Refusal, Task, WorkerError};
use catena::services::{SampleIo, SampleOptions, sample_fixed_param};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

const CHAINS: usize = 8;
const OUTPUTS: usize = 1000;
const DRAWS: usize = 3000;
const THREADS: usize = 2;
const ROUNDS: usize = 3;
/// CmdStan's default.
const SIG_FIGS: u32 = 6;
/// Bytes of one plain write.
const BLOCK: usize = 1 << 20;

/// Outputs without coordinates.
struct Outputs(Vec<f64>);

impl Density for Outputs {
    type Worker = ();

    fn dim(&self) -> usize {
        0
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, _: &[f64], _: &mut [f64]) -> Result<f64, Refusal> {
        Ok(0.0)
    }

    fn output_names(&self) -> Vec<String> {
        (1..=OUTPUTS).map(|i| format!("y.{i}")).collect()
    }

    fn constrain(&self, _: &mut (), task: &mut Task<'_>, _: &[f64], outputs: &mut [f64]) -> Result<(), Refusal> {
        let start = (task.random().bits() % self.0.len() as u64) as usize;
        for (i, out) in outputs.iter_mut().enumerate() {
            *out = self.0[(start + i) % self.0.len()];
        }
        Ok(())
    }
}

/// Seconds until all is on the disk.
fn run(writers: Vec<Box<dyn Writer>>, paths: &[PathBuf]) -> f64 {
    let mut stream = catena::random::Stream::new(1, 1, catena::random::Purpose::Model);
    let model = Outputs((0..100_003).map(|_| stream.normal()).collect());
    let options =
        SampleOptions { num_chains: CHAINS, num_samples: DRAWS, num_threads: THREADS, ..SampleOptions::stan() };
    let mut writers = writers;
    let start = Instant::now();
    let sample_writers = writers.iter_mut().map(|w| &mut **w as &mut dyn Writer).collect();
    let io = SampleIo { sample_writers, ..Default::default() };
    sample_fixed_param(&model, &options, io).unwrap().status().unwrap();
    sync(paths);
    start.elapsed().as_secs_f64()
}

fn sync(paths: &[PathBuf]) {
    paths.iter().for_each(|path| File::open(path).unwrap().sync_all().unwrap());
}

fn paths(folder: &Path, extension: &str) -> Vec<PathBuf> {
    (1..=CHAINS).map(|id| folder.join(format!("output_{id}.{extension}"))).collect()
}

/// Writes the files' bytes to other files, as many at once as the run has threads.
fn plain(folder: &Path, paths: &[PathBuf]) -> f64 {
    let bytes: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let copies: Vec<PathBuf> = self::paths(folder, "copy");
    let start = Instant::now();
    std::thread::scope(|scope| {
        for (bytes, copies) in bytes.chunks(CHAINS / THREADS).zip(copies.chunks(CHAINS / THREADS)) {
            scope.spawn(move || {
                for (bytes, copy) in bytes.iter().zip(copies) {
                    let mut file = File::create(copy).unwrap();
                    bytes.chunks(BLOCK).for_each(|block| file.write_all(block).unwrap());
                }
            });
        }
    });
    sync(&copies);
    let took = start.elapsed().as_secs_f64();
    copies.iter().for_each(|path| fs::remove_file(path).unwrap());
    took
}

fn measure(folder: &Path, extension: &str, make: impl Fn(usize, &Path) -> Box<dyn Writer>) {
    let paths = paths(folder, extension);
    for _ in 0..ROUNDS {
        let writers = paths.iter().enumerate().map(|(i, path)| make(i, path)).collect();
        let ours = run(writers, &paths);
        let size: u64 = paths.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        let peer = plain(folder, &paths);
        let rate = |seconds: f64| size as f64 / seconds / 1e6;
        println!(
            "{extension:5} {:6.0} MB: run {:6.0} MB/s, plain writes {:6.0} MB/s, ratio {:.2}",
            size as f64 / 1e6,
            rate(ours),
            rate(peer),
            peer / ours
        );
        paths.iter().for_each(|path| fs::remove_file(path).unwrap());
    }
}

fn main() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("writers");
    fs::create_dir_all(&folder).unwrap();
    measure(&folder, "csv", |_, path| Box::new(CsvWriter::create(path, SIG_FIGS).unwrap()));
    #[cfg(feature = "arrow")]
    measure(&folder, "arrow", |i, path| Box::new(catena::io::ArrowWriter::new(path, i as u64 + 1).unwrap()));
    let nothing = run((0..CHAINS).map(|_| Box::new(catena::io::NullWriter) as Box<dyn Writer>).collect(), &[]);
    println!("without writing the run takes {nothing:.2} s");
}
