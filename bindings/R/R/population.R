# Populations: independent sets of weighted traces, which are R objects.

# Numbers of the library's catena_resampling and catena_which.
resamplings <- c(multinomial = 0L, stratified = 1L, systematic = 2L, residual = 3L, ssp = 4L)
whiches <- c(distinguished = 0L, sets = 1L, all = 2L)
# Of its catena_spread.
spreads <- c(sets = 0L, traces = 1L)

catena_population <- function(create, apply = NULL, copy = NULL, incorporate = NULL, reset_to_prior = NULL, weigh = NULL,
                              report = NULL, sample = NULL, diversify = NULL, fingerprint = NULL, serialize = NULL,
                              deserialize = NULL, n_sets = 1, n_particles = 1, seed = NULL, init_set_id = 1,
                              on_trace_failure = c("keep", "lose"), genealogy = FALSE, progress = NULL,
                              spread = c("sets", "traces"), ...) {
  functions <- list(
    create = create, apply = apply, copy = copy, incorporate = incorporate, reset_to_prior = reset_to_prior, weigh = weigh,
    report = report, sample = sample, diversify = diversify, fingerprint = fingerprint, serialize = serialize,
    deserialize = deserialize
  )
  n_sets <- as_count(n_sets, "n_sets", 1)
  n_particles <- as_count(n_particles, "n_particles", 1)
  settings <- list(
    seed = as.double(if (is.null(seed)) sample.int(.Machine$integer.max, 1L) else as_count(seed, "seed")),
    init_set_id = as_count(init_set_id, "init_set_id", 1), on_trace_failure = match.arg(on_trace_failure),
    genealogy = as_flag(genealogy, "genealogy")
  )
  settings <- c(settings, more_options(list(...), "population", names(formals(catena_population))))
  p <- new_population(functions, settings, progress = progress, spread = match.arg(spread))
  if (n_sets != 1 || n_particles != 1) population_reinitialize(p, n_sets, n_particles)
  p
}

new_population <- function(functions, settings, saved = NULL, progress = NULL, spread = "sets") {
  given <- !vapply(functions, is.null, NA)
  for (name in names(functions)[given]) as_function(functions[[name]], name)
  if (!given[["create"]]) not_this("create", "a function", NULL)
  if (given[["serialize"]] != given[["deserialize"]]) stop("'serialize' and 'deserialize' go together", call. = FALSE)
  if (!given[["serialize"]]) {
    functions$serialize <- function(trace) base::serialize(trace, NULL)
    functions$deserialize <- base::unserialize
  }
  p <- new.env(parent = emptyenv())
  p$functions <- functions
  # What was applied, so that it can be done to further sets.
  p$operations <- saved$operations
  p$settings <- settings
  p$spread <- spreads[[spread]]
  # What fails in there ends the verb, and is raised when the library has returned.
  p$progress <- if (!is.null(as_function(progress, "progress"))) function(done, total) {
    tryCatch(progress(done, total), error = function(e) stop(p$told <- e))
  }
  class(p) <- "catena_population"
  p$pointer <- guarded(p, function() .Call(C_population_new, p, settings, option_of(names(settings)), saved$bytes))
  p
}

as_population <- function(p) {
  if (!inherits(p, "catena_population")) not_this("p", "a population made by catena_population()", p)
  p
}

# Traces, particles and times in the library's words are counted from 0.
from_one <- function(text) {
  text <- one_more(text, "^(set [0-9]+, )?(trace|particle) [0-9]+(?=: )")
  one_more(text, "^set [^;]*\\bat time [0-9]+")
}

# The number that ends what the pattern finds, and one.
one_more <- function(text, pattern) {
  found <- regexpr(pattern, text, perl = TRUE)
  words <- regmatches(text, found)
  number <- as.numeric(sub("^.*?([0-9]+)$", "\\1", words, perl = TRUE))
  regmatches(text, found) <- sprintf("%s%.0f", sub("[0-9]+$", "", words), number + 1)
  text
}

