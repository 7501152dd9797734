use super::StanCsv;
use crate::error::{Code, Error};
use std::path::Path;

/// The draws after warm-up of several chains, from one file each.
#[derive(Debug, Clone, PartialEq)]
pub struct CsvChains {
    chains: usize,
    draws: usize,
    left_out: usize,
    names: Vec<String>,
    values: Vec<f64>,
    max_depth: Option<u32>,
}

impl CsvChains {
    /// Reads one file per chain. Chains that have more draws than the shortest (one was ended early) are cut to its length.
    ///
    /// # Errors
    /// As [`StanCsv::from_file`]; no file; files of different columns, or one without a draw.
    pub fn from_files<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Error> {
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let file = StanCsv::from_file(path)?;
            let fail =
                |what: String| Err(Error::new(Code::Io, format!("CSV file '{}': {what}", path.as_ref().display())));
            if file.draws().is_empty() {
                return fail("it has no draws after warm-up".into());
            }
            let first: &StanCsv = files.first().unwrap_or(&file);
            if first.names() != file.names() {
                let at = first.names().iter().zip(file.names()).position(|(a, b)| a != b);
                let expected =
                    at.map_or(format!("{} columns", first.names().len()), |i| format!("'{}'", first.names()[i]));
                let got = at.map_or(format!("{} columns", file.names().len()), |i| format!("'{}'", file.names()[i]));
                let first = paths[0].as_ref().display();
                return fail(format!("its columns are not those of '{first}': expected {expected}, got {got}"));
            }
            files.push(file);
        }
        Self::join(files).ok_or_else(|| Error::argument("files", "at least one file", "none"))
    }

    fn join(files: Vec<StanCsv>) -> Option<Self> {
        let columns = files.first()?.names().len();
        let lengths = || files.iter().map(|f| f.draws().len() / columns);
        let (draws, all) = (lengths().min()?, lengths().sum::<usize>());
        let values = files.iter().flat_map(|f| &f.draws()[..draws * columns]).copied().collect();
        let depth = files[0].setting("max_depth").and_then(|d| d.parse().ok());
        Some(Self {
            chains: files.len(),
            draws,
            left_out: all - draws * files.len(),
            names: files[0].names().to_vec(),
            values,
            max_depth: depth,
        })
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
        self.left_out
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
}
