move <- function(x, sd) list(trace = x + sd * rnorm(1))
observe <- function(x, y) list(log_increment = dnorm(y, x, log = TRUE))

walkers <- function(..., n_sets = 3, n_particles = 40, seed = 7) {
  catena_population(
    function() rnorm(1),
    apply = function(x, operation, y) observe(x, y),
    incorporate = function(x) list(log_increment = x / 8),
    reset_to_prior = function(x) rnorm(1),
    weigh = function(x) -abs(x),
    diversify = function(x, by) lapply(c(-by, by), function(d) list(trace = x + d, log_increment = log(0.5))),
    fingerprint = function(x) floor(x),
    n_sets = n_sets, n_particles = n_particles, seed = seed, ...
  )
}

# One of each verb that is for all sets alike.
go_on <- function(p) {
  population_apply(p, observe, 0.5)
  population_resample(p, ess_below = 0.9)
  population_apply(p, move, sd = 0.3)
  population_apply(p, "observe", 0.7)
  population_resample(p, 30, "multinomial")
  population_incorporate(p)
  population_diversify(p, 0.1)
  population_resample(p, 25, "ssp")
  population_collapse(p)
  population_reset(p, 20)
  population_likelihood_weight(p)
  population_resample(p, scheme = "residual")
  population_apply(p, move, 1)
  population_apply(p, observe, -0.3)
}

seen <- function(p) {
  list(population_report(p), population_weights(p), population_sets(p))
}

test_that("results are the seed's, and R's generator is left alone", {
  set.seed(5)
  expected <- runif(2)
  set.seed(5)
  p <- go_on(walkers())
  expect_identical(runif(2), expected)
  expect_identical(RNGkind()[[1]], "Mersenne-Twister")
  set.seed(6)
  expect_identical(seen(go_on(walkers())), seen(p))
  expect_false(identical(seen(go_on(walkers(seed = 8))), seen(p)))
  # Grown is as begun with more; a set is the same alone.
  grown <- go_on(walkers(n_sets = 1))
  expect_equal(population_grow(grown, 2), 2)
  expect_identical(seen(grown), seen(p))
  alone <- go_on(walkers(n_sets = 1, init_set_id = 3))
  expect_identical(population_weights(alone)[["3"]], population_weights(p)[["3"]])
  # Again from the start.
  population_reinitialize(p, 3, 40)
  expect_identical(seen(go_on(p)), seen(grown))
})

test_that("a population that is saved goes on with the same bits", {
  p <- go_on(walkers(n_sets = 2))
  file <- tempfile(fileext = ".rds")
  population_save(p, file)
  loaded <- population_load(file)
  expect_identical(seen(loaded), seen(p))
  for (q in list(p, loaded)) {
    population_grow(q)
    go_on(q)
  }
  expect_identical(seen(loaded), seen(p))
  expect_identical(population_sample(loaded, function(x) x + rnorm(1)), population_sample(p, function(x) x + rnorm(1)))
  expect_false(identical(population_sample(p, function(x) rnorm(1)), population_sample(p, function(x) rnorm(1))))
  saved <- population_save(p)
  saved$bytes[[100]] <- xor(saved$bytes[[100]], as.raw(1))
  expect_error(population_load(saved), class = "catena_error")
  expect_error(population_load(population_save(p), creat = identity), "functions of catena_population")
  # Handles do not outlive their process.
  gone <- unserialize(serialize(p, NULL))
  expect_error(population_sets(gone), "the population is gone")
})

test_that("evidence is that of the Kalman filter", {
  ys <- c(0.3, 1.1, 0.9, -0.4, 0.2, 1.7)
  mean <- 0
  variance <- 1
  exact <- 0
  p <- catena_population(function() rnorm(1), n_sets = 60, n_particles = 50, seed = 11)
  for (t in seq_along(ys)) {
    if (t > 1) {
      variance <- variance + 0.64
      population_apply(p, move, 0.8)
    }
    exact <- exact + dnorm(ys[[t]], mean, sqrt(variance + 1), log = TRUE)
    mean <- mean + variance / (variance + 1) * (ys[[t]] - mean)
    variance <- variance / (variance + 1)
    population_apply(p, observe, ys[[t]])
    population_resample(p, ess_below = 0.7)
  }
  found <- population_log_evidence(p)
  expect_lt(found$standard_error, 0.15)
  expect_lt(abs(exp(found$estimate - exact) - 1), 4 * found$standard_error)
})

