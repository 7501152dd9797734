# Pathfinder and variational inference from R.

normal <- function(x) {
  z <- (x - c(1, -2)) / c(0.5, 3)
  list(log_density = -sum(z^2) / 2, gradient = -z / c(0.5, 3))
}
model <- catena_model(normal, names = c("a", "b"))

test_that("Pathfinder finds a normal", {
  fit <- catena_pathfinder(model, seed = 3, threads = 1, show_messages = FALSE)
  expect_identical(colnames(fit$draws), c("lp_approx__", "lp__", "path__", "a", "b"))
  expect_identical(dim(fit$draws), c(1000L, 5L))
  expect_lt(fit$khat, 0.7)
  found <- summary(fit)
  expect_equal(found$mean, c(1, -2), tolerance = 0.15)
  expect_equal(found$sd, c(0.5, 3), tolerance = 0.15)
  expect_identical(fit$positions[, 1], unname(fit$draws[, "a"]))
  expect_identical(fit$fits$id, c(1, 2, 3, 4))
  expect_true(all(fit$fits$converged))
  # What was asked for, and the same again.
  few <- catena_pathfinder(model, 2, 10, seed = 3, psis_resample = FALSE, show_messages = FALSE)
  expect_identical(nrow(few$draws), 20L)
  expect_identical(few$draws, catena_pathfinder(model, 2, 10, seed = 3, psis_resample = FALSE, show_messages = FALSE)$draws)
  expect_output(print(fit), "Pathfinder: 4 paths")
})

test_that("variational fits are each by themselves", {
  fit <- catena_variational(model, num_fits = 2, output_draws = 500, seed = 3, threads = 1, show_messages = FALSE)
  expect_identical(dim(fit$draws), c(500L, 2L, 5L))
  expect_equal(unname(fit$mean), matrix(c(1, -2), 2, 2), tolerance = 0.1)
  expect_equal(unname(fit$sd), matrix(c(0.5, 3), 2, 2), tolerance = 0.1)
  expect_equal(unname(fit$at_mean), unname(t(fit$mean)))
  expect_identical(nrow(as.data.frame(fit)), 1000L)
  alone <- catena_variational(model, output_draws = 500, first_chain_id = 2, seed = 3, show_messages = FALSE)
  expect_identical(unname(alone$draws[, 1, ]), unname(fit$draws[, 2, ]))
})

test_that("a bad path is left out, and all of them are an error", {
  cut <- catena_model(function(x) list(log_density = if (x < -5) NaN else -x^2 / 2, gradient = -x), names = "x")
  starts <- list(0.5, 1, 1.5, -10)
  expect_warning(fit <- catena_pathfinder(cut, init = starts, seed = 1, show_messages = FALSE), "1 of 4 paths failed")
  expect_identical(nzchar(fit$fits$message), c(FALSE, FALSE, FALSE, TRUE))
  expect_error(catena_pathfinder(cut, init = rep(list(-10), 4), seed = 1, show_messages = FALSE), "4 of 4 paths failed")
})

test_that("R's own errors come back, and names are checked", {
  odd <- catena_model(function(x) stop("as the test wants it"), names = "x")
  expect_error(catena_pathfinder(odd, seed = 1, show_messages = FALSE), "as the test wants it")
  expect_error(catena_variational(odd, seed = 1, show_messages = FALSE), "as the test wants it")
  expect_error(catena_pathfinder(model, num_drawz = 2), "num_draws")
  expect_error(catena_variational(model, family = "half"), "arg")
})
