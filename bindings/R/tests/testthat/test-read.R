# A file as CmdStan writes it; the numbers of its outputs.
write_draws <- function(path, draws, tail = c(
                          "#", "#  Elapsed Time: 0.25 seconds (Warm-up)", "#                0.5 seconds (Sampling)",
                          "#                0.75 seconds (Total)", "#"
                        ), metric = c("# Diagonal elements of inverse mass matrix:", "# 1, 2, 3"), end = "\n") {
  own <- ifelse(seq_len(nrow(draws)) == 3, "-1,0.9,0.5,3,7,1,2.5", "-1,0.9,0.5,3,7,0,2.5")
  lines <- c(
    "# model = schools_model", "# method = sample (Default)", "#   sample", "#     num_samples = 8", "#     num_warmup = 5",
    "#     max_depth = 3", "# random", "#   seed = 77",
    "lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,mu,theta.1,theta.2", "# Adaptation terminated",
    "# Step size = 0.5", metric, paste(own, apply(format(draws, digits = 17, trim = TRUE), 1L, paste, collapse = ","), sep = ","), tail
  )
  cat(paste(lines, collapse = "\n"), end, file = path, sep = "")
  path
}

paths_in <- function(folder, ...) {
  dir.create(folder, showWarnings = FALSE)
  file.path(folder, c(...))
}

test_that("chains of CmdStan are a fit", {
  set.seed(1)
  draws <- lapply(1:3, function(i) matrix(rnorm(24), 8))
  paths <- paths_in(tempfile(), sprintf("draws_%d.csv", 1:3))
  for (i in 1:3) write_draws(paths[[i]], draws[[i]])
  fit <- catena_read(paths)
  values <- as.array(fit)
  expect_identical(dim(values), c(8L, 3L, 4L))
  expect_identical(dimnames(values)$variable, c("lp__", "mu", "theta[1]", "theta[2]"))
  for (i in 1:3) expect_identical(unname(values[, i, -1L]), draws[[i]])
  own <- c("accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__", "energy__")
  expect_identical(dimnames(sampler_diagnostics(fit))$variable, own)
  expect_identical(fit$chains$step_size, rep(0.5, 3))
  expect_identical(fit$chains$divergences, rep(1, 3))
  expect_identical(fit$chains$max_treedepth_hits, rep(8, 3))
  expect_identical(fit$chains$warmup_seconds, rep(0.25, 3))
  expect_identical(fit$chains$sampling_seconds, rep(0.5, 3))
  expect_identical(fit$inv_metric[[3L]], c(1, 2, 3))
  expect_identical(fit$settings$seed, 77)
  expect_identical(fit$options$model, "schools_model")
  table <- summary(fit)
  expect_identical(table$variable, c("lp__", "mu", "theta[1]", "theta[2]"))
  expect_equal(table$mean[[3L]], mean(vapply(draws, function(x) mean(x[, 2L]), 0)))
  expect_identical(attr(table, "divergences"), 3)
  expect_identical(attr(table, "max_treedepth_hits"), 24)
  expect_output(print(fit), "Files of 3 chains, seed 77\n")
  file <- catena_report(fit, tempfile(fileext = ".html"))
  page <- paste(readLines(file, warn = FALSE), collapse = "\n")
  for (part in c("3 chains of 8 draws each", 'id="warmup"', '"step_sizes":[0.5', 'id="times"')) expect_match(page, part, fixed = TRUE)
  expect_match(page, "<dt>model</dt><dd>schools_model</dd>", fixed = TRUE)
  expect_match(page, '"paths":[]', fixed = TRUE)

  expect_error(catena_resume(fit, NULL), "expected one with its checkpoints")
  doubled <- catena_model(normal, names = c("mu", "theta[1]", "theta[2]"), constrain = function(x) list(double = 2 * x[1]))
  expect_identical(unname(catena_generate_quantities(doubled, fit, seed = 1)[, 2, "double"]), 2 * draws[[2L]][, 1L])
  skip_if_not_installed("posterior")
  expect_identical(posterior::variables(posterior::as_draws(fit)), dimnames(values)$variable)
  expect_identical(posterior::nchains(posterior::as_draws_array(fit)), 3L)
})

test_that("warm-up that files have is shown", {
  paths <- paths_in(tempfile(), sprintf("draws_%d.csv", 1:2))
  for (i in 1:2) {
    write_draws(paths[[i]], matrix(seq_len(24) + i, 8))
    lines <- readLines(paths[[i]])
    names <- which(startsWith(lines, "lp__"))
    warmup <- sprintf("-1,0.9,%s,3,7,0,2.5,1,2,3", c("2", "1.25", "0.75"))
    writeLines(append(lines, warmup[seq_len(4 - i)], names), paths[[i]])
  }
  fit <- catena_read(paths)
  expect_identical(fit$warmup_step_sizes, list(c(2, 1.25, 0.75), c(2, 1.25)))
  page <- paste(readLines(catena_report(fit, tempfile(fileext = ".html")), warn = FALSE), collapse = "\n")
  expect_match(page, '"paths":[[2.0,1.25,0.75],[2.0,1.25]]', fixed = TRUE)
})