# Calls `act`, which calls the library, and raises what went wrong. R errors in functions of the population are the parents
# of its conditions. `failed` raises what the library reports; `words` puts its words into R's terms.
guarded <- function(p, act, failed = function(failure, value) library_error(failure, if (!is.na(failure$particle)) p$condition),
                    words = from_one) {
  # The generator's state is put back by the library's caller, so that there must be one.
  if (!exists(".Random.seed", envir = globalenv(), inherits = FALSE)) set.seed(NULL)
  p$message <- p$condition <- p$told <- NULL
  on.exit(p$condition <- p$message <- p$told <- NULL)
  noted <- function(e) {
    p$condition <- e
    p$message <- enc2utf8(paste(conditionMessage(e), collapse = "\n"))
  }
  call <- function() tryCatch(withCallingHandlers(act(), error = noted), error = function(e) stop(e))
  # An operation in place cannot be left half way.
  result <- if (identical(p$settings$on_trace_failure, "lose")) suspendInterrupts(call()) else call()
  lines <- words(result$log$line)
  if (length(lines)) {
    more <- length(lines) - 5L
    if (more > 0L) lines <- c(lines[1:5], sprintf("and %d more", more))
    warning(paste(lines, collapse = "\n"), call. = FALSE)
  }
  if (!is.null(p$told)) stop(p$told)
  if (!is.null(result$failure)) failed(result$failure, result$value)
  result$value
}

library_error <- function(failure, parent, words = from_one) {
  class <- c("catena_error", "error", "condition")
  stop(structure(
    class = class,
    list(
      message = words(failure$message), call = NULL, set = failure$set, particle = failure$particle, argument = failure$argument,
      status = failure$status, parent = parent
    )
  ))
}

perform <- function(p, verb, ...) {
  as_population(p)
  arguments <- lapply(list(...), as.double)
  guarded(p, function() .Call(C_population_do, p$pointer, verb, arguments))
}

ask <- function(p, what, ...) .Call(C_population_read, as_population(p)$pointer, what, as.double(c(..., 0)))

# A function of a trace alone from what a verb was given: a function, or something that the population's own function
# `member` takes as its second argument.
bound <- function(p, member, f, ...) {
  as_population(p)
  list(...)
  if (!is.function(f)) {
    own <- p$functions[[member]]
    if (is.null(own)) not_this("f", sprintf("a function, for the population has no function '%s'", member), f)
    return(one_trace(own, f, ...))
  }
  if (...length()) one_trace(f, ...) else f
}

one_trace <- function(f, ...) {
  # The arguments are what they are now.
  force(f)
  list(...)
  function(trace) f(trace, ...)
}

# Calls `act` with the number of an operation, which is remembered if it goes well.
with_operation <- function(p, f, act, keep = TRUE) {
  operations <- p$operations
  same <- NULL
  for (i in rev(seq_along(operations))[seq_len(min(8L, length(operations)))]) if (identical(operations[[i]], f)) same <- i
  if (is.null(same)) p$operations <- c(operations, list(f))
  done <- FALSE
  on.exit(if (!done || !keep) p$operations <- operations)
  result <- act(if (is.null(same)) length(p$operations) else same)
  done <- TRUE
  result
}

population_reinitialize <- function(p, n_sets, n_particles, seed = NULL) {
  n_sets <- as_count(n_sets, "n_sets", 1)
  n_particles <- as_count(n_particles, "n_particles", 1)
  if (!is.null(seed)) perform(p, "seed", as_count(seed, "seed"))
  perform(p, "reinitialize", n_sets, n_particles)
  p$operations <- NULL
  invisible(p)
}

population_grow <- function(p, k = 1) invisible(perform(p, "grow", as_count(k, "k", 1)))

population_drop <- function(p, k = NULL, ids = NULL) {
  if (is.null(k) == is.null(ids)) stop("expected one of 'k' and 'ids'", call. = FALSE)
  if (is.null(ids)) {
    perform(p, "drop", as_count(k, "k", 1))
  } else {
    perform(p, "drop_ids", vapply(ids, as_count, 0, argument = "ids", from = 1))
  }
  invisible(p)
}

population_forget <- function(p) {
  perform(p, "forget")
  p$operations <- NULL
  invisible(p)
}

population_apply <- function(p, f, ...) {
  with_operation(p, bound(p, "apply", f, ...), function(number) perform(p, "apply", number))
  invisible(p)
}

