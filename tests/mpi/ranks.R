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
# Whole sets, and one set of which each process has a part.
moved <- function(...) {
  p <- with_ranks(catena_population, function() rnorm(1), n_particles = 20, seed = 6, ...)
  for (y in c(0.3, -1, 0.7)) {
    population_apply(p, function(x, y) list(trace = x + rnorm(1, sd = 0.1), log_increment = -(x - y)^2), y)
    population_resample(p, ess_below = 0.7)
  }
  population_on_trace(p, 1, 13, function(x) list(log_increment = 0.25))
  population_collapse(p, function(x) round(x, 1))
  c(population_report(p), population_sample(p, function(x) x + rnorm(1), which = "sets"), population_log_evidence(p)$estimate,
    unlist(population_weights(p)), as.numeric(population_save(p)$bytes))
}
found <- c(fit$draws, smc$draws, moved(n_sets = 3), moved(spread = "traces"))
cat(sprintf("%d numbers, %a, %a\n", length(found), sum(found), sum(found * seq_along(found))))
