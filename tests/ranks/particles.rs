//! Sets of particles over ranks: whole sets, and the blocks of sets that are fewer than ranks; and starts and paths; all with the bits
//! of one process.

mod starts;

use crate::common::in_process::{Counted, TIME_OUT, on_ranks};
use crate::conjugate::Conjugate;
use crate::sets::run_options;
use catena::Code;
use catena::drive::{InProcess, share};
use catena::io::{TableWriter, Writer};
use catena::model::{Communicator, CommunicatorError};
use catena::particles::plan::{Kernel, ROWS};
use catena::services::{PathKind, SampleIo, SampleOptions, SetOutcome, SmcOptions, SmcReport, sample_smc};
use std::time::Duration;

fn run_on(
    rank: Option<&InProcess>,
    model: &Conjugate,
    options: &SampleOptions,
    smc: &SmcOptions,
) -> Result<(SmcReport, Vec<Vec<u64>>), catena::Error> {
    run_with(rank.map(|rank| rank as _), model, options, smc)
}

fn run_with(
    communicator: Option<&dyn Communicator>,
    model: &Conjugate,
    options: &SampleOptions,
    smc: &SmcOptions,
) -> Result<(SmcReport, Vec<Vec<u64>>), catena::Error> {
    let mut writers = vec![TableWriter::default(); smc.num_sets];
    let io = SampleIo {
        sample_writers: writers.iter_mut().map(|t| t as &mut dyn Writer).collect(),
        communicator,
        ..SampleIo::default()
    };
    let report = sample_smc(model, options, smc, None, io)?;
    Ok((report, writers.iter().map(|t| t.values().iter().map(|x| x.to_bits()).collect()).collect()))
}

fn over<R: Send>(size: usize, f: impl Fn(InProcess) -> R + Sync) -> Vec<R> {
    on_ranks(size, TIME_OUT, f)
}

/// What of a report does not change from run to run, in words, so that NaN is NaN.
fn lasting(report: &SmcReport) -> String {
    let set = |s: &catena::services::SmcSet| {
        format!(
            "{} {:?} {:?} {:?} {:?} {} {}",
            s.set_id, s.outcome, s.log_evidence, s.log_evidence_error, s.stages, s.refused, s.rows
        )
    };
    let sets: Vec<String> = report.sets.iter().map(set).collect();
    format!("{sets:?} {:?} {:?}", report.log_evidence, report.standard_error)
}

#[test]
fn bits_are_those_of_one_process() {
    for kernel in [Kernel::RandomWalk, Kernel::Hmc, Kernel::Nuts] {
        for (path, waste_free) in [(PathKind::Prior, false), (PathKind::Reference, true)] {
            for num_sets in [1, 3] {
                let model = Conjugate { data: true, ..Conjugate::new(3) };
                let smc = SmcOptions {
                    num_sets,
                    num_particles: 900,
                    kernel,
                    path,
                    waste_free,
                    num_moves: 2,
                    ..SmcOptions::default()
                };
                let options = SampleOptions { num_threads: 1, ..run_options(77) };
                let (report, tables) = run_on(None, &model, &options, &smc).unwrap();
                report.status().unwrap();
                for size in [1, 2, 3, 4] {
                    for (rank, had) in
                        over(size, |rank| run_on(Some(&rank), &model, &options, &smc)).into_iter().enumerate()
                    {
                        let (theirs, rows) = had.unwrap();
                        let what = format!("rank {rank} of {size}, {kernel:?}, {num_sets} sets");
                        assert_eq!(lasting(&theirs), lasting(&report), "{what}");
                        assert!(rows == tables, "{what}: a bit of the particles differs");
                    }
                }
            }
        }
    }
}

