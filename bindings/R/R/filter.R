# Particle filters over functions of whole matrices.

# Numbers of the library's catena_filter_kind.
filter_kinds <- c(bootstrap = 0L, guided = 1L, auxiliary = 2L)

catena_filter <- function(initial, transition, log_weight, n_times, n_sets = 1, n_particles = 1000, seed = NULL,
                          kind = c("bootstrap", "guided", "auxiliary"),
                          scheme = c("systematic", "multinomial", "stratified", "residual", "ssp"), ess_below = 0.5,
                          propose = NULL, proposal_log_weight = NULL, auxiliary_log_weight = NULL,
                          transition_log_density = NULL, transition_log_density_bound = NULL, n_trajectories = 0,
                          moments = TRUE, history = FALSE, init_set_id = 1, names = NULL, retained = NULL) {
  functions <- list(
    initial = initial, transition = transition, log_weight = with_previous(log_weight, "log_weight"), propose = propose,
    proposal_log_weight = with_previous(proposal_log_weight, "proposal_log_weight"),
    auxiliary_log_weight = auxiliary_log_weight, transition_log_density = transition_log_density
  )
  for (name in names(functions)) as_function(functions[[name]], name)
  for (name in c("initial", "transition", "log_weight")) if (is.null(functions[[name]])) not_this(name, "a function", NULL)
  kind <- match.arg(kind)
  scheme <- match.arg(scheme)
  n_times <- as_count(n_times, "n_times", 1)
  n_sets <- as_count(n_sets, "n_sets", 1)
  n_particles <- as_count(n_particles, "n_particles", 1)
  n_trajectories <- as_count(n_trajectories, "n_trajectories")
  if (!is.null(transition_log_density_bound)) as_number(transition_log_density_bound, "transition_log_density_bound")
  seed <- if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else as_count(seed, "seed")
  # How many numbers a state has is seen from one.
  start <- first_state(initial)
  dimension <- length(start)
  if (is.null(names)) names <- if (is.matrix(start)) colnames(start)
  if (is.null(names)) names <- paste0("x[", seq_len(dimension), "]")
  if (length(names) != dimension) not_this("names", sprintf("%d names", dimension), names)
  numbers <- as.double(c(
    dimension, n_times, n_sets, n_particles, seed, as_count(init_set_id, "init_set_id", 1), filter_kinds[[kind]],
    resamplings[[scheme]], as_number(ess_below, "ess_below"), n_trajectories, as_flag(moments, "moments"),
    as_flag(history, "history") || n_trajectories > 0 || !is.null(retained)
  ))
  history <- history || n_trajectories > 0 || !is.null(retained)
  if (!is.null(retained)) {
    retained <- matrix(as.double(as.matrix(retained)), ncol = dimension)
    if (nrow(retained) != n_times) not_this("retained", sprintf("a matrix of %.0f rows and %d columns", n_times, dimension), retained)
    retained <- t(retained)
  }
  state <- new.env(parent = emptyenv())
  state$functions <- functions
  lost <- NULL
  handle <- guarded(
    state, function() .Call(C_filter_run, state, numbers, transition_log_density_bound, retained),
    failed = function(failure, value) if (is.null(value)) library_error(failure, state$condition) else lost <<- failure
  )
  filter <- new_filter(handle, n_sets, n_times, dimension, names, n_trajectories, moments, history)
  filter$seed <- seed
  if (!is.null(lost)) warning(from_one(lost$message), call. = FALSE)
  filter
}

# Functions of states and time may leave out the states before.
with_previous <- function(f, argument) {
  if (!is.function(f)) return(as_function(f, argument))
  takes <- formals(args(f))
  if (length(takes) >= 3L || "..." %in% names(takes)) f else function(x, t, previous) f(x, t)
}

first_state <- function(initial) {
  if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) set.seed(NULL)
  before <- get(".Random.seed", envir = globalenv())
  on.exit(assign(".Random.seed", before, envir = globalenv()))
  start <- initial(1L)
  if (!is.numeric(start) || !length(start)) not_this("initial", "a function of n that returns a matrix of n rows", start)
  start
}

new_filter <- function(handle, n_sets, n_times, dimension, names, n_trajectories, moments, history) {
  read <- function(what, set = 0, at = 0) .Call(C_filter_read, handle, what, set, at)
  places <- seq_len(n_sets) - 1
  sets <- as.data.frame(do.call(rbind, lapply(places, read, what = "set")))
  names(sets) <- c("set", "status", "times", "log_evidence")
  sets <- data.frame(set = sets$set, lost = sets$status != status_ok, times = sets$times, log_evidence = sets$log_evidence)
  ids <- format_id(sets$set)
  # Sets that were lost end early.
  over_times <- function(what) {
    values <- matrix(NA_real_, n_times, n_sets, dimnames = list(time = NULL, set = ids))
    for (i in places) values[seq_len(sets$times[[i + 1]]), i + 1] <- read(what, i)
    values
  }
  of_states <- function(what) {
    values <- array(NA_real_, c(n_times, n_sets, dimension), list(time = NULL, set = ids, variable = names))
    for (i in places) values[seq_len(sets$times[[i + 1]]), i + 1, ] <- t(read(what, i))
    values
  }
  evidence <- read("evidence")
  filter <- list(
    log_evidence = evidence[[1]], standard_error = evidence[[2]], sets = sets, log_evidences = over_times("log_evidences"),
    ess = over_times("ess")
  )
  if (moments) {
    filter$means <- of_states("means")
    filter$variances <- of_states("variances")
  }
  if (n_trajectories > 0) {
    values <- array(NA_real_, c(n_trajectories, n_times, n_sets, dimension), list(NULL, time = NULL, set = ids, variable = names))
    for (i in places[!sets$lost]) values[, , i + 1, ] <- aperm(read("trajectories", i), c(1, 3, 2))
    filter$trajectories <- values
  }
  if (history) filter$survivors <- over_times("survivors")
  filter$pointer <- handle
  structure(filter, class = "catena_filter")
}

as_filter <- function(filter) {
  if (!inherits(filter, "catena_filter")) not_this("filter", "what catena_filter() returned", filter)
  filter
}

# Where the set of an id stands, from 0.
place_of_set <- function(filter, set) {
  place <- match(set, as_filter(filter)$sets$set)
  if (length(set) != 1L || is.na(place)) not_this("set", paste("one of", toString(filter$sets$set)), set)
  place - 1
}

filter_particles <- function(filter, set = 1, time = NULL) {
  place <- place_of_set(filter, set)
  if (is.null(time)) time <- filter$sets$times[[place + 1]]
  .Call(C_filter_read, filter$pointer, "particles", place, as_count(time, "time", 1) - 1)
}

filter_lineage <- function(filter, particle = NULL, set = 1) {
  place <- place_of_set(filter, set)
  # One drawn by its weight.
  if (is.null(particle)) particle <- .Call(C_filter_read, filter$pointer, "drawn", place, 0)
  t(.Call(C_filter_read, filter$pointer, "lineage", place, as_count(particle, "particle", 1) - 1))
}

print.catena_filter <- function(x, ...) {
  cat(sprintf("Particle filter over %d times, seed %s\n", nrow(x$ess), format_id(x$seed)))
  cat(sprintf("log evidence: estimate %.6g, standard error %.3g\n", x$log_evidence, x$standard_error))
  print(utils::head(x$sets, 10L), row.names = FALSE, ...)
  if (nrow(x$sets) > 10L) cat(sprintf("and %d more\n", nrow(x$sets) - 10L))
  invisible(x)
}
