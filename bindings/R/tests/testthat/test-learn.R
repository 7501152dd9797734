# A coin thrown several times; its bias is the parameter.
product <- function(outcomes, models, experiments, f) {
  cells <- expand.grid(m = seq_len(nrow(models)), o = seq_along(outcomes), e = seq_len(nrow(experiments)))
  f(outcomes[cells$o], models[cells$m, ], experiments[cells$e, ])
}
coin <- function(likelihood = function(outcomes, models, experiments) {
                   product(outcomes, models, experiments, function(k, p, n) dbinom(k, n, p))
                 }, ...) {
  catena_likelihood(
    likelihood, "bias", c(throws = "integer"),
    domain = function(experiment) seq(0, experiment$throws), are_valid = function(models) models > 0 & models < 1,
    score = function(outcomes, models, experiments) {
      product(outcomes, models, experiments, function(k, p, n) k / p - (n - k) / (1 - p))
    }, ...
  )
}
heads <- c(3, 2, 4, 1, 3, 2, 3, 5)
throws <- c(5, 5, 6, 3, 4, 3, 5, 7)
new <- function(likelihood = coin(), n_sets = 4, n_models = 2000, seed = 3, ...) {
  catena_updater(likelihood, prior_uniform(0, 1), n_sets = n_sets, n_models = n_models, seed = seed, ...)
}

# 23 heads of 38 throws, uniform prior: Beta(24, 16).
test_that("an updater has the exact posterior and evidence, and goes on with the same bits", {
  u <- new()
  updater_batch_update(u, heads[1:4], data.frame(throws = throws[1:4]), resample_interval = 2)
  file <- tempfile(fileext = ".rds")
  updater_save(u, file)
  v <- updater_load(file)
  for (w in list(u, v)) for (i in 5:8) updater_update(w, heads[[i]], throws[[i]])
  expect_identical(updater_models(u, 3), updater_models(v, 3))
  expect_identical(updater_weights(u, 3), updater_weights(v, 3))
  mean <- updater_mean(u)
  expect_lt(abs(mean$mean - 0.6), 5 * mean$standard_error)
  expect_lt(mean$standard_error, 0.005)
  expect_equal(updater_covariance(u)[["bias", "bias"]], 0.24 / 41, tolerance = 0.1)
  expect_equal(updater_mean(u, function(models) models[, "bias"])$mean, mean$mean)
  expect_equal(updater_mean(u, function(models) models[, "bias"])$standard_error, mean$standard_error)
  expect_equal(updater_mean(u, function(models) models > 0.6, set = 2)[[1]], 1 - pbeta(0.6, 24, 16), tolerance = 0.1)
  expect_equal(updater_mean(u, set = 2)[["bias"]], 0.6, tolerance = 0.02)
  exact <- sum(lchoose(throws, heads)) + lbeta(24, 16)
  both <- updater_log_likelihood(u)
  expect_lt(abs(both$estimate - exact), 5 * both$standard_error)
  expect_equal(colSums(both$steps), both$sets)
  expect_equal(updater_records(u), data.frame(outcome = heads, throws = throws))
  sets <- updater_sets(u)
  expect_true(all(sets$resamples > 0 & sets$least_ess < 1000 & sets$lost == 0 & sets$entropy > 6))
  expect_equal(summary(u)$mean, mean$mean)
  expect_output(print(u), "4 sets of models of bias after 8 data.*log likelihood: estimate")
  expect_equal(dim(updater_models(u, 1)), c(2000, 1))
})

