# Over log(sigma) and the location; y is made of both.
made <- catena_model(
  function(x) list(log_density = -sum(x^2) / 2, gradient = -x),
  names = c("mu", "log_sigma"),
  constrain = function(x) list(mu = x[1], sigma = exp(x[2]), y = array(x[1] + exp(x[2]) * 1:6, c(2, 3))),
  unconstrain = function(values) c(values$mu, log(values$sigma))
)
generate <- function(...) catena_generate_quantities(..., threads = threads)

test_that("quantities are those of the run", {
  fit <- draw(made, thin = 2, save_warmup = TRUE)
  again <- generate(made, fit)
  expect_equal(dim(again), c(150, 4, 8))
  names <- dimnames(again)$variable
  expect_identical(names, made$outputs)
  expect_identical(dimnames(again)$chain, dimnames(fit$draws)$chain)
  # sigma goes through a logarithm and back.
  expect_equal(again, as.array(fit)[, , names], tolerance = 1e-14)
  expect_identical(again[, , "mu"], as.array(fit)[, , "mu"])
})

test_that("coordinates in the draws are positions, to the bit", {
  plain <- catena_model(normal, names = c("a", "b[1]", "b[2]"))
  fit <- draw(plain)
  squares <- catena_model(normal, names = plain$names, constrain = function(x) list(square = x^2))
  expected <- as.array(fit)[, , plain$names]^2
  for (given in list(fit, as.array(fit), fit$draws[, , c(9, 10, 8)])) {
    squared <- generate(squares, given)
    expect_identical(unname(squared[, , 1:3]), unname(expected))
  }
  expect_identical(dimnames(squared)$variable, c("square[1]", "square[2]", "square[3]"))
  # One chain from a matrix or data frame.
  for (given in list(as.matrix(fit), as.data.frame(fit))) {
    squared <- generate(squares, given)
    expect_equal(dim(squared), c(1200, 1, 3))
    expect_identical(as.vector(squared[, 1, 1]), as.vector(as.array(fit)[, , "a"])^2)
  }
  skip_if_not_installed("posterior")
  expect_identical(unname(generate(squares, posterior::as_draws_df(fit))), unname(expected))
})

test_that("an array goes to unconstrain with its dimensions", {
  seen <- NULL
  both <- catena_model(normal,
    dimension = 6, constrain = function(x) list(m = array(x, 2:3)),
    unconstrain = function(values) {
      seen <<- values
      c(values$m)
    }
  )
  fit <- draw(both, chains = 1, iter_sampling = 3)
  # Elements in any order.
  again <- generate(both, fit$draws[, , rev(dimnames(fit$draws)$variable), drop = FALSE])
  expect_identical(again, as.array(fit)[, , -1, drop = FALSE])
  expect_equal(unname(seen$m), matrix(fit$draws[3, 1, both$outputs], 2))
  missing <- fit$draws[, , setdiff(dimnames(fit$draws)$variable, "m[1,1]"), drop = FALSE]
  expect_error(generate(both, missing), "'fitted_params': expected all elements of each array")
})

test_that("compiled models generate on all threads", {
  skip_on_cran()
  fit <- draw(normal_c())
  user <- counts()
  split <- function(parameters, transformed) {
    catena_model(symbol("normal_gradient"),
      names = c("a", "b[1]", "b[2]"), user = user, constrain = symbol("quantities"),
      outputs = c("a", "b[1]", "b[2]", "double_a", "sum"), parameter_outputs = parameters, transformed_outputs = transformed
    )
  }
  values <- as.array(fit)
  one <- generate(split(3, 1), fit)
  expect_identical(dimnames(one)$variable, "sum")
  expect_identical(unname(one[, , 1]), unname(values[, , "a"] + values[, , "b[1]"] + values[, , "b[2]"]))
  expect_identical(catena_generate_quantities(split(3, 1), fit, threads = 1), one)
  expect_identical(dimnames(generate(split(3, 0), fit))$variable, c("double_a", "sum"))
  expect_equal(dim(generate(split(0, 0), fit)), c(300, 4, 5))
  expect_error(generate(split(3, 2), fit), "one with generated quantities")
  expect_error(split(4, 2), "outputs")
  expect_error(split(-1, 2), "'parameter_outputs'")
})

