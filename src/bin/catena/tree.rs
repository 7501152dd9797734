//! The arguments there are, with CmdStan's names and defaults. One that sets an option has its values and help, and its
//! default unless CmdStan has another, from the table of options.

use crate::approximations::{PATHFINDER, VARIATIONAL};
pub use crate::argument::{Argument, Kind};
use crate::argument::{MOST, argument, option};
use crate::modes::{LAPLACE, OPTIMIZE};
use catena::services::{GradientOptions, Range};

/// Least value of a seed: one that asks for a seed from the clock.
pub const SEED_FROM_CLOCK: i64 = -1;
/// Significant digits when none are asked for: those of a C++ stream, as CmdStan 2.35 writes.
pub const DEFAULT_SIG_FIGS: u32 = 6;
/// Asks for the default number of significant digits.
pub const SIG_FIGS_UNSET: i64 = -1;
/// Asks for all cores.
pub const ALL_CORES: i64 = -1;
/// Where the chains begin that begin where others ended.
pub const FROM: &str = "sample from";
pub const INIT: &str = "init";
/// Names of the files of positions, momenta and gradients.
pub const DIAGNOSTICS: &str = "output diagnostic_file";
use Kind::{Choice, Group, Real, Switch, Text, Whole};

/// Everything that may follow the model.
pub static TOP: &[Argument] = &[
    argument("method", "what to do", Choice(METHODS)),
    option("id", "init_chain_id"),
    argument(
        "data",
        "data of the program",
        Group(&[argument("file", "JSON, or an R dump when its name ends in .R", Text(""))]),
    ),
    argument(
        "init",
        "initial values: a file of values by name (name_ID.json before name.json, or a list with commas), or a number R: \
         all drawn from (-R, R) on the unconstrained scale; for 'sample' also pathfinder: where a path of it leads, from drawn ones",
        Text(""),
    )
    .sets("init_radius"),
    argument(
        "random",
        "random numbers",
        Group(&[argument(
            "seed",
            "seed of all chains; -1: one from the clock",
            Whole(SEED_FROM_CLOCK, SEED_FROM_CLOCK, MOST as i64),
        )
        .sets("seed")]),
    ),
    argument(
        "output",
        "files and messages",
        Group(&[
            argument(
                "file",
                "Stan CSV, or Arrow where the name ends in .arrow; name_ID.csv for more than one chain, or a list with commas",
                Text("output.csv"),
            ),
            argument("diagnostic_file", "positions, momenta and gradients; named as file", Text("")),
            option("refresh", "refresh"),
            argument(
                "sig_figs",
                "significant digits of CSV; 0: as many as give the same bits back; -1: 6",
                Whole(SIG_FIGS_UNSET, SIG_FIGS_UNSET, catena::io::MAX_SIG_FIGS as i64),
            ),
            argument(
                "checkpoint",
                "where each chain is kept while it samples, for 'resume'; named as file",
                Text(""),
            )
            .of_ours(),
            argument("every", "seconds between two checkpoints of a chain", Real(60.0, Range::positive())).of_ours(),
        ]),
    ),
    argument(
        "num_threads",
        "threads of the run; -1: STAN_NUM_THREADS where that is set, else all cores. The draws do not depend on it",
        Whole(ALL_CORES, ALL_CORES, catena::drive::MOST_THREADS as i64),
    )
    .sets("num_threads"),
    argument(
        "communicator",
        "processes that share the chains, each started with the same arguments: mpi (under mpirun), or an engine's library",
        Text(""),
    )
    .of_ours(),
    argument("rank_timeout", "seconds after which a process that does not answer is lost", Real(60.0, Range::positive()))
        .of_ours(),
    argument(
        "resume",
        "checkpoints of a run that was ended, which goes on (name_ID before name, or a list with commas)",
        Text(""),
    )
    .of_ours(),
];

pub static METHODS: &[Argument] = &[
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
            NUM_CHAINS,
            option("on_failure", "on_failure").of_ours(),
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
                    argument(
                        "epsilon",
                        "half the distance of a difference's points",
                        Real(GradientOptions::EPSILON, Range::positive()),
                    ),
                    argument(
                        "error",
                        "largest error that is no failure",
                        Real(GradientOptions::THRESHOLD, Range::positive()),
                    ),
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
    argument("optimize", "find modes, from one start or many", Group(OPTIMIZE)),
    argument("laplace", "draws from the normal distribution at a mode", Group(LAPLACE)),
    argument("smc", "weighted draws and the evidence, by sets of particles", Group(SMC)),
    argument("pathfinder", "draws from normal distributions along the paths of an optimiser", Group(PATHFINDER)),
    argument("variational", "draws from a normal distribution fitted to the posterior", Group(VARIATIONAL)),
];

/// One, as in CmdStan.
const NUM_CHAINS: Argument =
    argument("num_chains", "number of chains (also: chains)", Kind::Option("1")).sets("num_chains");

