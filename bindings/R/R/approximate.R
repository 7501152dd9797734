# Draws from approximations: Pathfinder, variational inference, and normal distributions at modes.

# Columns before the outputs.
approximate_columns <- c("lp_approx__", "lp__", "path__", "log_p__", "log_g__", "log_q__")

# Numbers of the services in the C layer.
approximate_services <- c(variational = 0L, pathfinder = 1L, laplace = 2L)

catena_pathfinder <- function(model, num_paths = 4, num_draws = 1000, num_psis_draws = 1000, init = 2, seed = NULL,
                              threads = NULL, batch_size = NULL, refresh = 0, show_messages = TRUE, ...) {
  num_paths <- as_count(num_paths, "num_paths", 1)
  settings <- list(
    num_paths = num_paths, num_draws = as_count(num_draws, "num_draws", 1),
    num_psis_draws = as_count(num_psis_draws, "num_psis_draws")
  )
  settings <- c(settings, more_options(list(...), "pathfinder", names(formals(catena_pathfinder))))
  approximate(model, "pathfinder", num_paths, settings, init, seed, threads, batch_size, refresh, show_messages)
}

catena_variational <- function(model, family = c("meanfield", "fullrank"), output_draws = 1000, num_fits = 1, init = 2,
                               seed = NULL, threads = NULL, batch_size = NULL, refresh = 0, show_messages = TRUE, ...) {
  num_fits <- as_count(num_fits, "num_fits", 1)
  settings <- list(
    variational_family = match.arg(family), output_draws = as_count(output_draws, "output_draws"), chains = num_fits
  )
  settings <- c(settings, more_options(list(...), "variational", names(formals(catena_variational))))
  approximate(model, "variational", num_fits, settings, init, seed, threads, batch_size, refresh, show_messages)
}

catena_laplace <- function(model, mode = NULL, draws = 1000, num_ids = 1, init_radius = 2, seed = NULL, threads = NULL,
                           batch_size = NULL, refresh = 0, show_messages = TRUE, ...) {
  num_ids <- as_count(num_ids, "num_ids", 1)
  settings <- list(
    laplace_draws = as_count(draws, "draws"), chains = num_ids, init = as_number(init_radius, "init_radius")
  )
  settings <- c(settings, more_options(list(...), "laplace", names(formals(catena_laplace))))
  # What catena_optimize found is a mode.
  if (inherits(mode, "catena_optimum")) mode <- mode$position
  if (is.numeric(mode)) mode <- rep(list(mode), num_ids)
  approximate(model, "laplace", num_ids, settings, mode, seed, threads, batch_size, refresh, show_messages)
}

# `count` paths, fits or ids of a service.
approximate <- function(model, service, count, settings, init, seed, threads, batch_size, refresh, show_messages) {
  as_model(model)
  as_flag(show_messages, "show_messages")
  seed <- if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else as_count(seed, "seed")
  first <- if (is.null(settings$first_chain_id)) 1 else as_count(settings$first_chain_id, "first_chain_id", 1)
  inits <- NULL
  if (service != "laplace" && is.numeric(init) && length(init) == 1L) {
    settings$init <- as_number(init, "init")
  } else if (!is.null(init)) {
    inits <- as_inits(init, model, first + seq_len(count) - 1)
  }
  # Many points in one call are the point of a vectorized function.
  if (is.null(batch_size)) batch_size <- if (model$vectorized) 1000 else 0
  settings <- c(settings, list(
    seed = as.double(seed), threads = if (is.null(threads)) 0 else as_count(threads, "threads", 1),
    batch_size = as_count(batch_size, "batch_size"), refresh = as_count(refresh, "refresh")
  ))
  if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) set.seed(NULL)
  started <- proc.time()[["elapsed"]]
  result <- .Call(C_approximate, model$pointer, approximate_services[[service]], settings, option_of(names(settings)), inits)
  if (show_messages) tell(result$log)
  report_fits(result, if (service == "pathfinder") "paths" else "fits")
  new_approximation(model, service, settings, result, proc.time()[["elapsed"]] - started)
}