test_that("estimates", {
  u <- updater_batch_update(new(divergences = TRUE), heads, throws)
  expect_length(updater_divergences(u, 2), updater_sets(u)$resamples[[2]])
  expect_equal(sum(updater_histogram(u, "bias", c(0, 0.5, 1))) * 0.5, 1)
  at <- c(0.2, 0.6, 0.99)
  expect_equal(updater_density(u, "bias", at), dbeta(at, 24, 16), tolerance = 0.1)
  expect_equal(rowMeans(sapply(1:4, function(set) updater_density(u, "bias", at, set = set))), updater_density(u, "bias", at))
  densest <- updater_region(u, 0.9)
  expect_true(nrow(densest) > 1000 && nrow(densest) < 1980)
  ends <- updater_region(u, 0.9, type = "hull")
  expect_equal(range(densest), range(ends))
  expect_equal(updater_contains(u, at, 0.9), c(FALSE, TRUE, FALSE))
  expect_equal(updater_contains(u, at, 0.9, type = "ellipsoid"), c(FALSE, TRUE, FALSE))
  expect_equal(updater_region(u, 0.9, type = "ellipsoid")$centre[["bias"]], mean(ends), tolerance = 1e-3)
  # n / (p (1 - p)) is what n throws inform of p; its mean under Beta(24, 16) is n 39 38 / (23 15).
  information <- updater_information(u, data.frame(throws = c(5, 10)))
  expect_equal(information[1, 1, ], c(5, 10) * 39 * 38 / (23 * 15), tolerance = 0.03)
  expect_equal(bayesian_bound(12, information)[[1]], 1 / (12 + sum(information)))

  after <- updater_hypothetical(u, 0:1, c(1, 2), set = 2)
  expect_equal(dim(after$weights), c(2000, 2, 2))
  expect_equal(colSums(after$weights), matrix(1, 2, 2))
  expect_equal(sum(exp(after$log_normalizations[, 1])), 1)
  cells <- updater_likelihood(u, 0:1, c(0.25, 0.5, 0.75), data.frame(throws = 1:2))
  expect_equal(cells[3, 1, 2], 0.0625)
  set.seed(1)
  expected <- runif(1)
  set.seed(1)
  drawn <- updater_simulate(u, c(0.25, 0.5), 3)
  expect_identical(runif(1), expected)
  expect_true(all(drawn %in% 0:3) && identical(dim(drawn), c(2L, 1L)))
})

test_that("models and weights of one's own", {
  u <- updater_update(new(), 3, 5)
  calls <- 0
  updater_resample_by(u, function(models, weights, n) {
    calls <<- calls + 1
    list(models = models[1:500, ], weights = weights[1:500])
  })
  updater_resample(u)
  expect_equal(calls, 4)
  expect_equal(updater_sets(u)$models, rep(500, 4))
  updater_resample_by(u, function(models, weights, n) stop("as wanted"))
  failed <- tryCatch(updater_resample(u), error = identity)
  expect_match(conditionMessage(failed$parent), "as wanted")
  updater_resample_by(u)
  updater_resample(u, 10)
  expect_equal(updater_sets(u)$models, rep(10, 4))
  updater_set_models(u, c(0.2, 0.4, 0.6), c(1, 2, 1))
  expect_equal(updater_mean(u, set = 1)[[1]], 0.4)
  updater_set_log_weights(u, c(0, 0, log(2)))
  expect_equal(updater_weights(u), c(0.25, 0.25, 0.5))
  expect_length(updater_weights(u, type = "log"), 3)
  updater_reset(u)
  expect_equal(nrow(updater_records(u)), 0)
  expect_equal(nrow(updater_models(u)), 2000)
})

test_that("outcomes of several real numbers, contexts, models that drift, no fields", {
  moved <- 0
  drift <- catena_likelihood(
    function(outcomes, models, experiments, context) {
      stopifnot(identical(context, quote(a + b)), ncol(experiments) == 0, nrow(experiments) == 1)
      dnorm(outcomes[1, 1], models[, "mean"], abs(models[, "sd"]), log = TRUE) +
        dnorm(outcomes[1, 2], models[, "mean"], abs(models[, "sd"]), log = TRUE)
    },
    c("mean", "sd"),
    outcome = "real", width = 2, log = TRUE, prepare = function(experiments) quote(a + b),
    canonicalize = function(models) cbind(models[, 1], abs(models[, 2])),
    simulate = function(models, experiments, context) cbind(rnorm(nrow(models), models[, 1]), models[, 2]),
    update_timestep = function(models, experiment) {
      moved <<- moved + 1
      cbind(models[, "mean"] + 0.25, models[, "sd"])
    },
    experiment_cost = function(experiments) rep(2, nrow(experiments))
  )
  prior <- prior_draws(cbind(sd = -1, mean = 0:2), c("mean", "sd"))
  u <- catena_updater(drift, prior, n_sets = 4, n_models = 300, seed = 3)
  updater_update(u, c(1, 1))
  expect_equal(moved, 4)
  heavier <- updater_models(u, 2)[, "mean"] == 1.25
  expect_gt(sum(updater_weights(u, 2)[heavier]), mean(heavier))
  updater_resample(u)
  expect_gt(min(updater_models(u)[, "sd"]), 0.99)
  drawn <- updater_simulate(u, rbind(c(0, 5), c(1, 6)))
  expect_equal(dim(drawn), c(2, 2, 1))
  expect_equal(drawn[, 2, 1], c(5, 6))
  expect_false(identical(drawn, updater_simulate(u, rbind(c(0, 5), c(1, 6)))))
  expect_error(updater_update(u, 1), "'outcome': expected a matrix of 2 columns")
  expect_output(print(drift), "real outcomes; parameters: mean, sd; fields of an experiment: none")
  both <- prior_product(prior_normal(0, 4), prior_normal(3, 0))
  expect_output(print(both), "normal of 1, normal of 1")
  v <- catena_updater(drift, both, n_models = 5000, seed = 1)
  expect_equal(updater_covariance(v)[["mean", "mean"]], 4, tolerance = 0.1)
  expect_true(all(updater_models(v)[, "sd"] == 3))
})

