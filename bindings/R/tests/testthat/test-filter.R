# x_0 ~ N(0, 1), x_t ~ N(a x_{t-1}, q), y_t ~ N(x_t, r), in two coordinates that see the same data.
a <- 0.9
q <- 0.5
r <- 0.7
ys <- c(0.3, -0.8, 1.1, 0.4, -0.2, 0.9)

initial <- function(n) matrix(rnorm(2 * n), n, dimnames = list(NULL, c("first", "second")))
transition <- function(x, t) a * x + matrix(rnorm(length(x), sd = sqrt(q)), nrow(x))
log_weight <- function(x, t) rowSums(matrix(dnorm(ys[[t]], x, sqrt(r), log = TRUE), nrow(x)))
density <- function(x, t, previous) rowSums(matrix(dnorm(x, a * previous, sqrt(q), log = TRUE), nrow(x)))

kalman <- local({
  mean <- 0
  variance <- 1
  log <- 0
  means <- numeric()
  for (t in seq_along(ys)) {
    if (t > 1) {
      mean <- a * mean
      variance <- a^2 * variance + q
    }
    log <- log + 2 * dnorm(ys[[t]], mean, sqrt(variance + r), log = TRUE)
    mean <- mean + variance / (variance + r) * (ys[[t]] - mean)
    variance <- variance * r / (variance + r)
    means <- c(means, mean)
  }
  list(log = log, means = means, variance = variance)
})

run <- function(..., n_particles = 300, n_sets = 20, seed = 3) {
  catena_filter(initial, transition, log_weight, length(ys), n_particles = n_particles, n_sets = n_sets, seed = seed, ...)
}

test_that("a filter has the Kalman filter's evidence and means", {
  set.seed(1)
  expected <- runif(1)
  set.seed(1)
  found <- run()
  expect_identical(runif(1), expected)
  expect_lt(abs(exp(found$log_evidence - kalman$log) - 1), 4 * found$standard_error)
  expect_equal(dim(found$means), c(6, 20, 2))
  expect_equal(dimnames(found$means)$variable, c("first", "second"))
  errors <- apply(found$means, c(1, 3), mean) - kalman$means
  spread <- apply(found$means, c(1, 3), sd) / sqrt(20)
  expect_true(all(abs(errors) < 4 * spread))
  expect_lt(abs(mean(found$variances[6, , ]) - kalman$variance), 0.03)
  expect_equal(found$sets$log_evidence, unname(found$log_evidences[6, ]))
  expect_output(print(found), "log evidence: estimate")
  # Sets are the same in any run.
  expect_identical(run(n_sets = 2, init_set_id = 4)$means, found$means[, 4:5, , drop = FALSE])
  expect_false(identical(run(seed = 4)$log_evidence, found$log_evidence))
})

test_that("trajectories, lineages and particles", {
  found <- run(transition_log_density = density, n_trajectories = 50)
  expect_equal(dim(found$trajectories), c(50, 6, 20, 2))
  # At the last time the trajectories are draws from the filter.
  last <- found$trajectories[, 6, , ]
  expect_lt(abs(mean(last) - kalman$means[[6]]), 0.15)
  expect_true(all(found$survivors[6, ] == 300) && all(diff(found$survivors) >= 0))
  one <- filter_particles(found, 3)
  expect_equal(dim(one$states), c(300, 2))
  weights <- exp(one$log_weights - max(one$log_weights))
  expect_equal(colSums(one$states * weights) / sum(weights), unname(found$means[6, 3, ]))
  expect_equal(filter_lineage(found, 7, 3)[6, ], one$states[7, ])
  before <- filter_particles(found, 3, 5)
  expect_equal(filter_lineage(found, 7, 3)[5, ], before$states[one$ancestors[[7]], ])
  bounded <- run(transition_log_density = density, n_trajectories = 50, transition_log_density_bound = -log(2 * pi * q))
  expect_equal(bounded$log_evidence, found$log_evidence)
  expect_error(filter_particles(found, 99), "'set': expected one of")
  expect_error(filter_particles(unserialize(serialize(found, NULL)), 1), "the filter is gone")
})

test_that("guided and auxiliary filters", {
  # The best proposal there is.
  gain <- function(t) (if (t > 1) q else 1) / ((if (t > 1) q else 1) + r)
  ahead <- function(previous, t, n) if (t > 1) a * previous else matrix(0, n, 2)
  propose <- function(previous, t, n) {
    center <- ahead(previous, t, n)
    center + gain(t) * (ys[[t]] - center) + rnorm(2 * n, sd = sqrt(gain(t) * r))
  }
  weigh <- function(x, t, previous) {
    rowSums(dnorm(ys[[t]], ahead(previous, t, nrow(x)), sqrt((if (t > 1) q else 1) + r), log = TRUE))
  }
  plain <- run()
  guided <- run(kind = "guided", propose = propose, proposal_log_weight = weigh)
  expect_lt(guided$standard_error, plain$standard_error)
  expect_lt(abs(exp(guided$log_evidence - kalman$log) - 1), 4 * guided$standard_error)
  auxiliary <- run(kind = "auxiliary", auxiliary_log_weight = function(previous, t) {
    rowSums(dnorm(ys[[t]], a * previous, sqrt(q + r), log = TRUE))
  })
  expect_lt(abs(exp(auxiliary$log_evidence - kalman$log) - 1), 4 * auxiliary$standard_error)
  expect_error(run(kind = "guided"), "'kind'.*proposal")
})

test_that("conditional sweeps follow what they retain", {
  path <- matrix(0.25, 6, 2)
  sweep <- run(retained = path, n_sets = 2)
  expect_equal(unname(filter_lineage(sweep, 1, 2)), path)
  expect_equal(dim(filter_lineage(sweep)), c(6, 2))
  expect_error(run(retained = path[-1, ]), "'retained': expected a matrix of 6 rows")
})

test_that("a filter that fails", {
  fails <- function(x, t) if (t == 3) stop("planted") else log_weight(x, t)
  error <- tryCatch(catena_filter(initial, transition, fails, 6, seed = 1), error = identity)
  expect_s3_class(error, "catena_error")
  expect_match(conditionMessage(error), "^set 1: the model stopped at time 3; it says: planted")
  expect_equal(error$set, 1)
  expect_error(catena_filter(initial, transition, function(x, t) 1, 6), "log_weight: expected 1000 numbers, got 1")
  expect_error(catena_filter(initial, function(x, t) "x", log_weight, 6), "transition: expected 2000 numbers, got an object")
  expect_error(catena_filter(initial, transition, function(x, t) rep(NaN, nrow(x)), 6), "NaN")
  lost <- function(x, t) if (t == 3) rep(-Inf, nrow(x)) else log_weight(x, t)
  expect_warning(found <- catena_filter(initial, transition, lost, 6, n_sets = 2, seed = 1), "set 1.* at time 3")
  expect_equal(found$log_evidence, -Inf)
  expect_equal(found$sets$times, c(3, 3))
  expect_true(all(is.na(found$means[4:6, , ])))
  expect_error(catena_filter(3, transition, log_weight, 6), "'initial'")
  expect_error(catena_filter(initial, transition, log_weight, 0), "'n_times'")
})
