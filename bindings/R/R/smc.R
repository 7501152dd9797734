# Sequential Monte Carlo: independent sets of weighted particles.

# The library's catena_set_outcome, from 0.
set_outcomes <- c("finished", "lost", "stalled", "stopped", "failed")

# Columns before the outputs.
smc_columns <- c("lp__", "log_weight__", "set__", "ancestor__")

catena_sample_smc <- function(model, num_sets = 4, num_particles = 1000, path = c("auto", "prior", "data", "reference"),
                              kernel = c("hmc", "nuts", "random_walk", "independent"), reference = NULL, seed = NULL,
                              threads = NULL, batch_size = NULL, refresh = 0, show_messages = TRUE, ...) {
  as_model(model)
  as_flag(show_messages, "show_messages")
  num_sets <- as_count(num_sets, "num_sets", 1)
  num_particles <- as_count(num_particles, "num_particles", 1)
  seed <- if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else as_count(seed, "seed")
  # Many points in one call are the point of a vectorized function.
  if (is.null(batch_size)) batch_size <- if (model$vectorized) num_sets * num_particles else 0
  settings <- list(
    num_sets = num_sets, num_particles = num_particles, path = match.arg(path), kernel = match.arg(kernel),
    seed = as.double(seed), threads = if (is.null(threads)) 0 else as_count(threads, "threads", 1),
    batch_size = as_count(batch_size, "batch_size"), refresh = as_count(refresh, "refresh")
  )
  settings <- c(settings, more_options(list(...), "smc", names(formals(catena_sample_smc))))
  reference <- as_reference(reference, length(model$names))
  # sample_prior has R's generator follow the sets' own streams; its state is put back afterwards.
  if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) set.seed(NULL)
  show <- if (show_messages) function(lines) tell(particles_from_one(lines))
  started <- proc.time()[["elapsed"]]
  result <- .Call(C_sample_smc, model$pointer, settings, option_of(names(settings)), reference, show)
  if (show_messages) tell(particles_from_one(result$log))
  report_sets(result)
  new_smc(model, settings, result, proc.time()[["elapsed"]] - started)
}

# Mean and spread as the library takes them.
as_reference <- function(reference, dimension) {
  if (is.null(reference)) return(NULL)
  if (!is.list(reference) || length(unknown <- setdiff(names(reference), c("mean", "sd", "cov"))) || is.null(reference$mean) ||
    is.null(reference$sd) == is.null(reference$cov)) {
    not_this("reference", "a list of mean and one of sd and cov", reference)
  }
  spread <- if (is.null(reference$cov)) reference$sd else reference$cov
  if (!is.numeric(reference$mean) || length(reference$mean) != dimension) {
    not_this("reference$mean", sprintf("%d numbers", dimension), reference$mean)
  }
  if (is.null(reference$cov)) {
    if (!is.numeric(spread) || length(spread) != dimension) not_this("reference$sd", sprintf("%d numbers", dimension), spread)
  } else if (!is.numeric(spread) || !identical(dim(spread), c(dimension, dimension))) {
    not_this("reference$cov", sprintf("a matrix of %d x %d", dimension, dimension), spread)
  }
  list(as.double(reference$mean), as.double(spread))
}

# Numbers of particles in the library's words are from 0; `lines` are texts, or a list of logged lines.
particles_from_one <- function(lines) {
  if (is.list(lines)) {
    lines$line <- particles_from_one(lines$line)
    return(lines)
  }
  found <- regexpr("particle [0-9]+(?=[: ])", lines, perl = TRUE)
  words <- regmatches(lines, found)
  regmatches(lines, found) <- sprintf("particle %.0f", as.numeric(sub("particle ", "", words)) + 1)
  lines
}

# Raises what went wrong: an error when no set is left, a warning when some are.
report_sets <- function(result) {
  failure <- result$failure
  if (is.null(failure)) return()
  failed <- nzchar(result$messages)
  messages <- particles_from_one(result$messages[failed])
  if (length(failed) && !all(failed)) {
    warning(sum(failed), " of ", length(failed), " sets failed:\n", paste(messages, collapse = "\n"), call. = FALSE)
    return()
  }
  first <- which(failed)[1L]
  stop(structure(
    class = c("catena_error", "error", "condition"),
    list(
      message = paste(unique(c(particles_from_one(failure$message), messages)), collapse = "\n"), call = NULL,
      set = if (is.na(first)) failure$set else result$sets$set[[first]],
      particle = if (is.na(first)) failure$particle else result$particles[[first]],
      argument = failure$argument, status = failure$status
    )
  ))
}

