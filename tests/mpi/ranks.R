# Chains and a population over the ranks of MPI, started by mpirun, or with the argument `plain` by themselves: the numbers that each
# rank prints are those of one process, to the last bit.
library(catena)
more <- if ("plain" %in% commandArgs(TRUE)) list() else list(communicator = "mpi")
with_ranks <- function(f, ...) do.call(f, c(list(...), more))
model <- catena_model(
  function(x) list(log_density = -sum(x^2 * 1:3) / 2, gradient = -x * 1:3),
  names = c("a", "b", "c")
)
fit <- with_ranks(catena_sample, model, chains = 3, iter_warmup = 100, iter_sampling = 50, seed = 4, progress = FALSE)
p <- with_ranks(catena_population, function() rnorm(1), n_sets = 3, n_particles = 20, seed = 5)
see <- function(trace, y) list(log_increment = dnorm(y, trace, log = TRUE))
for (y in c(0.3, -1, 0.7)) {
  population_apply(p, see, y)
  population_resample(p, ess_below = 0.7)
}
values <- population_report(p, function(trace) trace)
found <- c(fit$draws, unlist(values), unlist(population_weights(p, "pooled")), population_log_evidence(p)$estimate)
cat(sprintf("%d numbers, %a, %a\n", length(found), sum(found), sum(found * seq_along(found))))
