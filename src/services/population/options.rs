//! How a population is made.

/// What becomes of a trace in which an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
pub enum TraceFailure {
    /// The operation fails, and the population stays as it was before. Operations work on copies, so that traces must be
    /// copyable.
    #[default]
    Keep = 0,
    /// The trace is dropped, its weight zero. Operations work in place, and an interrupt waits for the end of one.
    Lose = 1,
}

/// How processes share a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i32)]
pub enum PopulationSpread {
    /// By whole sets: a new set goes to the process that has fewest, and its traces never move.
    #[default]
    Sets = 0,
    /// By traces: each process has an equal part of every set. Where traces change places (resampling, traces that become several or
    /// merge) those move for whom there is no room where they are, written and read by the host.
    Traces = 1,
}

/// Options of a population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PopulationOptions {
    /// Seed of all streams. Default 0.
    pub seed: u64,
    /// Id of the first set, from 1; others follow. A set's traces depend on the seed, its id and what is done to it
    /// alone, so that sets 1 to 3 are set 1 and sets 2 to 3 of two populations. Default 1.
    pub init_set_id: u64,
    /// See [`TraceFailure`]. Default: keep.
    pub on_failure: TraceFailure,
    /// Keep who descends from whom: 4 bytes per trace and resampling. Default false.
    pub genealogy: bool,
}

impl Default for PopulationOptions {
    fn default() -> Self {
        Self { seed: 0, init_set_id: 1, on_failure: TraceFailure::Keep, genealogy: false }
    }
}
