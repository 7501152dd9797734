# Sequential learning: independent sets of weighted models.

# Numbers of the library's catena_zero_weights.
zero_weights_policies <- c(error = 0L, warn = 1L, skip = 2L, reset = 3L)

catena_updater <- function(likelihood, prior, n_sets = 1, n_models = 1000, seed = NULL, a = 0.98, h = NULL,
                           resampler = c("liu_west", "copies"),
                           scheme = c("systematic", "multinomial", "stratified", "residual", "ssp"), ess_below = 0.5,
                           max_tries = 1000, zero_weights = c("error", "warn", "skip", "reset"), divergences = FALSE,
                           init_set_id = 1) {
  seed <- if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else as_count(seed, "seed")
  resampler <- match.arg(resampler)
  numbers <- as.double(c(
    as_count(n_sets, "n_sets", 1), as_count(init_set_id, "init_set_id", 1), as_count(n_models, "n_models", 1), seed,
    match(resampler, c("liu_west", "copies")) - 1L, resamplings[[match.arg(scheme)]], as_number(a, "a"),
    if (is.null(h)) -1 else as_number(h, "h"), as_count(max_tries, "max_tries"), as_number(ess_below, "ess_below"),
    zero_weights_policies[[match.arg(zero_weights)]], as_flag(divergences, "divergences")
  ))
  new_updater(likelihood, numbers, as_prior(prior)$parts)
}

new_updater <- function(likelihood, numbers, prior = NULL, saved = NULL) {
  if (!inherits(likelihood, "catena_likelihood")) not_this("likelihood", "what catena_likelihood() returned", likelihood)
  u <- new.env(parent = emptyenv())
  u$functions <- likelihood$functions
  u$shape <- likelihood$shape
  u$parameters <- likelihood$shape[[1L]]
  u$fields <- likelihood$shape[[2L]]
  u$width <- likelihood$shape[[3L]][[2L]]
  u$numbers <- numbers
  class(u) <- "catena_updater"
  u$pointer <- learning(u, function() .Call(C_updater_new, u, numbers, prior, saved))
  u
}

as_updater <- function(u) {
  if (!inherits(u, "catena_updater")) not_this("u", "what catena_updater() returned", u)
  u
}

# Models, experiments and data in the library's words are counted from 0.
models_from_one <- function(text) {
  pattern <- "\\b(model|particle|experiment|datum) [0-9]+"
  found <- gregexpr(pattern, text, perl = TRUE)
  regmatches(text, found) <- lapply(regmatches(text, found), function(words) {
    sprintf("%s %.0f", sub(" .*$", "", words), as.numeric(sub("^.* ", "", words)) + 1)
  })
  text
}

learning <- function(u, act) {
  guarded(u, act, function(failure, value) library_error(failure, u$condition, models_from_one), models_from_one)
}

teach <- function(u, verb, ...) {
  arguments <- lapply(list(...), as.double)
  learning(u, function() .Call(C_updater_do, as_updater(u)$pointer, verb, arguments))
}

look <- function(u, what, ...) .Call(C_updater_read, as_updater(u)$pointer, what, lapply(list(...), as.double))

# Rows of outcomes: a list of their number, and of the numbers column by column.
outcomes_of <- function(u, outcomes, argument = "outcomes") {
  width <- as_updater(u)$width
  if (!is.numeric(outcomes) && !is.logical(outcomes)) not_this(argument, "numbers", outcomes)
  if (width > 1 && !is.matrix(outcomes) && length(outcomes) == width) outcomes <- matrix(outcomes, 1L)
  if (width > 1 && !(is.matrix(outcomes) && ncol(outcomes) == width)) {
    not_this(argument, sprintf("a matrix of %.0f columns", width), outcomes)
  }
  list(n = if (width > 1) nrow(outcomes) else length(outcomes), values = as.double(outcomes))
}

# Rows of experiments, from a data frame, a list, a matrix with names, or numbers.
experiments_of <- function(u, experiments, argument = "experiments") {
  fields <- as_updater(u)$fields
  names <- if (is.matrix(experiments)) colnames(experiments) else names(experiments)
  expected <- sprintf("the fields %s", toString(fields))
  if (!length(fields)) {
    n <- if (is.data.frame(experiments)) nrow(experiments) else 1
    return(list(n = n, values = numeric()))
  }
  if (is.null(names) && is.numeric(experiments)) {
    if (is.matrix(experiments) && ncol(experiments) == length(fields)) {
      columns <- experiments
    } else if (length(fields) == 1L) {
      columns <- matrix(experiments)
    } else if (length(experiments) == length(fields)) {
      columns <- matrix(experiments, 1L)
    } else {
      not_this(argument, expected, experiments)
    }
  } else {
    if (!all(fields %in% names)) not_this(argument, expected, experiments)
    columns <- if (is.list(experiments)) do.call(cbind, unname(experiments[fields])) else
      matrix(experiments, ncol = length(names), dimnames = list(NULL, names))[, fields, drop = FALSE]
  }
  if (!is.numeric(columns) && !is.logical(columns)) not_this(argument, "numbers", experiments)
  list(n = nrow(columns), values = as.double(columns))
}

