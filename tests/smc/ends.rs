//! What ends a set: no weight left, a path without a next step, numbers that are none, interrupts, bad arguments.

use crate::conjugate::Conjugate;
use crate::sets::{self, run_options};
use catena::Code;
use catena::io::{FlagInterrupt, TableWriter, Writer};
use catena::model::{Density, Level, Logger, Refusal, Task, WorkerError};
use catena::particles::normal::Normal;
use catena::services::{
    FailurePolicy, Outcome, PathKind, SampleIo, SampleOptions, SetOutcome, SmcOptions, SmcReport, sample_smc,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Particles at 0, 1, 2, ... in the order of their numbers, with a log likelihood by a function.
struct Numbered<'a> {
    next: AtomicUsize,
    likelihood: Box<dyn Fn(f64) -> Result<f64, Refusal> + Sync + 'a>,
}

impl Density for Numbered<'_> {
    type Worker = ();

    fn dim(&self) -> usize {
        1
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, _: &mut (), _: &mut Task<'_>, _: &[f64], _: &mut [f64]) -> Result<f64, Refusal> {
        unreachable!("the parts are asked for")
    }

    fn has_parts(&self) -> bool {
        true
    }

    fn log_density_parts(
        &self,
        _: &mut (),
        task: &mut Task<'_>,
        x: &[f64],
        gradients: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        if let Some(both) = gradients {
            both.into_iter().for_each(|g| g.fill(0.0));
        }
        task.set_message("as the test wants it");
        (self.likelihood)(x[0]).map(|likelihood| [0.0, likelihood])
    }

    fn has_prior(&self) -> bool {
        true
    }

    fn sample_prior(&self, _: &mut (), _: &mut Task<'_>, x: &mut [f64]) -> Result<(), Refusal> {
        x[0] = self.next.fetch_add(1, Ordering::SeqCst) as f64;
        Ok(())
    }
}

/// One set of `n` particles on one thread, without moves where `num_moves` is 0.
fn one_set(
    n: usize,
    threshold: f64,
    num_moves: usize,
    seed: u64,
    likelihood: impl Fn(f64) -> Result<f64, Refusal> + Sync,
) -> (SmcReport, TableWriter) {
    let model = Numbered { next: AtomicUsize::new(0), likelihood: Box::new(likelihood) };
    let smc = SmcOptions {
        num_sets: 1,
        num_particles: n,
        ess_threshold: threshold,
        num_moves,
        kernel: catena::particles::plan::Kernel::RandomWalk,
        init_set_id: 9,
        ..SmcOptions::default()
    };
    let mut table = TableWriter::default();
    let io = SampleIo { sample_writers: vec![&mut table as &mut dyn Writer], ..SampleIo::default() };
    let options = SampleOptions { num_threads: 1, ..run_options(seed) };
    (sample_smc(&model, &options, &smc, None, io).unwrap(), table)
}

fn of_list(list: &'static [f64]) -> impl Fn(f64) -> Result<f64, Refusal> + Sync {
    move |x| Ok(list[x as usize])
}

#[test]
fn a_step_is_judged_by_the_weights_it_makes() {
    let (report, _) = one_set(4, 0.74, 0, 1, of_list(&[0.0, 0.0, 0.0, -100.0]));
    let stages = &report.sets[0].stages;
    assert_eq!((stages.len(), stages[0].way), (1, 1.0));
    assert!((stages[0].ess - 3.0).abs() < 1e-12 && (report.log_evidence - 0.75f64.ln()).abs() < 1e-12);
}

#[test]
fn any_likelihood_comes_to_an_end_in_few_stages() {
    for seed in 0..20 {
        let (report, table) = one_set(4, 0.5, 0, seed, of_list(&[0.0, -1e14, -2e14, -3e14]));
        let set = &report.sets[0];
        assert_eq!(set.outcome, SetOutcome::Finished, "{set:?}");
        assert!(set.stages.len() < 60 && set.stages.windows(2).all(|p| p[1].way > p[0].way), "{:?}", set.stages);
        assert_eq!(set.stages.last().unwrap().way, 1.0);
        assert!(table.rows() == 4 && table.values().iter().all(|x| x.is_finite()));
    }
}

#[test]
fn a_constant_likelihood_is_the_evidence_exactly() {
    for threshold in [0.5, 1.0] {
        for num_moves in [0, 2] {
            let (report, _) = one_set(4, threshold, num_moves, 1, |_| Ok(-1e5));
            assert_eq!((report.sets[0].stages.len(), report.log_evidence), (1, -1e5));
            assert_eq!((report.sets[0].stages[0].way, report.standard_error), (1.0, 0.0));
        }
    }
}

