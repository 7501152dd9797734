# Names of the library's catena_stop_reason, from 0.
stop_reasons <- c("all_iterations", "enough", "max_gradients", "max_seconds", "interrupt", "failure")

# A fit keeps the array the library wrote, iterations x chains x columns, the sampler's columns first.

new_fit <- function(model, algorithm, metric, settings, result, elapsed) {
  columns <- .Call(C_model_columns, model$pointer, engines[[algorithm]])
  draws <- result$draws
  result$draws <- NULL
  chains <- as.data.frame(result$chains)
  chains$stop_reason <- stop_reasons[chains$stop_reason + 1]
  warmup_rows <- if (settings[["save_warmup"]]) ceiling(settings[["iter_warmup"]] / settings[["thin"]]) else 0
  # Warm-up may have ended before as many iterations as were planned.
  warmup_ends <- if (settings[["save_warmup"]]) ceiling(chains$warmup_iterations / settings[["thin"]]) else 0 * chains$rows
  chains$warmup_iterations <- NULL
  dimnames(draws) <- list(iteration = NULL, chain = format_id(chains$chain_id), variable = names_from_library(columns))
  dimension <- length(model$names)
  inv_metric <- lapply(result$inv_metric, function(values) {
    # With fixed parameters there is no metric, whatever was asked for.
    # A low-rank metric never has the square of the dimension as its number of numbers.
    if (metric %in% c("dense_e", "fisher_dense", "auto") && length(values) && length(values) == dimension^2) {
      matrix(values, dimension, dimension, byrow = TRUE, dimnames = list(model$names, model$names))
    } else if (metric %in% c("diag_e", "fisher_diag") && length(values)) {
      stats::setNames(values, model$names)
    } else {
      values
    }
  })
  structure(
    list(
      draws = draws, sampler_columns = setdiff(columns[seq_len(length(columns) - length(model$outputs))], "lp__"),
      warmup_rows = warmup_rows, warmup_ends = warmup_ends, chains = chains, inv_metric = inv_metric, algorithm = algorithm, metric = metric,
      settings = settings, messages = result$messages, seconds = elapsed, checkpoints = result$checkpoints,
      dimension = dimension, options = result$options
    ),
    class = "catena_fit"
  )
}

as_fit <- function(fit) {
  if (!inherits(fit, "catena_fit")) not_this("fit", "a fit made by catena_sample()", fit)
  fit
}

format_id <- function(id) sprintf("%.0f", id)

# What was read from files took no time that is known.
format_seconds <- function(seconds) if (is.na(seconds)) "" else sprintf(", %.1f seconds", seconds)

# The row with which each chain's warm-up ends, in the array that was written.
warmup_ends <- function(fit) if (is.null(fit$warmup_ends)) rep(fit$warmup_rows, nrow(fit$chains)) else fit$warmup_ends

# Rows after warm-up that each chain has drawn.
rows_written <- function(fit) pmax(fit$chains$rows - warmup_ends(fit), 0)

# Rows after warm-up that each chain was to draw.
rows_planned <- function(fit) dim(fit$draws)[[1L]] - fit$warmup_rows

# The rows after warm-up, which chains that end it themselves begin at different places; or all, as they were written.
kept_rows <- function(fit, columns = TRUE, inc_warmup = FALSE) {
  count <- if (inc_warmup) nrow(fit$draws) else rows_planned(fit)
  # The array itself where nothing is left out, which copies nothing.
  if (count == nrow(fit$draws) && isTRUE(columns)) return(fit$draws)
  if (inc_warmup) return(fit$draws[, , columns, drop = FALSE])
  written <- rows_written(fit)
  begins <- warmup_ends(fit)
  if (all(begins == fit$warmup_rows | written == 0)) return(fit$draws[fit$warmup_rows + seq_len(count), , columns, drop = FALSE])
  draws <- fit$draws[seq_len(count), , columns, drop = FALSE]
  draws[] <- NaN
  for (chain in seq_along(begins)) {
    rows <- seq_len(min(written[[chain]], count))
    draws[rows, chain, ] <- fit$draws[begins[[chain]] + rows, chain, columns]
  }
  draws
}

