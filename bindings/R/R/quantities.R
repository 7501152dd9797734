# Generated quantities over draws made before.

catena_generate_quantities <- function(model, fitted_params, seed = NULL, first_chain_id = NULL, threads = NULL,
                                       show_messages = TRUE) {
  as_model(model)
  as_flag(show_messages, "show_messages")
  given <- as_given_draws(fitted_params)
  if (is.null(first_chain_id)) first_chain_id <- given$first_chain_id
  first_chain_id <- as_count(first_chain_id, "first_chain_id", 1)
  settings <- call_settings(seed, first_chain_id, dim(given$draws)[[2L]], threads)
  # The library wants each row together.
  draws <- unconstrained(model, aperm(given$draws, c(3L, 1L, 2L)), given$rows)
  storage.mode(draws) <- "double"
  result <- .Call(C_generate_quantities, model$pointer, settings, names_to_library(dimnames(draws)[[1L]]), draws, given$rows)
  if (show_messages) tell(result$log)
  report(result)
  chain_ids <- format_id(first_chain_id + seq_len(dim(draws)[[3L]]) - 1)
  dimnames(result$draws) <- list(iteration = NULL, chain = chain_ids, variable = names_from_library(result$names))
  result$draws
}

# Settings of a call that is done when it returns, in the order that C wants.
call_settings <- function(seed, first_chain_id, chains, threads) {
  seed <- if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else as_count(seed, "seed")
  threads <- if (is.null(threads)) 0 else as_count(threads, "threads", 1)
  as.double(c(seed, first_chain_id, chains, threads))
}

# An array of iterations x chains x variables, of which each chain has `rows` iterations.
as_given_draws <- function(x) {
  if (inherits(x, "catena_fit")) {
    return(list(draws = kept_rows(x), rows = as.double(rows_written(x)), first_chain_id = x$settings$first_chain_id))
  }
  expected <- "a fit, or a matrix, data frame or array (iterations x chains x variables) with names of variables"
  if (inherits(x, "draws")) x <- posterior::as_draws_array(x)
  if (is.data.frame(x)) x <- data.matrix(x)
  if (is.matrix(x)) x <- array(x, c(nrow(x), 1L, ncol(x)), list(NULL, NULL, colnames(x)))
  if (!is.array(x) || length(dim(x)) != 3L || !is.numeric(x) || is.null(dimnames(x)[[3L]])) not_this("fitted_params", expected, x)
  if (dim(x)[[2L]] == 0L) not_this("fitted_params", "at least one chain", x)
  list(draws = unclass(x), rows = as.double(rep(dim(x)[[1L]], dim(x)[[2L]])), first_chain_id = 1)
}

# Draws (variables x iterations x chains, of which each chain has `lengths` iterations) as positions, for a model whose way
# back is an R function. Draws that hold the coordinates are left as they are.
unconstrained <- function(model, draws, lengths) {
  variables <- dimnames(draws)[[1L]]
  reports_coordinates <- all(model$names %in% model$outputs)
  if (is.null(model$unconstrain) || (all(model$names %in% variables) && !reports_coordinates)) return(draws)
  kept <- !endsWith(variables, "__")
  shape <- arrays_of_names(variables[kept])
  positions <- array(NA_real_, c(length(model$names), dim(draws)[2:3]), list(model$names, NULL, NULL))
  for (chain in seq_along(lengths)) {
    for (row in seq_len(lengths[[chain]])) {
      position <- model$unconstrain(arrays_of_row(draws[kept, row, chain], shape))
      if (!is.numeric(position) || length(position) != length(model$names)) {
        not_this("unconstrain", sprintf("a function that returns %d unconstrained values", length(model$names)), position)
      }
      positions[, row, chain] <- position
    }
  }
  positions
}

# For each variable of names such as theta[1,2]: its dimensions (NULL for a scalar), and where its elements stand.
arrays_of_names <- function(names) {
  base <- sub("\\[[0-9,]+\\]$", "", names)
  lapply(split(seq_along(names), factor(base, unique(base))), function(places) {
    element <- names[places]
    if (length(element) == 1L && !endsWith(element, "]")) return(list(dim = NULL, places = places))
    index <- do.call(rbind, lapply(strsplit(sub("^.*\\[(.*)\\]$", "\\1", element), ","), as.integer))
    dim <- apply(index, 2L, max)
    if (prod(dim) != length(places)) not_this("fitted_params", "all elements of each array", element)
    list(dim = dim, places = places[do.call(order, rev(as.data.frame(index)))])
  })
}

arrays_of_row <- function(row, shape) {
  lapply(shape, function(variable) {
    values <- row[variable$places]
    if (length(variable$dim) > 1L) array(values, variable$dim) else values
  })
}
