test_that("static HMC is sampled", {
  model <- catena_model(normal, names = c("a", "b"))
  fit <- draw(model, algorithm = "static", int_time = 1.5, iter_sampling = 2000)
  expect_equal(dimnames(fit$draws)[[3]], c("lp__", "accept_stat__", "stepsize__", "int_time__", "energy__", "a", "b"))
  expect_equal(dimnames(as.array(fit))[[3]], c("lp__", "a", "b"))
  expect_equal(dimnames(sampler_diagnostics(fit))[[3]], c("accept_stat__", "stepsize__", "int_time__", "energy__"))
  table <- summary(fit)[-1, ]
  expect_true(all(abs(table$mean) < 4 * table$mcse_mean))
  expect_true(all(abs(table$sd - 1) < 4 * table$mcse_sd))
  expect_output(print(fit), "Static HMC with metric auto, ")
  expect_error(draw(model, algorithm = "static", int_time = -1), "'int_time'.*above 0")
})

test_that("fixed parameters draw the outputs anew", {
  still <- catena_model(normal, names = "a", constrain = function(x) c(a = x, u = runif(1)))
  set.seed(4)
  fit <- draw(still, algorithm = "fixed_param", init = list(a = 0.5), chains = 2, save_warmup = TRUE)
  expect_equal(dimnames(fit$draws)[[3]], c("lp__", "accept_stat__", "a", "u"))
  draws <- as.array(fit)
  expect_equal(dim(draws), c(300, 2, 3))
  expect_true(all(draws[, , "a"] == 0.5))
  expect_equal(anyDuplicated(as.vector(draws[, , "u"])), 0)
  expect_output(print(fit), "Fixed parameters")
  expect_error(draw(still, algorithm = "fixed_param", inv_metric = 1), "inv_metric")
  # No coordinates at all.
  none <- catena_model(function(x) stop("not asked for"), dimension = 0, constrain = function(x) c(u = runif(1)))
  expect_equal(none$names, character())
  expect_equal(dim(draw(none, algorithm = "fixed_param", chains = 1)$draws), c(300, 1, 3))
})

test_that("other engines are refused", {
  expect_error(draw(catena_model(normal, dimension = 1), algorithm = "gibbs"), "should be one of")
})
