# The derivative by the second coordinate has a wrong sign.
wrong <- function(x) list(log_density = -sum(x^2) / 2, gradient = c(-x[1], x[2], -x[3]))
names <- c("a", "b[1]", "b[2]")

test_that("a right gradient passes and a wrong one is found", {
  right <- catena_diagnose(catena_model(normal, names = names), seed = 1)
  expect_s3_class(right, "catena_gradient_check")
  expect_equal(right$failures, 0)
  expect_identical(right$gradients$variable, names)
  expect_equal(right$log_density, -sum(right$gradients$value^2) / 2)
  expect_equal(right$gradients$model, -right$gradients$value)
  expect_equal(right$gradients$finite_diff, right$gradients$model, tolerance = 1e-7)
  expect_output(print(right), "param idx +value +model +finite diff +error")
  expect_output(print(right), "0 of 3 derivatives")

  planted <- catena_diagnose(catena_model(wrong, names = names), seed = 1)
  expect_equal(planted$failures, 1)
  expect_identical(which(abs(planted$gradients$error) > 1e-6), 2L)
  expect_equal(planted$gradients$error[[2]], 2 * planted$gradients$value[[2]], tolerance = 1e-6)
  expect_output(print(planted), "1 of 3 derivatives")
})

test_that("it looks where a chain would start", {
  model <- catena_model(normal, names = names)
  value <- function(...) catena_diagnose(model, ...)$gradients$value
  expect_identical(value(init = list(a = 1, b = 2:3)), c(1, 2, 3))
  expect_identical(value(init = list(c(4, 5, 6))), c(4, 5, 6))
  expect_identical(value(init = function(id) list(a = id, b = c(0, 0)), chain_id = 9), c(9, 0, 0))
  expect_identical(value(init = 0), c(0, 0, 0))
  expect_true(all(abs(value(init = 0.1, seed = 3)) <= 0.1))
  expect_identical(value(seed = 3), value(seed = 3))
  expect_false(identical(value(seed = 3), value(seed = 4)))
  expect_false(identical(value(seed = 3), value(seed = 3, chain_id = 2)))
  set.seed(1)
  free <- value()
  set.seed(1)
  expect_identical(value(), free)
  # The same place as a run's.
  first <- catena_sample(model, chains = 1, seed = 3, algorithm = "fixed_param", iter_sampling = 1, progress = FALSE)
  expect_identical(unname(as.array(first)[1, 1, names]), value(seed = 3))
  expect_warning(value(init = list(a = 1, c = 2)), "no name for: c")
})

test_that("the numbers can be chosen, and bad ones are named", {
  model <- catena_model(wrong, names = names)
  expect_equal(catena_diagnose(model, seed = 1, error = 100)$failures, 0)
  rough <- catena_model(function(x) list(log_density = -sum(x^4), gradient = -4 * x^3), names = names)
  expect_gt(catena_diagnose(rough, seed = 1, epsilon = 0.1)$failures, 0)
  expect_error(catena_diagnose(model, epsilon = 0), "'epsilon'.*above 0")
  expect_error(catena_diagnose(model, error = -1), "'error'.*above 0")
  expect_error(catena_diagnose(model, epsilon = "a"), "'epsilon'")
  expect_error(catena_diagnose(model, init = list(a = 1, b = 1:3)), "init 'b'")
  expect_error(catena_diagnose(model, chain_id = 0), "'chain_id': expected a whole number from 1")
  expect_error(catena_diagnose(1), "'model'")
})

test_that("errors of R functions are raised as they are, and compiled functions checked", {
  expect_error(catena_diagnose(catena_model(function(x) stop("my own words"), dimension = 1)), "my own words")
  skip_on_cran()
  expect_equal(catena_diagnose(normal_c(), seed = 1)$failures, 0)
})

test_that("a wrong gradient is found where chains begin, unless nobody wants to know", {
  model <- catena_model(wrong, names = names)
  sample <- function(model, ...) catena_sample(model, chains = 2, iter_warmup = 20, iter_sampling = 5, seed = 1, progress = FALSE, ...)
  expect_error(sample(model), "chain 1.*derivative by 'b.1'.*differences")
  expect_s3_class(sample(model, check_gradient = FALSE), "catena_fit")
  right <- catena_model(normal, names = names)
  expect_identical(as.array(sample(right)), as.array(sample(right, check_gradient = FALSE)))
})

test_that("a misspelt initial value is told with the name that was meant", {
  model <- catena_model(normal, names = c("alpha", "beta[1]", "beta[2]"))
  run <- function(init) catena_sample(model, chains = 1, iter_warmup = 5, iter_sampling = 5, seed = 1, init = init, progress = FALSE)
  expect_warning(run(list(alhpa = 1)), "alhpa \\(did you mean 'alpha'\\?\\)")
  expect_warning(run(list(alpha = 1, betas = c(1, 2))), "betas \\(did you mean 'beta'\\?\\)")
})
