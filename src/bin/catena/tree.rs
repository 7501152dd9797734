//! The arguments there are, with CmdStan's names and defaults.

/// Least value of a seed: one that asks for a seed from the clock.
pub const SEED_FROM_CLOCK: i64 = -1;
/// Significant digits when none are asked for: those of a C++ stream, as CmdStan 2.35 writes.
pub const DEFAULT_SIG_FIGS: u32 = 6;
/// Asks for the default number of significant digits.
pub const SIG_FIGS_UNSET: i64 = -1;
/// Asks for all cores.
pub const ALL_CORES: i64 = -1;

/// Which numbers a real argument takes.
#[derive(Clone, Copy, PartialEq)]
pub enum Range {
    /// Finite, above 0.
    Positive,
    /// Between 0 and 1, both left out.
    Inside01,
    /// 0 to 1.
    From0To1,
}

impl Range {
    pub fn holds(self, x: f64) -> bool {
        match self {
            Self::Positive => x > 0.0 && x.is_finite(),
            Self::Inside01 => x > 0.0 && x < 1.0,
            Self::From0To1 => (0.0..=1.0).contains(&x),
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Positive => "a finite number above 0",
            Self::Inside01 => "a number strictly between 0 and 1",
            Self::From0To1 => "a number from 0 to 1",
        }
    }
}

