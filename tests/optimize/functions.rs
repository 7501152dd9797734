//! Optimisers on standard functions: the known minima, in no more evaluations than SciPy takes.

use crate::models;
use crate::standard::{self, Standard};
use catena::io::PositionInit;
use catena::model::{Ask, Density, Evaluation, Machine, Reply};
use catena::optimize::{Algorithm, Convergence, Ending, Optimizer, OptimizerSettings, Passed, Tolerances, norm};
use catena::services::{LaplaceOptions, OptimizeOptions, SampleIo, SampleOptions, laplace, optimize};

/// SciPy 1.17's evaluations with L-BFGS-B and BFGS, gtol 1e-10, ftol 0 and 10 pairs, in the order of the functions.
/// `benches/optimize` measures them anew.
const SCIPY: [[f64; 2]; 10] = [
    [47.0, 41.0],
    [51.0, 620.0],
    [649.0, 661.0],
    [18.0, 19.0],
    [120.0, 108.0],
    [78.0, 74.0],
    [28.0, 28.0],
    [35.0, 38.0],
    [41.0, 32.0],
    [62.0, 33.0],
];

/// The tolerance that SciPy was given, and nothing else to end by.
const TOLERANCES: Tolerances =
    Tolerances { objective: 0.0, relative_objective: 0.0, gradient: 1e-10, relative_gradient: 0.0, parameter: 0.0 };

fn run(function: &Standard, algorithm: Algorithm, history: usize, tolerances: Tolerances) -> (Optimizer, Ending) {
    let dim = function.start.len();
    let settings = OptimizerSettings { algorithm, history, tolerances, ..OptimizerSettings::new(dim, 1, 0) };
    let mut optimizer = Optimizer::new(settings, function.start.clone());
    let evaluate = |evaluation: Evaluation<'_>| {
        let gradient = evaluation.gradient.unwrap();
        let value = (function.value)(evaluation.position, gradient);
        gradient.iter_mut().for_each(|g| *g = -*g);
        -value
    };
    let mut reply = Reply::Continue;
    loop {
        reply = match optimizer.resume(reply) {
            Ask::Evaluate => Reply::LogDensity(evaluate(optimizer.evaluation())),
            Ask::EvaluateBlock => {
                let (block, stream) = optimizer.block();
                while let Some(evaluation) = block.evaluation(stream) {
                    let value = evaluate(evaluation);
                    block.answer(Some(value));
                }
                Reply::Continue
            }
            Ask::Event(Passed::Ended(ending)) => return (optimizer, ending),
            Ask::Event(_) => Reply::Continue,
            Ask::Meet(_) => unreachable!("starts are alone"),
        }
    }
}

/// Whether the optimiser stands at a known minimum, to 1e-8.
fn is_known(function: &Standard, optimizer: &Optimizer) -> bool {
    const CLOSE: f64 = 1e-8;
    let value = -optimizer.point().log_density;
    if function.others.iter().any(|other| (value - other).abs() <= CLOSE * other) {
        return true;
    }
    let at = function.at.as_ref().is_none_or(|at| {
        let size = |at: f64| if at == 0.0 { 1.0 } else { at.abs() };
        let near = |(x, at): (&f64, &f64)| (x - at).abs() <= CLOSE * size(*at);
        optimizer.point().position.iter().zip(at).all(near)
    });
    at && (value - function.minimum).abs() <= CLOSE
}

#[test]
fn known_minima_are_found_in_few_evaluations() {
    let functions = standard::all();
    let mut mean_logs = [0.0; 2];
    println!("{:26}{:>10}{:>8}{:>10}{:>8}{:>10}", "evaluations", "L-BFGS", "ratio", "BFGS", "ratio", "Newton");
    for (function, scipy) in functions.iter().zip(SCIPY) {
        let mut line = format!("{:26}", function.name);
        for (k, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            let (optimizer, ending) = run(function, algorithm, 10, TOLERANCES);
            let (name, value) = (function.name, -optimizer.point().log_density);
            assert!(ending.is_converged(), "{algorithm:?} on {name}: {ending}, {value:e}");
            assert!(norm(&optimizer.point().gradient) < TOLERANCES.gradient, "{algorithm:?} on {name}");
            assert!(is_known(function, &optimizer), "{algorithm:?} on {name}: {value:e}");
            let evaluations = optimizer.evaluations();
            line += &format!("{evaluations:10}");
            if let (Some(mean), Some(scipy)) = (mean_logs.get_mut(k), scipy.get(k)) {
                *mean += (evaluations as f64 / scipy).ln() / functions.len() as f64;
                line += &format!("{:8.2}", evaluations as f64 / scipy);
            }
        }
        println!("{line}");
    }
    let means = mean_logs.map(f64::exp);
    println!("geometric means of the ratios {means:.3?}");
    assert!(means.iter().all(|mean| *mean <= 1.0), "{means:?}");
}