new_smc <- function(model, settings, result, elapsed) {
  draws <- result$draws
  sets <- as.data.frame(result$sets)
  sets$outcome <- set_outcomes[sets$outcome + 1]
  sets$message <- particles_from_one(result$messages)
  columns <- names_from_library(result$columns)
  dimnames(draws) <- list(particle = NULL, set = format_id(sets$set), variable = columns)
  draws[, , "ancestor__"] <- draws[, , "ancestor__"] + 1
  structure(
    list(
      log_evidence = result$evidence[[1L]], standard_error = result$evidence[[2L]], draws = draws, sets = sets,
      stages = as.data.frame(result$stages), settings = settings, seconds = elapsed
    ),
    class = "catena_smc"
  )
}

# Sets that have rows.
sets_drawn <- function(x) which(x$sets$rows > 0)

# A particles x sets matrix of weights that sum to 1, where each set counts with its evidence; 0 where there are no draws.
weights.catena_smc <- function(object, ...) {
  log_weights <- object$draws[, , "log_weight__"]
  log_weights <- matrix(log_weights, nrow(object$draws), dimnames = list(particle = NULL, set = dimnames(object$draws)[[2L]]))
  log_weights[is.na(log_weights)] <- -Inf
  most <- max(log_weights)
  if (most == -Inf) return(exp(log_weights))
  weights <- exp(log_weights - most)
  weights / sum(weights)
}

as.data.frame.catena_smc <- function(x, row.names = NULL, optional = FALSE, ...) {
  draws <- x$draws[, sets_drawn(x), , drop = FALSE]
  outputs <- setdiff(dimnames(draws)[[3L]], smc_columns)
  values <- matrix(draws, ncol = dim(draws)[[3L]], dimnames = list(NULL, dimnames(draws)[[3L]]))
  first <- data.frame(
    set = values[, "set__"], particle = rep(seq_len(dim(draws)[[1L]]), dim(draws)[[2L]]), ancestor = values[, "ancestor__"],
    log_weight = values[, "log_weight__"], lp__ = values[, "lp__"]
  )
  cbind(first, as.data.frame(values[, outputs, drop = FALSE], row.names = row.names, optional = TRUE))
}

# Weighted means, their errors from the scatter of the sets, and standard deviations.
summary.catena_smc <- function(object, ...) {
  used <- sets_drawn(object)
  w <- weights(object)[, used, drop = FALSE]
  # Sets that lost all particles count as well.
  n <- sum(object$sets$outcome %in% c("finished", "lost"))
  variables <- setdiff(dimnames(object$draws)[[3L]], smc_columns[-1L])
  rows <- lapply(variables, function(variable) {
    x <- matrix(object$draws[, used, variable], ncol = length(used))
    mean <- sum(w * x)
    # Of a ratio of averages over the sets.
    spread <- colSums(w * (x - mean))
    data.frame(
      variable = variable, mean = mean, mcse_mean = if (n > 1L) sqrt(n / (n - 1) * sum(spread^2)) else NA_real_,
      sd = sqrt(sum(w * (x - mean)^2))
    )
  })
  do.call(rbind, rows)
}

print.catena_smc <- function(x, ...) {
  cat(sprintf(
    "Sequential Monte Carlo: %d sets of %.0f particles, seed %s%s\n", nrow(x$sets), x$settings$num_particles,
    format_id(x$settings$seed), format_seconds(x$seconds)
  ))
  cat(sprintf("log evidence: estimate %.4f, standard error %.4f\n", x$log_evidence, x$standard_error))
  without <- x$sets$outcome != "finished"
  if (any(without)) {
    cat(sprintf("set %s: %s %s\n", format_id(x$sets$set), x$sets$outcome, x$sets$message)[without], sep = "")
  }
  if (length(sets_drawn(x))) print(summary(x), row.names = FALSE, ...)
  invisible(x)
}
