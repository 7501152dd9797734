//! The arguments of `optimize` and `laplace`.

use crate::argument::{Argument, Kind, argument, option};
use Kind::{Choice, Group, Text};

pub static OPTIMIZE: &[Argument] = &[
    argument(
        "algorithm",
        "how directions are found",
        Choice(&[
            argument("lbfgs", "limited-memory BFGS", Group(LBFGS)),
            argument("bfgs", "BFGS with a matrix", Group(QUASI_NEWTON)),
            argument("newton", "Newton's method", Group(NEWTON)),
        ]),
    )
    .sets("algorithm"),
    option("jacobian", "jacobian"),
    option("iter", "max_iterations"),
    option("save_iterations", "save_iterations"),
    option("num_starts", "num_starts").of_ours(),
    option("jitter", "jitter").of_ours(),
    option("on_failure", "on_failure").of_ours(),
    option("batch_size", "batch_size").of_ours(),
    option("batch_wait", "batch_wait").of_ours(),
];

static LBFGS: &[Argument] = &[
    option("init_alpha", "init_alpha"),
    option("tol_obj", "tol_obj"),
    option("tol_rel_obj", "tol_rel_obj"),
    option("tol_grad", "tol_grad"),
    option("tol_rel_grad", "tol_rel_grad"),
    option("tol_param", "tol_param"),
    option("history_size", "history_size"),
];

static QUASI_NEWTON: &[Argument] = &[
    option("init_alpha", "init_alpha"),
    option("tol_obj", "tol_obj"),
    option("tol_rel_obj", "tol_rel_obj"),
    option("tol_grad", "tol_grad"),
    option("tol_rel_grad", "tol_rel_grad"),
    option("tol_param", "tol_param"),
];

/// CmdStan's has none.
static NEWTON: &[Argument] = &[
    option("tol_obj", "tol_obj").of_ours(),
    option("tol_rel_obj", "tol_rel_obj").of_ours(),
    option("tol_grad", "tol_grad").of_ours(),
    option("tol_rel_grad", "tol_rel_grad").of_ours(),
    option("tol_param", "tol_param").of_ours(),
];

pub static LAPLACE: &[Argument] = &[
    argument(
        "mode",
        "the mode: Stan CSV of 'optimize' (its last row), JSON, or an R dump (name_ID before name, or a list with commas); \
         none: it is found",
        Text(""),
    ),
    option("jacobian", "laplace_jacobian"),
    option("draws", "laplace_draws"),
    option("calculate_lp", "calculate_lp"),
    option("num_starts", "num_starts").of_ours(),
    argument("num_chains", "number of ids that draw, each by itself", Kind::Option("1")).sets("num_chains").of_ours(),
    option("on_failure", "on_failure").of_ours(),
    option("batch_size", "batch_size").of_ours(),
    option("batch_wait", "batch_wait").of_ours(),
];
