/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// For the developers of a model.
    Debug = 0,
    /// Progress.
    Info = 1,
    /// Something a user should look at; the run goes on.
    Warning = 2,
    /// A chain or the run failed.
    Error = 3,
}

/// Shared by all threads of a run: must be thread-safe. Gets whole lines without a newline.
pub trait Logger: Sync {
    /// One line; `chain` is the id of the chain it is about.
    fn log(&self, level: Level, chain: Option<u64>, line: &str);
}
