test_that("a standard normal is sampled", {
  fit <- draw(catena_model(normal, dimension = 2), iter_warmup = 500, iter_sampling = 2000)
  table <- summary(fit)
  x <- table[table$variable != "lp__", ]
  expect_equal(x$variable, c("x[1]", "x[2]"))
  # Four Monte Carlo standard errors.
  expect_true(all(abs(x$mean) < 4 * x$mcse_mean))
  expect_true(all(abs(x$sd - 1) < 4 * x$mcse_sd))
  expect_true(all(x$rhat < 1.01))
})

test_that("every way to give log density and gradient has the same draws", {
  a <- draw(catena_model(normal, dimension = 2))
  b <- draw(catena_model(function(x) -sum(x^2) / 2, function(x) -x, dimension = 2))
  c <- draw(catena_model(function(x) structure(-sum(x^2) / 2, gradient = -x), dimension = 2))
  d <- draw(catena_model(function(x) list(-sum(x^2) / 2, -x), dimension = 2))
  v <- draw(catena_model(normal_rows, dimension = 2, vectorized = TRUE))
  expect_identical(b$draws, a$draws)
  expect_identical(c$draws, a$draws)
  expect_identical(d$draws, a$draws)
  expect_identical(v$draws, a$draws)
})

test_that("a vectorized function gets several chains at once", {
  most <- 0
  rows <- function(x) {
    most <<- max(most, nrow(x))
    normal_rows(x)
  }
  draw(catena_model(rows, dimension = 2, vectorized = TRUE), chains = 8)
  expect_gt(most, 1)
  most <- 0
  draw(catena_model(rows, dimension = 2, vectorized = TRUE), chains = 8, batch_size = 3)
  expect_lte(most, 3)
})

test_that("random numbers of constrain follow the run's seed, and leave R's own alone", {
  noisy <- catena_model(normal, dimension = 2, constrain = function(x) c(x, rnorm(1), runif(1)), outputs = c("a", "b", "n", "u"))
  set.seed(1)
  before <- .Random.seed
  fit <- draw(noisy)
  expect_identical(.Random.seed, before)
  set.seed(2)
  expect_identical(draw(noisy)$draws, fit$draws)
  expect_false(identical(draw(noisy, seed = 8)$draws[, , "n"], fit$draws[, , "n"]))
  # Chain by chain and draw by draw they are others: four Monte Carlo standard errors of a mean and a variance.
  n <- as.vector(fit$draws[, , "n"])
  expect_identical(anyDuplicated(n), 0L)
  expect_lt(abs(mean(n)), 4 / sqrt(length(n)))
  expect_lt(abs(var(n) - 1), 4 * sqrt(2 / length(n)))
})

test_that("an error in a function is raised as it was", {
  calls <- 0
  broken <- function(x) {
    calls <<- calls + 1
    if (calls == 100) stop(structure(class = c("my_error", "error", "condition"), list(message = "what I said", call = NULL)))
    normal(x)
  }
  error <- tryCatch(draw(catena_model(broken, dimension = 2)), my_error = identity)
  expect_s3_class(error, "my_error")
  expect_identical(conditionMessage(error), "what I said")
  # Nothing was called after it.
  gc()
  expect_identical(calls, 100)
  # The model can be used again.
  expect_s3_class(draw(catena_model(broken, dimension = 2)), "catena_fit")
})

test_that("errors in batches, in constrain and in separate functions are raised too", {
  boom <- function(x) stop("boom")
  expect_error(draw(catena_model(boom, dimension = 2, vectorized = TRUE)), "boom")
  expect_error(draw(catena_model(normal, dimension = 2, constrain = boom, outputs = "y")), "boom")
  expect_error(draw(catena_model(function(x) -sum(x^2) / 2, boom, dimension = 2)), "boom")
  expect_error(catena_log_density(catena_model(boom, dimension = 2), c(0, 0)), "boom")
})

