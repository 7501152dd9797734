//! The table: one row, one option.

use super::field::Field;
use super::service::Service;
use super::service::Service::{
    Diagnose, FixedParam, GenerateQuantities, Laplace, Nuts, Optimize, Pathfinder, Population, Smc, Static, Variational,
};
use super::set::OptionSet;
use super::value::{Choice, Given, Kind, Range, Value};
use super::{FailurePolicy, InitKind, MAX_DEPTH_LIMIT, PathKind, Preset};
use crate::adapt::WarmupMode;
use crate::error::Error;
use crate::hmc::MetricKind;
use crate::optimize::Algorithm;
use crate::particles::plan::Kernel;
use crate::particles::resample::Scheme;
use crate::services::population::TraceFailure;
use crate::variational::Family;

/// One option.
#[derive(Debug)]
pub struct OptionRow {
    /// Its name in every language.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The services that take it; others leave it alone.
    pub services: &'static [Service],
    /// What it is, in one line.
    pub help: &'static str,
    get: fn(&OptionSet) -> Value,
    set: fn(&mut OptionSet, Value) -> bool,
}

impl OptionRow {
    /// Its value in `set`.
    pub fn get(&self, set: &OptionSet) -> Value {
        (self.get)(set)
    }

    /// Its value when it is not set.
    pub fn default(&self) -> Value {
        self.get(&OptionSet::default())
    }

    /// The default as text.
    pub fn default_text(&self) -> String {
        self.kind.text(self.default())
    }

    /// Whether the option may have this value.
    pub(super) fn check(&self, value: &Value) -> Result<(), Error> {
        if self.kind.holds(value.clone()) { Ok(()) } else { Err(self.refuse(self.kind.range(), value.clone())) }
    }

    fn refuse(&self, expected: String, value: Value) -> Error {
        match value {
            // The words of a number that is not one are Rust's.
            Value::Real(x) => Error::argument(self.name, expected, x),
            value => Error::argument(self.name, expected, self.kind.text(value)),
        }
    }

    pub(super) fn set(&self, set: &mut OptionSet, given: Given<'_>) -> Result<(), Error> {
        let near = || self.kind.near(given).map_or(String::new(), |name| format!("; did you mean '{name}'?"));
        let value = self
            .kind
            .read(given)
            .map_err(|expected| Error::argument(self.name, expected, format_args!("{given}{}", near())))?;
        self.check(&value)?;
        if (self.set)(set, value.clone()) { Ok(()) } else { Err(self.refuse(self.kind.range(), value)) }
    }
}

macro_rules! choice_field {
    ($field:ty: $names:ident = $($variant:ident $name:literal $help:literal),*) => {
        const $names: &[Choice] = &[$(Choice { name: $name, number: <$field>::$variant as i32, help: $help }),*];
        impl Field for $field {
            fn value(&self) -> Value {
                Value::Choice(*self as i32)
            }
            fn of(value: Value) -> Option<Self> {
                [$(<$field>::$variant),*].into_iter().find(|one| one.value() == value)
            }
        }
    };
}
choice_field!(MetricKind: METRICS =
    Unit "unit_e" "the identity, not adapted",
    Diag "diag_e" "a vector of variances",
    Dense "dense_e" "a covariance matrix",
    FisherDiag "fisher_diag" "a vector of variances, from draws and gradients",
    FisherDense "fisher_dense" "a covariance matrix, from draws and gradients",
    LowRank "low_rank" "a vector of variances and a few directions, from draws and gradients",
    Auto "auto" "fisher_diag where that does as well as more, else fisher_dense for few coordinates, low_rank for many");
choice_field!(InitKind: INITS =
    Given "given" "at the initial values given; others are drawn",
    Pathfinder "pathfinder" "at a draw of a path of Pathfinder that begins there, with its covariance as first metric");
choice_field!(Preset: PRESETS =
    Stan "stan" "metric=diag_e num_warmup=1000 delta=0.8",
    Catena "catena" "metric=auto num_warmup=200 delta=0.7, but where one of Stan's metrics is given all else is Stan's too");
