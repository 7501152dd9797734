//! The table: one row, one option.

use super::set::OptionSet;
use super::value::{Choice, Given, Kind, Range, Value, names};
use super::{FailurePolicy, MAX_DEPTH_LIMIT, PathKind, Preset};
use crate::adapt::WarmupMode;
use crate::error::Error;
use crate::hmc::MetricKind;
use crate::particles::plan::Kernel;
use crate::particles::resample::Scheme;
use crate::services::population::TraceFailure;
use std::time::Duration;

/// What a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// [`sample_nuts`](crate::services::sample_nuts)
    Nuts,
    /// [`sample_hmc_static`](crate::services::sample_hmc_static)
    Static,
    /// [`sample_fixed_param`](crate::services::sample_fixed_param)
    FixedParam,
    /// [`generate_quantities`](crate::services::generate_quantities)
    GenerateQuantities,
    /// [`diagnose_gradient`](crate::services::diagnose_gradient)
    Diagnose,
    /// [`log_density`](crate::services::log_density), which takes no options
    LogDensity,
    /// [`Population`](crate::services::Population)
    Population,
    /// [`sample_smc`](crate::services::sample_smc)
    Smc,
}

use Service::{Diagnose, FixedParam, GenerateQuantities, Nuts, Population, Smc, Static};

impl Service {
    /// Every service.
    pub fn all() -> [Self; 8] {
        [Nuts, Static, FixedParam, GenerateQuantities, Diagnose, Self::LogDensity, Population, Smc]
    }

    /// `nuts`, `static`, `fixed_param`, `generate_quantities`, `diagnose`, `log_density` or `smc`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nuts => "nuts",
            Self::Static => "static",
            Self::FixedParam => "fixed_param",
            Self::GenerateQuantities => "generate_quantities",
            Self::Diagnose => "diagnose",
            Self::LogDensity => "log_density",
            Self::Population => "population",
            Self::Smc => "smc",
        }
    }

    /// What it does.
    pub fn help(self) -> &'static str {
        match self {
            Self::Nuts => "draws by the no-U-turn sampler",
            Self::Static => "draws by static Hamiltonian Monte Carlo",
            Self::FixedParam => "generated quantities at initial values that stay",
            Self::GenerateQuantities => "generated quantities anew for draws made before",
            Self::Diagnose => "the gradient against finite differences",
            Self::LogDensity => "log density and gradient at given points",
            Self::Population => "independent sets of weighted traces",
            Self::Smc => "weighted draws and the evidence by sequential Monte Carlo",
        }
    }
}

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

/// A field of the options as a value and back.
trait Field: Sized {
    fn value(&self) -> Value;
    /// `None`: the field cannot hold it.
    fn of(value: Value) -> Option<Self>;
}

macro_rules! whole_fields {
    ($($field:ty),*) => {$(
        impl Field for $field {
            fn value(&self) -> Value {
                Value::Whole(*self as u64)
            }
            fn of(value: Value) -> Option<Self> {
                if let Value::Whole(n) = value { n.try_into().ok() } else { None }
            }
        }
    )*};
}
whole_fields!(u32, u64, usize);

impl Field for f64 {
    fn value(&self) -> Value {
        Value::Real(*self)
    }
    fn of(value: Value) -> Option<Self> {
        if let Value::Real(x) = value { Some(x) } else { None }
    }
}

impl Field for Duration {
    fn value(&self) -> Value {
        Value::Real(self.as_secs_f64())
    }
    fn of(value: Value) -> Option<Self> {
        if let Value::Real(x) = value { Self::try_from_secs_f64(x).ok() } else { None }
    }
}

impl Field for Vec<String> {
    fn value(&self) -> Value {
        Value::Names(self.join(","))
    }
    fn of(value: Value) -> Option<Self> {
        if let Value::Names(text) = value { names(&text) } else { None }
    }
}

