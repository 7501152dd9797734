use super::{Level, Logger};
use std::io::{Stderr, Write};
use std::sync::{Mutex, PoisonError};

/// Logs each line of `text` by itself, so that the lines of several chains mix whole. Empty text logs nothing.
pub fn log_lines(logger: &dyn Logger, level: Level, chain: Option<u64>, text: &str) {
    for line in text.lines() {
        logger.log(level, chain, line);
    }
}

/// Writes log lines to `W`, each with its chain (`[chain 3] `) and, from warnings up, its level (`warning: `).
///
/// A line reaches `W` as one `write_all` and a `flush` under a lock, so lines of different threads never mix. Failures of
/// `W` are dropped: a run does not end because its progress cannot be shown.
#[derive(Debug)]
pub struct LineLogger<W> {
    lowest: Level,
    target: Mutex<Target<W>>,
}

/// The logger of a terminal.
pub type StderrLogger = LineLogger<Stderr>;

#[derive(Debug)]
struct Target<W> {
    out: W,
    line: Vec<u8>,
}

impl StderrLogger {
    /// Logs to the standard error stream, from [`Level::Info`] up.
    pub fn stderr() -> Self {
        Self::new(std::io::stderr())
    }
}

impl<W: Write + Send> LineLogger<W> {
    /// Logs to `out`, from [`Level::Info`] up.
    pub fn new(out: W) -> Self {
        Self { lowest: Level::Info, target: Mutex::new(Target { out, line: Vec::new() }) }
    }

    /// The same logger, dropping what is below `lowest`.
    pub fn with_lowest(self, lowest: Level) -> Self {
        Self { lowest, ..self }
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> W {
        self.target.into_inner().unwrap_or_else(PoisonError::into_inner).out
    }
}

impl<W: Write + Send> Logger for LineLogger<W> {
    fn log(&self, level: Level, chain: Option<u64>, line: &str) {
        if level < self.lowest {
            return;
        }
        let word = match level {
            Level::Debug | Level::Info => "",
            Level::Warning => "warning: ",
            Level::Error => "error: ",
        };
        // A panic in W leaves at worst a line unwritten, so a poisoned lock is as good as another.
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let Target { out, line: text } = &mut *target;
        text.clear();
        // A caller that breaks the rule and sends several lines still gets whole ones, each with its chain.
        for part in line.split('\n') {
            if let Some(id) = chain {
                let _ = write!(text, "[chain {id}] ");
            }
            let _ = writeln!(text, "{word}{}", part.trim_end_matches('\r'));
        }
        let _ = out.write_all(text).and_then(|()| out.flush());
    }
}
