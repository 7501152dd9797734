# Numbers of the library's catena_engine.
engines <- c(nuts = 0L, static = 1L, fixed_param = 2L)

# Names of the library's catena_metric, in the order of their numbers.
metrics <- c("unit_e", "diag_e", "dense_e", "fisher_diag", "fisher_dense", "low_rank", "auto")

# Numbers of the library's catena_status.
status_ok <- 0L
status_interrupted <- 7L
status_chain_failed <- 8L

# Numbers of the library's catena_level.
level_debug <- 0L
level_warning <- 2L
level_error <- 3L

catena_sample <- function(model, chains = 4, iter_warmup = NULL, iter_sampling = 1000, thin = 1, seed = NULL, init = 2,
                          algorithm = c("nuts", "static", "fixed_param"), metric = NULL,
                          inv_metric = NULL, step_size = 1, max_treedepth = 10, int_time = 2 * pi, adapt_delta = NULL,
                          adapt_engaged = TRUE, threads = NULL, save_warmup = FALSE, refresh = 0, first_chain_id = 1,
                          init_buffer = 75, term_buffer = 50, window = 25, step_size_jitter = 0, batch_size = NULL,
                          progress = interactive(), show_messages = TRUE, ..., from = NULL, wait = TRUE) {
  as_model(model)
  algorithm <- match.arg(algorithm)
  if (!is.null(metric)) metric <- match.arg(metric, metrics)
  # Chains that don't move have nothing to warm up.
  if (algorithm == "fixed_param") {
    iter_warmup <- 0
    save_warmup <- FALSE
  }
  chains <- as_count(chains, "chains", 1)
  first_chain_id <- as_count(first_chain_id, "first_chain_id", 1)
  chain_ids <- first_chain_id + seq_len(chains) - 1
  # set.seed() governs runs without a seed of their own.
  seed <- if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else as_count(seed, "seed")
  radius <- 2
  if (is.numeric(init) && length(init) == 1L) {
    radius <- as_number(init, "init")
    init <- NULL
  }
  # Many chains in one call are the point of a vectorized function.
  if (is.null(batch_size)) batch_size <- if (model$vectorized) chains else 0
  settings <- list(
    chains = chains, first_chain_id = first_chain_id, seed = as.double(seed),
    iter_sampling = as_count(iter_sampling, "iter_sampling"),
    thin = as_count(thin, "thin", 1), save_warmup = as_flag(save_warmup, "save_warmup"),
    refresh = as_count(refresh, "refresh"), init = radius,
    step_size = as_number(step_size, "step_size"), step_size_jitter = as_number(step_size_jitter, "step_size_jitter"),
    max_treedepth = as_count(max_treedepth, "max_treedepth", 1), int_time = as_number(int_time, "int_time"),
    adapt_engaged = as_flag(adapt_engaged, "adapt_engaged"), init_buffer = as_count(init_buffer, "init_buffer"),
    term_buffer = as_count(term_buffer, "term_buffer"), window = as_count(window, "window"),
    threads = if (is.null(threads)) 0 else as_count(threads, "threads", 1), batch_size = as_count(batch_size, "batch_size")
  )
  # What is not given is the library's: the preset's.
  settings <- c(
    settings, if (!is.null(metric)) list(metric = metric),
    if (!is.null(iter_warmup)) list(iter_warmup = as_count(iter_warmup, "iter_warmup")),
    if (!is.null(adapt_delta)) list(adapt_delta = as_number(adapt_delta, "adapt_delta")),
    looked_at(more_options(list(...)), model)
  )
  as_flag(progress, "progress")
  as_flag(show_messages, "show_messages")
  inits <- if (!is.null(init)) as_inits(init, model, chain_ids)
  inv_metrics <- if (!is.null(inv_metric)) as_inv_metrics(inv_metric, if (is.null(metric)) "" else metric, length(model$names), chains)

  ends <- if (!is.null(from)) as_ends(from)
  if (!is.null(from) && is.null(settings$warm_start)) settings$warm_start <- TRUE

  as_flag(wait, "wait")
  run <- start_run(model, algorithm, settings, inits, inv_metrics, ends)
  if (wait) finish_run(run, progress, show_messages) else run
}

# One vector or matrix of doubles per chain.
as_inv_metrics <- function(value, metric, dimension, chains) {
  if (!is.list(value)) value <- rep(list(value), chains)
  expected <- switch(metric,
    unit_e = stop("'inv_metric': expected NULL, for metric \"unit_e\" has none", call. = FALSE),
    diag_e = ,
    fisher_diag = dimension,
    dense_e = ,
    fisher_dense = dimension^2
  )
  if (length(value) != chains) not_this("inv_metric", sprintf("one entry per chain (%d)", as.integer(chains)), value)
  for (one in value) {
    if (!is.numeric(one) || (!is.null(expected) && length(one) != expected)) {
      shape <- if (is.null(expected)) "numbers" else if (expected != dimension) sprintf("matrices of %d x %d", dimension, dimension) else sprintf("vectors of %d variances", dimension)
      not_this("inv_metric", shape, one)
    }
  }
  # The library wants equally many numbers for every chain; it leaves out zeros behind those of a low-rank metric.
  padded(lapply(value, as.double))
}

# The chains' ends of a fit, or checkpoints that were kept of them; chains that have none are left out.
as_ends <- function(from) {
  ends <- if (inherits(from, "catena_fit")) from$checkpoints else from
  if (!is.list(ends) || !all(vapply(ends, function(end) is.null(end) || is.raw(end), NA))) {
    not_this("from", "a fit, or the checkpoints of one", from)
  }
  ends <- ends[!vapply(ends, is.null, NA)]
  if (!length(ends)) stop("'from': expected a fit with a chain that has not failed, got none", call. = FALSE)
  ends
}

catena_version <- function() .Call(C_version)