precession <- function() {
  catena_likelihood(
    function(outcomes, models, experiments) {
      angle <- outer(models[, "omega"], experiments$inverted, "-") * rep(experiments$t / 2, each = nrow(models))
      zero <- cos_squared(angle)
      out <- array(0, c(nrow(models), length(outcomes), nrow(experiments)))
      for (o in seq_along(outcomes)) out[, o, ] <- if (outcomes[[o]] == 0) zero else 1 - zero
      out
    },
    "omega", c("t", "inverted")
  )
}

test_that("designs", {
  u <- new(precession(), n_models = 1000, a = 0.99)
  worth <- updater_worth(u, data.frame(inverted = 0, t = c(0, 1, 3)))
  expect_lt(worth$gain[[1]], 1e-12)
  expect_true(all(diff(worth$gain) > 0 & diff(worth$risk) < 0))
  expect_equal(updater_worth(u, cbind(3, 0), scales = 4)$risk, 4 * worth$risk[[3]])
  expect_equal(updater_design(u, design_best(cbind(t = c(0, 1, 3), inverted = 0))), data.frame(t = 3, inverted = 0))
  expect_equal(updater_design(u, design_best(cbind(t = c(0, 1, 3), inverted = 0), "risk"))$t, 3)
  sparse <- updater_design(u, design_sparse("t", 3, list(t = 9, inverted = 0.5)), k = 3)
  expect_equal(sparse, data.frame(t = 3 * 81 / 64, inverted = 0.5))
  expect_equal(sparse_time(3, 3), 3 * 81 / 64)
  guess <- updater_design(u, design_guess("t", longest = 50, guessed = c(inverted = "omega")))
  expect_true(guess$t > 1 && guess$t <= 50 && guess$inverted > 0 && guess$inverted < 1)
  best <- updater_optimize(u, c(t = 1, inverted = 0), moves = c(t = 0.5), low = 0, high = 4)
  expect_true(best$experiment$t > 2 && best$experiment$t <= 4 && best$value > worth$gain[[2]])
  expect_error(updater_design(u, design_guess("time")), "'time': expected one of t, inverted")

  # The loop: counts of a simulated frequency; the function may look at the updater.
  truth <- 0.37
  last <- 0
  updater_learn(u, design_guess("t", longest = 200, guessed = c(inverted = "omega")), 60, function(experiment, k) {
    last <<- k
    updater_simulate(u, truth, experiment)
  })
  expect_equal(c(last, nrow(updater_records(u))), c(60, 60))
  sd <- sqrt(updater_covariance(u)[[1]])
  expect_lt(sd, 0.02)
  expect_lt(abs(updater_mean(u)$mean - truth), 5 * sd)
  updater_learn(u, design_sparse("t"), 10, function(experiment, k) if (k < 4) 1)
  expect_equal(nrow(updater_records(u)), 63)
  failing <- function(experiment, k) if (k < 3) 0 else stop("measured")
  expect_error(updater_learn(u, design_sparse("t"), 10, failing), "^measured$")
  expect_equal(nrow(updater_records(u)), 65)
})