test_that("a failing function names set and trace and changes nothing", {
  p <- walkers()
  population_apply(p, observe, 0.2)
  before <- seen(p)
  target <- population_trace(p, 2, 5)
  fails <- function(x) if (identical(x, target)) stop("planted \u00e9") else list(trace = 99, log_increment = 1)
  error <- tryCatch(population_apply(p, fails), error = identity)
  expect_s3_class(error, "catena_error")
  expect_equal(c(error$set, error$particle), c(2, 5))
  expect_match(conditionMessage(error), "set 2, trace 5: operation 2: it failed; it says: planted \u00e9")
  expect_equal(conditionMessage(error$parent), "planted \u00e9")
  expect_identical(seen(p), before)
  expect_error(population_apply(p, function(x) 3), "expected a list of trace and log_increment.*type 'double'")
  expect_error(population_apply(p, function(x) list(trace = x, weight = 1)), "got an element 'weight'")
  expect_error(population_apply(p, function(x) list(log_increment = NaN)), "below infinity, got NaN")
  expect_error(population_apply(p, function(x) list(log_increment = Inf)), "below infinity, got inf")
  expect_error(population_apply(p, function(x) list(log_increment = "1")), "log_increment: expected a number")
  expect_error(population_diversify(p, function(x) list(trace = x)), "without names")
  expect_error(population_collapse(p, function(x) quote(a)), "fingerprint: expected numbers, texts or raw bytes")
  expect_error(population_apply(p, function(x) population_resample(p)), "the population is at work")
  expect_error(population_block_resample(p, c(1, 2)), "'counts'.*3 counts, one per set")
  expect_error(population_on_trace(p, 7, 1, move, 1), "set 7 has no trace 1")
  expect_identical(seen(p), before)
  expect_length(p$operations, 1)
  # Other jumps than errors pass through, and leave the population usable.
  expect_equal(withRestarts(population_apply(p, function(x) invokeRestart("away", 3)), away = identity), 3)
  expect_identical(seen(p), before)
  warns <- function(x) {
    if (identical(x, target)) warning("mind")
    NULL
  }
  expect_warning(population_apply(p, warns), "mind")
  # Rejected: weight zero.
  population_apply(p, function(x) list(log_increment = -Inf))
  error <- tryCatch(population_resample(p), error = identity)
  expect_equal(error$status, 10)
})

test_that("traces that fail are lost where that was asked for", {
  p <- walkers(on_trace_failure = "lose", genealogy = TRUE)
  target <- population_trace(p, 2, 5)
  expect_warning(
    population_apply(p, function(x) if (identical(x, target)) stop("planted") else list(trace = 1:3)),
    "set 2, trace 5: operation 1: it failed; it says: planted; the trace is lost"
  )
  values <- population_report(p)
  expect_equal(dim(values), c(120, 3))
  expect_equal(which(is.na(values[, 1])), 45)
  expect_equal(population_weights(p)[["2"]][[5]], -Inf)
  expect_error(population_trace(p, 2, 5), "lost")
  population_resample(p)
  found <- population_genealogy(p, 2)
  expect_length(found$distinct_ancestors, 2)
  expect_true(!5 %in% found$ancestors && all(found$ancestors %in% 1:40))
  expect_equal(found$coalescence, -1)
  expect_error(population_genealogy(walkers()), "genealogy")
})

test_that("traces are what R copies, and environments by a function", {
  p <- catena_population(function() list(x = 0, words = "a"), n_sets = 1, n_particles = 4, seed = 1)
  population_set_weights(p, 1, c(0, -Inf, -Inf, -Inf))
  population_resample(p)
  population_on_trace(p, 1, 2, function(trace) {
    trace$x <- 5
    list(trace = trace, log_increment = 1)
  })
  expect_equal(population_report(p, function(trace) trace$x), c(0, 5, 0, 0))
  expect_type(population_report(p), "list")
  named <- population_report(p, function(trace) c(x = trace$x, y = 1))
  expect_equal(colnames(named), c("x", "y"))
  expect_equal(population_report(p, function(trace) trace$words, which = "distinguished"), "a")
  # What R would evaluate stays what it is.
  p <- catena_population(function() quote(stop("not me")), n_particles = 3, seed = 1)
  population_apply(p, function(trace) list(trace = as.name("x")))
  expect_identical(population_trace(p, 1, 1), as.name("x"))
  # NULL is a trace too.
  population_apply(p, function(trace) list(trace = NULL))
  expect_null(population_trace(p, 1, 3))

  shared <- function() {
    e <- new.env()
    e$x <- 0
    e
  }
  p <- catena_population(shared, n_particles = 4, seed = 1)
  expect_error(population_apply(p, function(e) NULL), "give catena_population\\(\\) a function 'copy'")
  p <- catena_population(shared, copy = function(e) list2env(as.list(e)), n_particles = 4, seed = 1)
  population_apply(p, function(e) {
    e$x <- e$x + 1
    NULL
  })
  population_set_weights(p, 1, c(0, -Inf, -Inf, -Inf))
  population_resample(p)
  population_on_trace(p, 1, 2, function(e) {
    e$x <- 5
    NULL
  })
  expect_equal(population_report(p, function(e) e$x), c(1, 5, 1, 1))
})