#[test]
fn too_many_stages_are_a_stall() {
    // With all of the effective sample size to be kept no step is small enough.
    let (report, table) = one_set(8, 1.0, 0, 1, |x| Ok(-x));
    let set = &report.sets[0];
    assert_eq!((&set.outcome, table.rows()), (&SetOutcome::Stalled, 0));
    let words = report.status().unwrap_err().to_string();
    assert!(words.starts_with("set 9: stalled after "), "{words}");
    assert!(report.log_evidence.is_nan() && set.log_evidence.is_finite());
}

#[test]
fn all_weights_zero_are_a_set_that_is_lost() {
    for n in [1, 2, 8, 100] {
        let (report, table) = one_set(n, 0.5, 3, 1, |_| Ok(f64::NEG_INFINITY));
        assert_eq!(report.sets[0].outcome, SetOutcome::Lost);
        report.status().unwrap();
        assert_eq!((report.log_evidence, report.standard_error), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((report.sets[0].log_evidence, table.rows()), (f64::NEG_INFINITY, 0));
        let (refused, _) = one_set(n, 0.5, 3, 1, |_| Err(Refusal::Reject));
        assert_eq!((refused.log_evidence, refused.sets[0].refused), (f64::NEG_INFINITY, n as u64));
    }
}

#[test]
fn a_particle_without_number_is_named() {
    for (bad, word) in [(f64::NAN, "got NaN"), (f64::INFINITY, "got inf")] {
        for at in [1.0, 70.0] {
            let (report, _) = one_set(100, 0.5, 3, 1, move |x| Ok(if x == at { bad } else { 0.0 }));
            let error = report.status().unwrap_err();
            assert_eq!((error.set(), error.particle(), error.code()), (Some(9), Some(at as usize), Code::Model));
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    let (report, _) = one_set(10, 0.5, 3, 1, |_| Err(Refusal::Stop));
    assert!(report.status().unwrap_err().to_string().contains("as the test wants it"));
}

#[test]
fn a_particle_that_is_refused_has_no_weight_and_no_heirs() {
    for seed in 0..100 {
        let (report, table) = one_set(4, 0.99, 2, seed, |x| if x == 1.0 { Err(Refusal::Reject) } else { Ok(0.0) });
        assert!((report.log_evidence - 0.75f64.ln()).abs() < 1e-14);
        assert!(report.sets[0].refused >= 1 && table.rows() == 4);
        assert!(table.values().chunks(5).all(|row| row[3] != 1.0), "particle 1 has heirs");
    }
}

/// Fails in set 2, after a while.
struct Failing(Conjugate, AtomicUsize);

impl Density for Failing {
    type Worker = ();

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn new_worker(&self) -> Result<(), WorkerError> {
        Ok(())
    }

    fn log_density_gradient(&self, w: &mut (), t: &mut Task<'_>, x: &[f64], g: &mut [f64]) -> Result<f64, Refusal> {
        self.0.log_density_gradient(w, t, x, g)
    }

    fn has_parts(&self) -> bool {
        true
    }

    fn log_density_parts(
        &self,
        w: &mut (),
        t: &mut Task<'_>,
        x: &[f64],
        g: Option<[&mut [f64]; 2]>,
    ) -> Result<[f64; 2], Refusal> {
        if t.chain_id() == 2 && self.1.fetch_add(1, Ordering::Relaxed) > 2000 {
            return Err(t.stop("enough of set two"));
        }
        self.0.log_density_parts(w, t, x, g)
    }

    fn has_prior(&self) -> bool {
        true
    }

    fn sample_prior(&self, w: &mut (), t: &mut Task<'_>, x: &mut [f64]) -> Result<(), Refusal> {
        self.0.sample_prior(w, t, x)
    }
}

#[test]
fn the_failure_of_one_set_leaves_the_others_alone() {
    let smc = SmcOptions { num_sets: 3, num_particles: 300, ..SmcOptions::default() };
    let run = |on_failure| {
        let options = SampleOptions { on_failure, ..run_options(1) };
        sample_smc(&Failing(Conjugate::new(3), AtomicUsize::new(0)), &options, &smc, None, SampleIo::default()).unwrap()
    };
    let report = run(FailurePolicy::StopChain);
    let error = report.status().unwrap_err();
    assert!(error.to_string().starts_with("1 of 3 sets failed (ids 2); the first: set 2: "), "{error}");
    assert!(error.to_string().contains("enough of set two"), "{error}");
    let alone = sets::run(&Conjugate::new(3), 1, &smc);
    for i in [0, 2] {
        assert_eq!(report.sets[i].outcome, SetOutcome::Finished);
        assert_eq!(report.sets[i].log_evidence, alone.sets[i].log_evidence);
    }
    let report = run(FailurePolicy::StopRun);
    assert_eq!(report.sets[0].outcome, SetOutcome::Stopped);
    assert!(report.log_evidence.is_nan() && !report.interrupted);
}

#[test]
fn an_interrupt_stops_all_sets() {
    let flag = Arc::new(AtomicBool::new(true));
    let interrupt = FlagInterrupt::new(Arc::clone(&flag));
    let smc = SmcOptions { num_sets: 2, num_particles: 20_000, ..SmcOptions::default() };
    let mut tables = [TableWriter::default(), TableWriter::default()];
    let sample_writers = tables.iter_mut().map(|t| t as &mut dyn Writer).collect();
    let io = SampleIo { interrupt: &interrupt, sample_writers, ..SampleIo::default() };
    let report = sample_smc(&Conjugate::new(10), &run_options(1), &smc, None, io).unwrap();
    assert!(report.interrupted && report.sets.iter().all(|s| s.outcome == SetOutcome::Stopped));
    assert_eq!(report.status().unwrap_err().code(), Code::Interrupted);
    assert!(tables.iter().all(|t| t.rows() == 0 && t.column_names().len() == 14));
    // While the reference is fitted too.
    let bare = Conjugate { parts: false, ..Conjugate::new(10) };
    let io = SampleIo { interrupt: &interrupt, ..SampleIo::default() };
    let report = sample_smc(&bare, &run_options(1), &smc, None, io).unwrap();
    assert!(report.interrupted && report.status().is_err());
    let _ = Outcome::Stopped;
}

#[test]
fn bad_arguments_are_named_before_anything_runs() {
    let words = |model: &Conjugate, smc: SmcOptions, reference: Option<&Normal>| {
        let error = sample_smc(model, &run_options(1), &smc, reference, SampleIo::default()).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        error.to_string()
    };
    let base = SmcOptions::default;
    let model = Conjugate::new(2);
    assert!(words(&model, SmcOptions { num_sets: 0, ..base() }, None).contains("'num_sets'"));
    assert!(words(&model, SmcOptions { num_particles: 0, ..base() }, None).contains("'num_particles'"));
    let huge = SmcOptions { num_sets: 1 << 20, num_particles: 1 << 30, ..base() };
    assert!(words(&model, huge, None).contains("'num_particles': expected a size for which there is memory"));
    assert!(words(&model, SmcOptions { ess_threshold: 0.0, ..base() }, None).contains("'ess_threshold'"));
    assert!(words(&model, SmcOptions { init_set_id: 0, ..base() }, None).contains("'init_set_id'"));
    let waste = SmcOptions { waste_free: true, num_particles: 100, ..base() };
    assert!(words(&model, waste, None).contains("a multiple of num_moves + 1, 6"));
    assert!(words(&model, SmcOptions { path: PathKind::Data, ..base() }, None).contains("log_density_data"));
    let normal = Normal::given(&[0.0; 3], &[1.0; 3], "reference").unwrap();
    assert!(words(&model, SmcOptions { path: PathKind::Reference, ..base() }, Some(&normal)).contains("2 numbers"));
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Logger for Lines {
    fn log(&self, _: Level, _: Option<u64>, line: &str) {
        self.0.lock().unwrap().push(line.to_string());
    }
}

#[test]
fn each_stage_has_a_line() {
    let lines = Lines::default();
    let io = SampleIo { logger: &lines, ..SampleIo::default() };
    let smc = SmcOptions { num_sets: 2, num_particles: 300, ..SmcOptions::default() };
    let options = SampleOptions { refresh: 1, ..run_options(1) };
    let report = sample_smc(&Conjugate::new(4), &options, &smc, None, io).unwrap();
    let lines = lines.0.into_inner().unwrap();
    for set in &report.sets {
        let own: Vec<&String> = lines.iter().filter(|l| l.starts_with(&format!("Set {}: ", set.set_id))).collect();
        assert_eq!(own.len(), set.stages.len());
        assert!(own.last().unwrap().contains("temperature 1.000000, ESS "), "{own:?}");
        assert!(own[0].contains("acceptance 0.") && own[0].contains("log evidence -"), "{own:?}");
    }
}