population_on_trace <- function(p, set, trace, f, ...) {
  set <- as_count(set, "set", 1)
  trace <- as_count(trace, "trace", 1)
  # On other processes it is not there.
  if (is.null(as_population(p)$settings$communicator)) population_trace(p, set, trace)
  f <- bound(p, "apply", f, ...)
  with_operation(p, f, function(number) perform(p, "on_trace", set, trace, number), keep = FALSE)
}

population_incorporate <- function(p) {
  needed(p, "incorporate")
  perform(p, "incorporate")
  invisible(p)
}

population_likelihood_weight <- function(p) {
  needed(p, "weigh")
  perform(p, "likelihood_weight")
  invisible(p)
}

needed <- function(p, name) {
  if (is.null(as_population(p)$functions[[name]])) stop(sprintf("the population has no function '%s'", name), call. = FALSE)
}

as_scheme <- function(scheme) resamplings[[match.arg(scheme, names(resamplings))]]

population_resample <- function(p, n = NULL, scheme = c("systematic", "multinomial", "stratified", "residual", "ssp"),
                                ess_below = Inf) {
  n <- if (is.null(n)) 0 else as_count(n, "n", 1)
  perform(p, "resample", n, as_scheme(match.arg(scheme)), as_number(ess_below, "ess_below"))
  invisible(p)
}

population_block_resample <- function(p, counts, scheme = c("systematic", "multinomial", "stratified", "residual", "ssp"),
                                      ess_below = Inf) {
  counts <- vapply(counts, as_count, 0, argument = "counts", from = 1)
  perform(p, "block_resample", counts, as_scheme(match.arg(scheme)), as_number(ess_below, "ess_below"))
  invisible(p)
}

population_reset <- function(p, n = NULL, scheme = c("systematic", "multinomial", "stratified", "residual", "ssp")) {
  perform(p, "reset", if (is.null(n)) 0 else as_count(n, "n", 1), as_scheme(match.arg(scheme)))
  invisible(p)
}

population_diversify <- function(p, f, ...) {
  with_operation(p, bound(p, "diversify", f, ...), function(number) perform(p, "diversify", number))
  invisible(p)
}

population_collapse <- function(p, f = NULL, ..., map = FALSE) {
  as_population(p)
  as_flag(map, "map")
  if (is.null(f) && is.null(p$functions$fingerprint)) f <- bytes_of
  f <- if (is.null(f)) p$functions$fingerprint else bound(p, "fingerprint", f, ...)
  with_operation(p, f, function(number) perform(p, if (map) "collapse_map" else "collapse", number))
  invisible(p)
}

# Version 2 has one form for a sequence and for its elements one by one.
bytes_of <- function(trace) base::serialize(trace, NULL, version = 2)

# Values of the traces asked, by functions that return what they like.
values_of <- function(p, verb, f, which) {
  number <- whiches[[which]]
  sets <- ask(p, "sets")
  traces <- switch(which, distinguished = 1, sets = length(sets$set), all = sum(sets$traces))
  p$asked <- f
  p$results <- vector("list", traces)
  on.exit(p$results <- p$asked <- NULL)
  places <- perform(p, verb, number, traces)
  values <- rep(list(NA_real_), traces)
  there <- !is.nan(places)
  # All processes' results, each of which has its place in those of one of them.
  results <- list(p$results)
  if (!is.null(p$settings$communicator)) {
    bytes <- .Call(C_population_gather, p$pointer, base::serialize(p$results, NULL, xdr = FALSE))
    results <- lapply(bytes, unserialize)
  }
  at <- places[there] - 1
  values[there] <- Map(function(rank, i) results[[rank]][[i]], at %% length(results) + 1, at %/% length(results) + 1)
  sizes <- lengths(values[there])
  plain <- vapply(values[there], function(value) is.atomic(value) && !is.null(value), NA)
  if (!all(plain) || length(unique(sizes)) > 1L) return(values)
  if (!length(sizes) || sizes[[1L]] == 1L) return(unlist(values, use.names = FALSE))
  columns <- names(values[there][[1L]])
  values[!there] <- list(rep(NA_real_, sizes[[1L]]))
  matrix(unlist(values, use.names = FALSE), nrow = traces, byrow = TRUE, dimnames = if (!is.null(columns)) list(NULL, columns))
}

