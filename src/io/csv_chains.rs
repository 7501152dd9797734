use super::{Adapted, CutOff, STAGE_COLUMNS, StanCsv};
use crate::error::{Code, Error};
use crate::particles::blocks::{Blocks, Serial};
use std::io::Read;
use std::path::Path;

/// What an Arrow IPC file begins with.
const ARROW: &[u8; 6] = b"ARROW1";

/// The draws after warm-up of several chains, from one file each: Stan CSV, or Arrow as `ArrowWriter` writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvChains {
    chains: usize,
    draws: usize,
    lengths: Vec<usize>,
    cut_off: Vec<(usize, CutOff)>,
    names: Vec<String>,
    values: Vec<f64>,
    max_depth: Option<u32>,
    settings: Vec<(String, String)>,
    runs: Vec<ChainRun>,
}

/// What a chain's file says of its run, beside the draws.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainRun {
    /// What adaptation ended with.
    pub adapted: Option<Adapted>,
    /// Seconds of warm-up and of sampling.
    pub elapsed: Option<[f64; 2]>,
    /// The step size of each warm-up iteration that was saved.
    pub warmup_step_sizes: Vec<f64>,
    /// The stages of a set of particles ([`StanCsv::stages`]).
    pub stages: Vec<[f64; STAGE_COLUMNS.len()]>,
}

impl ChainRun {
    fn of(file: &StanCsv) -> Self {
        let columns = file.names().len();
        let warmup = &file.values()[..file.warmup_rows() * columns];
        let step_sizes = file.names().iter().position(|name| name == "stepsize__");
        let warmup_step_sizes =
            step_sizes.map(|at| warmup.chunks_exact(columns).map(|row| row[at]).collect()).unwrap_or_default();
        let (adapted, stages) = (file.adapted().cloned(), file.stages().to_vec());
        Self { adapted, elapsed: file.elapsed(), warmup_step_sizes, stages }
    }
}

/// The rows of one chain's file: Stan CSV, or Arrow, by what it begins with.
///
/// # Errors
/// As [`StanCsv::from_file`], or an Arrow file that cannot be read.
pub fn read_chain(path: &Path) -> Result<StanCsv, Error> {
    if !path.is_file() {
        // A pipe gives each byte once.
        return StanCsv::from_file(path);
    }
    let mut first = [0; ARROW.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut first));
    if read.is_err() || first != *ARROW {
        return StanCsv::from_file(path);
    }
    #[cfg(feature = "arrow")]
    return super::arrow::read(path);
    #[cfg(not(feature = "arrow"))]
    return Err(Error::new(
        Code::Io,
        format!("Arrow file '{}': this build was made without the feature 'arrow'", path.display()),
    ));
}

impl CsvChains {
    /// Reads one file per chain. Chains that have more draws than the shortest (one was ended early) are cut to its length.
    ///
    /// # Errors
    /// As [`StanCsv::from_file`], or an Arrow file that cannot be read; no file; files of different columns, or one without a
    /// draw.
    pub fn from_files<P: AsRef<Path> + Sync>(paths: &[P]) -> Result<Self, Error> {
        Self::read(paths, &Serial)
    }

    /// As [`CsvChains::from_files`], the files read by the threads that `blocks` has.
    ///
    /// # Errors
    /// As [`CsvChains::from_files`].
    pub fn read<P: AsRef<Path> + Sync>(paths: &[P], blocks: &impl Blocks) -> Result<Self, Error> {
        let mut files: Vec<Option<StanCsv>> = vec![None; paths.len()];
        let read = |_: &mut (), (place, path): (&mut Option<StanCsv>, &P)| {
            *place = Some(read_chain(path.as_ref())?);
            Ok(())
        };
        blocks.for_each(files.iter_mut().zip(paths), || Ok(()), read)?;
        let files: Vec<StanCsv> = files.into_iter().flatten().collect();
        let Some(first) = files.first() else { return Err(Error::argument("files", "at least one file", "none")) };
        for (file, path) in files.iter().zip(paths) {
            let fail = |what: String| Err(Error::new(Code::Io, format!("file '{}': {what}", path.as_ref().display())));
            if first.names() != file.names() {
                let at = first.names().iter().zip(file.names()).position(|(a, b)| a != b);
                let expected =
                    at.map_or(format!("{} columns", first.names().len()), |i| format!("'{}'", first.names()[i]));
                let got = at.map_or(format!("{} columns", file.names().len()), |i| format!("'{}'", file.names()[i]));
                let first = paths[0].as_ref().display();
                return fail(format!("its columns are not those of '{first}': expected {expected}, got {got}"));
            }
            if file.draws().is_empty() {
                return fail("it has no draws after warm-up".into());
            }
        }
        Ok(Self::join(files))
    }

    fn join(files: Vec<StanCsv>) -> Self {
        let names = files[0].names().to_vec();
        let columns = names.len();
        let lengths: Vec<usize> = files.iter().map(|f| f.draws().len() / columns).collect();
        let draws = lengths.iter().copied().min().unwrap_or(0);
        let max_depth = files[0].setting("max_depth").and_then(|d| d.parse().ok());
        let cut_off = files.iter().enumerate().filter_map(|(i, f)| Some((i, f.cut_off()?))).collect();
        let chains = files.len();
        let settings = files[0].settings().to_vec();
        let runs = files.iter().map(ChainRun::of).collect();
        let mut values = Vec::with_capacity(chains * draws * columns);
        // Each file's memory is freed once it was copied.
        files.into_iter().for_each(|f| values.extend_from_slice(&f.draws()[..draws * columns]));
        Self { chains, draws, lengths, cut_off, names, values, max_depth, settings, runs }
    }

    /// Number of chains.
    pub fn chains(&self) -> usize {
        self.chains
    }

    /// Draws of each chain.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// Draws of longer chains that are not among [`CsvChains::values`].
    pub fn left_out(&self) -> usize {
        self.lengths.iter().map(|n| n - self.draws).sum()
    }

    /// Draws that each file has.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The files, counted from 0, that do not end whole, each with what was left out.
    pub fn cut_off(&self) -> &[(usize, CutOff)] {
        &self.cut_off
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// chains × draws × columns.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The largest depth that the run of the first file allowed, where that file says so.
    pub fn max_depth(&self) -> Option<u32> {
        self.max_depth
    }

    /// The options of the first file's run, in the order of its comments.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// What each file says of its run.
    pub fn runs(&self) -> &[ChainRun] {
        &self.runs
    }
}
