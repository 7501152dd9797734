model <- catena_model(normal, names = c("a", "b[1]", "b[2]"))

start <- function(model, ..., seed = 7, iter_warmup = 300, iter_sampling = 300) {
  catena_start(model, ..., seed = seed, iter_warmup = iter_warmup, iter_sampling = iter_sampling, threads = threads)
}
wait <- function(run) catena_result(run, progress = FALSE)

# Draws of a fit that was stopped are the first ones of `whole`.
expect_first <- function(fit, whole) {
  rows <- fit$chains$rows
  for (chain in seq_along(rows)) {
    some <- seq_len(rows[[chain]])
    expect_identical(fit$draws[some, chain, ], whole$draws[some, chain, ])
    expect_true(all(is.na(fit$draws[-some, chain, ])) || length(some) == 0)
  }
}

test_that("a run in the background gives what catena_sample gives", {
  run <- start(model)
  expect_s3_class(run, "catena_run")
  expect_false(catena_poll(run))
  fit <- wait(run)
  expect_identical(fit$draws, draw(model)$draws)
  expect_true(catena_poll(run))
  # The result can be had again.
  expect_identical(wait(run), fit)
  table <- catena_progress(run)
  expect_equal(table$chain_id, 1:4)
  expect_equal(table$iteration, rep(600, 4))
  expect_equal(table$total, rep(600, 4))
  expect_true(all(table$over) && !any(table$warmup))
  expect_equal(table$step_size, fit$chains$step_size)
  expect_true(all(fit$chains$delta %in% c(0.7, 0.8, 0.9)))
  expect_output(print(run), "4 of 4 chains have ended")
})

test_that("chains of R functions move while R waits for them", {
  run <- start(model, chains = 2, iter_sampling = 1e5, first_chain_id = 5)
  before <- catena_progress(run)
  expect_equal(before$chain_id, 5:6)
  expect_true(all(before$iteration == 0 & is.nan(before$step_size)))
  Sys.sleep(0.05)
  expect_identical(catena_progress(run), before)
  expect_false(catena_poll(run, 0.2))
  after <- catena_progress(run)
  expect_true(sum(after$iteration) > 0 && sum(after$gradients) > 0)
  expect_false(any(after$over))
  catena_cancel(run)
  expect_true(catena_poll(run, 10))
  expect_true(all(catena_progress(run)$over))
})

test_that("compiled functions move by themselves, and cancelling keeps what was drawn", {
  skip_on_cran()
  user <- counts()
  compiled_model <- normal_c(user)
  run <- catena_start(compiled_model, chains = 2, seed = 3, iter_warmup = 100, iter_sampling = 1e8, thin = 1000, threads = threads)
  until <- Sys.time() + 30
  while (any(catena_progress(run)$iteration < 10000) && Sys.time() < until) Sys.sleep(0.01)
  expect_identical(catena_cancel(run), run)
  fit <- wait(run)
  expect_true(all(fit$chains$status == 7))
  expect_true(all(fit$chains$rows >= 9 & fit$chains$rows < 1e5))
  shortest <- min(fit$chains$rows)
  some <- catena_sample(compiled_model,
    chains = 2, seed = 3, iter_warmup = 100, iter_sampling = 1000 * shortest, thin = 1000, threads = threads, progress = FALSE
  )
  expect_identical(fit$draws[seq_len(shortest), , ], some$draws)
  expect_identical(summary(fit)$mean, summary(some)$mean)
  expect_output(print(fit), "Stopped: chain 1 after [0-9]+ of 100000100 iterations")
})

test_that("a stopped fit goes on with the same bits", {
  for (algorithm in c("nuts", "static")) {
    for (metric in c("diag_e", "dense_e", "unit_e")) {
      same <- list(model, chains = 3, algorithm = algorithm, metric = metric, thin = 2, save_warmup = TRUE)
      whole <- do.call(draw, same)
      fit <- do.call(draw, c(same, max_evaluations = 500))
      expect_true(all(fit$chains$status == 7))
      expect_first(fit, whole)
      parts <- 1
      while (any(fit$chains$status == 7)) {
        fit <- catena_resume(fit, model, max_evaluations = 700, progress = FALSE)
        expect_first(fit, whole)
        parts <- parts + 1
      }
      expect_gt(parts, 2)
      expect_identical(fit$draws, whole$draws)
      times <- c("warmup_seconds", "sampling_seconds")
      expect_identical(fit$chains[setdiff(names(fit$chains), times)], whole$chains[setdiff(names(whole$chains), times)])
      expect_identical(fit$inv_metric, whole$inv_metric)
      expect_identical(summary(fit)$ess_bulk, summary(whole)$ess_bulk)
    }
  }
})

