//! The arguments of `pathfinder` and `variational`.

use crate::argument::{Argument, Kind, argument, option};
use Kind::{Choice, Group, Switch};

pub static PATHFINDER: &[Argument] = &[
    option("init_alpha", "init_alpha"),
    option("tol_obj", "tol_obj"),
    option("tol_rel_obj", "tol_rel_obj"),
    option("tol_grad", "tol_grad"),
    option("tol_rel_grad", "tol_rel_grad"),
    option("tol_param", "tol_param"),
    option("history_size", "history_size"),
    option("num_psis_draws", "num_psis_draws"),
    option("num_paths", "num_paths"),
    argument("save_single_paths", "write the draws of each path too, to name_path_ID.csv", Switch(false)),
    option("psis_resample", "psis_resample"),
    option("calculate_lp", "calculate_lp"),
    option("max_lbfgs_iters", "max_lbfgs_iters"),
    option("num_draws", "num_draws"),
    option("num_elbo_draws", "num_elbo_draws"),
    option("jitter", "jitter").of_ours(),
    option("on_failure", "on_failure").of_ours(),
    option("batch_size", "batch_size").of_ours(),
    option("batch_wait", "batch_wait").of_ours(),
];

pub static VARIATIONAL: &[Argument] = &[
    argument(
        "algorithm",
        "which normal distributions are looked among",
        Choice(&[
            argument("meanfield", "independent coordinates", Group(&[])),
            argument("fullrank", "any covariance", Group(&[])),
        ]),
    )
    .sets("variational_family"),
    option("iter", "variational_iterations"),
    option("grad_samples", "grad_samples"),
    option("elbo_samples", "elbo_samples"),
    option("eta", "eta"),
    argument(
        "adapt",
        "adaptation of the step size",
        Group(&[option("engaged", "adapt_eta"), option("iter", "adapt_iterations")]),
    ),
    option("tol_rel_obj", "tol_elbo"),
    option("tol_average", "tol_average").of_ours(),
    option("eval_elbo", "eval_elbo"),
    option("output_samples", "output_draws"),
    argument("num_chains", "number of fits, each by itself", Kind::Option("1")).sets("num_chains").of_ours(),
    option("on_failure", "on_failure").of_ours(),
    option("batch_size", "batch_size").of_ours(),
    option("batch_wait", "batch_wait").of_ours(),
];
