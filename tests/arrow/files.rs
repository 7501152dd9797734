//! Arrow files of runs. What other readers make of them: tests/ecosystem/arrow.py.

use crate::common::Correlated;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_ipc::reader::{FileReader, StreamReader};
use catena::io::{ArrowWriter, CsvChains, CsvWriter, CutOff, TableWriter, Writer, read_chain};
use catena::services::{SampleIo, SampleOptions, SampleReport, sample_nuts};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const CHAINS: usize = 3;

fn options(num_samples: usize) -> SampleOptions {
    SampleOptions { num_chains: CHAINS, num_warmup: 100, num_samples, seed: 9, refresh: 0, ..SampleOptions::stan() }
}

fn run(writers: &mut [ArrowWriter], options: &SampleOptions, checkpoints: &[Vec<u8>]) -> SampleReport {
    let model = Correlated { dim: 3, rho: 0.5 };
    let io = SampleIo {
        sample_writers: writers.iter_mut().map(|w| w as &mut dyn Writer).collect(),
        checkpoints: checkpoints.iter().map(Vec::as_slice).collect(),
        ..SampleIo::default()
    };
    let report = sample_nuts(&model, options, io).unwrap();
    report.status().unwrap();
    report
}

fn paths(stem: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    (1..=CHAINS).map(|id| folder.join(format!("{stem}_{id}.arrow"))).collect()
}

fn writers(paths: &[PathBuf]) -> Vec<ArrowWriter> {
    paths.iter().enumerate().map(|(i, path)| ArrowWriter::new(path, i as u64 + 1).unwrap()).collect()
}

/// Columns as doubles, by name, and the numbers of rows of the batches.
fn read(path: &Path) -> (Vec<(String, Vec<f64>)>, Vec<usize>) {
    let reader = FileReader::try_new(File::open(path).unwrap(), None).unwrap();
    let mut columns: Vec<(String, Vec<f64>)> =
        reader.schema().fields().iter().map(|f| (f.name().clone(), Vec::new())).collect();
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        batches.push(batch.num_rows());
        for (column, (name, values)) in batch.columns().iter().zip(&mut columns) {
            match name.as_str() {
                "chain" | "draw" | "treedepth__" | "n_leapfrog__" => {
                    values.extend(column.as_primitive::<Int64Type>().values().iter().map(|&v| v as f64))
                }
                "divergent__" => values.extend(column.as_boolean().iter().map(|v| f64::from(u8::from(v.unwrap())))),
                _ => values.extend(column.as_primitive::<Float64Type>().values()),
            }
        }
    }
    (columns, batches)
}

#[test]
fn a_run_as_files() {
    let (paths, options) = (paths("run"), options(1500));
    run(&mut writers(&paths), &options, &[]);
    let mut tables: Vec<TableWriter> = (0..CHAINS).map(|_| TableWriter::new()).collect();
    let io =
        SampleIo { sample_writers: tables.iter_mut().map(|t| t as &mut dyn Writer).collect(), ..SampleIo::default() };
    sample_nuts(&Correlated { dim: 3, rho: 0.5 }, &options, io).unwrap();
    for (chain, (path, table)) in paths.iter().zip(&tables).enumerate() {
        let (columns, batches) = read(path);
        assert_eq!(batches, [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 476]);
        assert!(columns[0].1.iter().all(|&c| c == chain as f64 + 1.0));
        assert!(columns[1].1.iter().zip(1..).all(|(&d, i)| d == f64::from(i)));
        assert_eq!((columns[0].0.as_str(), columns[1].0.as_str()), ("chain", "draw"));
        for (name, values) in &columns[2..] {
            let expected = table.column(name).unwrap();
            assert_eq!(values.len(), expected.len());
            assert!(values.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()), "{name}");
        }
        let reader = FileReader::try_new(File::open(path).unwrap(), None).unwrap();
        let messages = &reader.custom_metadata()["catena.messages"];
        assert!(
            messages.starts_with("Adaptation terminated\nStep size = ") && messages.contains("(Total)"),
            "{messages}"
        );
    }
}

#[test]
fn a_file_that_was_never_finished_is_read_as_a_stream() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("killed.arrow");
    let mut writer = ArrowWriter::new(&path, 7).unwrap();
    writer.names(&["lp__".into(), "x".into()]).unwrap();
    for i in 0..1500 {
        writer.row(&[-1.0, f64::from(i)]).unwrap();
    }
    // As if the process had been killed here.
    std::mem::forget(writer);
    let mut file = File::open(&path).unwrap();
    file.read_exact(&mut [0; 8]).unwrap();
    let mut rows = 0;
    for batch in StreamReader::try_new(file, None).unwrap() {
        let Ok(batch) = batch else { break };
        let values = batch.column(3).as_primitive::<Float64Type>().values().to_vec();
        assert!(values.iter().zip(rows..).all(|(&v, i)| v == f64::from(i)));
        rows += values.len() as i32;
    }
    assert_eq!(rows, 1024);
}

