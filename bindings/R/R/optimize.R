# Modes from many starts.

# How starts end, by the numbers of catena_ending.
endings <- c("tol_obj", "tol_rel_obj", "tol_grad", "tol_rel_grad", "tol_param", "iteration_limit", "line_search", "unbounded",
             "no_mode", "no_hessian", "stopped", "failed")

catena_optimize <- function(model, num_starts = 1, algorithm = c("lbfgs", "bfgs", "newton"), jacobian = FALSE, init = 2,
                            seed = NULL, threads = NULL, batch_size = NULL, refresh = 0, show_messages = TRUE, ...) {
  as_model(model)
  as_flag(show_messages, "show_messages")
  num_starts <- as_count(num_starts, "num_starts", 1)
  seed <- if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else as_count(seed, "seed")
  settings <- list(num_starts = num_starts, algorithm = match.arg(algorithm), jacobian = as_flag(jacobian, "jacobian"))
  settings <- c(settings, more_options(list(...), "optimize", names(formals(catena_optimize))))
  first <- if (is.null(settings$first_chain_id)) 1 else as_count(settings$first_chain_id, "first_chain_id", 1)
  inits <- NULL
  if (is.numeric(init) && length(init) == 1L) {
    settings$init <- as_number(init, "init")
  } else if (!is.null(init)) {
    inits <- as_inits(init, model, first + seq_len(num_starts) - 1)
  }
  # Many points in one call are the point of a vectorized function.
  if (is.null(batch_size)) batch_size <- if (model$vectorized) 1000 else 0
  settings <- c(settings, list(
    seed = as.double(seed), threads = if (is.null(threads)) 0 else as_count(threads, "threads", 1),
    batch_size = as_count(batch_size, "batch_size"), refresh = as_count(refresh, "refresh")
  ))
  if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) set.seed(NULL)
  started <- proc.time()[["elapsed"]]
  result <- .Call(C_optimize, model$pointer, settings, option_of(names(settings)), inits)
  if (show_messages) tell(result$log)
  failure <- result$failure
  if (!is.null(failure)) {
    stop(structure(
      class = c("catena_error", "error", "condition"),
      list(
        message = failure$message, call = NULL, chain = failure$chain, argument = failure$argument, status = failure$status
      )
    ))
  }
  new_optimum(model, settings, result, proc.time()[["elapsed"]] - started)
}

new_optimum <- function(model, settings, result, elapsed) {
  starts <- as.data.frame(result$starts)
  starts$ending <- endings[starts$ending + 1]
  starts$converged <- !nzchar(result$messages)
  starts$message <- result$messages
  modes <- as.data.frame(result$modes)
  modes$log_density <- starts$log_density[modes$start]
  best <- result$best
  names <- names_from_library(result$names)
  dimnames(result$outputs) <- list(names, format_id(starts$id))
  dimnames(result$positions) <- list(model$names, format_id(starts$id))
  structure(
    list(
      par = result$outputs[, best], value = starts$log_density[[best]], position = unname(result$positions[, best]),
      best = best, modes = modes, starts = starts, outputs = result$outputs, positions = result$positions,
      settings = settings, seconds = elapsed
    ),
    class = "catena_optimum"
  )
}

print.catena_optimum <- function(x, ...) {
  all <- nrow(x$starts)
  cat(sprintf(
    "Mode with log density %.6g: %d of %d starts have converged, to %d distinct modes, %.1f seconds\n", x$value,
    sum(x$starts$converged), all, nrow(x$modes), x$seconds
  ))
  failed <- nzchar(x$starts$message)
  if (any(failed)) cat(paste0(x$starts$message[failed], "\n"), sep = "")
  print(x$par, ...)
  invisible(x)
}
