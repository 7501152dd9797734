# The choice of the next experiment.

# Numbers of the library's catena_design_kind and catena_criterion.
design_kinds <- c(guess = 0L, sparse = 1L, best = 2L)
criteria <- c(gain = 0L, risk = 1L)

# How many outcomes to simulate; 0 is the library's default.
samples_of <- function(samples) if (is.null(samples)) 0 else as_count(samples, "samples", 1)

new_design <- function(...) structure(list(...), class = "catena_design")

design_guess <- function(time, scale = 1, longest = NULL, guessed = character(), fields = NULL) {
  if (!is.character(guessed) || length(guessed) && is.null(names(guessed))) {
    not_this("guessed", "names of parameters, with those of fields", guessed)
  }
  new_design(kind = "guess", time = time, scale = as_number(scale, "scale"), longest = longest, guessed = guessed, fields = fields)
}

design_sparse <- function(time, scale = 1, fields = NULL) {
  new_design(kind = "sparse", time = time, scale = as_number(scale, "scale"), fields = fields)
}

design_best <- function(candidates, criterion = c("gain", "risk"), samples = NULL) {
  new_design(kind = "best", candidates = candidates, criterion = match.arg(criterion), samples = samples_of(samples))
}

sparse_time <- function(k, scale = 1) scale * (9 / 8)^(k - 1)

place_of_field <- function(u, field, argument) {
  place <- match(field, as_updater(u)$fields)
  if (length(field) != 1L || is.na(place)) not_this(argument, paste("one of", toString(u$fields)), field)
  place - 1
}

updater_design <- function(u, design, k = 1) {
  if (!inherits(design, "catena_design")) not_this("design", "what design_guess() or its like returned", design)
  time <- if (is.null(design$time)) 0 else place_of_field(u, design$time, "time")
  guessed <- design$guessed
  places <- vapply(names(guessed), function(field) place_of_field(u, field, "guessed"), 0)
  parameters <- vapply(guessed, function(parameter) place_of_parameter(u, parameter, "guessed"), 0)
  fields <- if (is.null(design$fields)) numeric() else one_row(experiments_of(u, design$fields, "fields"), "fields")
  candidates <- if (is.null(design$candidates)) list(n = 0, values = numeric()) else experiments_of(u, design$candidates, "candidates")
  criterion <- if (is.null(design$criterion)) "gain" else design$criterion
  numbers <- c(
    design_kinds[[design$kind]], criteria[[criterion]], time, if (is.null(design$scale)) 1 else design$scale,
    if (is.null(design$longest)) 0 else as_number(design$longest, "longest"),
    if (is.null(design$samples)) 0 else design$samples, candidates$n
  )
  arguments <- lapply(list(numbers, places, parameters, fields, candidates$values), as.double)
  values <- learning(u, function() {
    .Call(C_updater_do, u$pointer, "design", list(as_count(k, "k", 1) - 1, arguments))
  })
  as.data.frame(as.list(stats::setNames(values, u$fields)), optional = TRUE)
}

updater_worth <- function(u, experiments, scales = NULL, samples = NULL) {
  experiments <- experiments_of(u, experiments)
  d <- length(u$parameters)
  if (!is.null(scales) && (!is.numeric(scales) || length(scales) != d)) not_this("scales", sprintf("%d numbers", d), scales)
  if (!length(u$fields)) not_this("experiments", "experiments with fields", experiments)
  values <- teach(u, "worth", experiments$values, experiments$n, scales, samples_of(samples))
  data.frame(gain = values[seq_len(experiments$n)], risk = values[-seq_len(experiments$n)])
}

updater_optimize <- function(u, experiment, moves, low = NULL, high = NULL, criterion = c("gain", "risk"), samples = NULL,
                             max_evaluations = 500) {
  start <- one_row(experiments_of(u, experiment, "experiment"), "experiment")
  if (!is.numeric(moves) || !length(moves) || is.null(names(moves))) not_this("moves", "numbers with names of fields", moves)
  fields <- vapply(names(moves), function(field) place_of_field(u, field, "moves"), 0)
  for (bound in c("low", "high")) {
    values <- get(bound)
    if (!is.null(values) && (!is.numeric(values) || length(values) != length(moves))) {
      not_this(bound, sprintf("%d numbers", length(moves)), values)
    }
  }
  counts <- c(samples_of(samples), as_count(max_evaluations, "max_evaluations", 1))
  found <- teach(u, "optimize", criteria[[match.arg(criterion)]], fields, moves, low, high, counts, start)
  at <- as.data.frame(as.list(stats::setNames(found[-length(found)], u$fields)), optional = TRUE)
  list(experiment = at, value = found[[length(found)]])
}

updater_learn <- function(u, design, steps, measure) {
  if (!is.function(measure)) not_this("measure", "a function", measure)
  for (k in seq_len(as_count(steps, "steps"))) {
    experiment <- updater_design(u, design, k)
    outcome <- measure(experiment, k)
    if (is.null(outcome)) break
    updater_update(u, outcome, experiment)
  }
  invisible(u)
}
