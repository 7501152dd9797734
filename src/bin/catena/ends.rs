//! The ends of another run's chains, from its files, where chains begin.

use crate::failure::Failure;
use crate::kept::{Kept, file_bytes};
use crate::settings::Settings;
use crate::tree::{FROM, INIT};
use catena::Error;
use catena::io::{input_files, read_adapted, read_chain};
use catena::model::{InitContext, NoInit, is_sealed, open};
use catena::services::{GivenPoint, SampleOptions, WarmStart};
use std::path::Path;

/// Where each chain begins; nothing where chains begin anew.
#[derive(Default)]
pub struct Ends {
    starts: Vec<WarmStart>,
    /// The last draws of files that have them on the constrained scale.
    rows: Vec<Option<GivenPoint>>,
}

impl Ends {
    /// Reads the files: a run's CSV (its last draw, step size and metric), a metric as JSON (without a position) or a
    /// checkpoint, told apart by how they begin. Where initial values are given, the ends have no positions.
    pub fn read(settings: &Settings, options: &SampleOptions) -> Result<Self, Failure> {
        let (name, mut ends) = (settings.file(FROM), Self::default());
        if name.is_empty() {
            return Ok(ends);
        }
        for path in input_files(FROM, name, options.init_chain_id, options.num_chains)? {
            let (mut start, row) = one(&path)
                .map_err(|e| Failure::config(format!("argument '{FROM}': '{}': {}", path.display(), e.message())))?;
            if settings.is_given(INIT) {
                start.position.clear();
            }
            ends.starts.push(start);
            ends.rows.push(row);
        }
        Ok(ends)
    }

    /// For a run.
    pub fn starts(&self) -> Vec<Option<WarmStart>> {
        self.starts.iter().cloned().map(Some).collect()
    }

    /// One context per chain where some file has a draw, or none.
    pub fn contexts(&self) -> Vec<&dyn InitContext> {
        if self.rows.iter().all(Option::is_none) {
            return Vec::new();
        }
        self.rows.iter().map(|row| row.as_ref().map_or(&NoInit as &dyn InitContext, |row| row)).collect()
    }
}

fn one(path: &Path) -> Result<(WarmStart, Option<GivenPoint>), Error> {
    let bytes = file_bytes(path).map_err(|e| Error::argument(FROM, "a file that can be read", e))?;
    if is_sealed(&bytes) {
        let kept: Kept = open(&bytes)?;
        return Ok((WarmStart::from_checkpoint(kept.latest())?, None));
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        let (stepsize, metric, inv_metric) = read_adapted(&String::from_utf8_lossy(&bytes))?;
        return Ok((WarmStart { position: Vec::new(), stepsize, metric, inv_metric }, None));
    }
    let csv = read_chain(path)?;
    let adapted =
        csv.adapted().ok_or_else(|| Error::argument(FROM, "a file with the step size and metric of a run", "none"))?;
    let last = csv.draws().chunks(csv.names().len()).last();
    let last = last.ok_or_else(|| Error::argument(FROM, "a file with draws after warm-up", "none"))?;
    let (metric, inv_metric) = adapted.metric();
    let start = WarmStart { position: Vec::new(), stepsize: adapted.stepsize, metric, inv_metric };
    Ok((start, Some(GivenPoint::new(csv.names(), last)?)))
}
