model <- catena_model(normal, names = c("a", "b[1]", "b[2]"))

test_that("draws depend on the seed alone", {
  a <- draw(model)
  expect_identical(draw(model)$draws, a$draws)
  expect_false(identical(draw(model, seed = 8)$draws, a$draws))
  # One run of ids 1 to 4 is four runs of one id.
  expect_identical(draw(model, chains = 1, first_chain_id = 3)$draws[, 1, ], a$draws[, 3, ])
  expect_false(identical(draw(model, seed = 2^53)$draws, draw(model, seed = 2^53 - 1)$draws))
  set.seed(1)
  b <- draw(model, seed = NULL)
  set.seed(1)
  expect_identical(draw(model, seed = NULL)$draws, b$draws)
})

test_that("the number of threads does not matter", {
  skip_on_cran()
  one <- catena_sample(normal_c(), seed = 3, threads = 1, progress = FALSE)
  two <- catena_sample(normal_c(), seed = 3, threads = 2, progress = FALSE)
  expect_identical(one$draws, two$draws)
})

test_that("sizes are what was asked for", {
  fit <- draw(model, chains = 3, iter_warmup = 25, iter_sampling = 50, thin = 4, save_warmup = TRUE)
  expect_equal(dim(as.array(fit)), c(13, 3, 4))
  expect_equal(dim(as.array(fit, inc_warmup = TRUE)), c(20, 3, 4))
  expect_identical(as.array(fit), as.array(fit, inc_warmup = TRUE)[8:20, , ])
  plain <- draw(model, chains = 3, iter_warmup = 25, iter_sampling = 50, thin = 4)
  expect_identical(as.array(plain), as.array(fit))
  expect_equal(summary(plain)$mean, summary(fit)$mean)
  expect_equal(dim(draw(model, chains = 1, iter_sampling = 0)$draws), c(0, 1, 10))
  expect_equal(dim(draw(model, chains = 1, iter_warmup = 0, iter_sampling = 1)$draws), c(1, 1, 10))
})

test_that("initial values are taken in every form", {
  first <- function(...) {
    fit <- catena_sample(model, ..., seed = 1, iter_warmup = 0, iter_sampling = 1, step_size = 1e-9, max_treedepth = 1, adapt_engaged = FALSE, progress = FALSE)
    unname(as.array(fit)[1, , c("a", "b[1]", "b[2]")])
  }
  expected <- rbind(c(1, 2, 3), c(1, 2, 3))
  expect_equal(first(chains = 2, init = list(a = 1, b = 2:3)), expected, tolerance = 1e-6)
  expect_equal(first(chains = 2, init = list(a = 1, "b[1]" = 2, "b[2]" = 3)), expected, tolerance = 1e-6)
  expect_equal(first(chains = 2, init = function() list(a = 1, b = 2:3)), expected, tolerance = 1e-6)
  expect_equal(first(chains = 2, init = list(c(1, 2, 3), c(1, 2, 3))), expected, tolerance = 1e-6)
  expect_equal(first(chains = 2, init = function(id) list(a = id, b = c(0, 0))), cbind(1:2, 0, 0), tolerance = 1e-6)
  expect_equal(first(chains = 2, init = 0), matrix(0, 2, 3), tolerance = 1e-6)
  some <- first(chains = 2, init = list(list(a = 5), NULL))
  expect_equal(some[1, 1], 5, tolerance = 1e-6)
  expect_true(all(abs(some[2, ]) < 2.001))
  expect_warning(first(chains = 1, init = list(a = 1, c = 2)), "no name for: c")
  expect_error(first(chains = 2, init = list(a = 1, b = 1:3)), "init 'b': expected 2 values, got 3")
  expect_error(first(chains = 2, init = list(list(a = 1))), "'init': expected one entry per chain \\(2\\)")
  expect_error(first(chains = 2, init = "a"), "'init'")
  expect_error(first(chains = 1, init = list(list(1))), "names")
})

test_that("unconstrain maps initial values", {
  sigma <- catena_model(function(x) list(-(x - 1)^2 / 2, -(x - 1)),
    names = "log_sigma", constrain = function(x) c(sigma = exp(x)), unconstrain = function(values) log(values$sigma)
  )
  fit <- draw(sigma, iter_warmup = 0, iter_sampling = 1, step_size = 1e-9, adapt_engaged = FALSE, max_treedepth = 1, init = list(sigma = 4))
  expect_equal(unname(as.array(fit)[1, , "sigma"]), rep(4, 4), tolerance = 1e-6)
})

