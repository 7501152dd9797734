//! Reads Stan's CSV, as [`CsvWriter`](super::CsvWriter), the command `catena` and CmdStan write it.

use super::CutOff;
use super::text::text;
use crate::adapt::{LowRank, MetricKind};
use crate::error::{Code, Error};
use std::path::Path;

/// The heading of the stages of a set of particles, which the names of their numbers follow, and each stage on a line.
pub const STAGES: &str = "Stages: ";
/// What is told of a stage: the way behind it, the effective sample size before particles were resampled, how many different
/// ones they stem from afterwards, the log evidence so far, acceptance and step size of the moves.
pub const STAGE_COLUMNS: [&str; 6] = ["way", "ess", "ancestors", "log_evidence", "acceptance", "stepsize"];
/// Where a table that has no lines between its rows says how many of them are of warm-up.
#[cfg(feature = "arrow")]
pub(super) const WARMUP_ROWS: &str = "Rows of warm-up = ";
/// The line about adaptation that follows warm-up begins so.
pub(super) const STEP_SIZE: &str = "Step size =";

/// What a chain's adaptation ended with.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapted {
    /// The step size.
    pub stepsize: f64,
    /// The inverse metric: empty (unit), a row of variances (diag), or the rows of a matrix one after the other (dense).
    pub inv_metric: Vec<f64>,
    /// Number of rows of the inverse metric as written: 0 (unit), 1 (diag) or the dimension (dense).
    pub metric_rows: usize,
    /// Variances along directions of the scaled coordinates, and then the directions; `None`: the metric is no low-rank one,
    /// of which `inv_metric` has the diagonal.
    pub directions: Option<(Vec<f64>, Vec<f64>)>,
}

impl Adapted {
    /// The shape of the inverse metric, and its numbers as a run takes them.
    pub fn metric(&self) -> (MetricKind, Vec<f64>) {
        match &self.directions {
            Some((values, vectors)) => {
                let (variances, values, vectors) = (self.inv_metric.clone(), values.clone(), vectors.clone());
                (MetricKind::LowRank, LowRank { variances, values, vectors }.to_numbers())
            }
            None => {
                let kind = match self.metric_rows {
                    0 => MetricKind::Unit,
                    1 => MetricKind::Diag,
                    _ => MetricKind::Dense,
                };
                (kind, self.inv_metric.clone())
            }
        }
    }
}

/// One file: one chain's options, columns and rows.
#[derive(Debug, Clone, PartialEq)]
pub struct StanCsv {
    settings: Vec<(String, String)>,
    names: Vec<String>,
    values: Vec<f64>,
    warmup_rows: usize,
    adapted: Option<Adapted>,
    elapsed: Option<[f64; 2]>,
    stages: Vec<[f64; STAGE_COLUMNS.len()]>,
    cut_off: Option<CutOff>,
}

