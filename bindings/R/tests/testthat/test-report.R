test_that("a fit has a page", {
  model <- catena_model(function(x) list(log_density = -sum(x^2) / 2, gradient = -x), dimension = 2)
  fit <- catena_sample(model, chains = 2, iter_warmup = 200, iter_sampling = 300, seed = 1, threads = 2)
  file <- tempfile(fileext = ".html")
  expect_identical(catena_report(fit, file, title = "A normal & more"), file)
  page <- paste(readLines(file), collapse = "\n")
  expect_match(page, "<title>A normal &amp; more</title>", fixed = TRUE)
  expect_match(page, "2 chains of 300 draws each", fixed = TRUE)
  # Step sizes, metrics and times are told.
  expect_match(page, 'id="warmup"', fixed = TRUE)
  expect_match(page, 'id="times"', fixed = TRUE)
  expect_match(page, paste0('"step_sizes":[', format(fit$chains$stepsize[[1]], digits = 6)), fixed = TRUE)
})

test_that("what is no fit or file gets words", {
  expect_error(catena_report(1), "a fit made by catena_sample")
  model <- catena_model(function(x) list(log_density = -sum(x^2) / 2, gradient = -x), dimension = 1)
  fit <- catena_sample(model, chains = 1, iter_warmup = 50, iter_sampling = 50, seed = 1, threads = 1)
  expect_error(catena_report(fit, 3), "'file'")
  expect_error(catena_report(fit, file.path(tempdir(), "nowhere", "page.html")), "cannot write")
})