test_that("a resumed fit starts where the first one was told to", {
  given <- list(model, chains = 2, init = list(list(a = 3), c(1, 2, 3)), inv_metric = list(c(1, 2, 3), c(3, 2, 1)))
  whole <- do.call(draw, given)
  fit <- do.call(draw, c(given, max_evaluations = 60))
  expect_identical(catena_resume(fit, model, progress = FALSE)$draws, whole$draws)
  # Chains that were stopped before they began have no checkpoint, and begin.
  run <- do.call(start, given)
  catena_cancel(run)
  none <- wait(run)
  expect_true(all(vapply(none$checkpoints, is.null, NA)))
  expect_true(all(is.na(none$draws)))
  expect_output(print(none), "Stopped: chain 1 after 0 of 600 iterations\n +chain 2 after 0")
  expect_error(summary(none), "no chain has draws")
  expect_identical(catena_resume(none, model, progress = FALSE)$draws, whole$draws)
})

test_that("a finished fit goes on for more draws", {
  for (algorithm in c("nuts", "fixed_param")) {
    fit <- draw(model, algorithm = algorithm, iter_sampling = 100)
    more <- catena_resume(fit, model, iter_sampling = 250, progress = FALSE)
    expect_identical(more$draws, draw(model, algorithm = algorithm, iter_sampling = 250)$draws)
  }
  expect_identical(catena_resume(fit, model, progress = FALSE)$draws, fit$draws)
  expect_error(catena_resume(fit, model, iter_sampling = 50), "'iter_sampling': expected at least the fit's 100")
})

test_that("a fit is continued for more draws, again and again", {
  whole <- draw(model, iter_sampling = 300)
  fit <- draw(model, iter_sampling = 100)
  fit <- catena_continue(fit, 50, progress = FALSE)
  expect_identical(catena_continue(fit, 150, progress = FALSE)$draws, whole$draws)
  # As many again where no number is given.
  expect_identical(catena_continue(fit, progress = FALSE)$draws, whole$draws)
  expect_identical(catena_continue(fit, 0, progress = FALSE)$draws, fit$draws)
  expect_error(catena_continue(fit, -1), "'more'")
  expect_error(catena_continue(model, 10), "'fit'")
  # A fit that was saved comes back without what a model is in memory.
  file <- tempfile(fileext = ".rds")
  saveRDS(fit, file)
  expect_error(catena_continue(readRDS(file), 150), "the model is gone")
  expect_identical(catena_continue(readRDS(file), 150, model, progress = FALSE)$draws, whole$draws)
})

test_that("a fit goes on in another process", {
  skip_on_cran()
  folder <- tempfile("process")
  dir.create(folder)
  saveRDS(draw(model, max_evaluations = 400), file.path(folder, "fit.rds"))
  program <- c(
    sprintf(".libPaths(c(%s))", paste(shQuote(.libPaths()), collapse = ", ")),
    "library(catena)",
    sprintf("setwd(%s)", shQuote(folder)),
    "model <- catena_model(function(x) list(log_density = -sum(x^2) / 2, gradient = -x), names = c('a', 'b[1]', 'b[2]'))",
    "saveRDS(catena_resume(readRDS('fit.rds'), model)$draws, 'draws.rds')"
  )
  writeLines(program, file.path(folder, "program.R"))
  output <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", shQuote(file.path(folder, "program.R"))), stdout = TRUE, stderr = TRUE)
  expect_true(file.exists(file.path(folder, "draws.rds")), info = paste(output, collapse = "\n"))
  expect_identical(readRDS(file.path(folder, "draws.rds")), draw(model)$draws)
})

test_that("bad checkpoints and other models are refused", {
  fit <- draw(model, max_evaluations = 100)
  damaged <- fit
  damaged$checkpoints[[2]][[200]] <- xor(damaged$checkpoints[[2]][[200]], as.raw(1))
  expect_error(catena_resume(damaged, model), "chain 2: .*checksum")
  other <- catena_model(normal, names = c("a", "b", "c"))
  expect_error(catena_resume(fit, other), "'model': expected the model of the fit")
  expect_error(catena_resume(model, model), "'fit'")
  small <- fit
  small$checkpoints <- NULL
  expect_error(catena_resume(small, model), "'fit': expected one with its checkpoints")
  seed <- fit
  seed$settings$seed <- 8
  expect_error(catena_resume(seed, model), "checkpoint's seed is 7, the run's is 8")
  expect_error(catena_poll(fit), "'run': expected a run made by catena_start")
  expect_error(catena_poll(start(model), "now"), "'timeout'")
})

