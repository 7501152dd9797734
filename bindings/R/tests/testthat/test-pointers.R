skip_on_cran()

test_that("compiled functions are sampled", {
  fit <- draw(normal_c(counts()), iter_sampling = 2000)
  table <- summary(fit)[-1, ]
  expect_equal(table$variable, c("a", "b[1]", "b[2]"))
  expect_true(all(abs(table$sd - 1:3) < 4 * table$mcse_sd))
})

test_that("the same density in R and in C has the same draws", {
  in_r <- function(x) {
    variance <- (1:3)^2
    lp <- 0
    # In the order of the C code: addition is not associative.
    for (i in 1:3) lp <- lp - 0.5 * x[[i]] * x[[i]] / variance[[i]]
    list(log_density = lp, gradient = -x / variance)
  }
  expect_identical(draw(catena_model(in_r, names = c("a", "b[1]", "b[2]")))$draws, draw(normal_c())$draws)
})

test_that("all of the functions are used", {
  user <- counts()
  model <- normal_c(user,
    log_density = symbol("normal_density"), batch = symbol("normal_batch"), constrain = symbol("normal_constrain"),
    outputs = c("y[1]", "y[2]", "y[3]", "s"), worker_new = symbol("worker_new"), worker_free = symbol("worker_free")
  )
  fit <- draw(model, batch_size = 4)
  expect_equal(model$outputs, c("y[1]", "y[2]", "y[3]", "s"))
  draws <- as.array(fit)
  expect_equal(draws[, , "s"], (draws[, , "y[1]"] + draws[, , "y[2]"]) / 10)
  expect_identical(fit$draws[, , "energy__"], draw(normal_c())$draws[, , "energy__"])
  expect_identical(count(user)[[2]], 0L)
  expect_equal(catena_log_density(model, c(1, 0, 0), gradient = FALSE)$log_density, -0.5)
})

test_that("threading modes have the same draws", {
  expect_identical(draw(normal_c(threading = "caller"))$draws, draw(normal_c())$draws)
  expect_identical(suppressMessages(draw(normal_c(threading = "one")))$draws, draw(normal_c())$draws)
})

test_that("compiled functions run on the pool's threads, or on R's thread if they must", {
  pooled <- counts()
  draw(normal_c(pooled))
  expect_gt(count(pooled)[[1]], 0)
  expect_identical(count(pooled)[[4]], count(pooled)[[1]])
  here <- counts()
  draw(normal_c(here, threading = "caller"))
  expect_gt(count(here)[[1]], 0)
  expect_identical(count(here)[[4]], 0L)
})

test_that("R functions are called on R's thread alone", {
  user <- counts()
  note <- symbol("counts_evaluation")$address
  noting <- function(f) function(x) {
    .Call(note, user)
    f(x)
  }
  draw(catena_model(noting(normal), dimension = 2, constrain = noting(identity)))
  draw(catena_model(noting(normal_rows), dimension = 2, vectorized = TRUE))
  expect_gt(count(user)[[1]], 1000L)
  expect_identical(count(user)[[4]], 0L)
})

test_that("a filled table makes a model and is released with it", {
  user <- counts()
  model <- catena_model(.Call(symbol("table_new")$address, user), table = TRUE, user = user)
  expect_equal(model$names, c("a", "b[1]", "b[2]"))
  expect_identical(draw(model)$draws, draw(normal_c())$draws)
  rm(model)
  gc()
  expect_identical(count(user)[[3]], 1L)
})

test_that("bad pointers are refused", {
  expect_error(catena_model("no/such/library"), "path of a BridgeStan library")
  expect_error(catena_model(3), "expected an R function")
  expect_error(normal_c("user"), "'user'")
  expect_error(normal_c(constrain = symbol("normal_constrain")), "go together")
  expect_error(catena_model(symbol("normal_gradient")), "'names' or 'dimension'")
  expect_error(catena_model(symbol("normal_gradient"), dimension = 3, nonsense = 1), "unknown argument 'nonsense'")
})

test_that("a model that was saved and loaded is refused", {
  model <- normal_c()
  file <- tempfile()
  saveRDS(model, file)
  expect_error(draw(readRDS(file)), "the model is gone")
})

test_that("a fit is saved and loaded without its model", {
  fit <- draw(normal_c())
  file <- tempfile()
  saveRDS(fit, file)
  loaded <- readRDS(file)
  # The model that it keeps to go on with is a pointer.
  loaded$model <- fit$model <- NULL
  expect_equal(loaded, fit)
  expect_output(print(readRDS(file)), "ess_bulk")
})
