# What became of sets of particles, step by step, and the page about it.

# Numbers of the library's catena_noun.
nouns <- c(step = 0L, stage = 1L, datum = 2L, time = 3L)

catena_course <- function() {
  course <- new.env(parent = emptyenv())
  course$parameters <- character()
  class(course) <- "catena_course"
  course
}

# The library's course, which the first note makes.
opened <- function(course, noun) {
  if (!inherits(course, "catena_course")) not_this("course", "a course made by catena_course()", course)
  if (is.null(course$pointer)) course$pointer <- .Call(C_course_new, nouns[[noun]])
  course$pointer
}

# `steps` has the columns set, way, size, ess, ancestors, log_evidence, acceptance, step_size; those that are missing are not known.
add_steps <- function(pointer, steps) {
  columns <- c("set", "way", "size", "ess", "ancestors", "log_evidence", "acceptance", "step_size")
  known <- function(name) if (is.null(steps[[name]])) rep(NA_real_, length(steps$set)) else as.double(steps[[name]])
  .Call(C_course_add, pointer, matrix(vapply(columns, known, double(length(steps$set))), ncol = length(columns)))
}

course_note <- function(course, what) {
  if (inherits(what, "catena_updater")) {
    pointer <- opened(course, "datum")
    course$parameters <- what$parameters
    .Call(C_course_note_updater, pointer, as_updater(what)$pointer)
  } else if (inherits(what, "catena_population")) {
    pointer <- opened(course, "step")
    sets <- ask(what, "sets")
    # Founders are known where the genealogy is.
    founders <- if (isTRUE(what$settings$genealogy)) vapply(sets$set, function(id) ask(what, "distinct_ancestors", id)[[1L]], 0)
    course$steps <- if (is.null(course$steps)) 1 else course$steps + 1
    add_steps(pointer, list(
      set = sets$set, way = rep(course$steps, length(sets$set)), size = lengths(population_weights(what)), ess = sets$ess,
      ancestors = founders, log_evidence = sets$log_evidence
    ))
  } else if (inherits(what, "catena_filter")) {
    pointer <- opened(course, "time")
    for (i in seq_along(what$sets$set)) {
      n <- what$sets$times[[i]]
      add_steps(pointer, list(
        set = rep(what$sets$set[[i]], n), way = seq_len(n), ess = what$ess[seq_len(n), i],
        log_evidence = what$log_evidences[seq_len(n), i]
      ))
    }
  } else if (inherits(what, "catena_smc")) {
    pointer <- opened(course, "stage")
    size <- dim(what$draws)[[1L]]
    add_steps(pointer, c(as.list(what$stages), list(size = rep(size, nrow(what$stages)))))
    # Row after row, set after set.
    values <- aperm(what$draws, c(3L, 1L, 2L))
    sets <- as.double(what$sets$set)
    .Call(C_course_particles, pointer, as.double(values), sets, rep(as.double(size), length(sets)), enc2utf8(dimnames(what$draws)[[3L]]))
  } else {
    not_this("what", "an updater, a population, or what catena_filter() or catena_sample_smc() returned", what)
  }
  invisible(course)
}

# Writes the page of a course, or of what has one whole.
course_report <- function(course, file, title, truth = NULL) {
  pointer <- opened(course, "step")
  known <- names(truth)
  unknown <- setdiff(known, course$parameters)
  if (!is.null(truth) && (is.null(known) || length(unknown) || !is.numeric(truth)))
    not_this("truth", paste("numbers named by some of", paste(course$parameters, collapse = ", ")), truth)
  values <- if (is.null(truth)) double() else as.double(truth[course$parameters])
  .Call(C_course_report, pointer, enc2utf8(title), values, enc2utf8(path.expand(file)))
}
