//! Files of a run: Stan CSV with the run's settings at the head.

use crate::common::sig_figs;
use crate::failure::Failure;
use crate::settings::Settings;
use catena::io::{CsvFile, CsvWriter, Writer};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of CmdStan whose layout the files have; readers go by it.
const LAYOUT: [(&str, u32); 3] = [("major", 2), ("minor", 35), ("patch", 0)];

/// One file per chain.
pub type Csv = CsvWriter<CsvFile>;

/// The head of one chain's files: that of a run of this chain alone, so that the files of one run of many chains are those
/// of many runs of one.
pub struct Head<'a> {
    pub settings: &'a Settings,
    pub library: &'a str,
    pub chain_id: u64,
}

impl Head<'_> {
    /// Makes the file and writes its head; `changed` are settings in which this chain's own run differs.
    pub fn create(&self, path: &Path, changed: &[(&str, &str)]) -> Result<Csv, Failure> {
        let mut settings = self.settings.clone();
        settings.set("id", self.chain_id.to_string());
        settings.set("sample num_chains", "1".into());
        settings.set("generate_quantities num_chains", "1".into());
        for (argument, value) in changed {
            settings.set(argument, value.to_string());
        }
        let mut csv = CsvWriter::create(path, sig_figs(&settings))?;
        for (part, number) in LAYOUT {
            csv.comment(&format!("stan_version_{part} = {number}"))?;
        }
        csv.comment(&format!("model = {}", model_name(self.library)))?;
        csv.comment(&format!("start_datetime = {}", utc(SystemTime::now())))?;
        for line in settings.lines() {
            csv.comment(&line)?;
        }
        csv.comment(concat!("catena_version = ", env!("CARGO_PKG_VERSION")))?;
        Ok(csv)
    }
}

/// What chain number `place` takes of an argument that may be a list.
pub fn of_chain(text: &str, place: usize) -> &str {
    if text.contains(',') { text.split(',').nth(place).unwrap_or(text) } else { text }
}

/// One writer per chain as a run borrows them.
pub fn borrow(files: &mut [Csv]) -> Vec<&mut dyn Writer> {
    files.iter_mut().map(|f| f as &mut dyn Writer).collect()
}

/// No two files may be the same.
pub fn check_distinct(lists: &[(&str, &[PathBuf])]) -> Result<(), Failure> {
    let all: Vec<(&str, &PathBuf)> =
        lists.iter().flat_map(|(argument, paths)| paths.iter().map(move |p| (*argument, p))).collect();
    for (i, (argument, path)) in all.iter().enumerate() {
        if let Some((other, _)) = all[..i].iter().find(|(_, p)| p == path) {
            let path = path.display();
            return Err(Failure::usage(format!(
                "argument '{argument}': expected files of its own, got '{path}', which '{other}' has"
            )));
        }
    }
    Ok(())
}

/// `bernoulli_model` for `some/where/bernoulli_model.so`.
fn model_name(library: &str) -> String {
    Path::new(library).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// As CmdStan writes a time: `2024-07-20 12:00:01 UTC`.
fn utc(time: SystemTime) -> String {
    const DAY: u64 = 86_400;
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil(seconds / DAY);
    let rest = seconds % DAY;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Year, month and day of a number of days after 1970-01-01 (Hinnant, "chrono-Compatible Low-Level Date Algorithms":
/// eras of 400 years that begin on 1 March of year 0).
fn civil(days: u64) -> (u64, u64, u64) {
    const TO_EPOCH: u64 = 719_468;
    const ERA: u64 = 146_097;
    let shifted = days + TO_EPOCH;
    let (era, day_of_era) = (shifted / ERA, shifted % ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(at(951_827_696), "2000-02-29 12:34:56 UTC");
        assert_eq!(at(1_721_476_801), "2024-07-20 12:00:01 UTC");
        assert_eq!(at(4_107_542_399), "2100-02-28 23:59:59 UTC");
        assert_eq!(at(4_107_542_400), "2100-03-01 00:00:00 UTC");
    }

    #[test]
    fn names_of_lists_and_models() {
        assert_eq!((of_chain("a,b", 1), of_chain("a", 1)), ("b", "a"));
        assert_eq!(model_name("some/where/bernoulli_model.so"), "bernoulli_model");
    }
}