#[test]
fn a_resumed_chain_goes_on_in_a_new_file() {
    let whole = paths("whole");
    run(&mut writers(&whole), &options(300), &[]);
    let (first, second) = (paths("first"), paths("second"));
    let part = run(&mut writers(&first), &SampleOptions { max_evaluations: 1200, ..options(300) }, &[]);
    let checkpoints: Vec<Vec<u8>> = part.chains.iter().map(|c| c.checkpoint.clone().unwrap()).collect();
    run(&mut writers(&second), &options(300), &checkpoints);
    for ((whole, first), second) in whole.iter().zip(&first).zip(&second) {
        let (whole, first, second) = (read(whole).0, read(first).0, read(second).0);
        assert!(!first[0].1.is_empty() && !second[0].1.is_empty());
        for ((whole, first), second) in whole.iter().zip(&first).zip(&second) {
            assert_eq!(whole.1, [first.1.clone(), second.1.clone()].concat(), "{}", whole.0);
        }
    }
}

#[test]
fn bad_names_places_and_ids() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bad.arrow");
    let error = ArrowWriter::new(&path, 1).unwrap().names(&["draw".into()]).unwrap_err();
    assert!(error.to_string().contains("an output named 'draw'"), "{error}");
    let error = ArrowWriter::new("no/such/folder/a.arrow", 1).err().unwrap();
    assert!(error.to_string().contains("no/such/folder/a.arrow"), "{error}");
    assert_eq!(ArrowWriter::new(&path, u64::MAX).err().unwrap().argument_name(), Some("chain_id"));
    assert_eq!(ArrowWriter::new(&path, 0).err().unwrap().argument_name(), Some("chain_id"));
    assert!(ArrowWriter::new(&path, 1).unwrap().row(&[1.0]).is_err());
}

/// What was written is read back: draws, what adaptation ended with, and which rows are of warm-up.
#[test]
fn files_are_read_back() {
    let (arrow, csv) = (paths("back"), paths("back_csv"));
    let options = SampleOptions { save_warmup: true, ..options(60) };
    let _ = run(&mut writers(&arrow), &options, &[]);
    let mut csvs: Vec<CsvWriter<_>> = csv.iter().map(|path| CsvWriter::create(path, 0).unwrap()).collect();
    let io =
        SampleIo { sample_writers: csvs.iter_mut().map(|w| w as &mut dyn Writer).collect(), ..SampleIo::default() };
    sample_nuts(&Correlated { dim: 3, rho: 0.5 }, &options, io).unwrap().status().unwrap();
    drop(csvs);
    let (from_arrow, from_csv) = (CsvChains::from_files(&arrow).unwrap(), CsvChains::from_files(&csv).unwrap());
    assert_eq!((from_arrow.chains(), from_arrow.draws(), from_arrow.names()), (CHAINS, 60, from_csv.names()));
    assert_eq!(from_arrow.values(), from_csv.values());
    for (a, b) in from_arrow.runs().iter().zip(from_csv.runs()) {
        assert_eq!((&a.adapted, &a.warmup_step_sizes), (&b.adapted, &b.warmup_step_sizes));
        assert!(a.adapted.is_some() && a.warmup_step_sizes.len() == 100);
    }
    // One that was cut off has its whole batches.
    let bytes = std::fs::read(&arrow[0]).unwrap();
    std::fs::write(&arrow[0], &bytes[..bytes.len() / 2]).unwrap();
    let part = CsvChains::from_files(&arrow[..1]).unwrap();
    assert!(part.draws() > 20 && part.draws() < 160);
    std::fs::write(&arrow[0], b"ARROW1 and no more").unwrap();
    let error = CsvChains::from_files(&arrow).unwrap_err().to_string();
    assert!(error.contains("Arrow file") && error.contains("back_1.arrow"), "{error}");
}

/// Sizes in a file are not taken on trust: whatever its bytes are it is read or refused, and what is cut off is told.
#[test]
fn damaged_files_are_read_or_refused() {
    const DRAWS: usize = 8;
    let paths = paths("damaged");
    run(&mut writers(&paths), &options(DRAWS), &[]);
    let (good, path) = (std::fs::read(&paths[0]).unwrap(), &paths[1]);
    let rows = |bytes: &[u8]| {
        std::fs::write(path, bytes).unwrap();
        read_chain(path).ok().map(|file| (file.rows(), file.cut_off()))
    };
    assert_eq!(rows(&good), Some((DRAWS, None)));
    let mut refused = 0;
    for at in (0..good.len()).step_by(5) {
        let mut bytes = good.clone();
        bytes[at] ^= [0x01, 0x80, 0xff, 0x40][at % 4];
        let read = rows(&bytes);
        assert!(read.is_none_or(|(rows, _)| rows <= DRAWS), "byte {at}: {read:?}");
        refused += usize::from(read.is_none());
    }
    assert!(refused > 10, "{refused} of {} are refused", good.len());
    let batches = read(&paths[0]).1.len();
    let mut whole = 0;
    // Messages end at multiples of 8.
    for length in (0..good.len()).step_by(4) {
        match rows(&good[..length]) {
            Some((rows, None)) => whole = rows,
            Some((rows, Some(at))) => assert_eq!((rows, at), (whole, CutOff::Row(whole + 1)), "{length} bytes"),
            None => assert!(length < good.len() / 2, "{length} bytes of {}", good.len()),
        }
    }
    assert!(batches == 4 && whole == DRAWS);
}