choice_field!(WarmupMode: WARMUPS =
    Alone "alone" "each chain by itself",
    Together "together" "chains meet where the metric is estimated and get one for all");
choice_field!(FailurePolicy: POLICIES =
    StopChain "stop_chain" "the failed chain stops alone, the others go on",
    StopRun "stop_run" "every chain stops, what all of them drew is kept");
choice_field!(Scheme: SCHEMES =
    Multinomial "multinomial" "independent draws",
    Stratified "stratified" "one draw in each of equal strata",
    Systematic "systematic" "one uniform number for all strata",
    Residual "residual" "as many copies as are certain, the rest multinomial",
    Ssp "ssp" "Srinivasan's sampling process");
choice_field!(PathKind: PATHS =
    Auto "auto" "data where the model takes them one by one, else prior where it has one, else reference",
    Prior "prior" "the likelihood tempered, from the prior",
    Data "data" "one datum after the other, from the prior",
    Reference "reference" "from a normal, given or fitted by a short run, to the model's density");
choice_field!(Kernel: KERNELS =
    RandomWalk "random_walk" "a random walk with the particles' covariance",
    Independent "independent" "independent proposals from a normal fitted to the particles",
    Hmc "hmc" "Hamiltonian Monte Carlo",
    Nuts "nuts" "the no-U-turn sampler");
choice_field!(TraceFailure: TRACE_FAILURES =
    Keep "keep" "the operation fails, the population stays as it was",
    Lose "lose" "the trace is dropped, its weight zero");

choice_field!(Algorithm: ALGORITHMS =
    Lbfgs "lbfgs" "limited-memory BFGS",
    Bfgs "bfgs" "BFGS with a matrix",
    Newton "newton" "Newton's method");
choice_field!(Family: FAMILIES =
    MeanField "meanfield" "independent coordinates",
    FullRank "fullrank" "any covariance");

macro_rules! row {
    ($name:literal, $kind:expr, $services:expr, $help:literal, $($field:ident).+) => {
        OptionRow {
            name: $name,
            kind: $kind,
            services: $services,
            help: $help,
            get: |set| set.$($field).+.value(),
            set: |set, value| Field::of(value).map(|field| set.$($field).+ = field).is_some(),
        }
    };
}

const ANY: Kind = Kind::Whole(0, u64::MAX);
const FROM_1: Kind = Kind::Whole(1, u64::MAX);
const TOLERANCE: Kind = Kind::Real(Range::not_negative());
const POSITIVE: Kind = Kind::Real(Range::positive());

const MOVES: &[Service] = &[Nuts, Static];
const SAMPLES: &[Service] = &[Nuts, Static, FixedParam];
const CHAINS: &[Service] = &[Nuts, Static, FixedParam, GenerateQuantities, Variational, Laplace];
const RUNS: &[Service] =
    &[Nuts, Static, FixedParam, GenerateQuantities, Smc, Pathfinder, Variational, Optimize, Laplace];
const IDS: &[Service] =
    &[Nuts, Static, FixedParam, GenerateQuantities, Diagnose, Pathfinder, Variational, Optimize, Laplace];
const STARTS: &[Service] = &[Nuts, Static, FixedParam, Diagnose, Pathfinder, Variational, Optimize, Laplace];
const SEEDED: &[Service] = &[
    Nuts,
    Static,
    FixedParam,
    GenerateQuantities,
    Diagnose,
    Population,
    Smc,
    Pathfinder,
    Variational,
    Optimize,
    Laplace,
];
const THREADED: &[Service] =
    &[Nuts, Static, FixedParam, GenerateQuantities, Population, Smc, Pathfinder, Variational, Optimize, Laplace];
const TUNED: &[Service] = &[Nuts, Static, Smc];
const BATCHES: &[Service] = &[Nuts, Static, FixedParam, Smc, Pathfinder, Variational, Optimize, Laplace];
const SETS: &[Service] = &[Population, Smc];
const TRACES: &[Service] = &[Population];
const SMC: &[Service] = &[Smc];
const PATHS_OF: &[Service] = &[Pathfinder];
const FITS: &[Service] = &[Variational];
const MODES: &[Service] = &[Optimize, Laplace];
const LBFGS: &[Service] = &[Optimize, Laplace, Pathfinder];
const NORMALS: &[Service] = &[Laplace];

