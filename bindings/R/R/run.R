# Runs: started, watched, stopped, and turned into fits.

# How long a poll waits, in seconds: how soon Ctrl-C is heard.
poll_seconds <- 0.05

# `before` is the fit whose checkpoints the run goes on with.
start_run <- function(model, algorithm, settings, inits, inv_metrics, from = NULL, before = NULL) {
  run <- new.env(parent = emptyenv())
  run$model <- model
  run$algorithm <- algorithm
  run$given <- list(inits = inits, inv_metrics = inv_metrics, from = from)
  run$before <- before
  run$started <- proc.time()[["elapsed"]]
  run$pointer <- .Call(
    C_run_start, model$pointer, engines[[algorithm]], settings, option_of(names(settings)), inits, inv_metrics,
    before$checkpoints, from
  )
  # With what the library has where nothing was given.
  settled <- .Call(C_run_settled, run$pointer)
  run$metric <- metrics[[settled[["metric"]] + 1]]
  settings$iter_warmup <- settled[["num_warmup"]]
  settings$metric <- run$metric
  settings$adapt_delta <- settled[["delta"]]
  settings$raise_delta <- settled[["raise_delta"]] != 0
  run$settings <- settings
  class(run) <- "catena_run"
  run
}

# The fit of the last run that Ctrl-C ended inside catena_sample() or its like.
kept <- new.env(parent = emptyenv())

# For calls that return when the run has ended: whatever leaves from here ends the run. The first Ctrl-C has the chains stop
# where they are, so that what they drew is kept, and is raised then; a second one leaves at once.
finish_run <- function(run, progress, show_messages) {
  on.exit(.Call(C_run_free, run$pointer))
  kept$fit <- NULL
  pressed <- NULL
  withCallingHandlers(watch(run, progress, show_messages), interrupt = function(condition) {
    if (is.null(pressed)) {
      pressed <<- condition
      .Call(C_run_cancel, run$pointer)
      # R evaluates on what was interrupted. Where it can't, there is no such restart, and the interrupt takes its course.
      try(invokeRestart("resume"), silent = TRUE)
    }
  })
  fit <- take_result(run, keep = FALSE)
  if (!is.null(pressed)) {
    kept$fit <- fit
    message(sprintf(
      "Interrupted: each chain has at least %.0f draws of %.0f; catena_last_fit() has them, and catena_resume() goes on.",
      min(rows_written(fit)), rows_planned(fit)
    ))
    signalCondition(pressed)
    invokeRestart("abort")
  }
  fit
}

catena_last_fit <- function() {
  if (is.null(kept$fit)) stop("expected a run that Ctrl-C has ended, and none after it, got none", call. = FALSE)
  kept$fit
}

catena_start <- function(model, ...) catena_sample(model, ..., wait = FALSE)

as_run <- function(run) {
  if (!inherits(run, "catena_run")) not_this("run", "a run made by catena_start()", run)
  run
}

# Ctrl-C is held back while R functions are evaluated, so that it finds the chains between two evaluations and the run can
# go on.
poll_run <- function(run, timeout) {
  done <- suspendInterrupts(.Call(C_run_poll, run$pointer, timeout))
  if (done && is.null(run$ended)) run$ended <- proc.time()[["elapsed"]]
  done
}

catena_poll <- function(run, timeout = 0) {
  as_run(run)
  until <- proc.time()[["elapsed"]] + as_number(timeout, "timeout", "a number of seconds")
  repeat {
    left <- max(until - proc.time()[["elapsed"]], 0)
    done <- poll_run(run, min(left, poll_seconds))
    if (done || left <= poll_seconds) return(done)
  }
}

catena_progress <- function(run) {
  as_run(run)
  table <- as.data.frame(.Call(C_run_progress, run$pointer))
  table$warmup <- table$warmup != 0
  table$over <- table$over != 0
  table
}

catena_cancel <- function(run) {
  as_run(run)
  .Call(C_run_cancel, run$pointer)
  invisible(run)
}

catena_result <- function(run, progress = interactive(), show_messages = TRUE) {
  as_run(run)
  as_flag(progress, "progress")
  as_flag(show_messages, "show_messages")
  if (is.null(run$result)) watch(run, progress, show_messages, poll_run)
  take_result(run)
}

catena_resume <- function(fit, model, iter_sampling = NULL, threads = NULL, max_evaluations = 0,
                          progress = interactive(), show_messages = TRUE, wait = TRUE) {
  as_fit(fit)
  if (!is.list(fit$checkpoints)) stop("'fit': expected one with its checkpoints, got one without", call. = FALSE)
  as_model(model)
  as_flag(progress, "progress")
  as_flag(show_messages, "show_messages")
  as_flag(wait, "wait")
  columns <- names_from_library(.Call(C_model_columns, model$pointer, engines[[fit$algorithm]]))
  if (!identical(columns, dimnames(fit$draws)[[3L]])) not_this("model", "the model of the fit, with the same outputs", model$outputs)
  settings <- fit$settings
  if (!is.null(iter_sampling)) {
    expected <- sprintf("at least the fit's %.0f", settings[["iter_sampling"]])
    if (as_count(iter_sampling, "iter_sampling") < settings[["iter_sampling"]]) not_this("iter_sampling", expected, iter_sampling)
    settings[["iter_sampling"]] <- iter_sampling
  }
  if (!is.null(threads)) settings[["threads"]] <- as_count(threads, "threads", 1)
  settings[["max_evaluations"]] <- as_count(max_evaluations, "max_evaluations")
  run <- start_run(model, fit$algorithm, settings, fit$given$inits, fit$given$inv_metrics, fit$given$from, fit)
  if (wait) finish_run(run, progress, show_messages) else run
}

