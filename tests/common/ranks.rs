//! Runs over ranks that are threads of the test.

use super::borrow;
pub use super::in_process::{TIME_OUT, on_ranks};
use catena::Error;
use catena::drive::share;
use catena::io::{Interrupt, Never, TableWriter};
use catena::model::{Communicator, Density};
use catena::services::{ChainReport, SampleIo, SampleOptions, SampleReport, Session};

/// What one rank has in the end.
pub type Had = (Result<SampleReport, Error>, Vec<TableWriter>);

/// What a run over ranks is given besides its options.
#[derive(Clone, Default)]
pub struct Given<'a> {
    pub checkpoints: Vec<Vec<u8>>,
    pub interrupt: Option<&'a (dyn Interrupt + Sync)>,
}

/// NUTS over ranks, with the same density on each.
pub fn run_over<D: Density>(size: usize, density: &D, options: &SampleOptions) -> Vec<Had> {
    run_given(size, density, options, &Given::default())
}

/// As [`run_over`], with what is given.
pub fn run_given<D: Density>(size: usize, density: &D, options: &SampleOptions, given: &Given<'_>) -> Vec<Had> {
    on_ranks(size, TIME_OUT, |rank| run_on(&rank, density, options, given))
}

/// The part of one rank.
pub fn run_on<D: Density>(
    rank: &dyn Communicator,
    density: &D,
    options: &SampleOptions,
    given: &Given<'_>,
) -> (Result<SampleReport, Error>, Vec<TableWriter>) {
    let mut tables = vec![TableWriter::new(); options.num_chains];
    let interrupt = given.interrupt.map_or(&Never as &dyn Interrupt, |interrupt| interrupt);
    let io = SampleIo {
        sample_writers: borrow(&mut tables),
        checkpoints: given.checkpoints.iter().map(Vec::as_slice).collect(),
        interrupt,
        communicator: Some(rank),
        ..Default::default()
    };
    let report = Session::new(density, options, io).map(|mut session| {
        session.run(None, || interrupt.requested());
        session.into_report()
    });
    (report, tables)
}

/// The checkpoints of all chains, each from the rank that ran it; empty of one that had not begun.
pub fn checkpoints(had: &[Had]) -> Vec<Vec<u8>> {
    let reports: Vec<&SampleReport> = had.iter().map(|(report, _)| report.as_ref().unwrap()).collect();
    let num_chains = reports[0].chains.len();
    let own = |rank: usize| share(num_chains, rank, reports.len());
    let of = |rank: usize| own(rank).map(move |place| (rank, place));
    let kept = (0..reports.len()).flat_map(of);
    kept.map(|(rank, place)| reports[rank].chains[place].checkpoint.clone().unwrap_or_default()).collect()
}

/// A report without what differs from run to run or stays with a rank.
pub fn lasting(report: &SampleReport) -> Vec<ChainReport> {
    let one =
        |c: &ChainReport| ChainReport { warmup_seconds: 0.0, sampling_seconds: 0.0, checkpoint: None, ..c.clone() };
    report.chains.iter().map(one).collect()
}
