# Likelihoods over outcomes x models x experiments, and priors of models.

# Numbers of the library's catena_number.
number_kinds <- c(real = 0L, integer = 1L)

catena_likelihood <- function(likelihood, parameters, fields = character(), outcome = c("integer", "real"), width = 1,
                              domain = NULL, log = FALSE, prepare = NULL, are_valid = NULL, canonicalize = NULL,
                              simulate = NULL, update_timestep = NULL, experiment_cost = NULL, score = NULL) {
  functions <- list(
    likelihood = likelihood, prepare = prepare, are_valid = are_valid, canonicalize = canonicalize, domain = domain,
    simulate = simulate, update_timestep = update_timestep, experiment_cost = experiment_cost, score = score
  )
  if (is.null(likelihood)) not_this("likelihood", "a function", likelihood)
  for (name in setdiff(names(functions), "domain")) as_function(functions[[name]], name)
  if (!is.null(domain) && !is.function(domain) && !is.numeric(domain)) not_this("domain", "a function, or outcomes", domain)
  if (!is.character(parameters) || !length(parameters) || anyNA(parameters)) not_this("parameters", "names", parameters)
  kinds <- kinds_of_fields(fields)
  outcome <- match.arg(outcome)
  width <- as_count(width, "width", 1)
  if (is.numeric(domain)) storage.mode(domain) <- "double"
  shape <- list(
    as.character(parameters), names(kinds), c(number_kinds[[outcome]], width, as_flag(log, "log")), unname(kinds)
  )
  structure(list(functions = functions, shape = shape), class = "catena_likelihood")
}

# The library's numbers of the kinds, by the names of the fields.
kinds_of_fields <- function(fields) {
  if (!is.character(fields) || anyNA(fields)) not_this("fields", "names, or kinds with names", fields)
  kinds <- if (is.null(names(fields))) stats::setNames(rep("real", length(fields)), fields) else fields
  if (!all(kinds %in% names(number_kinds))) not_this("fields", 'kinds that are "real" or "integer"', fields)
  stats::setNames(number_kinds[kinds], names(kinds))
}

print.catena_likelihood <- function(x, ...) {
  shape <- x$shape
  fields <- if (length(shape[[2L]])) toString(paste0(shape[[2L]], " (", names(number_kinds)[shape[[4L]] + 1L], ")")) else "none"
  cat(sprintf("Likelihood of %s outcomes", names(number_kinds)[shape[[3L]][[1L]] + 1L]))
  cat(sprintf("; parameters: %s; fields of an experiment: %s\n", toString(shape[[1L]]), fields))
  invisible(x)
}

# A prior is a list of independent parts, each of a kind (0: uniform, 1: normal, 2: draws), its number of parameters, and what C
# code makes it of.
new_prior <- function(parts) structure(list(parts = parts), class = "catena_prior")

prior_uniform <- function(low = 0, high = 1) {
  if (!is.numeric(low) || !length(low)) not_this("low", "numbers", low)
  if (!is.numeric(high) || length(high) != length(low)) not_this("high", sprintf("%d numbers", length(low)), high)
  new_prior(list(list(0L, length(low), as.double(low), as.double(high))))
}

prior_normal <- function(mean = 0, covariance = diag(length(mean))) {
  if (!is.numeric(mean) || !length(mean)) not_this("mean", "numbers", mean)
  if (!is.numeric(covariance) || length(covariance) != length(mean)^2) {
    not_this("covariance", sprintf("a matrix of %d rows and columns", length(mean)), covariance)
  }
  new_prior(list(list(1L, length(mean), as.double(mean), as.double(covariance))))
}

prior_draws <- function(draws, parameters = NULL) {
  draws <- as.matrix(draws)
  if (!is.null(parameters)) {
    if (!all(parameters %in% colnames(draws))) not_this("parameters", paste("some of", toString(colnames(draws))), parameters)
    draws <- draws[, parameters, drop = FALSE]
  }
  if (!is.numeric(draws) || !length(draws)) not_this("draws", "a matrix of a row per draw", draws)
  new_prior(list(list(2L, ncol(draws), as.double(draws), numeric())))
}

prior_product <- function(...) {
  parts <- list(...)
  if (!length(parts)) not_this("...", "priors", NULL)
  for (part in parts) as_prior(part, "...")
  new_prior(do.call(c, lapply(parts, `[[`, "parts")))
}

as_prior <- function(prior, argument = "prior") {
  if (!inherits(prior, "catena_prior")) not_this(argument, "what prior_uniform() or its like returned", prior)
  prior
}

print.catena_prior <- function(x, ...) {
  words <- vapply(x$parts, function(part) {
    sprintf("%s of %d", c("uniform", "normal", "draws")[part[[1L]] + 1L], as.integer(part[[2L]]))
  }, "")
  cat(sprintf("Prior: %s parameters\n", paste(words, collapse = ", ")))
  invisible(x)
}

cos_squared <- function(x) {
  if (!is.numeric(x)) not_this("x", "numbers", x)
  value <- x
  value[] <- .Call(C_cos_squared, as.double(x))
  value
}
