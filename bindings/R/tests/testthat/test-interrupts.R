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
    if (calls == 500) tools::pskill(Sys.getpid(), tools::SIGINT)
    normal(x)
  }
  for (vectorized in c(FALSE, TRUE)) {
    calls <- 0
    f <- if (vectorized) function(x) { interrupting(x); normal_rows(x) } else interrupting
    outcome <- tryCatch(endless(catena_model(f, dimension = 2, vectorized = vectorized)), interrupt = function(condition) "interrupted")
    expect_identical(outcome, "interrupted")
  }
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
