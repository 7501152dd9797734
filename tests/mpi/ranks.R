# Chains and sets of particles over the ranks of MPI, started by mpirun, or with the argument `plain` by themselves: the numbers that each
# rank prints are those of one process, to the last bit.
library(catena)
more <- if ("plain" %in% commandArgs(TRUE)) list() else list(communicator = "mpi")
with_ranks <- function(f, ...) do.call(f, c(list(...), more))
model <- catena_model(
  function(x) list(log_density = -sum(x^2 * 1:3) / 2, gradient = -x * 1:3),
  names = c("a", "b", "c")
)
fit <- with_ranks(catena_sample, model, chains = 3, iter_warmup = 100, iter_sampling = 50, seed = 4, progress = FALSE)
smc <- with_ranks(catena_sample_smc, model, num_sets = 2, num_particles = 64, seed = 5, show_messages = FALSE)
found <- c(fit$draws, smc$draws)
cat(sprintf("%d numbers, %a, %a\n", length(found), sum(found), sum(found * seq_along(found))))