#[test]
fn known_minima_are_found_by_default() {
    const STANS_HISTORY: usize = 5;
    let mut missed = Vec::new();
    println!("{:26}{:>10}{:>10}{:>10}", "evaluations", "L-BFGS", "BFGS", "Newton");
    for function in &standard::all() {
        let mut line = format!("{:26}", function.name);
        for algorithm in Algorithm::ALL {
            let (optimizer, ending) = run(function, algorithm, STANS_HISTORY, Tolerances::default());
            let (name, value) = (function.name, -optimizer.point().log_density);
            line += &format!("{:10}", optimizer.evaluations());
            let known = ending.is_converged() && is_known(function, &optimizer);
            if !known {
                missed.push(format!("{algorithm:?} on {name}: {ending}, {value:e}"));
            }
        }
        println!("{line}");
    }
    assert!(missed.is_empty(), "{missed:?}");
}

/// The mode to 1e-8 of each coordinate's size or 1: that of the second-order expansion where Newton's method ended.
#[test]
fn posteriors_modes_are_found_by_default() {
    const CLOSE: f64 = 1e-8;
    let options = SampleOptions { num_chains: 1, num_threads: 1, refresh: 0, ..Default::default() };
    let mut worst = 0.0f64;
    for model in models::all() {
        let mode_by = |algorithm| {
            let start = PositionInit::new(&vec![0.1; model.dim()]).unwrap();
            let ways = OptimizeOptions { algorithm, jacobian: true, ..Default::default() };
            let io = SampleIo { inits: vec![&start], ..Default::default() };
            let report = optimize(&model, &options, &ways, io).unwrap();
            report.status().unwrap();
            report.starts[0].clone()
        };
        let mode = PositionInit::new(&mode_by(Algorithm::Newton).position).unwrap();
        let io = SampleIo { inits: vec![&mode], ..Default::default() };
        let mode = laplace(&model, &options, &LaplaceOptions::default(), io).unwrap().fits.remove(0).mean;
        for algorithm in Algorithm::ALL {
            let found = mode_by(algorithm);
            let off = |(x, mode): (&f64, &f64)| (x - mode).abs() / mode.abs().max(1.0);
            let off = found.position.iter().zip(&mode).map(off).fold(0.0, f64::max);
            println!("{}, {algorithm:?}: {} evaluations, off by {off:.1e}", model.name, found.evaluations);
            worst = worst.max(off);
        }
    }
    assert!(worst <= CLOSE, "{worst:e}");
}

/// From far out the gradient may be so large that the first step leads to a scale of e^200, where the log density hardly changes
/// in relation to its size: a tolerance is met there, but that is no mode.
#[test]
fn starts_whose_first_step_goes_too_far_come_back() {
    let model = models::all().into_iter().find(|model| model.name == "kidscore").unwrap();
    let options = SampleOptions { init_radius: 10.0, num_threads: 2, seed: 1, refresh: 0, ..Default::default() };
    for algorithm in [Algorithm::Lbfgs, Algorithm::Bfgs] {
        let ways = OptimizeOptions { algorithm, jacobian: true, num_starts: 60, ..Default::default() };
        let report = optimize(&model, &options, &ways, SampleIo::default()).unwrap();
        let best = report.starts.iter().map(|start| start.log_density).fold(f64::NEG_INFINITY, f64::max);
        let off = |id: &u64| best - report.starts[*id as usize - 1].log_density > 1e-6;
        let away: Vec<u64> = (1..=60).filter(off).collect();
        assert!(away.is_empty(), "{algorithm:?}: starts {away:?} of 60 end elsewhere");
    }
}

/// Without any tolerance a mode is one where the gradient is nothing.
#[test]
fn a_gradient_of_nothing_needs_no_tolerance() {
    let value = |x: &[f64], g: &mut [f64]| {
        g.iter_mut().zip(x).for_each(|(g, x)| *g = 2.0 * x);
        x.iter().map(|x| x * x).sum::<f64>()
    };
    let function =
        Standard { name: "square", start: vec![0.0; 2], value, minimum: 0.0, at: Some(vec![0.0; 2]), others: &[] };
    let none = Tolerances { gradient: 0.0, ..TOLERANCES };
    let (optimizer, ending) = run(&function, Algorithm::Lbfgs, 5, none);
    assert_eq!((ending, optimizer.evaluations()), (Ending::Converged(Convergence::Gradient), 1));
}