test_that("random quantities depend on seed and id alone", {
  skip_on_cran()
  expect_reproducible <- function(model) {
    fit <- draw(model)
    # With the run's seed its very numbers.
    same <- generate(model, fit, seed = 7)
    expect_identical(dimnames(same)$variable, "noise")
    expect_identical(unname(same[, , 1]), unname(as.array(fit)[, , "noise"]))
    other <- generate(model, fit, seed = 8)
    expect_false(any(other == same))
    expect_identical(catena_generate_quantities(model, fit, seed = 8, threads = 1), other)
    third <- generate(model, fit$draws[, 3, , drop = FALSE], seed = 8, first_chain_id = 3)
    expect_identical(third[, 1, ], other[, 3, ])
    set.seed(1)
    free <- generate(model, fit)
    set.seed(1)
    expect_identical(generate(model, fit), free)
  }
  names <- c("a", "b[1]", "b[2]")
  # A compiled function that calls the library for its random numbers.
  expect_reproducible(catena_model(symbol("normal_gradient"),
    names = names, constrain = symbol("noisy"), outputs = c(names, "noise"), parameter_outputs = 3
  ))
  mock <- Sys.getenv("CATENA_TEST_BRIDGESTAN")
  skip_if(mock == "", "CATENA_TEST_BRIDGESTAN is not set")
  expect_reproducible(catena_model(mock, data = list()))
})

test_that("a compiled function refuses with words", {
  skip_on_cran()
  choosy <- catena_model(symbol("normal_gradient"), names = c("a", "b[1]", "b[2]"), constrain = symbol("choosy"), outputs = "y")
  draws <- array(c(1, -1, 0, 0, 0, 0), c(2, 1, 3), list(NULL, NULL, choosy$names))
  messages <- capture_messages(value <- generate(choosy, draws))
  expect_match(messages, "row 2 of the draws was refused; the model says: negative", all = FALSE)
  expect_identical(value[, 1, "y"], c(1, NaN))
})

test_that("chains that were stopped have as many quantities as draws", {
  fit <- draw(made, max_evaluations = 1500, preset = "stan")
  rows <- fit$chains$rows
  expect_true(all(rows > 0 & rows < 300))
  again <- generate(made, fit)
  for (chain in 1:4) {
    expect_identical(again[seq_len(rows[[chain]]), chain, "mu"], fit$draws[seq_len(rows[[chain]]), chain, "mu"])
    expect_true(all(is.na(again[-seq_len(rows[[chain]]), chain, ])))
  }
})

test_that("rows that the model refuses are NA with a warning of the library", {
  draws <- array(c(1, 2, NaN, 4), c(4, 1, 1), list(NULL, NULL, "x[1]"))
  doubled <- catena_model(normal, dimension = 1, constrain = function(x) c(y = 2 * x))
  messages <- capture_messages(value <- generate(doubled, draws))
  expect_match(messages, "Chain 1 warning: row 3 of the draws was refused.*NaN", all = FALSE)
  expect_identical(value[, 1, "y"], c(2, 4, NaN, 8))
  expect_silent(generate(doubled, draws, show_messages = FALSE))
})

test_that("what is wrong is named", {
  draws <- array(1, c(4, 1, 1), list(NULL, NULL, "z"))
  expect_error(generate(catena_model(normal, names = "a", constrain = function(x) c(y = x)), draws), "'draws.names'.*'a'")
  expect_error(generate(made, 1:3), "'fitted_params'")
  expect_error(generate(made, matrix(1, 2, 2)), "'fitted_params'")
  expect_error(generate(made, draws[, 0, , drop = FALSE]), "'fitted_params': expected at least one chain")
  expect_error(generate(made, draws, seed = -1), "'seed'")
  bad <- catena_model(normal, names = "a", constrain = function(x) c(y = x), unconstrain = function(values) 1:2)
  expect_error(generate(bad, draws), "'unconstrain': expected a function that returns 1 unconstrained values")
})

test_that("errors and interrupts of R functions are raised as they are", {
  skip_on_cran()
  draws <- array(0, c(2000, 2, 1), list(NULL, NULL, "a"))
  calls <- 0
  with <- function(action) {
    calls <<- 0
    catena_model(normal, names = "a", outputs = "y", constrain = function(x) {
      calls <<- calls + 1
      if (calls == 100) action()
      x
    })
  }
  expect_error(generate(with(function() stop("my own words")), draws), "my own words")
  expect_lt(calls, 110)
  interrupt <- with(function() tools::pskill(Sys.getpid(), tools::SIGINT))
  outcome <- tryCatch(generate(interrupt, draws), interrupt = function(condition) "interrupted")
  expect_identical(outcome, "interrupted")
  expect_lt(calls, 200)
  # A model that can be used again.
  expect_equal(dim(generate(interrupt, draws)), c(2000, 2, 1))
})

test_that("Ctrl-C ends the generation of compiled functions", {
  skip_on_cran()
  slow <- catena_model(symbol("normal_gradient"),
    names = c("a", "b[1]", "b[2]"), constrain = symbol("slow_interrupting"), outputs = "y"
  )
  draws <- array(0, c(1e5, 1, 3), list(NULL, NULL, c("a", "b[1]", "b[2]")))
  time <- system.time(outcome <- tryCatch(generate(slow, draws), interrupt = function(condition) "interrupted"))
  expect_identical(outcome, "interrupted")
  expect_lt(time[["elapsed"]], 5)
})