impl Field for bool {
    fn value(&self) -> Value {
        Value::Switch(*self)
    }
    fn of(value: Value) -> Option<Self> {
        if let Value::Switch(on) = value { Some(on) } else { None }
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
    Auto "auto" "fisher_dense for few coordinates, low_rank for many");
choice_field!(Preset: PRESETS =
    Stan "stan" "metric=diag_e num_warmup=1000 delta=0.8",
    Catena "catena" "metric=auto num_warmup=150 delta=0.7");
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
const POSITIVE: Kind = Kind::Real(Range::positive());

const MOVES: &[Service] = &[Nuts, Static];
const SAMPLES: &[Service] = &[Nuts, Static, FixedParam];
const CHAINS: &[Service] = &[Nuts, Static, FixedParam, GenerateQuantities];
const RUNS: &[Service] = &[Nuts, Static, FixedParam, GenerateQuantities, Smc];
const IDS: &[Service] = &[Nuts, Static, FixedParam, GenerateQuantities, Diagnose];
const SEEDED: &[Service] = &[Nuts, Static, FixedParam, GenerateQuantities, Diagnose, Population, Smc];
const THREADED: &[Service] = &[Nuts, Static, FixedParam, GenerateQuantities, Population, Smc];
const TUNED: &[Service] = &[Nuts, Static, Smc];
const BATCHES: &[Service] = &[Nuts, Static, FixedParam, Smc];
const SETS: &[Service] = &[Population, Smc];
const TRACES: &[Service] = &[Population];
const SMC: &[Service] = &[Smc];

/// Every option of a run. Defaults are those of [`SampleOptions`](super::SampleOptions).
#[rustfmt::skip]
pub static OPTIONS: &[OptionRow] = &[
    row!("num_chains", FROM_1, CHAINS, "number of chains", sample.num_chains),
    row!("init_chain_id", FROM_1, IDS, "id of the first chain; the others follow", sample.init_chain_id),
    row!("seed", ANY, SEEDED, "seed of all random streams", sample.seed),
    row!("num_warmup", ANY, MOVES, "warm-up iterations", sample.num_warmup),
    row!("num_samples", ANY, SAMPLES, "iterations after warm-up", sample.num_samples),
    row!("thin", FROM_1, SAMPLES, "keep every so many iterations", sample.thin),
    row!("save_warmup", Kind::Switch, MOVES, "write the warm-up too", sample.save_warmup),
    row!("refresh", ANY, RUNS, "iterations between two lines of progress; 0: none", sample.refresh),
    row!("init_radius", Kind::Real(Range::not_negative()), &[Nuts, Static, FixedParam, Diagnose],
        "initial values not given are uniform on (-radius, radius) on the unconstrained scale", sample.init_radius),
    row!("metric", Kind::Choice(METRICS), TUNED, "shape of the inverse metric", sample.metric),
    row!("stepsize", POSITIVE, MOVES, "step size before adaptation", sample.stepsize),
    row!("stepsize_jitter", Kind::Real(Range::from_0_to_1()), MOVES,
        "each transition's step size is uniform within this fraction of the nominal one", sample.stepsize_jitter),
    row!("max_depth", Kind::Whole(1, MAX_DEPTH_LIMIT as u64), &[Nuts, Smc], "most doublings of a trajectory", sample.max_depth),
    row!("int_time", POSITIVE, &[Static], "integration time of a trajectory", sample.int_time),
    row!("max_energy_error", POSITIVE, TUNED, "energy error above which a trajectory counts as divergent",
        sample.max_energy_error),
    row!("adapt", Kind::Switch, MOVES, "adapt step size and metric in warm-up", adapt),
    row!("delta", Kind::Real(Range::inside_01()), TUNED, "target of the acceptance statistic", adaptation.delta),
    row!("gamma", POSITIVE, MOVES, "regularisation scale of the step size's adaptation; no use for metrics from gradients", adaptation.gamma),
    row!("kappa", POSITIVE, MOVES, "relaxation exponent of the step size's adaptation; no use for metrics from gradients", adaptation.kappa),
    row!("t0", POSITIVE, MOVES, "iteration offset of the step size's adaptation; no use for metrics from gradients", adaptation.t0),
    row!("init_buffer", ANY, MOVES, "warm-up iterations before the metric is adapted; no use for metrics from gradients", adaptation.init_buffer),
    row!("term_buffer", ANY, MOVES, "warm-up iterations after the metric was adapted; no use for metrics from gradients", adaptation.term_buffer),
    row!("window", ANY, MOVES, "first window of the metric's adaptation, later ones double (with metrics from gradients they begin at 10); 0: it is not adapted",
        adaptation.window),
    row!("warmup", Kind::Choice(WARMUPS), MOVES, "whether chains share what they learn in warm-up", adaptation.warmup),
    row!("preset", Kind::Choice(PRESETS), MOVES, "metric, num_warmup and delta where they are not given; Stan's metrics have Stan's", preset),
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
];
