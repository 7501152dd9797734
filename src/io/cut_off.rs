//! Files that do not end whole.

use std::fmt;

/// Where a file was cut off, as one is whose writer was killed. Displayed as words that go on after the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutOff {
    /// Within this line, counted from 1, which was left out.
    Line(usize),
    /// Within a batch of rows of an Arrow file that begins with this row, counted from 1, which was left out.
    Row(usize),
}

impl CutOff {
    /// The number of the line or row.
    pub fn number(self) -> usize {
        let (Self::Line(number) | Self::Row(number)) = self;
        number
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "was cut off within line {line}: that line was left out"),
            Self::Row(row) => write!(f, "was cut off within the rows from row {row} on: these were left out"),
        }
    }
}