/// Every option of a run. Defaults are those of [`SampleOptions`](super::SampleOptions).
#[rustfmt::skip]
pub static OPTIONS: &[OptionRow] = &[
    row!("num_chains", FROM_1, CHAINS, "number of chains", sample.num_chains),
    row!("init_chain_id", FROM_1, IDS, "id of the first chain; the others follow", sample.init_chain_id),
    row!("seed", ANY, SEEDED, "seed of all random streams", sample.seed),
    row!("num_warmup", ANY, MOVES, "warm-up iterations; 1000 where it is not given for Stan's metrics", sample.num_warmup),
    row!("num_samples", ANY, SAMPLES, "iterations after warm-up", sample.num_samples),
    row!("thin", FROM_1, SAMPLES, "keep every so many iterations", sample.thin),
    row!("save_warmup", Kind::Switch, MOVES, "write the warm-up too", sample.save_warmup),
    row!("refresh", ANY, RUNS, "iterations between two lines of progress; 0: none", sample.refresh),
    row!("init_radius", Kind::Real(Range::not_negative()), STARTS,
        "initial values not given are uniform on (-radius, radius) on the unconstrained scale", sample.init_radius),
    row!("init_from", Kind::Choice(INITS), MOVES, "where chains begin", sample.init_from),
    row!("check_gradient", Kind::Switch, MOVES,
        "compare the gradient with finite differences of the log density where each chain begins", sample.check_gradient),
    row!("metric", Kind::Choice(METRICS), TUNED, "shape of the inverse metric; smc: diag_e where it is not given", sample.metric),
    row!("stepsize", POSITIVE, MOVES, "step size before adaptation", sample.stepsize),
    row!("stepsize_jitter", Kind::Real(Range::from_0_to_1()), MOVES,
        "each transition's step size is uniform within this fraction of the nominal one", sample.stepsize_jitter),
    row!("max_depth", Kind::Whole(1, MAX_DEPTH_LIMIT as u64), &[Nuts, Smc], "most doublings of a trajectory", sample.max_depth),
    row!("int_time", POSITIVE, &[Static], "integration time of a trajectory", sample.int_time),
    row!("max_energy_error", POSITIVE, TUNED, "energy error above which a trajectory counts as divergent",
        sample.max_energy_error),
    row!("adapt", Kind::Switch, MOVES, "adapt step size and metric in warm-up", adapt),
    row!("delta", Kind::Real(Range::inside_01()), TUNED, "target of the acceptance statistic; 0.8 where it is not given for smc and for Stan's metrics", adaptation.delta),
    row!("raise_delta", Kind::Switch, MOVES,
        "raise delta to 0.9 where more than 3 % of the transitions of warm-up diverge; for metrics from gradients; false where delta is given",
        adaptation.raise_delta),
    row!("gamma", POSITIVE, MOVES, "regularisation scale of the step size's adaptation; no use for metrics from gradients", adaptation.gamma),
    row!("kappa", POSITIVE, MOVES, "relaxation exponent of the step size's adaptation; no use for metrics from gradients", adaptation.kappa),
    row!("t0", POSITIVE, MOVES, "iteration offset of the step size's adaptation; no use for metrics from gradients", adaptation.t0),
    row!("init_buffer", ANY, MOVES, "warm-up iterations before the metric is adapted; no use for metrics from gradients", adaptation.init_buffer),
    row!("term_buffer", ANY, MOVES, "warm-up iterations after the metric was adapted; no use for metrics from gradients", adaptation.term_buffer),
    row!("window", ANY, MOVES, "first window of the metric's adaptation, later ones double (with metrics from gradients they begin at 10); 0: it is not adapted",
        adaptation.window),
    row!("warmup", Kind::Choice(WARMUPS), MOVES, "whether chains share what they learn in warm-up", adaptation.warmup),
    row!("warmup_until", Kind::Switch, MOVES,
        "end warm-up once step size and metric have settled and, together, chains mix; num_warmup is the most", adaptation.warmup_until),
    row!("min_warmup", ANY, MOVES, "fewest iterations of a warm-up that ends so", adaptation.min_warmup),
    row!("preset", Kind::Choice(PRESETS), MOVES, "what metric, num_warmup and delta are where they are not given", preset),
    row!("warm_start", Kind::Switch, MOVES,
        "the run begins where another ended (from): 50 iterations of warm-up where num_warmup is not given", warm_start),
    row!("num_threads", ANY, THREADED, "threads of the run; 0: the cores available to the process", sample.num_threads),
    row!("on_failure", Kind::Choice(POLICIES), RUNS, "what one chain's failure does to the others", sample.on_failure),
    row!("max_evaluations", ANY, SAMPLES,
        "stop each chain, resumably, after so many gradient evaluations in one call; 0: no limit", sample.max_evaluations),
    row!("until_ess", Kind::Real(Range::not_negative()), SAMPLES,
        "stop once the smallest effective sample size of all chains together is at least this; 0: don't", sample.until_ess),
    row!("until_rhat", Kind::Real(Range::not_negative()), SAMPLES,
        "stop once the largest R-hat is at most this, a number above 1; 0: don't", sample.until_rhat),
    row!("until_columns", Kind::Names, SAMPLES,
        "columns, or variables, that until_ess and until_rhat look at; none: lp__ and all outputs", sample.until_columns),
    row!("max_seconds", Kind::Real(Range::seconds()), SAMPLES,
        "stop the run, resumably, after so many seconds; 0: don't", sample.max_seconds),
    row!("max_gradients", ANY, SAMPLES,
        "end each chain with the iteration in which it has used so many gradients, warm-up included; 0: don't",
        sample.max_gradients),
    row!("batch_size", ANY, BATCHES,
        "evaluate up to so many chains in one call of the model's batch function; 0: each by itself", sample.batch_size),
    row!("batch_wait", Kind::Real(Range::seconds()), BATCHES,
        "longest time in seconds that an evaluation waits for others to join its batch", sample.batch_wait),
    row!("init_set_id", FROM_1, SETS, "id of the first set; the others follow", population.init_set_id),
    row!("on_trace_failure", Kind::Choice(TRACE_FAILURES), TRACES, "what becomes of a trace in which an operation fails",
        population.on_failure),
    row!("genealogy", Kind::Switch, TRACES, "keep who descends from whom", population.genealogy),
    row!("num_sets", FROM_1, SMC, "number of independent sets of particles", smc.num_sets),
    row!("num_particles", Kind::Whole(1, u32::MAX as u64), SMC, "particles of each set", smc.num_particles),
    row!("ess_threshold", Kind::Real(Range::share()), SMC,
        "effective sample size to keep, as a share of the number of particles", smc.ess_threshold),
    row!("resampling", Kind::Choice(SCHEMES), SMC, "how particles are resampled", smc.resampling),
    row!("path", Kind::Choice(PATHS), SMC, "which path leads to the posterior", smc.path),
    row!("kernel", Kind::Choice(KERNELS), SMC, "how particles move", smc.kernel),
    row!("num_moves", ANY, SMC, "moves of each particle after it was resampled", smc.num_moves),
    row!("num_leapfrog", Kind::Whole(1, u32::MAX as u64), SMC, "leapfrog steps of a move by HMC", smc.num_leapfrog),
    row!("waste_free", Kind::Switch, SMC,
        "resample but num_particles / (num_moves + 1) particles and keep all states of their chains", smc.waste_free),
    row!("max_stages", FROM_1, SMC, "most stages of a set", smc.max_stages),
    row!("num_paths", FROM_1, PATHS_OF, "number of paths", pathfinder.num_paths),
    row!("max_lbfgs_iters", FROM_1, PATHS_OF, "most steps of a path's optimiser", pathfinder.max_lbfgs_iters),
    row!("num_elbo_draws", FROM_1, PATHS_OF, "draws for the evidence lower bound at the best points of a path",
        pathfinder.num_elbo_draws),
    row!("num_draws", FROM_1, PATHS_OF, "draws from each path", pathfinder.num_draws),
    row!("num_psis_draws", FROM_1, PATHS_OF, "draws resampled from those of all paths", pathfinder.num_psis_draws),
    row!("psis_resample", Kind::Switch, PATHS_OF,
        "resample the draws of several paths by their smoothed weights; else all are kept", pathfinder.psis_resample),
    row!("calculate_lp", Kind::Switch, &[Pathfinder, Laplace], "evaluate the log density at the draws, which weighs them",
        pathfinder.calculate_lp),
    row!("variational_family", Kind::Choice(FAMILIES), FITS, "which normal distributions are looked among",
        variational.family),
    row!("variational_iterations", FROM_1, FITS, "most steps of the ascent", variational.iterations),
    row!("grad_samples", FROM_1, FITS, "draws for each gradient of the evidence lower bound", variational.grad_samples),
    row!("elbo_samples", FROM_1, FITS, "draws for the bound of the average; without averages, for each of its estimates",
        variational.elbo_samples),
    row!("eta", POSITIVE, FITS, "step size without averages, else a factor to steps, where it is not adapted", variational.eta),
    row!("adapt_eta", Kind::Switch, FITS, "find step sizes; without averages, by trying them from 100 down to 0.01",
        variational.adapt_eta),
    row!("adapt_iterations", FROM_1, FITS, "without averages, steps with each step size that is tried",
        variational.adapt_iterations),
    row!("tol_elbo", POSITIVE, FITS, "without averages, the ascent ends when the bound's relative change is smaller", variational.tol_elbo),
    row!("tol_average", Kind::Real(Range::not_negative()), FITS,
        "average iterates until each parameter's error is below this, in standard deviations; 0: take the last one",
        variational.tol_average),
    row!("eval_elbo", FROM_1, FITS, "steps between two estimates of the bound", variational.eval_elbo),
    row!("output_draws", ANY, FITS, "draws from the approximation", variational.output_draws),
    row!("num_starts", FROM_1, MODES, "number of starts", optimize.num_starts),
    row!("algorithm", Kind::Choice(ALGORITHMS), MODES, "how directions are found", optimize.algorithm),
    row!("jacobian", Kind::Switch, &[Optimize],
        "look for the mode of the density with the Jacobian of the transforms", optimize.jacobian),
    row!("max_iterations", ANY, MODES, "most iterations of a start", optimize.max_iterations),
    row!("history_size", FROM_1, LBFGS, "steps that limited-memory BFGS holds", optimize.history_size),
    row!("init_alpha", POSITIVE, LBFGS, "first step, in lengths of the gradient", optimize.init_alpha),
    row!("tol_obj", TOLERANCE, LBFGS, "converged when the log density changes by less", optimize.tolerances.objective),
    row!("tol_rel_obj", TOLERANCE, LBFGS,
        "converged when the log density changes by less, relative to its size, in multiples of rounding",
        optimize.tolerances.relative_objective),
    row!("tol_grad", TOLERANCE, LBFGS, "converged when the gradient's norm is smaller", optimize.tolerances.gradient),
    row!("tol_rel_grad", TOLERANCE, LBFGS,
        "converged when the gradient, scaled by the curvature, is smaller, relative to the log density, in multiples of rounding",
        optimize.tolerances.relative_gradient),
    row!("tol_param", TOLERANCE, LBFGS, "converged when a step is shorter", optimize.tolerances.parameter),
    row!("jitter", TOLERANCE, LBFGS,
        "standard deviation of normal noise added to initial values that are given, on the unconstrained scale", optimize.jitter),
    row!("save_iterations", Kind::Switch, &[Optimize], "write every iteration", optimize.save_iterations),
    row!("laplace_draws", ANY, NORMALS, "draws from each normal distribution", laplace.draws),
    row!("laplace_jacobian", Kind::Switch, NORMALS,
        "approximate the density with the Jacobian of the transforms", laplace.jacobian),
];