/// One large set, in place of which every rank has a part: the bits of one process; particles move only where offspring are more or
/// fewer than places, and what else moves is what `docs/cluster.md` says.
#[test]
fn a_spread_set_moves_no_more_than_the_imbalance_demands() {
    const DIM: usize = 3;
    const PARTICLES: usize = 100_000;
    const MOVES: usize = 2;
    /// Numbers before what a block brings, of a particle that it brings, of its moments for random walks, and of one that is sent.
    const HEAD: usize = 14;
    const BROUGHT: usize = 3;
    const MOMENTS: usize = 2 + DIM + DIM * (DIM + 1) / 2;
    const SENT: usize = DIM + 2;
    let model = Conjugate::new(DIM);
    let smc = SmcOptions {
        num_sets: 1,
        num_particles: PARTICLES,
        num_moves: MOVES,
        kernel: Kernel::RandomWalk,
        path: PathKind::Prior,
        ..SmcOptions::default()
    };
    let options = SampleOptions { num_threads: 1, ..run_options(5) };
    let (report, tables) = run_on(None, &model, &options, &smc).unwrap();
    report.status().unwrap();
    let stages = &report.sets[0].stages;
    let resampled = stages.iter().filter(|stage| stage.resampled).count();
    assert!(stages.len() >= 3 && stages.last().unwrap().resampled, "{stages:?}");
    let columns = tables[0].len() / PARTICLES;
    let ancestors: Vec<usize> = tables[0].chunks(columns).map(|row| f64::from_bits(row[3]) as usize).collect();
    let blocks: Vec<usize> = (0..PARTICLES.div_ceil(ROWS)).map(|b| ROWS.min(PARTICLES - b * ROWS)).collect();
    for size in [2, 3, 4, 8] {
        let had = over(size, |rank| {
            let here = rank.rank();
            let (counted, counts) = Counted::new(rank);
            let (theirs, rows) = run_with(Some(&counted), &model, &options, &smc).unwrap();
            assert_eq!(lasting(&theirs), lasting(&report), "{size} ranks");
            assert!(rows == tables, "{size} ranks: a bit of the particles differs");
            let gathers = counts.gathers_v();
            let own = share(blocks.len(), here, size);
            let of = |numbers: &dyn Fn(usize) -> usize| -> usize {
                let bytes: usize = blocks[own.clone()].iter().map(|n| 16 + 8 * (HEAD + numbers(*n))).sum();
                gathers.iter().filter(|b| **b == bytes).count()
            };
            assert_eq!(of(&|n| BROUGHT * n), stages.len() + 1, "meetings of stages");
            assert_eq!(of(&|_| MOMENTS), resampled, "meetings for the scale");
            assert_eq!(of(&|_| 0), resampled * (MOVES - 1), "meetings for the step size");
            counts.sends()
        });
        assert!(had.iter().all(|sends| sends.len() == had[0].len() && sends.len() <= resampled));
        // What the last resampling has moved, by what became of it.
        let first = |rank: usize| own_first(&blocks, rank, size);
        let last = had.iter().map(|sends| sends.last().unwrap().iter().sum::<usize>()).sum::<usize>() / (8 * SENT);
        let (mut demanded, mut distinct) = (0, 0);
        for rank in 0..size {
            let (from, until) = (first(rank), first(rank + 1));
            let offspring = ancestors.iter().filter(|a| **a < from).count();
            demanded += offspring.abs_diff(from);
            let mut foreign = ancestors[from..until].to_vec();
            foreign.retain(|a| !(from..until).contains(a));
            foreign.dedup();
            distinct += foreign.len();
        }
        println!("{size} ranks: {last} of {PARTICLES} particles moved, {demanded} demanded by the imbalance");
        assert_eq!(last, distinct);
        assert!(last <= demanded && last > 0);
        let all: usize = had.iter().flatten().flatten().sum::<usize>() / (8 * SENT);
        assert!(all < PARTICLES * resampled / 20, "{all} particles moved in {resampled} resamplings");
    }
}

/// The first particle of a rank's blocks.
fn own_first(blocks: &[usize], rank: usize, size: usize) -> usize {
    let start = if rank == size { blocks.len() } else { share(blocks.len(), rank, size).start };
    blocks[..start].iter().sum()
}

#[test]
fn ranks_with_other_options_are_refused() {
    let model = Conjugate { data: true, ..Conjugate::new(3) };
    let errors = over(2, |rank| {
        let num_particles = 300 + catena::model::Communicator::rank(&rank);
        let smc = SmcOptions { num_sets: 2, num_particles, ..SmcOptions::default() };
        run_on(Some(&rank), &model, &run_options(1), &smc).unwrap_err()
    });
    for error in errors {
        assert_eq!((error.code(), error.argument_name()), (Code::InvalidArgument, Some("num_particles")));
    }
}

/// A rank that goes away before the end: its sets have failed, and the others have theirs.
#[test]
fn the_sets_of_a_lost_rank_have_failed() {
    let model = Conjugate { data: true, ..Conjugate::new(3) };
    let smc = SmcOptions { num_sets: 4, num_particles: 300, ..SmcOptions::default() };
    let all = over(2, |rank| {
        if catena::model::Communicator::rank(&rank) == 1 {
            // Agrees to begin, and is gone.
            let options = SampleOptions { num_threads: 1, ..run_options(3) };
            struct Gone(InProcess, std::sync::atomic::AtomicUsize);
            impl catena::model::Communicator for Gone {
                fn rank(&self) -> usize {
                    self.0.rank()
                }
                fn size(&self) -> usize {
                    self.0.size()
                }
                fn time_out(&self) -> Duration {
                    self.0.time_out()
                }
                fn all_gather_v(
                    &self,
                    mine: &[u8],
                    lengths: &[usize],
                    all: &mut [u8],
                ) -> Result<(), CommunicatorError> {
                    self.0.all_gather_v(mine, lengths, all)
                }
                fn all_gather(&self, mine: &[u8], all: &mut [u8]) -> Result<(), CommunicatorError> {
                    // The first tells the length of the options, all others come after the beginning.
                    match self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                        0 => self.0.all_gather(mine, all),
                        _ => Err(CommunicatorError::Failed(7)),
                    }
                }
                fn all_to_all_v(
                    &self,
                    a: &[u8],
                    b: &[usize],
                    c: &mut [u8],
                    d: &[usize],
                ) -> Result<(), CommunicatorError> {
                    self.0.all_to_all_v(a, b, c, d)
                }
            }
            let gone = Gone(rank, Default::default());
            let io = SampleIo { communicator: Some(&gone), ..SampleIo::default() };
            return sample_smc(&model, &options, &smc, None, io).unwrap();
        }
        run_on(Some(&rank), &model, &run_options(3), &smc).unwrap().0
    });
    let failed = |report: &SmcReport| -> Vec<bool> {
        report.sets.iter().map(|s| matches!(s.outcome, SetOutcome::Failed(_))).collect()
    };
    assert_eq!(failed(&all[0]), [false, false, true, true]);
    assert_eq!(failed(&all[1]), [true, true, false, false]);
    let words = all[0].status().unwrap_err().to_string();
    assert!(words.contains("rank 1 did not answer"), "{words}");
    let words = all[1].status().unwrap_err().to_string();
    assert!(words.contains("the communicator failed with code 7"), "{words}");
}