test_that("sets and weights", {
  p <- walkers(n_sets = 2, n_particles = 2)
  population_set_weights(p, 1, log(c(1, 3)))
  population_set_weights(p, 2, log(c(2, 2)))
  expect_equal(population_weights(p, "normalized")[["1"]], c(0.25, 0.75))
  expect_equal(sum(unlist(population_weights(p, "pooled"))), 1)
  expect_equal(population_ess(p), c("1" = 1.6, "2" = 2))
  expect_equal(population_log_evidence(p)$estimate, log(2))
  expect_error(population_grow(p), "step 1 was done to some sets or traces only")
  expect_equal(population_report(p, function(x) 1, which = "sets"), c(1, 1))
  expect_equal(population_for_each(p, function(x) list(trace = 2), report = function(x) 2 * x), rep(4, 4))
  expect_equal(population_counts(p), c(operations = 3, copies = 0))
  population_collapse(p, function(x) "same", map = TRUE)
  expect_equal(population_sets(p)$traces, c(1, 1))
  population_drop(p, ids = 1)
  expect_equal(population_sets(p)$set, 2)
  expect_error(population_drop(p, 1), "'k'")
  population_block_resample(p, 7)
  expect_equal(population_sets(p)$traces, 7)
  population_reinitialize(p, 2, 3, seed = 9)
  population_apply(p, move, 1)
  population_forget(p)
  expect_error(population_grow(p), "first 1 steps was cleared")
  expect_error(population_incorporate(catena_population(function() 1)), "no function 'incorporate'")
  expect_error(catena_population(rnorm), "set 1, trace 1: create: it failed; it says: argument \"n\" is missing")
  expect_output(print(p), "log evidence: estimate")
})

test_that("options are taken by name, and by who takes them", {
  expect_error(walkers(genealogie = TRUE), "'genealogie': not an option; did you mean 'genealogy'")
  expect_error(walkers(max_depth = 3), "'max_depth': not an option here; it is one of nuts")
  expect_error(walkers(chains = 3), "'chains': not an option here")
  expect_silent(walkers(threads = 2))
  expect_error(walkers(init_set_id = 0), "'init_set_id'")
  model <- catena_model(normal, names = "a")
  expect_error(draw(model, genealogy = TRUE), "'genealogy': not an option here; it is one of population")
  expect_error(catena_population(3), "'create': expected a function")
  expect_error(catena_population(function() 1, serialize = identity), "go together")
})

test_that("the collector finds what it should", {
  p <- walkers(n_sets = 2, n_particles = 5)
  expected <- seen(go_on(p))
  old <- gctorture2(23)
  on.exit(gctorture2(old))
  q <- walkers(n_sets = 2, n_particles = 5)
  go_on(q)
  try(population_apply(q, function(x) stop("planted")), silent = TRUE)
  saved <- population_save(q)
  r <- population_load(saved)
  gctorture2(old)
  expect_identical(seen(q), expected)
  expect_identical(seen(r), expected)
  # Every trace is let go once: the registry is empty when the sets are as they were.
  rm(q, r)
  gc()
  expect_identical(seen(p), expected)
})

test_that("verbs tell of their progress", {
  told <- list()
  p <- catena_population(function() 0, n_sets = 2, n_particles = 100, seed = 1, progress = function(done, total) {
    told[[length(told) + 1L]] <<- c(done, total)
  })
  told <- list()
  slow <- function(x) {
    Sys.sleep(0.001)
    list(trace = x + 1)
  }
  population_apply(p, slow)
  expect_gt(length(told), 2)
  # Under another name: the verbs below may tell more.
  steps <- do.call(rbind, told)
  expect_true(all(steps[, 2] == 200 & steps[, 1] <= 200 & diff(c(0, steps[, 1])) >= 0))
  # An error in it ends the verb, and leaves the population as it was; so it does in one that is loaded.
  saved <- population_save(p)
  failing <- population_load(saved, progress = function(done, total) if (total == 200 && done > 20) stop("told too much"))
  expect_error(population_apply(failing, slow), "^told too much$")
  expect_equal(population_report(failing), rep(1, 200))
  expect_error(catena_population(function() 0, progress = 3), "'progress'")
})
