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