impl StanCsv {
    /// Reads a file. A last line without an end is what was left when the process that wrote it was killed: it is left out
    /// ([`StanCsv::cut_off`]).
    ///
    /// # Errors
    /// [`Code::Io`] with the line when the file is not Stan CSV: empty, no line of names, a row of another length, a cell that
    /// is no number.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let origin = format!("CSV file '{}'", path.display());
        Self::parse(&text(path, &origin)?, &origin)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As [`StanCsv::from_file`].
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::parse(text, "CSV text")
    }

    fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        // Editors may leave a mark before the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::default();
        let fail = |line: usize, what: String| Error::new(Code::Io, format!("{origin}, line {line}: {what}"));
        // Numbers as read, and a comma each.
        const CELL: usize = 8;
        reader.values.reserve(text.len() / CELL);
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut last = 0;
        for (line, content) in (1..).zip(text[..whole].lines()) {
            reader.line(content).map_err(|what| fail(line, what))?;
            last = line;
        }
        let cut_off = (whole < text.len()).then_some(last + 1);
        if reader.names.is_empty() {
            let what = match cut_off {
                None if text.is_empty() => "an empty file",
                None => "the end of the file",
                Some(_) => "a line without an end: the file was cut off here",
            };
            return Err(fail(last + 1, format!("expected a line with the names of the columns, got {what}")));
        }
        Ok(StanCsv { cut_off: cut_off.map(CutOff::Line), ..reader.finish() })
    }

    /// Of a table that was read otherwise, and the messages to its writer: those before the names, and the others.
    #[cfg(feature = "arrow")]
    pub(super) fn of_rows(names: Vec<String>, values: Vec<f64>, said: [&[String]; 2], is_cut_off: bool) -> Self {
        let [head, messages] = said;
        let counted = messages.iter().find_map(|line| line.strip_prefix(WARMUP_ROWS)?.parse().ok());
        let has_adapted = || messages.iter().any(|line| line.starts_with(STEP_SIZE));
        let mut reader = Reader::default();
        // What is no line of ours says nothing.
        head.iter().for_each(|line| drop(reader.comment(line.trim())));
        let rows = values.len() / names.len().max(1);
        // Without a count there was none, or the run was ended in warm-up or killed: then the settings tell.
        let warmup = counted.or((has_adapted() || head.is_empty()).then_some(0));
        reader = Reader { names, values, rows, rows_before_adapted: warmup, ..reader };
        messages.iter().for_each(|line| drop(reader.comment(line)));
        StanCsv { cut_off: is_cut_off.then_some(CutOff::Row(rows + 1)), ..reader.finish() }
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All rows, warm-up first, one after the other; each as long as the names.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of rows, warm-up included.
    pub fn rows(&self) -> usize {
        self.values.len() / self.names.len()
    }

    /// How many of the rows are of warm-up.
    pub fn warmup_rows(&self) -> usize {
        self.warmup_rows
    }

    /// The rows after warm-up.
    pub fn draws(&self) -> &[f64] {
        &self.values[self.warmup_rows * self.names.len()..]
    }

    /// The option `name` of the run, such as `num_samples`, from the comments before the names; the first, where several
    /// groups have one of that name.
    pub fn setting(&self, name: &str) -> Option<&str> {
        setting(&self.settings, name)
    }

    /// All options of the run, in the order of the comments before the names.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// What adaptation ended with, where the file says so.
    pub fn adapted(&self) -> Option<&Adapted> {
        self.adapted.as_ref()
    }

    /// What was left out at the end, where the file does not end whole.
    pub fn cut_off(&self) -> Option<CutOff> {
        self.cut_off
    }

    /// The stages of a set of particles, each with the numbers of [`STAGE_COLUMNS`]; empty for chains.
    pub fn stages(&self) -> &[[f64; STAGE_COLUMNS.len()]] {
        &self.stages
    }

    /// Seconds of warm-up and of sampling, where the file says so.
    pub fn elapsed(&self) -> Option<[f64; 2]> {
        self.elapsed
    }
}

fn setting<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
    settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What the comment lines that come next belong to.
#[derive(Default, PartialEq)]
enum Block {
    #[default]
    None,
    /// Lines of numbers, after their heading.
    Metric,
    /// A line of variances along directions, then a line of numbers for each.
    Directions,
    /// Lines of numbers, one per stage of a set of particles, after their heading.
    Stages,
}