as.array.catena_fit <- function(x, inc_warmup = FALSE, ...) {
  kept_rows(x, setdiff(dimnames(x$draws)[[3L]], x$sampler_columns), inc_warmup)
}

as.matrix.catena_fit <- function(x, inc_warmup = FALSE, ...) {
  draws <- as.array(x, inc_warmup = inc_warmup)
  names <- dimnames(draws)[[3L]]
  matrix(draws, ncol = length(names), dimnames = list(NULL, variable = names))
}

as.data.frame.catena_fit <- function(x, row.names = NULL, optional = FALSE, inc_warmup = FALSE, ...) {
  draws <- as.matrix(x, inc_warmup = inc_warmup)
  as.data.frame(unclass(draws), row.names = row.names, optional = TRUE)
}

sampler_diagnostics <- function(fit, inc_warmup = FALSE) {
  as_fit(fit)
  kept_rows(fit, fit$sampler_columns, inc_warmup)
}

# The draws that can be compared: of chains that were stopped, as many as all of them have. `used` says which chains.
complete_rows <- function(fit) {
  draws <- kept_rows(fit)
  written <- rows_written(fit)
  used <- fit$chains$status == status_ok | (fit$chains$status == status_interrupted & written > 0)
  if (!any(used)) stop("no chain has draws after warm-up", call. = FALSE)
  shortest <- min(written[used])
  if (!all(used) || shortest < nrow(draws)) draws <- draws[seq_len(shortest), used, , drop = FALSE]
  list(draws = draws, used = used, lengths = written[used])
}

# With zeros behind those that are shorter than the longest.
padded <- function(vectors) {
  longest <- max(lengths(vectors))
  lapply(vectors, function(one) c(one, numeric(longest - length(one))))
}

# The step sizes of the warm-up iterations that were saved: a vector for each chain, empty without.
warmup_step_sizes <- function(fit) {
  if (!is.null(fit$warmup_step_sizes)) return(fit$warmup_step_sizes)
  has_some <- "stepsize__" %in% dimnames(fit$draws)[[3L]]
  lapply(seq_len(nrow(fit$chains)), function(chain) {
    saved <- if (has_some) min(warmup_ends(fit)[[chain]], fit$chains$rows[[chain]]) else 0
    if (saved > 0) as.double(fit$draws[seq_len(saved), chain, "stepsize__"]) else double()
  })
}

catena_report <- function(fit, file = "report.html", title = NULL, truth = NULL) {
  of_sets <- inherits(fit, c("catena_course", "catena_smc", "catena_filter"))
  if (!of_sets) as_fit(fit)
  if (is.null(title)) title <- if (of_sets) "Sets of particles" else "Draws"
  for (argument in c("file", "title")) {
    value <- get(argument)
    if (!is.character(value) || length(value) != 1L || is.na(value)) not_this(argument, "a text", value)
  }
  if (of_sets) {
    course_report(if (inherits(fit, "catena_course")) fit else course_note(catena_course(), fit), file, title, truth)
    return(invisible(file))
  }
  complete <- complete_rows(fit)
  chains <- fit$chains[complete$used, , drop = FALSE]
  metrics <- padded(lapply(fit$inv_metric[complete$used], as.double))
  path <- warmup_step_sizes(fit)[complete$used]
  # What never moves has none.
  if (!all(is.finite(unlist(path)) & unlist(path) > 0)) path <- lapply(path, function(steps) double())
  settings <- unlist(fit$options)
  about <- list(
    rbind(chains$warmup_seconds, chains$sampling_seconds), as.double(chains$step_size),
    if (fit$dimension > 0) unlist(metrics) else double(), as.double(fit$dimension),
    as.double(unlist(padded(path))), as.double(lengths(path)), as.double(complete$lengths), fit$settings$max_treedepth,
    if (length(settings)) enc2utf8(settings) else character()
  )
  .Call(C_report, complete$draws, enc2utf8(dimnames(complete$draws)[[3L]]), enc2utf8(title), about, enc2utf8(path.expand(file)))
  invisible(file)
}

