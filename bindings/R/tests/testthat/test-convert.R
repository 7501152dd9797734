fit <- draw(catena_model(normal, names = c("a", "b[1]", "b[2]")))
draws <- as.array(fit)

test_that("posterior takes a fit", {
  skip_if_not_installed("posterior")
  array <- posterior::as_draws_array(fit)
  expect_s3_class(array, "draws_array")
  expect_equal(posterior::variables(array), c("lp__", "a", "b[1]", "b[2]"))
  expect_equal(as.vector(array), as.vector(draws))
  expect_s3_class(posterior::as_draws_df(fit), "draws_df")
  expect_s3_class(posterior::as_draws_rvars(fit), "draws_rvars")
  expect_equal(length(posterior::as_draws_rvars(fit)$b), 2)
  # Two implementations of the same statistics.
  theirs <- posterior::summarise_draws(fit)
  ours <- summary(fit)
  for (statistic in c("mean", "sd", "median", "q5", "q95", "rhat", "ess_bulk", "ess_tail")) {
    expect_equal(as.numeric(ours[[statistic]]), as.numeric(theirs[[statistic]]), tolerance = 1e-8, info = statistic)
  }
})

test_that("coda takes a fit", {
  skip_if_not_installed("coda")
  list <- coda::as.mcmc.list(draw(catena_model(normal, dimension = 1), thin = 2))
  expect_s3_class(list, "mcmc.list")
  expect_equal(coda::nchain(list), 4)
  expect_equal(coda::niter(list), 150)
  expect_equal(coda::thin(list), 2)
  expect_equal(start(list), 301)
  plain <- coda::as.mcmc.list(fit)
  expect_equal(coda::varnames(plain), c("lp__", "a", "b[1]", "b[2]"))
  expect_equal(as.vector(plain[[3]][, "a"]), as.vector(draws[, 3, "a"]))
  alone <- draw(catena_model(normal, dimension = 2, names = c("a", "b[1]")), chains = 1)
  expect_equal(coda::varnames(coda::as.mcmc(alone)), c("lp__", "a", "b[1]"))
  expect_error(coda::as.mcmc(fit), "one of 4; as.mcmc.list has them all")
})

test_that("bayesplot takes a fit", {
  skip_if_not_installed("bayesplot")
  expect_s3_class(bayesplot::mcmc_trace(as.array(fit), "a"), "ggplot")
  parameters <- bayesplot::nuts_params(fit)
  expect_equal(nrow(parameters), 300 * 4 * 6)
  one <- parameters[parameters$Parameter == "energy__" & parameters$Chain == 2, ]
  expect_equal(one$Value, as.vector(sampler_diagnostics(fit)[, 2, "energy__"]))
  posterior <- bayesplot::log_posterior(fit)
  expect_equal(posterior$Value[posterior$Chain == 3], as.vector(draws[, 3, "lp__"]))
})

test_that("names go to the library and back", {
  from <- catena:::names_from_library
  to <- catena:::names_to_library
  names <- c("a", "theta[1]", "m[2,10]", "a.b", "lp__", "x1")
  expect_equal(from(to(names)), names)
  expect_equal(to(names), c("a", "theta.1", "m.2.10", "a.b", "lp__", "x1"))
})

test_that("data are written as Stan reads them", {
  json <- catena:::stan_json
  expect_equal(json(list(N = 3, y = c(1.5, -2, 1e-300), x = matrix(1:4, 2))), '{"N": 3, "y": [1.5, -2, 1e-300], "x": [[1, 3], [2, 4]]}')
  expect_equal(json(list(a = array(1, 1), b = numeric(), c = TRUE, d = c(NaN, Inf, -Inf))), '{"a": [1], "b": [], "c": 1, "d": ["NaN", "Inf", "-Inf"]}')
  expect_equal(json(list(a = array(1:8, c(2, 2, 2)))), '{"a": [[[1, 5], [3, 7]], [[2, 6], [4, 8]]]}')
  expect_equal(json(list()), "{}")
  expect_error(json(list(1)), "names")
  expect_error(json(list(y = c(1, NA))), "data\\$y.*missing")
  expect_error(json(list(y = "a")), "data\\$y")
})