static SAMPLE: &[Argument] = &[
    option("num_samples", "num_samples"),
    option("num_warmup", "num_warmup"),
    option("save_warmup", "save_warmup"),
    option("thin", "thin"),
    argument("adapt", "adaptation in warm-up", Group(ADAPT)),
    argument(
        "algorithm",
        "how to move",
        Choice(&[
            argument("hmc", "Hamiltonian Monte Carlo", Group(HMC)),
            argument("fixed_param", "stay at the initial values, draw generated quantities", Group(&[])),
        ]),
    ),
    NUM_CHAINS,
    option("preset", "preset").of_ours(),
    argument(
        "from",
        "where the run begins: a run's CSV, metric as JSON or checkpoints (name_ID before name, or a list with commas)",
        Text(""),
    )
    .of_ours(),
    option("check_gradient", "check_gradient").of_ours(),
    option("until_ess", "until_ess").of_ours(),
    option("until_rhat", "until_rhat").of_ours(),
    option("until_columns", "until_columns").of_ours(),
    option("max_seconds", "max_seconds").of_ours(),
    option("max_gradients", "max_gradients").of_ours(),
    option("on_failure", "on_failure").of_ours(),
    option("batch_size", "batch_size").of_ours(),
    option("batch_wait", "batch_wait").of_ours(),
];

static SMC: &[Argument] = &[
    option("num_sets", "num_sets"),
    option("num_particles", "num_particles"),
    option("init_set_id", "init_set_id"),
    option("path", "path"),
    argument(
        "reference_file",
        "JSON or R dump with mean and sd (or covariance) of the normal that path=reference begins with; none: it is fitted",
        Text(""),
    ),
    option("ess_threshold", "ess_threshold"),
    option("resampling", "resampling"),
    option("kernel", "kernel"),
    option("num_moves", "num_moves"),
    option("num_leapfrog", "num_leapfrog"),
    option("max_depth", "max_depth"),
    argument("delta", "", Kind::Option("0.8")).sets("delta"),
    argument("metric", "", Kind::Option("diag_e")).sets("metric"),
    option("max_energy_error", "max_energy_error"),
    option("waste_free", "waste_free"),
    option("max_stages", "max_stages"),
    option("on_failure", "on_failure"),
    option("batch_size", "batch_size"),
    option("batch_wait", "batch_wait"),
];

static ADAPT: &[Argument] = &[
    option("engaged", "adapt"),
    option("gamma", "gamma"),
    option("delta", "delta"),
    option("kappa", "kappa"),
    option("t0", "t0"),
    option("init_buffer", "init_buffer"),
    option("term_buffer", "term_buffer"),
    option("window", "window"),
    option("warmup", "warmup").of_ours(),
    option("warmup_until", "warmup_until").of_ours(),
    option("min_warmup", "min_warmup").of_ours(),
    option("raise_delta", "raise_delta").of_ours(),
    argument("save_metric", "write step size and metric as JSON, to name_metric.json", Switch(false)),
];

static HMC: &[Argument] = &[
    argument(
        "engine",
        "trajectories",
        Choice(&[
            argument("nuts", "the no-U-turn sampler", Group(&[option("max_depth", "max_depth")])),
            argument("static", "a fixed integration time", Group(&[option("int_time", "int_time")])),
        ]),
    ),
    argument(
        "metric",
        "shape of the inverse metric",
        Choice(&[
            argument(
                "auto",
                "fisher_diag where that does as well as more, else fisher_dense for few coordinates, low_rank for many",
                Group(&[]),
            ),
            argument("diag_e", "a diagonal", Group(&[])),
            argument("dense_e", "a matrix", Group(&[])),
            argument("unit_e", "the identity", Group(&[])),
            argument("fisher_diag", "a diagonal, from draws and gradients", Group(&[])),
            argument("fisher_dense", "a matrix, from draws and gradients", Group(&[])),
            argument("low_rank", "a diagonal and a few directions, from draws and gradients", Group(&[])),
        ]),
    )
    .sets("metric"),
    argument(
        "metric_file",
        "JSON or R dump with the initial inv_metric (name_ID.json before name.json, or a list with commas)",
        Text(""),
    ),
    option("stepsize", "stepsize"),
    option("stepsize_jitter", "stepsize_jitter"),
    option("max_energy_error", "max_energy_error").of_ours(),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::visit;
    use catena::services::{OPTIONS, OptionSet, SampleOptions, Service};
    use std::collections::HashSet;

    /// Options that the command line has no argument of their own for: a chain that was stopped is resumed by programs only,
    /// `init=pathfinder` is a value of CmdStan's `init`, and a run begins warm where it is given `from`.
    const NOT_HERE: [&str; 3] = ["max_evaluations", "init_from", "warm_start"];
    /// Options that CmdStan has another default for.
    const OTHERWISE: [&str; 3] = ["num_chains", "seed", "num_threads"];

    #[test]
    fn arguments_name_options_and_every_option_has_one() {
        let mut named = HashSet::new();
        visit("", TOP, &mut |path, argument| {
            assert!(!argument.help().is_empty(), "{path}");
            let Some(row) = argument.row() else {
                assert!(!matches!(argument.kind, Kind::Option(_)), "{path} names an option");
                return;
            };
            named.insert(row.name);
            let differs = argument.default() != row.default_text();
            if path.starts_with("smc ") && OptionSet::is_preset(row.name) {
                let stans = OptionSet::from(&SampleOptions::stan());
                assert_eq!(argument.default(), row.kind.text(row.get(&stans)), "{path}");
            } else {
                assert_eq!(differs, OTHERWISE.contains(&row.name), "{path}");
            }
            if let Kind::Choice(of) = argument.kind {
                let names: HashSet<&str> = of.iter().map(|a| a.name).collect();
                assert_eq!(names, row.kind.choices().iter().map(|c| c.name).collect(), "{path}");
            }
        });
        // Traces belong to programs.
        for row in OPTIONS.iter().filter(|row| *row.services != [Service::Population]) {
            assert!(named.contains(row.name) != NOT_HERE.contains(&row.name), "an argument for {}", row.name);
        }
    }
}
