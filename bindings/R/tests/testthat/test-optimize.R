# Modes and normal distributions at them from R.

normal <- function(x) {
  z <- (x - c(1, -2)) / c(0.5, 3)
  list(log_density = -sum(z^2) / 2, gradient = -z / c(0.5, 3))
}
model <- catena_model(normal, names = c("a", "b"))

test_that("every algorithm finds a mode", {
  for (algorithm in c("lbfgs", "bfgs", "newton")) {
    found <- catena_optimize(model, algorithm = algorithm, seed = 3, threads = 1, show_messages = FALSE)
    expect_equal(found$par, c(a = 1, b = -2), tolerance = 1e-6)
    expect_equal(found$value, 0, tolerance = 1e-10)
    expect_true(found$starts$converged)
  }
  expect_output(print(found), "1 of 1 starts have converged")
})

test_that("many starts tell of all modes", {
  wells <- catena_model(
    function(x) list(log_density = -(x^2 - 9)^2 / 4 + x / 10, gradient = -(x^2 - 9) * x + 1 / 10), names = "x"
  )
  found <- catena_optimize(wells, 16, seed = 1, show_messages = FALSE)
  expect_identical(nrow(found$modes), 2L)
  expect_identical(sum(found$modes$found), 16)
  expect_gt(found$par, 2.9)
  expect_identical(found$best, found$modes$start[[1]])
})

test_that("an end that is no mode is an error, or a message", {
  endless <- catena_model(function(x) list(log_density = x, gradient = 1), names = "x")
  expect_error(catena_optimize(endless, max_iterations = 20, seed = 1, show_messages = FALSE), "start 1, iteration 20")
  cut <- catena_model(function(x) list(log_density = if (x < -5) NaN else -x^2 / 2, gradient = -x), names = "x")
  found <- catena_optimize(cut, 2, init = list(0.5, -10), seed = 1, show_messages = FALSE)
  expect_identical(found$starts$converged, c(TRUE, FALSE))
  expect_match(found$starts$message[[2]], "log density is")
})

test_that("draws at a mode are those of a normal", {
  for (mode in list(NULL, c(1, -2), catena_optimize(model, seed = 1, show_messages = FALSE))) {
    fit <- catena_laplace(model, mode, draws = 400, seed = 3, threads = 1, show_messages = FALSE)
    expect_identical(dim(fit$draws), c(400L, 1L, 4L))
    expect_equal(unname(fit$sd[, 1]), c(0.5, 3), tolerance = 1e-8)
    difference <- fit$draws[, 1, "log_p__"] - fit$draws[, 1, "log_q__"]
    expect_lt(diff(range(difference)), 1e-9)
    expect_lt(fit$khat, 0.7)
  }
  expect_output(print(fit), "Laplace approximation")
  expect_error(catena_laplace(model, c(3, 3), seed = 1, show_messages = FALSE), "no mode")
})
