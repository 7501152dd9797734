# A library with BridgeStan's C ABI; Catena's own test scripts compile one.
mock <- Sys.getenv("CATENA_TEST_BRIDGESTAN")

test_that("a BridgeStan library is sampled", {
  skip_if(mock == "", "CATENA_TEST_BRIDGESTAN is not set")
  model <- catena_model(mock, data = list())
  expect_output(print(model), "a BridgeStan library")
  expect_equal(model$names[c(1, 3, 4)], c("mu[1]", "sigma", "m[1,1]"))
  expect_equal(utils::tail(model$outputs, 3), c("tau", "mu_sum", "noise"))
  fit <- draw(model, iter_sampling = 1000, adapt_delta = 0.95)
  table <- summary(fit, "mu")
  # mu[i] is normal with mean i and standard deviation 2.
  expect_true(all(abs(table$mean - 1:2) < 4 * table$mcse_mean))
  expect_true(all(abs(table$sd - 2) < 4 * table$mcse_sd))
  draws <- as.array(fit)
  expect_equal(draws[, , "mu_sum"], draws[, , "mu[1]"] + draws[, , "mu[2]"])
  # Named initial values are mapped by the library.
  start <- draw(model,
    init = list(mu = c(1, 2), sigma = 1, m = matrix(0, 2, 3), tau = 3), iter_warmup = 0, iter_sampling = 1,
    step_size = 1e-9, adapt_engaged = FALSE, max_treedepth = 1
  )
  expect_equal(unname(as.array(start)[1, , "tau"]), rep(3, 4), tolerance = 1e-6)
})

test_that("failures of a BridgeStan library are told", {
  expect_error(catena_model(tempfile()), "path of a BridgeStan library")
  none <- tempfile(fileext = ".so")
  file.create(none)
  expect_error(catena_model(none), basename(none), fixed = TRUE)
  skip_if(mock == "", "CATENA_TEST_BRIDGESTAN is not set")
  expect_error(catena_model(mock, data = 3), "'data'")
  expect_error(catena_model(mock, seed = -1), "'seed'")
  expect_error(draw(catena_model(mock, data = list(fail = 1))), "chain 1")
})