# Raises what went wrong: an error when nothing is left, a warning when some is.
report_fits <- function(result, what) {
  failed <- nzchar(result$messages)
  failure <- result$failure
  if (length(failed) && any(failed) && !all(failed)) {
    words <- paste(result$messages[failed], collapse = "\n")
    warning(sum(failed), " of ", length(failed), " ", what, " failed:\n", words, call. = FALSE)
    return()
  }
  if (is.null(failure)) return()
  stop(structure(
    class = c("catena_error", "error", "condition"),
    list(
      message = paste(unique(c(failure$message, result$messages[failed])), collapse = "\n"), call = NULL,
      chain = failure$chain, argument = failure$argument, status = failure$status
    )
  ))
}

new_approximation <- function(model, service, settings, result, elapsed) {
  paths <- service == "pathfinder"
  columns <- names_from_library(result$columns)
  fits <- as.data.frame(result$fits)
  fits$converged <- fits$converged == 1
  fits$message <- result$messages
  draws <- result$draws
  dimnames(draws) <- list(draw = NULL, fit = if (!paths) format_id(fits$id), variable = columns)
  mean <- result$mean
  sd <- result$sd
  dimnames(mean) <- dimnames(sd) <- list(model$names, format_id(fits$id))
  at_mean <- NULL
  if (paths) {
    draws <- matrix(draws[seq_len(result$rows), 1L, ], ncol = length(columns), dimnames = list(draw = NULL, variable = columns))
  } else if (service == "variational") {
    outputs <- !columns %in% approximate_columns
    # The row of the mean comes first.
    at_mean <- matrix(draws[1L, , outputs], dim(draws)[[2L]], dimnames = list(format_id(fits$id), columns[outputs]))
    draws <- draws[-1L, , , drop = FALSE]
  }
  structure(
    list(
      draws = draws, khat = result$khat, pool = if (paths) result$pool, at_mean = at_mean, mean = mean, sd = sd,
      positions = if (!is.null(result$positions)) t(result$positions), fits = fits, service = service, paths = paths, settings = settings,
      seconds = elapsed
    ),
    class = "catena_approximation"
  )
}

as.data.frame.catena_approximation <- function(x, row.names = NULL, optional = FALSE, ...) {
  if (x$paths) return(as.data.frame(x$draws, row.names = row.names, optional = TRUE))
  drawn <- x$fits$draws > 0 & !nzchar(x$fits$message)
  draws <- x$draws[, drawn, , drop = FALSE]
  values <- matrix(draws, ncol = dim(draws)[[3L]], dimnames = list(NULL, dimnames(draws)[[3L]]))
  cbind(fit = rep(x$fits$id[drawn], each = dim(draws)[[1L]]), as.data.frame(values, row.names = row.names, optional = TRUE))
}

summary.catena_approximation <- function(object, ...) {
  values <- as.data.frame(object)
  values <- values[setdiff(names(values), c("fit", approximate_columns))]
  rows <- lapply(names(values), function(variable) {
    x <- values[[variable]]
    quantiles <- stats::quantile(x, c(0.05, 0.5, 0.95), names = FALSE, na.rm = TRUE)
    data.frame(variable = variable, mean = mean(x), sd = stats::sd(x), q5 = quantiles[[1L]], median = quantiles[[2L]],
               q95 = quantiles[[3L]])
  })
  do.call(rbind, rows)
}

print.catena_approximation <- function(x, ...) {
  noun <- if (x$paths) "paths" else "fits"
  cat(sprintf(
    "%s: %d %s, seed %s, %.1f seconds\n", c(pathfinder = "Pathfinder", variational = "Variational approximation", laplace = "Laplace approximation")[[x$service]], nrow(x$fits), noun,
    format_id(x$settings$seed), x$seconds
  ))
  if (!is.na(x$khat)) {
    cat(sprintf("k-hat %.2f%s\n", x$khat, if (x$khat > 0.7) ": the draws are far from the density" else ""))
  }
  failed <- nzchar(x$fits$message)
  if (any(failed)) cat(sprintf("%s left out: %s\n", format_id(x$fits$id), x$fits$message)[failed], sep = "")
  print(summary(x), row.names = FALSE, ...)
  invisible(x)
}