#[derive(Default)]
struct Reader {
    settings: Vec<(String, String)>,
    names: Vec<String>,
    values: Vec<f64>,
    rows: usize,
    block: Block,
    adapted: Option<Adapted>,
    /// A low-rank metric's variances along directions and the directions, which come before the other lines about it.
    directions: Option<(Vec<f64>, Vec<f64>)>,
    /// Rows before the lines about adaptation, which follow warm-up.
    rows_before_adapted: Option<usize>,
    elapsed: [Option<f64>; 2],
    stages: Vec<[f64; STAGE_COLUMNS.len()]>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(comment) = line.strip_prefix('#') {
            return self.comment(comment.trim());
        }
        self.block = Block::None;
        if self.names.is_empty() {
            return self.header(line);
        }
        let expected = self.names.len();
        let mut count = 0;
        for cell in line.split(',') {
            count += 1;
            let value = number(cell).ok_or_else(|| {
                let column = self.names.get(count - 1).map_or(String::new(), |name| format!(" in column '{name}'"));
                format!("expected a number{column}, got '{}'", cell.trim())
            })?;
            self.values.push(value);
        }
        self.rows += 1;
        if count == expected { Ok(()) } else { Err(format!("expected {expected} cells, got {count}")) }
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        let names: Vec<String> = line.split(',').map(|n| n.trim().trim_matches('"').to_string()).collect();
        // A name may be that of a number: inf, nan, infinity.
        let is_figure = |name: &str| name.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        if names.iter().any(|n| n.is_empty() || is_figure(n)) {
            return Err("expected the names of the columns".into());
        }
        self.names = names;
        Ok(())
    }

    fn comment(&mut self, text: &str) -> Result<(), String> {
        if self.names.is_empty() {
            if let Some((key, value)) = text.split_once('=') {
                let value = value.trim().trim_end_matches("(Default)").trim();
                self.settings.push((key.trim().to_string(), value.to_string()));
            }
            return Ok(());
        }
        if self.block == Block::Directions && self.direction(text) {
            return Ok(());
        }
        if self.block == Block::Metric {
            if let Some(row) = text.split(',').map(number).collect::<Option<Vec<f64>>>() {
                if let Some(adapted) = &mut self.adapted {
                    let wide = adapted.inv_metric.len() / adapted.metric_rows.max(1);
                    if adapted.metric_rows > 0 && row.len() != wide {
                        return Err(format!("expected a row of {wide} numbers of the metric, got {}", row.len()));
                    }
                    adapted.inv_metric.extend(row);
                    adapted.metric_rows += 1;
                }
                return Ok(());
            }
            self.block = Block::None;
        }
        if self.block == Block::Stages {
            let numbers = text.split(',').map(number).collect::<Option<Vec<f64>>>();
            if let Some(stage) = numbers.and_then(|numbers| numbers.try_into().ok()) {
                self.stages.push(stage);
                return Ok(());
            }
            self.block = Block::None;
        }
        if text.starts_with(STAGES) {
            self.block = Block::Stages;
        } else if let Some(value) = text.strip_prefix(STEP_SIZE) {
            let stepsize = number(value).ok_or_else(|| format!("expected a step size, got '{}'", value.trim()))?;
            let directions = self.directions.take();
            self.adapted = Some(Adapted { stepsize, inv_metric: Vec::new(), metric_rows: 0, directions });
            self.rows_before_adapted.get_or_insert(self.rows);
        } else if text == "Adaptation terminated" {
            self.rows_before_adapted.get_or_insert(self.rows);
        } else if text.contains("lements of inverse mass matrix") {
            self.block = Block::Metric;
        } else if text.starts_with("Variances along") {
            self.block = Block::Directions;
            self.directions = Some(Default::default());
        } else if let Some((seconds, part)) = text.trim_start_matches("Elapsed Time:").split_once("seconds") {
            let place = ["(Warm-up)", "(Sampling)"].iter().position(|p| *p == part.trim());
            if let Some(place) = place {
                self.elapsed[place] = number(seconds);
            }
        }
        Ok(())
    }

    /// Takes a line of a low-rank metric's directions; false where it is none.
    fn direction(&mut self, text: &str) -> bool {
        let Some((values, vectors)) = &mut self.directions else { return false };
        let row = text.split(',').filter(|_| !text.is_empty()).map(number).collect::<Option<Vec<f64>>>();
        match row {
            Some(row) if values.is_empty() => *values = row,
            Some(row) if vectors.len() < values.len() * row.len() => vectors.extend(row),
            _ => {
                self.block = Block::None;
                return false;
            }
        }
        true
    }

    fn finish(self) -> StanCsv {
        let whole = |name: &str| setting(&self.settings, name).and_then(|v| v.parse::<usize>().ok());
        // Without lines about adaptation (a run that was ended early, or did not adapt) the options tell.
        let saved = matches!(setting(&self.settings, "save_warmup"), Some("true" | "1"))
            && setting(&self.settings, "algorithm") != Some("fixed_param");
        let planned =
            whole("num_warmup").filter(|_| saved).map_or(0, |n| n.div_ceil(whole("thin").unwrap_or(1).max(1)));
        let warmup_rows = self.rows_before_adapted.unwrap_or(planned.min(self.rows));
        StanCsv {
            warmup_rows,
            elapsed: self.elapsed[0].zip(self.elapsed[1]).map(|(warmup, sampling)| [warmup, sampling]),
            settings: self.settings,
            names: self.names,
            values: self.values,
            adapted: self.adapted,
            stages: self.stages,
            cut_off: None,
        }
    }
}

/// A number as C's `printf` or Rust writes it.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}