test_that("matrices, short files and lines without an end", {
  paths <- paths_in(tempfile(), "a.csv", "b.csv", "c.csv")
  draws <- matrix(as.double(1:24), 8)
  dense <- c("# Elements of inverse mass matrix:", "# 1, 0.5, 0", "# 0.5, 2, 0", "# 0, 0, 3")
  write_draws(paths[[1L]], draws, metric = dense)
  write_draws(paths[[2L]], draws[1:6, ], metric = dense, tail = "-1,0.9", end = "")
  words <- capture_warnings(fit <- catena_read(paths[1:2]))
  expect_match(words, "b.csv' was cut off at line (of an Arrow file: row) 22, which was left out", fixed = TRUE, all = FALSE)
  expect_match(words, "8, 6 draws: each was cut to the first 6", all = FALSE)
  expect_identical(fit$inv_metric[[1L]], matrix(c(1, 0.5, 0, 0.5, 2, 0, 0, 0, 3), 3))
  expect_identical(unname(as.array(fit)[, 1, "mu"]), as.double(1:6))
  expect_identical(fit$chains$rows, c(8, 6))
  expect_output(catena_report(fit, tempfile(fileext = ".html")), NA)

  # Numbers alone: no options, no metric, no sampler's columns.
  writeLines(c("a,b", "1,2", "3,4", "5,6", "7,8"), paths[[3L]])
  bare <- catena_read(paths[[3L]])
  expect_identical(unname(as.array(bare)[, 1, ]), cbind(c(1, 3, 5, 7), c(2, 4, 6, 8)))
  expect_identical(dim(sampler_diagnostics(bare)), c(4L, 1L, 0L))
  expect_identical(bare$chains$divergences, 0)
  expect_output(print(bare), "Files of 1 chains, seed NA")
  expect_error(catena_report(bare, tempfile(fileext = ".html")), NA)
})

test_that("sets of particles are what the sampler of sets returns", {
  paths <- paths_in(tempfile(), "set_3.csv", "set_4.csv")
  for (i in 1:2) {
    writeLines(c(
      "# method = smc", "# random", "#   seed = 5", "lp__,log_weight__,set__,ancestor__,x",
      sprintf("-1,%.17g,%d,%d,%d", log(c(1, 3)[[i]]), i + 2L, 0:1, c(1L, 3L)),
      "# Stages: way, ess, ancestors, log_evidence, acceptance, stepsize", "# 0.5, 1.5, 2, -1, 0.8, 0.3", "# 1, 2, nan, 0, nan, 0.3"
    ), paths[[i]])
  }
  found <- catena_read(paths)
  expect_s3_class(found, "catena_smc")
  expect_equal(found$log_evidence, log(2))
  expect_equal(found$standard_error, 0.5)
  expect_identical(found$sets$set, c(3, 4))
  expect_identical(found$stages$set, c(3, 3, 4, 4))
  expect_identical(found$stages$way, c(0.5, 1, 0.5, 1))
  expect_identical(found$stages$ancestors[[1L]], 2)
  expect_equal(unname(weights(found)), cbind(c(1, 1), c(3, 3)) / 8)
  expect_identical(as.data.frame(found)$ancestor, c(1, 2, 1, 2))
  expect_equal(summary(found)$mean[[2L]], 2)
  expect_output(print(found), "2 sets of 2 particles, seed 5\n")
  page <- paste(readLines(catena_report(found, tempfile(fileext = ".html")), warn = FALSE), collapse = "\n")
  expect_match(page, "2 sets, 2 stages, 4 particles", fixed = TRUE)
})

test_that("what is no file of draws gets words", {
  paths <- paths_in(tempfile(), "a.csv", "b.csv")
  expect_error(catena_read(3), "'files': expected names of files")
  expect_error(catena_read(character()), "'files': expected names of files")
  expect_error(catena_read(paths[[1L]]), "'files': there is no file '.*a.csv'")
  for (bad in list(
    c(character(), "expected a line with the names of the columns, got an empty file"), c("1,2", "the names of the columns"),
    c("a,b", "1,two", "line 2: expected a number in column 'b', got 'two'"), c("a,b", "1", "line 2: expected 2 cells, got 1"),
    c("a,b", "no draws after warm-up"), c("log_weight__,x", "0,1", "columns that begin with lp__")
  )) {
    writeLines(bad[-length(bad)], paths[[1L]])
    expect_error(catena_read(paths[[1L]]), bad[[length(bad)]])
  }
  writeLines(c("lp__,mu", "1,2"), paths[[1L]])
  writeLines(c("lp__,nu", "1,2"), paths[[2L]])
  expect_error(catena_read(paths), "expected 'mu', got 'nu'")
})
