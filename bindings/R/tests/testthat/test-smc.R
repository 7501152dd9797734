# x ~ N(0, I), y_j ~ N(x_j, 0.5^2): the evidence is known.
y <- c(1.2, -0.4)
noise <- 0.5
exact <- sum(dnorm(y, 0, sqrt(1 + noise^2), log = TRUE))

parts <- function(x) {
  list(
    log_prior = sum(dnorm(x, log = TRUE)), log_likelihood = sum(dnorm(y, x, noise, log = TRUE)), prior_gradient = -x,
    likelihood_gradient = (y - x) / noise^2
  )
}
density <- function(x) with(parts(x), list(log_density = log_prior + log_likelihood, gradient = prior_gradient + likelihood_gradient))
parts_rows <- function(x) {
  away <- sweep(-x, 2, y, "+")
  list(
    log_prior = rowSums(dnorm(x, log = TRUE)), log_likelihood = rowSums(dnorm(away, 0, noise, log = TRUE)),
    prior_gradient = -x, likelihood_gradient = away / noise^2
  )
}
density_rows <- function(x) with(parts_rows(x), list(log_density = log_prior + log_likelihood, gradient = prior_gradient + likelihood_gradient))
prior <- function() rnorm(2)
data <- function(x, count) {
  seen <- seq_len(2) <= count
  list(
    log_density = sum(dnorm(x, log = TRUE)) + sum(dnorm(y, x, noise, log = TRUE)[seen]),
    log_likelihood = dnorm(y[count + 1], x[count + 1], noise, log = TRUE), gradient = seen * (y - x) / noise^2 - x,
    likelihood_gradient = (seq_len(2) == count + 1) * (y - x) / noise^2
  )
}
conjugate <- function(f = parts, ..., sample_prior = prior) {
  catena_model(density, dimension = 2, log_density_parts = f, sample_prior = sample_prior, ...)
}
smc <- function(model, num_sets = 12, num_particles = 100, ..., seed = 7) {
  catena_sample_smc(model, num_sets, num_particles, ..., seed = seed, threads = threads, show_messages = FALSE)
}
expect_right <- function(fit) {
  expect_lt(abs(fit$log_evidence - exact), 4 * fit$standard_error)
  expect_true(fit$standard_error > 1e-4 && fit$standard_error < 0.25)
  expect_true(all(fit$sets$outcome == "finished"))
  table <- summary(fit)
  expect_true(all(abs(table$mean[2:3] - y / (1 + noise^2)) < 4 * table$mcse_mean[2:3] + 0.02))
}

test_that("the evidence is right along each path, and the same whoever computes it", {
  set.seed(3)
  before <- .Random.seed
  fits <- lapply(c("hmc", "random_walk"), function(kernel) smc(conjugate(), kernel = kernel))
  lapply(fits, expect_right)
  expect_identical(.Random.seed, before)
  rows <- catena_model(density_rows, dimension = 2, vectorized = TRUE, log_density_parts = parts_rows, sample_prior = prior)
  expect_equal(smc(rows)$draws, fits[[1]]$draws)
  expect_right(smc(conjugate(log_density_data = data, data_count = 2)))
  by_data <- smc(conjugate(log_density_data = data, data_count = 2), kernel = "nuts")
  expect_right(by_data)
  expect_equal(max(by_data$stages$way), 2)
  expect_right(smc(catena_model(density, dimension = 2)))
  expect_right(smc(conjugate(), path = "reference", reference = list(mean = c(0.5, 0), sd = c(1, 0.8))))
  expect_right(smc(conjugate(), reference = list(mean = c(0.5, 0), cov = matrix(c(1, 0.2, 0.2, 1), 2))))
})

