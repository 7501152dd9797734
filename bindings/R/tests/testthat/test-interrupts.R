skip_on_cran()

endless <- function(model, ...) {
  catena_sample(model, iter_sampling = 1e6, seed = 1, threads = threads, progress = FALSE, ...)
}

test_that("an interrupt ends a run of compiled functions and leaves nothing behind", {
  user <- counts(interrupt_at = 5000L)
  model <- normal_c(user, worker_new = symbol("worker_new"), worker_free = symbol("worker_free"))
  outcome <- tryCatch(endless(model), interrupt = function(condition) "interrupted")
  expect_identical(outcome, "interrupted")
  after <- count(user)
  expect_identical(after[[2]], 0L)
  Sys.sleep(0.05)
  expect_identical(count(user), after)
  expect_s3_class(draw(model), "catena_fit")
})

test_that("an interrupt ends a run of R functions", {
  calls <- 0
  interrupting <- function(x) {
    calls <<- calls + 1
    if (calls == 5000) tools::pskill(Sys.getpid(), tools::SIGINT)
    normal(x)
  }
  for (vectorized in c(FALSE, TRUE)) {
    calls <- 0
    f <- if (vectorized) function(x) { interrupting(x); normal_rows(x) } else interrupting
    model <- catena_model(f, dimension = 2, vectorized = vectorized)
    expect_message(
      outcome <- tryCatch(endless(model, iter_warmup = 20), interrupt = function(condition) "interrupted"),
      "at least [1-9][0-9]* draws of 1000000;"
    )
    expect_identical(outcome, "interrupted")
    # What was drawn is kept, of all chains, and can be gone on with.
    part <- catena_last_fit()
    expect_true(all(part$chains$status == status_interrupted & rows_written(part) > 0))
    some <- min(rows_written(part))
    whole <- catena_sample(model, iter_sampling = some, iter_warmup = 20, seed = 1, threads = threads, progress = FALSE)
    expect_identical(part$draws[seq_len(some), , ], whole$draws[seq_len(some), , ])
    # A run that was not interrupted leaves nothing of the one before.
    expect_error(catena_last_fit(), "expected a run that Ctrl-C has ended")
  }
})

test_that("a second interrupt leaves an evaluation that does not end", {
  calls <- 0
  hanging <- function(x) {
    calls <<- calls + 1
    if (calls < 500) return(normal(x))
    repeat {
      tools::pskill(Sys.getpid(), tools::SIGINT)
      Sys.sleep(0.001)
    }
  }
  outcome <- tryCatch(endless(catena_model(hanging, dimension = 2)), interrupt = function(condition) "interrupted")
  expect_identical(outcome, "interrupted")
  expect_error(catena_last_fit(), "got none")
  expect_s3_class(draw(catena_model(normal, dimension = 2)), "catena_fit")
})

test_that("an error in a handler of a message ends the run", {
  user <- counts()
  expect_error(
    withCallingHandlers(endless(normal_c(user), refresh = 10), message = function(m) stop("no messages please")),
    "no messages please"
  )
  after <- count(user)
  Sys.sleep(0.05)
  expect_identical(count(user), after)
})
