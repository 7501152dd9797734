test_that("a fit has a page", {
  model <- catena_model(function(x) list(log_density = -sum(x^2) / 2, gradient = -x), dimension = 2)
  fit <- catena_sample(model, chains = 2, iter_warmup = 200, iter_sampling = 300, seed = 1, threads = 2)
  file <- tempfile(fileext = ".html")
  expect_identical(catena_report(fit, file, title = "A normal & more"), file)
  page <- paste(readLines(file, warn = FALSE), collapse = "\n")
  expect_match(page, "<title>A normal &amp; more</title>", fixed = TRUE)
  expect_match(page, "2 chains of 300 draws each", fixed = TRUE)
  # Step sizes, metrics and times are told.
  expect_match(page, 'id="warmup"', fixed = TRUE)
  expect_match(page, 'id="times"', fixed = TRUE)
  expect_match(page, paste0('"step_sizes":[', substr(format(fit$chains$step_size[[1]], digits = 15), 1, 6)), fixed = TRUE)
})

# Numbers of a page: a list of vectors, one per chain.
page_numbers <- function(page, name) {
  found <- regmatches(page, regexpr(sprintf('"%s":\\[\\[.*?\\]\\]', name), page, perl = TRUE))
  lists <- strsplit(sub("\\]\\]$", "", sub("^[^[]*\\[\\[", "", found)), "],[", fixed = TRUE)[[1L]]
  lapply(strsplit(lists, ","), as.numeric)
}

test_that("a page shows the way of the step sizes, and the settings", {
  model <- catena_model(function(x) list(log_density = -sum(x^2) / 2, gradient = -x), dimension = 2)
  page_of <- function(fit) paste(readLines(catena_report(fit, tempfile(fileext = ".html")), warn = FALSE), collapse = "\n")
  for (metric in c("auto", "diag_e", "dense_e", "low_rank", "unit_e")) {
    fit <- catena_sample(model, chains = 2, iter_warmup = 120, iter_sampling = 50, thin = 2, save_warmup = TRUE, seed = 1, threads = 2, metric = metric)
    page <- page_of(fit)
    expect_match(page, "2 chains of 25 draws each", fixed = TRUE)
    saved <- sampler_diagnostics(fit, inc_warmup = TRUE)[1:60, , "stepsize__"]
    expect_identical(page_numbers(page, "paths"), unname(lapply(1:2, function(chain) as.numeric(saved[, chain]))))
    # The diagonal, whatever the shape is.
    if (metric == "unit_e") expect_match(page, '"metrics":[]', fixed = TRUE)
    else expect_identical(lengths(page_numbers(page, "metrics")), c(2L, 2L))
    if (metric == "dense_e") expect_identical(page_numbers(page, "metrics")[[2L]], unname(diag(fit$inv_metric[[2L]])))
    expect_match(page, sprintf("<dt>metric</dt><dd>%s</dd>", metric), fixed = TRUE)
    expect_identical(fit$options$num_warmup, "120")
  }
  fit <- catena_sample(model, chains = 2, iter_warmup = 50, iter_sampling = 50, seed = 1, threads = 2)
  expect_match(page_of(fit), '"paths":[]', fixed = TRUE)
})

test_that("what is no fit or file gets words", {
  expect_error(catena_report(1), "a fit made by catena_sample")
  model <- catena_model(function(x) list(log_density = -sum(x^2) / 2, gradient = -x), dimension = 1)
  fit <- catena_sample(model, chains = 1, iter_warmup = 50, iter_sampling = 50, seed = 1, threads = 1)
  expect_error(catena_report(fit, 3), "'file'")
  expect_error(catena_report(fit, file.path(tempdir(), "nowhere", "page.html")), "cannot write")
})

test_that("sets of particles have a page", {
  model <- catena_model(function(x) list(log_density = -sum(x^2) / 2, gradient = -x), dimension = 2)
  found <- catena_sample_smc(model, 3, 100, seed = 1, show_messages = FALSE)
  expect_true(all(is.na(found$stages$ancestors) | found$stages$ancestors <= 100))
  file <- tempfile(fileext = ".html")
  expect_identical(catena_report(found, file), file)
  page <- paste(readLines(file, warn = FALSE), collapse = "\n")
  for (part in c("3 sets, ", "300 particles, 2 variables", 'id="ancestors"', 'id="evidence"')) expect_match(page, part, fixed = TRUE)

  coin <- catena_likelihood(
    function(outcomes, models, experiments) {
      cells <- expand.grid(m = seq_len(nrow(models)), o = seq_along(outcomes), e = seq_len(nrow(experiments)))
      dbinom(outcomes[cells$o], experiments[cells$e, ], models[cells$m, ])
    }, "bias", c(throws = "integer"), domain = function(experiment) seq(0, experiment$throws)
  )
  u <- catena_updater(coin, prior_uniform(0, 1), n_sets = 3, n_models = 200, seed = 1)
  course <- course_note(catena_course(), u)
  for (heads in c(3, 2, 4)) course_note(course, updater_update(u, heads, 5))
  catena_report(course, file, title = "A coin", truth = c(bias = 0.6))
  page <- paste(readLines(file, warn = FALSE), collapse = "\n")
  for (part in c("3 sets, 3 data, 600 models", '"truth":0.6', "<title>A coin</title>")) expect_match(page, part, fixed = TRUE)
  expect_error(catena_report(course, file, truth = c(other = 1)), "'truth'")

  p <- catena_population(function() 0, apply = function(trace, what) list(trace = trace + rnorm(1), log_increment = -trace^2),
    n_sets = 2, n_particles = 20, seed = 1, genealogy = TRUE)
  course <- catena_course()
  for (i in 1:3) course_note(course, population_resample(population_apply(p, "walk")))
  catena_report(course, file)
  page <- paste(readLines(file, warn = FALSE), collapse = "\n")
  for (part in c("2 sets, 3 steps", 'id="ancestors"')) expect_match(page, part, fixed = TRUE)
  expect_error(course_note(catena_course(), 3), "'what'")
  expect_error(catena_report(catena_course(), file), "steps or particles")
})

test_that("warm-up that ends by itself is told from the draws", {
  model <- catena_model(function(x) list(log_density = -sum(x^2) / 2, gradient = -x), dimension = 2)
  sampled <- function(save_warmup) {
    catena_sample(
      model, chains = 6, iter_warmup = 700, iter_sampling = 60, thin = 2, seed = 4, threads = 2, warmup_until = TRUE, save_warmup = save_warmup
    )
  }
  fit <- sampled(TRUE)
  without <- sampled(FALSE)
  ends <- ceiling((fit$chains$iterations - 60) / 2)
  expect_true(length(unique(ends)) > 1 && max(ends) < 350)
  expect_identical(as.array(fit), as.array(without))
  expect_identical(sampler_diagnostics(fit), sampler_diagnostics(without))
  expect_identical(dim(as.array(fit))[1:2], c(30L, 6L))
  page <- paste(readLines(catena_report(fit, tempfile(fileext = ".html")), warn = FALSE), collapse = "\n")
  expect_identical(lengths(page_numbers(page, "paths")), as.integer(ends))
  expect_match(page, "6 chains of 30 draws each", fixed = TRUE)
})
