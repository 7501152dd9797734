# Runs that end well and runs that fail, for valgrind: no error, nothing lost.
library(catena)
model <- catena_model(function(p) list(log_density = -sum(p^2) / 2, gradient = -p), names = c("a", "b"))
fit <- catena_sample(model, chains = 2, iter_warmup = 100, iter_sampling = 100, seed = 1)
print(fit)
failed <- tryCatch(catena_sample(catena_model(function(p) stop("as wanted"), names = "a")), error = conditionMessage)
stopifnot(grepl("as wanted", failed))

# A run in the background that is stopped, saved, and gone on with; one that nobody waits for.
run <- catena_start(model, chains = 2, iter_warmup = 100, iter_sampling = 1e6, seed = 1)
catena_poll(run, 0.5)
part <- catena_result(catena_cancel(run), progress = FALSE)
stopifnot(all(part$chains$status == 7))
part <- catena_sample(model, chains = 2, iter_warmup = 100, iter_sampling = 100, seed = 1, max_evaluations = 300)
stopifnot(identical(catena_resume(unserialize(serialize(part, NULL)), model)$draws, fit$draws))
abandoned <- catena_start(model, chains = 2, seed = 1)
catena_poll(abandoned)
rm(abandoned)
invisible(gc())

products <- catena_model(function(p) list(log_density = -sum(p^2) / 2, gradient = -p), names = c("a", "b"), constrain = prod, outputs = "ab")
stopifnot(dim(catena_generate_quantities(products, fit, seed = 1)) == c(100, 2, 1))
failing <- catena_model(function(p) 0, names = c("a", "b"), constrain = function(x) stop("as wanted"), outputs = "y")
failed <- tryCatch(catena_generate_quantities(failing, fit), error = conditionMessage)
stopifnot(grepl("as wanted", failed))
print(catena_diagnose(model, seed = 1))
failed <- tryCatch(catena_diagnose(catena_model(function(p) stop("as wanted"), names = "a")), error = conditionMessage)
stopifnot(grepl("as wanted", failed))

# Sets of particles that end well, fail in an R function, and fail by themselves.
conjugate <- function(parts) {
  catena_model(
    function(p) list(log_density = -sum(p^2), gradient = -2 * p), names = c("a", "b"), log_density_parts = parts,
    sample_prior = function() rnorm(2), log_density_data = function(p, count) c(parts(p)[1:2], parts(p)[3:4]), data_count = 1
  )
}
halves <- function(p) list(-sum(p^2) / 2, -sum(p^2) / 2, -p, -p)
for (path in c("prior", "data", "reference")) {
  fit <- catena_sample_smc(conjugate(halves), 2, 30, path = path, seed = 1, refresh = 1)
  stopifnot(fit$sets$outcome == "finished")
}
failed <- tryCatch(catena_sample_smc(conjugate(function(p) stop("as wanted")), 2, 30, path = "prior"), error = conditionMessage)
stopifnot(grepl("as wanted", failed))
failed <- tryCatch(catena_sample_smc(conjugate(function(p) list(0, NaN)), 2, 30, path = "prior"), error = conditionMessage)
stopifnot(grepl("set 1, particle 1: expected a finite log likelihood", failed))

# Populations and filters, with functions that fail.
p <- catena_population(function() list(rnorm(1)), n_sets = 2, n_particles = 20, seed = 1)
population_apply(p, function(trace) list(trace = c(trace, rnorm(1)), log_increment = trace[[1]]))
population_resample(p, 30)
failed <- tryCatch(population_apply(p, function(trace) stop("as wanted")), error = identity)
stopifnot(failed$set == 1, failed$particle == 1, grepl("as wanted", conditionMessage(failed)))
population_diversify(p, function(trace) list(list(trace = 1), list(log_increment = -1)))
population_collapse(p)
q <- population_load(population_save(p))
stopifnot(identical(population_report(p), population_report(q)))
filter <- catena_filter(function(n) rnorm(n), function(x, t) x, function(x, t) dnorm(1, x, log = TRUE), 3, history = TRUE, seed = 1)
stopifnot(dim(filter_particles(filter, 1, 2)$states) == c(1000, 1))
failed <- tryCatch(catena_filter(function(n) rnorm(n), function(x, t) x, function(x, t) stop("as wanted"), 3), error = conditionMessage)
stopifnot(grepl("as wanted", failed))
rm(p, q, filter)
invisible(gc())

# Updaters that learn, are saved, and whose functions fail.
coin <- function(likelihood) {
  catena_likelihood(
    likelihood, "p", c(n = "integer"), domain = function(experiment) seq(0, experiment$n), prepare = function(experiments) list(),
    simulate = function(models, experiments, context) array(0, c(nrow(models), nrow(experiments)))
  )
}
throws <- function(outcomes, models, experiments, context) {
  cells <- expand.grid(m = seq_len(nrow(models)), o = seq_along(outcomes), e = seq_len(nrow(experiments)))
  dbinom(outcomes[cells$o], experiments$n[cells$e], models[cells$m, 1])
}
u <- catena_updater(coin(throws), prior_product(prior_uniform(0, 1)), n_sets = 2, n_models = 50, seed = 1)
updater_batch_update(u, c(1, 2, 3), c(3, 4, 5))
updater_learn(u, design_best(c(1, 2)), 2, function(experiment, k) updater_simulate(u, 0.5, experiment))
v <- updater_load(updater_save(u))
updater_resample_by(v, function(models, weights, n) list(models = models[1:10, ], weights = weights[1:10]))
updater_resample(v)
stopifnot(updater_sets(v)$models == 10, nrow(updater_region(u)) > 0, length(updater_region(u, type = "hull")) == 2)
failed <- tryCatch(updater_update(catena_updater(coin(function(...) stop("as wanted")), prior_uniform()), 1, 1), error = conditionMessage)
stopifnot(grepl("as wanted", failed))
failed <- tryCatch(catena_updater(coin(throws), prior_normal(0, -1)), error = conditionMessage)
stopifnot(grepl("covariance", failed))
rm(u, v)
invisible(gc())

# Files that are read, and one that is none.
file <- tempfile(fileext = ".csv")
writeLines(c("lp__,x", "1,2", "3,4", "5,6", "7,8"), file)
stopifnot(identical(c(as.array(catena_read(file))), c(1, 3, 5, 7, 2, 4, 6, 8)))
writeLines("1,2", file)
stopifnot(grepl("names of the columns", tryCatch(catena_read(file), error = conditionMessage)))
