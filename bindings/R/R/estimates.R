# What an updater holds and estimates.

updater_sets <- function(u) as.data.frame(look(u, "sets"))

# The id of a set that is there: by default the first.
one_set <- function(u, set) {
  ids <- updater_sets(u)$set
  if (is.null(set)) return(ids[[1L]])
  if (!is.numeric(set) || length(set) != 1L || !set %in% ids) not_this("set", paste("one of", toString(ids)), set)
  set
}

# The same, or all of them.
these_sets <- function(u, set) if (is.null(set)) updater_sets(u)$set else one_set(u, set)

# Where a parameter stands, from 0.
place_of_parameter <- function(u, parameter, argument = "parameter") {
  place <- match(parameter, as_updater(u)$parameters)
  if (length(parameter) != 1L || is.na(place)) not_this(argument, paste("one of", toString(u$parameters)), parameter)
  place - 1
}

as_level <- function(level) {
  level <- as_number(level, "level")
  if (!(level > 0 && level <= 1)) not_this("level", "a number above 0, at most 1", level)
  level
}

updater_models <- function(u, set = NULL) {
  models <- look(u, "models", one_set(u, set))
  colnames(models) <- u$parameters
  models
}

updater_weights <- function(u, set = NULL, type = c("normalized", "log")) {
  look(u, if (match.arg(type) == "log") "log_weights" else "weights", one_set(u, set))
}

updater_records <- function(u) {
  values <- look(u, "records")
  outcomes <- if (u$width > 1) paste0("outcome.", seq_len(u$width)) else "outcome"
  colnames(values) <- c(outcomes, u$fields)
  as.data.frame(values)
}

updater_log_likelihood <- function(u) {
  sets <- updater_sets(u)
  both <- look(u, "log_likelihood")
  steps <- vapply(sets$set, function(id) look(u, "log_normalizations", id), numeric(nrow(look(u, "records"))))
  steps <- matrix(steps, ncol = nrow(sets), dimnames = list(datum = NULL, set = format_id(sets$set)))
  list(
    estimate = both[[1L]], standard_error = both[[2L]], sets = stats::setNames(sets$log_likelihood, format_id(sets$set)),
    steps = steps
  )
}

updater_divergences <- function(u, set = NULL) look(u, "divergences", one_set(u, set))

updater_mean <- function(u, f = NULL, set = NULL) {
  as_function(f, "f")
  if (is.null(f)) {
    if (!is.null(set)) return(stats::setNames(look(u, "set_mean", one_set(u, set)), u$parameters))
    both <- look(u, "means")
    return(data.frame(mean = both[, 1L], standard_error = both[, 2L], row.names = u$parameters))
  }
  of_sets <- lapply(these_sets(u, set), function(id) {
    values <- f(updater_models(u, id))
    weights <- updater_weights(u, id)
    if (!is.numeric(values) && !is.logical(values) || NROW(values) != length(weights)) {
      not_this("f", sprintf("a function that returns a number, or a row of them, for each of %d models", length(weights)), values)
    }
    values <- as.matrix(values)
    stats::setNames(colSums(weights * values), colnames(values))
  })
  of_sets <- do.call(rbind, of_sets)
  if (!is.null(set)) return(of_sets[1L, ])
  data.frame(mean = colMeans(of_sets), standard_error = apply(of_sets, 2L, stats::sd) / sqrt(nrow(of_sets)))
}

updater_covariance <- function(u, set = NULL) {
  covariance <- if (is.null(set)) look(u, "covariance") else look(u, "set_covariance", one_set(u, set))
  dimnames(covariance) <- list(u$parameters, u$parameters)
  covariance
}

summary.catena_updater <- function(object, ...) {
  means <- updater_mean(object)
  data.frame(
    parameter = object$parameters, mean = means$mean, sd = sqrt(diag(updater_covariance(object))),
    standard_error = means$standard_error, row.names = NULL
  )
}

# The mean over sets of what is read of each.
over_sets <- function(u, set, read) {
  ids <- these_sets(u, set)
  Reduce(`+`, lapply(ids, read)) / length(ids)
}

updater_histogram <- function(u, parameter, breaks, set = NULL) {
  place <- place_of_parameter(u, parameter)
  if (!is.numeric(breaks) || length(breaks) < 2L) not_this("breaks", "at least two numbers", breaks)
  over_sets(u, set, function(id) look(u, "histogram", id, place, breaks))
}

updater_density <- function(u, parameter, at, bandwidth = NULL, set = NULL) {
  place <- place_of_parameter(u, parameter)
  if (!is.numeric(at)) not_this("at", "numbers", at)
  bandwidth <- if (is.null(bandwidth)) 0 else as_number(bandwidth, "bandwidth")
  over_sets(u, set, function(id) look(u, "density", id, place, at, bandwidth))
}

updater_region <- function(u, level = 0.95, set = NULL, type = c("densest", "hull", "ellipsoid"), tolerance = 1e-4) {
  set <- one_set(u, set)
  level <- as_level(level)
  switch(match.arg(type),
    densest = updater_models(u, set)[look(u, "densest", set, level), , drop = FALSE],
    hull = {
      corners <- look(u, "hull", set, level)
      colnames(corners) <- u$parameters
      corners
    },
    ellipsoid = {
      found <- look(u, "ellipsoid", set, level, as_number(tolerance, "tolerance"))
      names(found$centre) <- u$parameters
      dimnames(found$shape) <- list(u$parameters, u$parameters)
      found
    }
  )
}

updater_contains <- function(u, points, level = 0.95, set = NULL, type = c("hull", "ellipsoid"), tolerance = 1e-4) {
  points <- models_of(u, points, "points")
  set <- one_set(u, set)
  if (match.arg(type) == "hull") return(look(u, "hull_contains", set, as_level(level), points$values))
  region <- updater_region(u, level, set, "ellipsoid", tolerance)
  away <- matrix(points$values, points$n) - rep(region$centre, each = points$n)
  rowSums(away %*% region$shape * away) <= 1
}

updater_information <- function(u, experiments = NULL, set = NULL) {
  experiments <- experiments_of(u, experiments)
  values <- teach(u, "information", one_set(u, set), experiments$values, experiments$n)
  d <- length(u$parameters)
  array(values, c(d, d, experiments$n), list(u$parameters, u$parameters, NULL))
}

bayesian_bound <- function(prior, information) {
  prior <- as.matrix(prior)
  if (!is.numeric(prior) || nrow(prior) != ncol(prior)) not_this("prior", "a square matrix", prior)
  if (!is.numeric(information) || length(information) %% length(prior) != 0) {
    not_this("information", sprintf("matrices of %d rows and columns", nrow(prior)), information)
  }
  bound <- .Call(C_bayesian_bound, nrow(prior), as.double(c(prior, information)))
  dimnames(bound) <- dimnames(information)[1:2]
  bound
}