population_report <- function(p, f = identity, ..., which = c("all", "sets", "distinguished")) {
  values_of(p, "report", bound(p, "report", f, ...), match.arg(which))
}

population_for_each <- function(p, f, ..., report = identity) {
  population_apply(p, f, ...)
  population_report(p, report)
}

population_sample <- function(p, f = identity, ..., which = c("all", "sets", "distinguished")) {
  as_population(p)
  member <- if (is.null(p$functions$sample)) "report" else "sample"
  values_of(p, "sample", bound(p, member, f, ...), match.arg(which))
}

population_trace <- function(p, set, trace) {
  found <- ask(p, "trace", as_count(set, "set", 1), as_count(trace, "trace", 1))
  if (!length(found)) stop(sprintf("set %.0f has no trace %.0f, or it was lost", set, trace), call. = FALSE)
  found[[1L]]
}

population_counts <- function(p) stats::setNames(ask(p, "counts"), c("operations", "copies"))

population_sets <- function(p) as.data.frame(ask(p, "sets"))

population_weights <- function(p, type = c("log", "normalized", "pooled")) {
  type <- match.arg(type)
  sets <- ask(p, "sets")
  if (type == "pooled") {
    weights <- ask(p, "pooled_weights", sum(sets$traces))
    weights <- unname(split(weights, rep(factor(seq_along(sets$set)), sets$traces)))
  } else {
    weights <- lapply(sets$set, function(id) ask(p, "weights", id, type == "normalized"))
  }
  stats::setNames(weights, format_id(sets$set))
}

population_set_weights <- function(p, set, log_weights) {
  if (!is.numeric(log_weights)) not_this("log_weights", "numbers", log_weights)
  perform(p, "set_weights", log_weights, as_count(set, "set", 1))
  invisible(p)
}

population_log_evidence <- function(p) {
  sets <- ask(p, "sets")
  both <- ask(p, "evidence")
  list(
    estimate = both[[1L]], standard_error = both[[2L]], sets = stats::setNames(sets$log_evidence, format_id(sets$set))
  )
}

population_ess <- function(p) {
  sets <- ask(p, "sets")
  stats::setNames(sets$ess, format_id(sets$set))
}

population_genealogy <- function(p, set = 1, generation = 0) {
  set <- as_count(set, "set", 1)
  list(
    distinct_ancestors = ask(p, "distinct_ancestors", set),
    ancestors = ask(p, "ancestors", set, as_count(generation, "generation")), coalescence = ask(p, "coalescence", set)
  )
}

population_save <- function(p, file = NULL) {
  bytes <- perform(p, "save")
  saved <- structure(
    list(bytes = bytes, operations = p$operations, functions = p$functions, settings = p$settings[names(p$settings) != "communicator"]),
    class = "catena_saved_population"
  )
  if (is.null(file)) return(saved)
  saveRDS(saved, file)
  invisible(saved)
}

population_load <- function(saved, ..., progress = NULL, communicator = NULL, spread = c("sets", "traces")) {
  if (is.character(saved) && length(saved) == 1L) saved <- readRDS(saved)
  if (!inherits(saved, "catena_saved_population")) not_this("saved", "what population_save() gave, or its file", saved)
  others <- list(...)
  unknown <- setdiff(names(others), names(saved$functions))
  if (length(others) && (is.null(names(others)) || length(unknown))) {
    not_this("...", paste("functions of catena_population():", toString(names(saved$functions))), names(others))
  }
  ranks <- if (!is.null(communicator)) more_options(list(communicator = communicator))
  functions <- utils::modifyList(saved$functions, others)
  new_population(functions, c(saved$settings, ranks), saved, progress, match.arg(spread))
}

print.catena_population <- function(x, ...) {
  sets <- population_sets(x)
  counts <- population_counts(x)
  evidence <- population_log_evidence(x)
  cat(sprintf("%d sets of traces, %.0f operations done, %.0f copies made\n", nrow(sets), counts[[1L]], counts[[2L]]))
  cat(sprintf("log evidence: estimate %.6g, standard error %.3g\n", evidence$estimate, evidence$standard_error))
  print(utils::head(sets, 10L), row.names = FALSE, ...)
  if (nrow(sets) > 10L) cat(sprintf("and %d more\n", nrow(sets) - 10L))
  invisible(x)
}
