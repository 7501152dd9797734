model <- catena_model(normal, names = c("a", "b"))

test_that("options are listed", {
  options <- catena_options()
  expect_true(nrow(options) > 20)
  expect_false(anyNA(options))
  expect_equal(options$argument[options$option == "max_depth"], "max_treedepth")
  expect_equal(options$argument[options$option == "max_energy_error"], "max_energy_error")
  expect_true(all(nzchar(options$help)))
  expect_match(options$services[options$option == "int_time"], "^static$")
})

test_that("defaults of arguments are the library's", {
  options <- catena_options()
  defaults <- formals(catena_sample)
  # Drawn anew, told by R itself, chosen by what the model is, or an option of the optimisers by the same name.
  otherwise <- c("seed", "refresh", "threads", "batch_size", "algorithm")
  named <- setdiff(intersect(options$argument, names(defaults)), otherwise)
  expect_true(length(named) > 12)
  for (argument in named) {
    # What a preset has values for is the library's where it is not given.
    if (is.null(defaults[[argument]])) {
      expect_true(argument %in% c("iter_warmup", "metric", "adapt_delta"), info = argument)
      next
    }
    value <- eval(defaults[[argument]])[[1]]
    text <- options$default[options$argument == argument]
    if (is.numeric(value)) expect_equal(value, as.numeric(text), info = argument)
    else if (is.logical(value)) expect_equal(value, text == "true", info = argument)
    else expect_equal(value, text, info = argument)
  }
})

test_that("every option is taken by its name", {
  options <- catena_options()
  # Those that catena_sample() does not name, at their defaults, without a line about them in the package.
  taken <- grepl("nuts|static|fixed_param", options$services)
  more <- options[taken & !options$argument %in% names(formals(catena_sample)), ]
  expect_true(all(c("max_energy_error", "on_failure", "gamma", "max_evaluations") %in% more$option))
  for (i in seq_len(nrow(more))) {
    fit <- do.call(draw, c(list(model), stats::setNames(list(more$default[[i]]), more$option[[i]])))
    expect_identical(fit$draws, draw(model)$draws, info = more$option[[i]])
  }
  expect_identical(draw(model, gamma = 0.2)$draws, draw(model, gamma = "0.2")$draws)
  expect_false(identical(draw(model, metric = "diag_e", gamma = 0.2)$draws, draw(model, metric = "diag_e")$draws))
  expect_identical(draw(model, on_failure = "stop_run")$draws, draw(model)$draws)
  expect_equal(draw(model, gamma = 0.2)$settings$gamma, 0.2)
})

test_that("options that are none, or none of ours, are refused", {
  expect_error(draw(model, max_energy_eror = 3), "'max_energy_eror': not an option; did you mean 'max_energy_error'\\?")
  expect_error(draw(model, treedepth_max = 3), "'treedepth_max': not an option; there are .*max_treedepth")
  expect_error(draw(model, chain = 3, chains = 2), "did you mean 'chains'")
  expect_error(draw(model, num_warmup = 3), "'num_warmup' is called 'iter_warmup' here")
  expect_error(draw(model, gamma = -1), "'gamma'.*expected a finite number above 0, got -1")
  expect_error(draw(model, gamma = c(1, 2)), "'gamma': expected a number, TRUE or FALSE, or a name")
  expect_error(draw(model, gamma = NA), "'gamma'")
  expect_error(draw(model, on_failure = "stop_rum"), "did you mean 'stop_run'")
  expect_error(draw(model, first_chain_id = 0), "'first_chain_id': expected a whole number from 1")
  expect_error(catena_sample(model, 4, 10, 10, 1, 1, 2, "nuts", "diag_e", NULL, 1, 10, 1, 0.8, TRUE, 1, FALSE, 0, 1, 75, 50, 25, 0, 0, FALSE, TRUE, 5), "by name")
})

test_that("a preset says what is not given, and what is given wins", {
  plain <- function(...) catena_sample(model, chains = 1, iter_sampling = 50, seed = 3, threads = 1, progress = FALSE, ...)
  stan <- plain(preset = "stan")
  expect_equal(stan$settings[c("iter_warmup", "metric", "adapt_delta")], list(iter_warmup = 1000, metric = "diag_e", adapt_delta = 0.8))
  expect_identical(stan$draws, plain(metric = "diag_e", iter_warmup = 1000, adapt_delta = 0.8)$draws)
  expect_identical(stan$draws, plain(metric = "diag_e")$draws)
  default <- plain()
  expect_equal(default$settings[c("iter_warmup", "metric", "adapt_delta")], list(iter_warmup = 200, metric = "auto", adapt_delta = 0.7))
  expect_identical(plain(preset = "catena")$draws, default$draws)
  given <- plain(iter_warmup = 70, preset = "stan")
  expect_equal(given$settings$iter_warmup, 70)
  expect_false(identical(given$draws, stan$draws))
  expect_error(plain(preset = "stann"), "did you mean 'stan'")
})