test_that("metrics are taken and reported", {
  for (metric in c("diag_e", "dense_e", "unit_e")) {
    fit <- draw(model, metric = metric)
    expect_equal(length(fit$inv_metric[[1]]), c(diag_e = 3, dense_e = 9, unit_e = 0)[[metric]])
  }
  expect_equal(dim(draw(model)$inv_metric[[1]]), c(3, 3))
  given <- draw(model, metric = "diag_e", inv_metric = c(1, 4, 9), step_size = 0.5, adapt_engaged = FALSE)
  expect_equal(given$inv_metric[[2]], c(a = 1, "b[1]" = 4, "b[2]" = 9))
  expect_true(all(given$chains$step_size == 0.5))
  unshaped <- draw(model, inv_metric = c(1, 4, 9), adapt_engaged = FALSE)
  expect_equal(unname(unshaped$inv_metric[[2]]), diag(c(1, 4, 9)))
  dense <- draw(model, metric = "dense_e", inv_metric = diag(3) * 2, adapt_engaged = FALSE)
  expect_equal(unname(dense$inv_metric[[1]]), diag(3) * 2)
  expect_error(draw(model, metric = "diag_e", inv_metric = 1:2), "'inv_metric': expected vectors of 3 variances")
  expect_error(draw(model, metric = "unit_e", inv_metric = 1), "has none")
})

test_that("bad arguments are named", {
  expect_error(draw(model, adapt_delta = 1.5), "'adapt_delta'.*strictly between 0 and 1, got 1.5")
  expect_error(draw(model, step_size = -1), "'step_size'.*above 0")
  expect_error(draw(model, max_treedepth = 50), "'max_treedepth'.*20")
  expect_error(draw(model, chains = 0), "'chains': expected a whole number from 1")
  expect_error(draw(model, chains = 1.5), "'chains'")
  expect_error(draw(model, iter_warmup = NA), "'iter_warmup'")
  expect_error(draw(model, seed = 2^60), "'seed': expected a whole number from 0 to 2\\^53")
  expect_error(draw(model, seed = -1), "'seed'")
  expect_error(draw(model, save_warmup = 1), "'save_warmup': expected TRUE or FALSE")
  expect_error(draw(3), "'model'")
  expect_error(catena_model(normal), "'names' or 'dimension'")
  expect_error(catena_model(normal, names = c("a", "a")), "a")
})

test_that("a chain's failure is told", {
  skip_on_cran()
  expect_error(draw(normal_c(counts(fail_at = 100L))), "chain")
  # One chain starts where the gradient stops; the others go on.
  some <- catena_model(function(x) if (x[[1]] > 50) list(-Inf) else normal(x), dimension = 1)
  inits <- list(list(x.1 = 100), NULL, NULL, NULL)
  fit <- NULL
  expect_warning(fit <- draw(some, init = inits), "1 of 4 chains failed")
  expect_true(all(is.na(fit$draws[, 1, ])))
  expect_false(anyNA(fit$draws[, -1, ]))
  expect_false(anyNA(summary(fit)$mean))
  expect_output(print(fit), "Failed: chain 1")
})

test_that("messages and progress are shown or not", {
  expect_message(draw(model, refresh = 100), "Chain 1: Iteration: +100 / 600")
  expect_silent(draw(model, refresh = 100, show_messages = FALSE))
  expect_silent(draw(model))
  bar <- catena:::text_bar
  expect_output({
    b <- bar(10)
    b$update(5, 0)
    b$close(FALSE)
  }, "50%")
  # A run that was stopped is not shown as done.
  skip_if_not_installed("cli")
  shown <- options(cli.progress_show_after = 0, cli.dynamic = TRUE)
  on.exit(options(shown))
  told <- capture.output(type = "message", {
    b <- catena:::cli_bar(10, 2)
    b$update(3, 0)
    b$close(FALSE)
  })
  expect_false(any(grepl("100%", told)))
})

test_that("a run with a bar is a run", {
  expect_error(draw(model, chains = 2, progress = TRUE), NA)
})

test_that("a fit prints, and knows its sampler", {
  fit <- draw(model)
  expect_output(print(fit), "ess_bulk")
  expect_output(print(fit), "seed 7")
  expect_equal(nrow(summary(fit, "b")), 2)
  expect_equal(summary(fit, c("a", "lp__"))$variable, c("lp__", "a"))
  expect_error(summary(fit, "z"), "'variables'")
  diagnostics <- sampler_diagnostics(fit)
  expect_equal(dim(diagnostics), c(300, 4, 6))
  expect_equal(sum(diagnostics[, , "n_leapfrog__"] > 0), 1200)
  expect_equal(dim(as.matrix(fit)), c(1200, 4))
  expect_equal(as.vector(as.matrix(fit)[, "a"]), as.vector(as.array(fit)[, , "a"]))
  frame <- as.data.frame(fit)
  expect_equal(names(frame), c("lp__", "a", "b[1]", "b[2]"))
  expect_equal(frame[["b[2]"]], as.vector(as.array(fit)[, , "b[2]"]))
})
