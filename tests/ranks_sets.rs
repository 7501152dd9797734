//! Sets of particles over ranks: whole sets, and the blocks of sets that are fewer than ranks, with the bits of one process.

#[path = "common/conjugate.rs"]
mod conjugate;
#[path = "common/sets.rs"]
mod sets;

use catena::Code;
use catena::drive::InProcess;
use catena::io::{TableWriter, Writer};
use catena::particles::plan::Kernel;
use catena::services::{PathKind, SampleIo, SampleOptions, SetOutcome, SmcOptions, SmcReport, sample_smc};
use conjugate::Conjugate;
use sets::run_options;
use std::thread;
use std::time::Duration;

fn run_on(
    rank: Option<&InProcess>,
    model: &Conjugate,
    options: &SampleOptions,
    smc: &SmcOptions,
) -> Result<(SmcReport, Vec<Vec<u64>>), catena::Error> {
    let mut writers = vec![TableWriter::default(); smc.num_sets];
    let io = SampleIo {
        sample_writers: writers.iter_mut().map(|t| t as &mut dyn Writer).collect(),
        communicator: rank.map(|rank| rank as _),
        ..SampleIo::default()
    };
    let report = sample_smc(model, options, smc, None, io)?;
    Ok((report, writers.iter().map(|t| t.values().iter().map(|x| x.to_bits()).collect()).collect()))
}

fn over<R: Send>(size: usize, f: impl Fn(InProcess) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let f = &f;
        let ranks = InProcess::ranks(size, Duration::from_secs(60));
        let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || f(rank))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
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
                ) -> Result<(), catena::model::CommunicatorError> {
                    self.0.all_gather_v(mine, lengths, all)
                }
                fn all_gather(&self, mine: &[u8], all: &mut [u8]) -> Result<(), catena::model::CommunicatorError> {
                    // The first tells the length of the options, all others come after the beginning.
                    match self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                        0 => self.0.all_gather(mine, all),
                        _ => Err(catena::model::CommunicatorError::Failed(7)),
                    }
                }
                fn all_to_all_v(
                    &self,
                    a: &[u8],
                    b: &[usize],
                    c: &mut [u8],
                    d: &[usize],
                ) -> Result<(), catena::model::CommunicatorError> {
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