test_that("failures name what they are about and leave the updater as it was", {
  u <- updater_update(new(), 3, 5)
  before <- updater_weights(u, 1, "log")
  expect_error(updater_update(u, 9, 5), "'outcome': expected one of the 6 outcomes")
  expect_error(updater_update(u, 1, 1.5), "experiments.throws.*1.5 in experiment 1")
  expect_error(updater_update(u, 1), "'experiment': expected the fields throws, got NULL")
  expect_error(updater_update(u, 1, list(shots = 3)), "'experiment': expected the fields throws")
  expect_error(updater_models(u, 9), "'set': expected one of 1, 2, 3, 4")
  expect_error(updater_density(u, "p", 0.5), "'parameter': expected one of bias")
  expect_error(prior_normal(c(0, 0), 1), "'covariance': expected a matrix of 2 rows")
  expect_error(updater_load(updater_save(u), precession()), "")
  expect_identical(updater_weights(u, 1, "log"), before)

  failing <- new(coin(function(outcomes, models, experiments) stop("planted")), n_models = 10)
  error <- tryCatch(updater_update(failing, 1, 1), error = identity)
  expect_s3_class(error, "catena_error")
  expect_match(conditionMessage(error), "planted")
  expect_equal(conditionMessage(error$parent), "planted")
  wrong <- function(value) new(coin(function(outcomes, models, experiments) value), n_models = 3)
  error <- tryCatch(updater_update(wrong(c(0, 0.5, 1.5)), 1, 1), error = identity)
  expect_match(conditionMessage(error), "set 1, particle 3: outcome 1, model 3, experiment 1: expected a probability from 0 to 1, got 1.5")
  expect_equal(c(error$set, error$particle), c(1, 3))
  expect_error(updater_update(wrong(0), 1, 1), "likelihood: expected 3 numbers, got 1")
  expect_error(updater_update(wrong("x"), 1, 1), "likelihood: expected numbers, got an object of type 'character'")
  impossible <- coin(function(outcomes, models, experiments) rep(0, nrow(models)))
  expect_error(updater_update(new(impossible), 1, 1), "no model explains it")
  expect_warning(u <- updater_update(new(impossible, zero_weights = "warn"), 1, 1), "no model explains it")
  expect_equal(updater_sets(u)$lost, rep(1, 4))
  # A function cannot use the updater that calls it.
  u <- NULL
  u <- new(coin(function(outcomes, models, experiments) updater_models(u)))
  expect_error(updater_update(u, 1, 1), "the updater is at work")
  expect_error(updater_models(unserialize(serialize(u, NULL))), "the updater is gone")
  expect_error(coin("f"), "'likelihood'")
  expect_error(catena_likelihood(identity, "x", c(t = "whole")), "'fields'")
})

test_that("an interrupt leaves the updater as it was", {
  interrupted <- FALSE
  u <- new(coin(function(outcomes, models, experiments) {
    interrupted <<- TRUE
    rlang_free_interrupt()
  }))
  rlang_free_interrupt <- function() stop(structure(class = c("interrupt", "condition"), list()))
  expect_true(tryCatch(updater_update(u, 3, 5), interrupt = function(i) TRUE))
  expect_true(interrupted)
  expect_equal(nrow(updater_records(u)), 0)
})

test_that("pictures", {
  file <- tempfile(fileext = ".png")
  grDevices::png(file)
  on.exit(grDevices::dev.off())
  u <- updater_batch_update(new(), heads, throws)
  curve <- plot(u, level = 0.9)
  expect_equal(sum(curve$density) * diff(curve$at[1:2]), 1, tolerance = 0.01)
  expect_equal(range(curve$at[curve$inside]), qbeta(c(0.05, 0.95), 24, 16), tolerance = 0.02)
  plot(u, "bias", set = 2, main = "set 2")
  expect_error(plot(u, "p"), "'parameters': expected one of bias")
  # Two parameters: a hull and an ellipse around nine tenths of a normal, and their shadows among three.
  three <- catena_likelihood(function(outcomes, models, experiments) rep(0.5, nrow(models)), c("a", "b", "c"))
  covariance <- matrix(c(1, 0.6, 0, 0.6, 1, 0, 0, 0, 1), 3)
  v <- catena_updater(three, prior_normal(c(0, 0, 0), covariance), n_models = 1000, seed = 1)
  region <- plot(v, c("b", "c"), level = 0.9)
  expect_equal(colnames(region$hull), c("b", "c"))
  # The densest models that have nine tenths of the weight reach as far as the normal's own region, roughly.
  expect_equal(max(abs(region$ellipse[, 1])), sqrt(qchisq(0.9, 3)), tolerance = 0.25)
  expect_true(all(abs(region$hull[, 1]) < 1.01 * max(abs(region$ellipse[, 1]))))
})