test_that("draws, weights and stages are tables", {
  fit <- smc(conjugate(), 4, 200, init_set_id = 5)
  expect_identical(dimnames(fit$draws)[[3]], c("lp__", "log_weight__", "set__", "ancestor__", "x[1]", "x[2]"))
  expect_identical(dim(fit$draws), c(200L, 4L, 6L))
  expect_equal(fit$sets$set, 5:8)
  table <- as.data.frame(fit)
  expect_identical(names(table), c("set", "particle", "ancestor", "log_weight", "lp__", "x[1]", "x[2]"))
  expect_identical(nrow(table), 800L)
  expect_true(all(table$ancestor %in% 1:200))
  expect_equal(table$lp__[3], density(c(table$`x[1]`[3], table$`x[2]`[3]))$log_density)
  expect_equal(sum(weights(fit)), 1)
  expect_equal(log(mean(exp(table$log_weight))), fit$log_evidence)
  expect_identical(unique(fit$stages$set), as.double(5:8))
  expect_true(all(fit$stages$ess > 99))
  expect_equal(fit$stages$way[fit$stages$set == 5 & fit$stages$stage == max(fit$stages$stage[fit$stages$set == 5])], 1)
  expect_output(print(fit), "log evidence: estimate -?[0-9.]+, standard error [0-9.]+")
  # A set is the same by itself.
  expect_identical(smc(conjugate(), 1, 200, init_set_id = 7)$draws[, 1, ], fit$draws[, 3, ])
  expect_equal(summary(fit)$mean[2], sum(weights(fit) * fit$draws[, , "x[1]"]))
  # Lines per stage are messages while the sets run.
  expect_message(catena_sample_smc(conjugate(), 1, 50, seed = 1, refresh = 1, threads = 2), "temperature")
})

test_that("failures name set and particle", {
  drawn <- 0
  far <- function() {
    drawn <<- drawn + 1
    if (drawn == 10) c(1000, 0) else rnorm(2)
  }
  none <- function(x) if (x[1] > 100) utils::modifyList(parts(x), list(log_likelihood = NaN)) else parts(x)
  error <- expect_error(smc(conjugate(none, sample_prior = far), num_sets = 1), "set 1, particle 10: expected a finite log likelihood")
  expect_s3_class(error, "catena_error")
  expect_equal(c(error$set, error$particle), c(1, 10))
  drawn <- 0
  expect_warning(fit <- smc(conjugate(none, sample_prior = far), num_sets = 3), "1 of 3 sets failed:\nset [123], particle")
  failed <- fit$sets$outcome == "failed"
  expect_identical(sum(failed), 1L)
  expect_equal(nrow(as.data.frame(fit)), 200)
  expect_equal(unname(colSums(weights(fit)) == 0), failed)
  expect_output(print(fit), "failed set")
  # No gradient where there is no likelihood.
  drawn <- 0
  lost <- function(x) if (x[1] > 100) list(log_prior = 0, log_likelihood = -Inf) else parts(x)
  expect_right(smc(conjugate(lost, sample_prior = far)))
})

test_that("R errors are raised as they were, and Ctrl-C ends a run", {
  count <- 0
  odd <- function(x) {
    count <<- count + 1
    if (count == 300) stop(structure(class = c("odd", "error", "condition"), list(message = "as the test wants it", call = NULL)))
    parts(x)
  }
  set.seed(3)
  before <- .Random.seed
  expect_error(smc(conjugate(odd)), "as the test wants it", class = "odd")
  expect_identical(.Random.seed, before)
  expect_error(smc(conjugate(sample_prior = function() 1)), "value of sample_prior: expected 2 numbers, got 1")
  expect_error(smc(conjugate(function(x) list(log_prior = 0))), "found no log_likelihood")
  expect_error(smc(conjugate(function(x) parts(x)[1:3])), "found no likelihood_gradient")
  # By place, without names.
  expect_identical(smc(conjugate(function(x) unname(parts(x))))$draws, smc(conjugate())$draws)
  skip_on_cran()
  count <- 0
  interrupting <- function(x) {
    count <<- count + 1
    if (count == 300) tools::pskill(Sys.getpid(), tools::SIGINT)
    parts(x)
  }
  outcome <- tryCatch(smc(conjugate(interrupting), num_moves = 1e6), interrupt = function(condition) "interrupted")
  expect_identical(outcome, "interrupted")
  user <- counts(interrupt_at = 2000L)
  outcome <- tryCatch(smc(normal_c(user), num_moves = 1e6), interrupt = function(condition) "interrupted")
  expect_identical(outcome, "interrupted")
  expect_error(
    withCallingHandlers(
      catena_sample_smc(conjugate(), 1, 100, ess_threshold = 0.99, seed = 1, refresh = 1, threads = 2), message = function(m) stop("no messages please")
    ), "no messages please"
  )
})