test_that("Ctrl-C ends the wait, and the run can go on or be stopped", {
  skip_on_cran()
  calls <- 0
  at <- 500
  interrupting <- function(x) {
    calls <<- calls + 1
    if (calls == at) tools::pskill(Sys.getpid(), tools::SIGINT)
    normal(x)
  }
  closures <- catena_model(interrupting, names = c("a", "b[1]", "b[2]"))
  interrupted <- function(run) tryCatch(wait(run), interrupt = function(condition) "interrupted")
  run <- start(closures)
  expect_identical(interrupted(run), "interrupted")
  expect_identical(wait(run)$draws, draw(model)$draws)
  calls <- 0
  # So long that the run is not over before it is cancelled, however fast the machine is.
  run <- start(closures, iter_sampling = 20000)
  expect_identical(interrupted(run), "interrupted")
  fit <- wait(catena_cancel(run))
  expect_true(any(fit$chains$status == 7))
  whole <- draw(model, iter_sampling = 20000)$draws
  expect_identical(catena_resume(fit, model, progress = FALSE)$draws, whole)
})

test_that("an error in an R function is raised and ends the run", {
  calls <- 0
  failing <- catena_model(function(x) {
    calls <<- calls + 1
    if (calls == 3000) stop("my own words")
    normal(x)
  }, dimension = 3)
  run <- start(failing, iter_sampling = 1e5)
  expect_error(wait(run), "my own words")
  expect_error(catena_poll(run, 10), NA)
  expect_true(all(catena_progress(run)$over))
  expect_lt(calls, 4000)
})

test_that("a run nobody asks for ends with its handle", {
  skip_on_cran()
  user <- counts()
  model <- normal_c(user, worker_new = symbol("worker_new"), worker_free = symbol("worker_free"))
  run <- catena_start(model, iter_sampling = 1e8, thin = 1000, threads = threads)
  until <- Sys.time() + 30
  while (count(user)[[1]] == 0 && Sys.time() < until) Sys.sleep(0.01)
  rm(run)
  gc()
  after <- count(user)
  expect_gt(after[[1]], 0)
  expect_identical(after[[2]], 0L)
  Sys.sleep(0.05)
  expect_identical(count(user)[1:2], after[1:2])
})

test_that("a metric that was reported can be given", {
  for (metric in c("diag_e", "dense_e")) {
    fit <- draw(model, metric = metric)
    again <- draw(model, metric = metric, inv_metric = fit$inv_metric, iter_warmup = 0, adapt_engaged = FALSE, step_size = 0.5)
    expect_identical(again$inv_metric, fit$inv_metric)
  }
  uneven <- matrix(c(2, 0.5, 0.1, 0.5, 1, 0.2, 0.1, 0.2, 3), 3)
  fit <- draw(model, metric = "dense_e", inv_metric = uneven, adapt_engaged = FALSE)
  expect_identical(unname(fit$inv_metric[[1]]), uneven)
})

test_that("a run begins where a fit ended", {
  fit <- draw(model, chains = 3, iter_warmup = 200)
  again <- draw(model, chains = 4, from = fit, iter_warmup = 0, seed = 77)
  expect_identical(again$inv_metric[1:3], fit$inv_metric)
  expect_identical(again$inv_metric[[4]], fit$inv_metric[[1]])
  expect_identical(again$chains$step_size[1:3], fit$chains$step_size)
  expect_identical(draw(model, chains = 4, from = fit$checkpoints, iter_warmup = 0, seed = 77)$draws, again$draws)
  # The first draws lie near the last ones: the step is short.
  near <- draw(model, chains = 3, from = fit, iter_warmup = 0, iter_sampling = 1, step_size = 1e-6, max_treedepth = 1, seed = 78)
  end <- as.array(fit)[dim(as.array(fit))[[1]], , model$names]
  expect_equal(unname(as.array(near)[1, , model$names]), unname(end), tolerance = 1e-4)
  short <- catena_sample(model, chains = 3, from = fit, iter_sampling = 50, seed = 79, threads = 1, progress = FALSE)
  expect_equal(short$settings$iter_warmup, 50)
  expect_identical(short$inv_metric, fit$inv_metric)
  # It goes on with what it began with.
  part <- draw(model, chains = 3, from = fit, max_evaluations = 100)
  expect_identical(catena_resume(part, model, progress = FALSE)$draws, draw(model, chains = 3, from = fit)$draws)
  expect_error(draw(model, from = 3), "'from': expected a fit")
  expect_error(draw(model, from = list(NULL)), "a chain that has not failed")
  expect_error(draw(catena_model(normal, names = "one"), from = fit), "'from': expected")
})