test_that("warnings and handlers work inside functions", {
  warn <- function(x) {
    warning("careful")
    normal(x)
  }
  seen <- 0
  withCallingHandlers(
    draw(catena_model(warn, dimension = 1), chains = 1, iter_warmup = 5, iter_sampling = 5),
    warning = function(w) {
      seen <<- seen + 1
      invokeRestart("muffleWarning")
    }
  )
  expect_gt(seen, 0)
})

test_that("values of the wrong shape say what was expected", {
  expect_error(draw(catena_model(function(x) list(log_density = 0, gradient = 1), dimension = 2)), "gradient: expected 2 numbers, got 1")
  expect_error(draw(catena_model(function(x) list(log_density = "a", gradient = x), dimension = 2)), "log density: .*character")
  expect_error(draw(catena_model(function(x) list(a = 1), dimension = 2)), "found no log_density")
  expect_error(draw(catena_model(function(x) 1, dimension = 2)), "found no gradient")
  constrain <- function(x) if (all(x == 0)) x else 1
  expect_error(draw(catena_model(normal, dimension = 2, constrain = constrain)), "constrain: expected 2 numbers, got 1")
})

test_that("points outside the support are refused", {
  # A half-normal over its positive half, without a gradient elsewhere.
  half <- function(x) if (x < 0) list(log_density = -Inf) else list(log_density = -x^2 / 2, gradient = -x)
  fit <- draw(catena_model(half, dimension = 1), init = list(x.1 = 1))
  expect_true(all(as.array(fit)[, , "x[1]"] >= 0))
  expect_gt(sum(fit$chains$divergences), 0)
  expect_error(draw(catena_model(function(x) list(NaN), dimension = 1)), "not a number")
})

test_that("a model may be sampled within a model", {
  inner <- catena_model(normal, dimension = 1)
  depth <- 0
  outer <- function(x) {
    depth <<- depth + 1
    if (depth == 3) catena_sample(inner, chains = 1, iter_warmup = 10, iter_sampling = 10, progress = FALSE)
    if (depth == 5) try(catena_sample(catena_model(function(x) stop("inner"), dimension = 1), progress = FALSE), silent = TRUE)
    normal(x)
  }
  plain <- draw(catena_model(normal, dimension = 2), chains = 2)
  expect_identical(draw(catena_model(outer, dimension = 2), chains = 2)$draws, plain$draws)
})

test_that("constrain names its outputs", {
  constrain <- function(x) list(theta = matrix(c(x, -x), 2), sum = sum(x))
  fit <- draw(catena_model(normal, dimension = 2, constrain = constrain))
  draws <- as.array(fit)
  expect_equal(dimnames(draws)[[3]], c("lp__", "theta[1,1]", "theta[2,1]", "theta[1,2]", "theta[2,2]", "sum"))
  expect_identical(draws[, , "theta[1,2]"], -draws[, , "theta[1,1]"])
  named <- catena_model(normal, dimension = 2, constrain = function(x) c(a = x[[1]], b = x[[2]]))
  expect_equal(named$outputs, c("a", "b"))
})

test_that("models answer for their density", {
  model <- catena_model(normal, names = c("a", "b"))
  expect_equal(catena_log_density(model, c(1, 2)), list(log_density = -2.5, gradient = c(a = -1, b = -2)))
  x <- matrix(c(1, 0, 2, 3), 2)
  rows <- catena_log_density(catena_model(normal_rows, dimension = 2, vectorized = TRUE), x)
  expect_equal(rows$log_density, c(-2.5, -4.5))
  expect_equal(unname(rows$gradient), -x)
  separate <- catena_model(function(x) -sum(x^2) / 2, function(x) stop("not asked for"), dimension = 2)
  expect_equal(catena_log_density(separate, c(1, 2), gradient = FALSE), list(log_density = -2.5))
  expect_error(catena_log_density(model, 1:3), "'x': expected a vector of 2 numbers")
  expect_output(print(model), "2 unconstrained coordinates: a, b")
})