test_that("arguments are looked at", {
  expect_error(smc(conjugate(), num_move = 3), "'num_move': not an option; did you mean 'num_moves'?", fixed = TRUE)
  expect_error(smc(conjugate(), max_stage = 3, thin = 2), "max_stages")
  expect_error(smc(conjugate(), thin = 2), "one of nuts")
  expect_error(smc(conjugate(), delta = 0.9), "'adapt_delta' here")
  expect_error(smc(conjugate(), kernel = "hcm"), "arg")
  expect_error(smc(conjugate(), num_particles = 0), "num_particles")
  expect_error(smc(conjugate(), ess_threshold = 2), "ess_threshold")
  expect_error(smc(catena_model(density, dimension = 2), path = "prior"), "log_density_parts and sample_prior")
  expect_error(smc(conjugate(), reference = list(mean = 1:2)), "'reference': expected a list of mean and one of sd and cov")
  expect_error(smc(conjugate(), reference = list(mean = 1, sd = 1)), "2 numbers")
  expect_error(smc(conjugate(), reference = list(mean = 1:2, cov = 1:4)), "matrix of 2 x 2")
  expect_error(catena_model(density, dimension = 2, log_density_parts = 1), "'log_density_parts': expected a function")
  expect_error(catena_model(density, dimension = 2, data_count = 2), "data_count")
})

test_that("options have the library's names and defaults", {
  options <- catena_options()
  options <- options[grepl("smc", options$services), ]
  defaults <- formals(catena_sample_smc)
  for (argument in c("num_sets", "num_particles", "path", "kernel")) {
    expect_equal(as.character(eval(defaults[[argument]])[[1]]), options$default[options$argument == argument])
  }
  more <- options[!options$argument %in% names(defaults), ]
  expect_true(all(c("num_moves", "ess_threshold", "waste_free", "adapt_delta", "max_treedepth", "init_set_id") %in% more$argument))
  expected <- smc(conjugate(), 2)$draws
  # Metric and target have other defaults for chains.
  for (i in which(!more$argument %in% c("metric", "adapt_delta"))) {
    fit <- do.call(smc, c(list(conjugate(), 2), stats::setNames(list(more$default[[i]]), more$argument[[i]])))
    expect_identical(fit$draws, expected, info = more$argument[[i]])
  }
  expect_right(smc(conjugate(), waste_free = TRUE, num_moves = 4))
})

test_that("compiled functions tell prior and likelihood apart", {
  skip_on_cran()
  exact <- 3 * dnorm(1, 0, sqrt(2), log = TRUE)
  compiled_model <- function(...) normal_c(log_density_parts = symbol("conjugate_parts"), sample_prior = symbol("conjugate_prior"), ...)
  fit <- smc(compiled_model())
  expect_lt(abs(fit$log_evidence - exact), 4 * fit$standard_error)
  batched <- smc(compiled_model(parts_batch = symbol("conjugate_batch")), batch_size = 64)
  expect_identical(batched$draws, fit$draws)
  by_data <- smc(compiled_model(log_density_data = symbol("conjugate_data"), data_count = 3))
  expect_lt(abs(by_data$log_evidence - exact), 4 * by_data$standard_error)
  expect_equal(max(by_data$stages$way), 3)
})