summary.catena_fit <- function(object, variables = NULL, quantiles = c(0.05, 0.5, 0.95), digits = 4, order = NULL, ...) {
  complete <- complete_rows(object)
  draws <- complete$draws
  names <- dimnames(draws)[[3L]]
  if (!is.null(variables)) {
    if (!is.character(variables)) not_this("variables", "names", variables)
    base <- sub("\\[.*$", "", names)
    unknown <- setdiff(variables, c(names, base))
    if (length(unknown)) not_this("variables", paste("some of", paste(unique(base), collapse = ", ")), unknown)
    variables <- names[names %in% variables | base %in% variables]
  }
  quantiles <- as.double(quantiles)
  if (anyNA(quantiles) || any(quantiles < 0 | quantiles > 1)) not_this("quantiles", "probabilities from 0 to 1", quantiles)
  digits <- as_count(digits, "digits", 1)
  if (!is.null(order) && !(is.character(order) && length(order) == 1L)) not_this("order", "the name of a statistic", order)
  value <- .Call(
    C_summary, draws, enc2utf8(names), object$settings$max_treedepth, enc2utf8(as.character(variables)), quantiles,
    digits, order, as.double(complete$lengths)
  )
  shown <- ifelse(quantiles == 0.5, "median", sprintf("q%.10g", 100 * quantiles))
  statistics <- c("mean", "mcse_mean", "sd", "mcse_sd", shown, "ess_bulk", "ess_tail", "rhat")
  values <- cbind(value$values[, 1:4, drop = FALSE], value$quantiles, value$values[, 8:10, drop = FALSE])
  table <- data.frame(variable = value$names, values)
  names(table) <- c("variable", statistics)
  structure(table,
    class = c("catena_summary", "data.frame"), text = value$text, verdict = c("good", "doubtful", "unknown")[[value$verdict + 1]], divergences = value$divergences,
    max_treedepth_hits = value$max_treedepth_hits
  )
}

print.catena_summary <- function(x, ...) {
  text <- attr(x, "text")
  # A part of the table is a plain data frame again.
  if (is.null(text)) print.data.frame(x, ...) else cat(text, if (!endsWith(text, "\n")) "\n", sep = "")
  invisible(x)
}

print.catena_fit <- function(x, ...) {
  how <- switch(x$algorithm,
    nuts = sprintf("NUTS with metric %s, %.0f warm-up iterations", x$metric, x$settings$iter_warmup),
    static = sprintf("Static HMC with metric %s, %.0f warm-up iterations", x$metric, x$settings$iter_warmup),
    fixed_param = "Fixed parameters",
    files = sprintf("Files of %d chains", nrow(x$chains))
  )
  cat(sprintf("%s, seed %s%s\n", how, format_id(x$settings$seed), format_seconds(x$seconds)))
  failed <- nzchar(x$messages)
  if (any(failed)) cat("Failed: ", paste(x$messages[failed], collapse = "\n        "), "\n", sep = "")
  stopped <- x$chains$status == status_interrupted
  if (any(stopped)) {
    iterations <- x$settings$iter_warmup + x$settings$iter_sampling
    lines <- sprintf("chain %s after %.0f of %.0f iterations", format_id(x$chains$chain_id), x$chains$iterations, iterations)[stopped]
    if (length(lines) > 5L) lines <- c(lines[1:4], sprintf("and %d more", length(lines) - 4L))
    cat("Stopped: ", paste(lines, collapse = "\n         "), "\n", sep = "")
  }
  if (any(rows_written(x) > 0) || !any(stopped)) print(summary(x))
  invisible(x)
}