/// What an argument takes.
pub enum Kind {
    /// Nothing: the arguments that follow are those of the group.
    Group(&'static [Argument]),
    /// One of several names, each with arguments of its own; the first is the default.
    Choice(&'static [Argument]),
    /// true (1) or false (0).
    Switch(bool),
    /// A whole number with its default, least and largest value.
    Whole(i64, i64, i64),
    Real(f64, Range),
    Text(&'static str),
}

pub struct Argument {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
}

impl Argument {
    /// The arguments of a group.
    pub fn members(&self) -> &'static [Argument] {
        match self.kind {
            Kind::Group(members) => members,
            _ => &[],
        }
    }
}

const fn argument(name: &'static str, help: &'static str, kind: Kind) -> Argument {
    Argument { name, help, kind }
}

const fn whole(name: &'static str, help: &'static str, default: i64, least: i64) -> Argument {
    argument(name, help, Kind::Whole(default, least, u32::MAX as i64))
}

use Kind::{Choice, Group, Real, Switch, Text, Whole};

/// Everything that may follow the model.
pub static TOP: &[Argument] = &[
    argument("method", "what to do", Choice(METHODS)),
    argument("id", "id of the first chain; the others follow", Whole(1, 1, u32::MAX as i64)),
    argument(
        "data",
        "data of the program",
        Group(&[argument("file", "JSON, or an R dump when its name ends in .R", Text(""))]),
    ),
    argument(
        "init",
        "initial values: a file of values by name (name_ID.json before name.json, or a list with commas), or a number R: \
         all drawn from (-R, R) on the unconstrained scale",
        Text("2"),
    ),
    argument(
        "random",
        "random numbers",
        Group(&[argument(
            "seed",
            "seed of all chains; -1: one from the clock",
            Whole(SEED_FROM_CLOCK, SEED_FROM_CLOCK, u32::MAX as i64),
        )]),
    ),
    argument(
        "output",
        "files and messages",
        Group(&[
            argument(
                "file",
                "Stan CSV; name_ID.csv for more than one chain, or a list with commas",
                Text("output.csv"),
            ),
            argument("diagnostic_file", "positions, momenta and gradients; named as file", Text("")),
            whole("refresh", "iterations between two lines of progress; 0: none", 100, 0),
            argument(
                "sig_figs",
                "significant digits; 0: as many as give the same bits back; -1: 6",
                Whole(SIG_FIGS_UNSET, SIG_FIGS_UNSET, catena::io::MAX_SIG_FIGS as i64),
            ),
        ]),
    ),
    argument(
        "num_threads",
        "threads of the run; -1: STAN_NUM_THREADS where that is set, else all cores. The draws do not depend on it",
        Whole(ALL_CORES, ALL_CORES, 65_536),
    ),
];

static METHODS: &[Argument] = &[
    argument("sample", "draw from the posterior", Group(SAMPLE)),
    argument(
        "generate_quantities",
        "generated quantities anew for draws made before",
        Group(&[
            argument(
                "fitted_params",
                "Stan CSV with the draws (name_ID.csv before name.csv, or a list with commas)",
                Text(""),
            ),
            whole("num_chains", "number of chains (also: chains)", 1, 1),
        ]),
    ),
    argument(
        "diagnose",
        "compare the gradient with finite differences",
        Group(&[argument(
            "test",
            "what to look at",
            Choice(&[argument(
                "gradient",
                "the gradient at the initial value",
                Group(&[
                    argument("epsilon", "half the distance of a difference's points", Real(1e-6, Range::Positive)),
                    argument("error", "largest error that is no failure", Real(1e-6, Range::Positive)),
                ]),
            )]),
        )]),
    ),
    argument(
        "log_prob",
        "log density and gradient at given values",
        Group(&[
            argument("unconstrained_params", "file with params_r: one position, or an array of positions", Text("")),
            argument("constrained_params", "file with values of all parameters by name", Text("")),
            argument("jacobian", "include the Jacobian of the transforms", Switch(true)),
        ]),
    ),
];

static SAMPLE: &[Argument] = &[
    whole("num_samples", "iterations after warm-up", 1000, 0),
    whole("num_warmup", "warm-up iterations", 1000, 0),
    argument("save_warmup", "write the warm-up too", Switch(false)),
    whole("thin", "keep every so many iterations", 1, 1),
    argument("adapt", "adaptation in warm-up", Group(ADAPT)),
    argument(
        "algorithm",
        "how to move",
        Choice(&[
            argument("hmc", "Hamiltonian Monte Carlo", Group(HMC)),
            argument("fixed_param", "stay at the initial values, draw generated quantities", Group(&[])),
        ]),
    ),
    whole("num_chains", "number of chains (also: chains)", 1, 1),
];

static ADAPT: &[Argument] = &[
    argument("engaged", "adapt at all", Switch(true)),
    argument("gamma", "regularisation scale of the step size's adaptation", Real(0.05, Range::Positive)),
    argument("delta", "target of the acceptance statistic", Real(0.8, Range::Inside01)),
    argument("kappa", "relaxation exponent", Real(0.75, Range::Positive)),
    argument("t0", "iteration offset", Real(10.0, Range::Positive)),
    whole("init_buffer", "iterations before the metric is adapted", 75, 0),
    whole("term_buffer", "iterations after the metric was adapted", 50, 0),
    whole("window", "first window of the metric's adaptation", 25, 0),
    argument("save_metric", "write step size and metric as JSON, to name_metric.json", Switch(false)),
];

static HMC: &[Argument] = &[
    argument(
        "engine",
        "trajectories",
        Choice(&[
            argument(
                "nuts",
                "the no-U-turn sampler",
                Group(&[argument(
                    "max_depth",
                    "most doublings of a trajectory",
                    Whole(10, 1, catena::services::MAX_DEPTH_LIMIT as i64),
                )]),
            ),
            argument(
                "static",
                "a fixed integration time",
                Group(&[argument("int_time", "integration time", Real(std::f64::consts::TAU, Range::Positive))]),
            ),
        ]),
    ),
    argument(
        "metric",
        "shape of the inverse metric",
        Choice(&[
            argument("diag_e", "a diagonal", Group(&[])),
            argument("dense_e", "a matrix", Group(&[])),
            argument("unit_e", "the identity", Group(&[])),
        ]),
    ),
    argument(
        "metric_file",
        "JSON or R dump with the initial inv_metric (name_ID.json before name.json, or a list with commas)",
        Text(""),
    ),
    argument("stepsize", "step size before adaptation", Real(1.0, Range::Positive)),
    argument("stepsize_jitter", "relative half-width of its jitter", Real(0.0, Range::From0To1)),
];