# Rows of models.
models_of <- function(u, models, argument = "models") {
  d <- length(as_updater(u)$parameters)
  if (!is.numeric(models)) not_this(argument, sprintf("a matrix of %d columns", d), models)
  if (!is.matrix(models)) models <- if (d == 1L) matrix(models) else matrix(models, 1L)
  if (ncol(models) != d) not_this(argument, sprintf("a matrix of %d columns", d), models)
  list(n = nrow(models), values = as.double(models))
}

# What is one row.
one_row <- function(rows, argument) {
  if (rows$n != 1) stop(sprintf("'%s': expected one, got %.0f", argument, rows$n), call. = FALSE)
  rows$values
}

updater_update <- function(u, outcome, experiment = NULL) {
  outcome <- one_row(outcomes_of(u, outcome, "outcome"), "outcome")
  teach(u, "update", outcome, one_row(experiments_of(u, experiment, "experiment"), "experiment"))
  invisible(u)
}

updater_batch_update <- function(u, outcomes, experiments = NULL, resample_interval = 5) {
  outcomes <- outcomes_of(u, outcomes)
  experiments <- experiments_of(u, experiments)
  if (length(u$fields) && experiments$n != outcomes$n) {
    stop(sprintf("'experiments': expected %.0f rows, one for each outcome, got %.0f", outcomes$n, experiments$n), call. = FALSE)
  }
  teach(u, "batch_update", outcomes$n, outcomes$values, experiments$values, as_count(resample_interval, "resample_interval", 1))
  invisible(u)
}

updater_hypothetical <- function(u, outcomes, experiments = NULL, set = NULL) {
  set <- one_set(u, set)
  outcomes <- outcomes_of(u, outcomes)
  experiments <- experiments_of(u, experiments)
  values <- teach(u, "hypothetical", set, outcomes$values, outcomes$n, experiments$values, experiments$n)
  cells <- outcomes$n * experiments$n
  list(
    weights = array(values[-seq_len(cells)], c((length(values) - cells) / cells, outcomes$n, experiments$n)),
    log_normalizations = matrix(values[seq_len(cells)], outcomes$n, experiments$n)
  )
}

updater_resample <- function(u, n_models = NULL) {
  teach(u, "resample", if (is.null(n_models)) 0 else as_count(n_models, "n_models", 1))
  invisible(u)
}

updater_resample_by <- function(u, resampler = NULL) {
  as_updater(u)
  u$resampler <- as_function(resampler, "resampler")
  teach(u, "resample_by", !is.null(resampler))
  invisible(u)
}

updater_reset <- function(u) {
  teach(u, "reset")
  invisible(u)
}

updater_set_models <- function(u, models, weights = NULL, set = NULL) {
  models <- models_of(u, models)
  if (is.null(weights)) weights <- rep(1, models$n)
  if (!is.numeric(weights) || length(weights) != models$n) not_this("weights", sprintf("%.0f numbers", models$n), weights)
  teach(u, "set_models", one_set(u, set), models$values, weights)
  invisible(u)
}

updater_set_log_weights <- function(u, log_weights, set = NULL) {
  if (!is.numeric(log_weights)) not_this("log_weights", "numbers", log_weights)
  teach(u, "set_weights", one_set(u, set), log_weights)
  invisible(u)
}

updater_likelihood <- function(u, outcomes, models, experiments = NULL) {
  outcomes <- outcomes_of(u, outcomes)
  models <- models_of(u, models)
  experiments <- experiments_of(u, experiments)
  values <- teach(u, "likelihood", outcomes$values, outcomes$n, models$values, models$n, experiments$values, experiments$n)
  array(values, c(models$n, outcomes$n, experiments$n))
}

updater_simulate <- function(u, models, experiments = NULL) {
  models <- models_of(u, models)
  experiments <- experiments_of(u, experiments)
  values <- teach(u, "simulate", models$values, models$n, experiments$values, experiments$n)
  if (u$width > 1) array(values, c(models$n, u$width, experiments$n)) else matrix(values, models$n, experiments$n)
}

updater_save <- function(u, file = NULL) {
  bytes <- look(u, "save")
  likelihood <- structure(list(functions = u$functions, shape = u$shape), class = "catena_likelihood")
  saved <- structure(list(bytes = bytes, likelihood = likelihood, numbers = u$numbers), class = "catena_saved_updater")
  if (is.null(file)) return(saved)
  saveRDS(saved, file)
  invisible(saved)
}

updater_load <- function(saved, likelihood = NULL) {
  if (is.character(saved) && length(saved) == 1L) saved <- readRDS(saved)
  if (!inherits(saved, "catena_saved_updater")) not_this("saved", "what updater_save() gave, or its file", saved)
  new_updater(if (is.null(likelihood)) saved$likelihood else likelihood, saved$numbers, saved = saved$bytes)
}

print.catena_updater <- function(x, ...) {
  sets <- updater_sets(x)
  both <- updater_log_likelihood(x)
  cat(sprintf("%d sets of models of %s after %d data\n", nrow(sets), toString(x$parameters), nrow(updater_records(x))))
  print(summary(x), row.names = FALSE, ...)
  cat(sprintf("log likelihood: estimate %.6g, standard error %.3g\n", both$estimate, both$standard_error))
  shown <- c("set", "models", "ess", "least_ess", "resamples", "log_likelihood")
  print(utils::head(sets[shown], 10L), row.names = FALSE, ...)
  if (nrow(sets) > 10L) cat(sprintf("and %d more\n", nrow(sets) - 10L))
  invisible(x)
}