catena_continue <- function(fit, more = fit$settings[["iter_sampling"]], model = fit$model, ...) {
  as_fit(fit)
  more <- as_count(more, "more")
  catena_resume(fit, model, iter_sampling = fit$settings[["iter_sampling"]] + more, ...)
}

print.catena_run <- function(x, ...) {
  table <- catena_progress(x)
  cat(sprintf("%s: %d of %d chains have ended\n", if (x$algorithm == "nuts") "NUTS" else x$algorithm, sum(table$over), nrow(table)))
  print(table, row.names = FALSE, ...)
  invisible(x)
}

# Waits for the run. Ctrl-C, or an error of an R function, leaves from `poll`.
watch <- function(run, progress, show_messages, poll = function(run, timeout) .Call(C_run_poll, run$pointer, timeout)) {
  bar <- NULL
  if (progress) {
    now <- .Call(C_run_progress, run$pointer)
    bar <- progress_bar(sum(now$total), length(now$total))
    whole <- FALSE
    on.exit(bar$close(whole))
  }
  repeat {
    done <- poll(run, poll_seconds)
    if (!is.null(bar)) {
      now <- .Call(C_run_progress, run$pointer)
      bar$update(sum(now$iteration), sum(now$divergences))
      whole <- done && all(now$iteration == now$total)
    }
    lines <- .Call(C_run_log, run$pointer)
    if (show_messages) tell(lines)
    if (done) break
  }
}

# The fit of a run that has ended; the library gives its result once, so `keep` it for whoever asks again.
take_result <- function(run, keep = TRUE) {
  result <- run$result
  if (is.null(result)) {
    result <- .Call(C_run_result, run$pointer)
    elapsed <- (if (is.null(run$ended)) proc.time()[["elapsed"]] else run$ended) - run$started
    fit <- new_fit(run$model, run$algorithm, run$metric, run$settings, result, elapsed)
    fit$given <- run$given
    fit$model <- run$model
    if (!is.null(run$before)) fit <- join_fits(run$before, fit)
    result$draws <- NULL
    if (keep) {
      run$result <- result
      run$fit <- fit
    }
  } else {
    fit <- run$fit
  }
  report(result, run$model)
  fit
}

# The draws of `before`, then those of `fit`, which went on with its checkpoints.
join_fits <- function(before, fit) {
  draws <- fit$draws
  continued <- !vapply(before$checkpoints, is.null, NA)
  for (chain in which(continued)) {
    old <- before$chains$rows[[chain]]
    new <- fit$chains$rows[[chain]] - old
    draws[old + seq_len(new), chain, ] <- fit$draws[seq_len(new), chain, ]
    draws[seq_len(old), chain, ] <- before$draws[seq_len(old), chain, ]
  }
  fit$draws <- draws
  fit$seconds <- before$seconds + fit$seconds
  fit
}

tell <- function(lines) {
  # Failures are raised as R's conditions in the end.
  lines <- as.data.frame(lines)
  lines <- lines[lines$level < level_error & lines$level > level_debug, ]
  from <- ifelse(lines$chain < 0, "", sprintf("Chain %.0f ", lines$chain))
  from <- ifelse(lines$level >= level_warning, paste0(from, "warning: "), sub(" $", ": ", from))
  for (line in paste0(from, lines$line)) message(line)
}

report <- function(result, model = NULL) {
  failed <- nzchar(result$messages)
  if (result$status == status_chain_failed && !all(failed)) {
    warning(sum(failed), " of ", length(failed), " chains failed:\n", paste(result$messages[failed], collapse = "\n"), call. = FALSE)
  } else if (!result$status %in% c(status_ok, status_interrupted)) {
    stop(paste(unique(c(result$message, result$messages[failed])), collapse = "\n"), call. = FALSE)
  }
  warn_unused(result$unused, model)
}

# `unused` are names of initial values as the library has them.
warn_unused <- function(unused, model) {
  unused <- unique(names_from_library(unused))
  if (length(unused)) {
    known <- unique(sub("\\[.*", "", c(model$names, model$outputs)))
    unused <- vapply(unused, function(name) {
      near <- near_name(name, known)
      if (is.null(near)) name else sprintf("%s (did you mean '%s'?)", name, near)
    }, "")
    warning("'init' gives values that the model has no name for: ", paste(unused, collapse = ", "), call. = FALSE)
  }
}
