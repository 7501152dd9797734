# Options of a run: arguments of catena_sample() to the library's options, by name.

# Arguments that call an option by another name.
renamed <- c(
  chains = "num_chains", first_chain_id = "init_chain_id", iter_warmup = "num_warmup", iter_sampling = "num_samples",
  init = "init_radius", step_size = "stepsize", step_size_jitter = "stepsize_jitter", max_treedepth = "max_depth",
  adapt_engaged = "adapt", adapt_delta = "delta", threads = "num_threads"
)

option_of <- function(arguments) ifelse(arguments %in% names(renamed), renamed[arguments], arguments)

argument_of <- function(options) ifelse(options %in% renamed, names(renamed)[match(options, renamed)], options)

catena_options <- function() {
  table <- as.data.frame(.Call(C_options))
  cbind(argument = argument_of(table$option), table)
}

# Names of the options that one of the services takes.
options_of <- function(services) {
  table <- .Call(C_options)
  table$option[vapply(strsplit(table$services, ", ", fixed = TRUE), function(taken_by) any(taken_by %in% services), NA)]
}

# The options among `...`, with their names and values looked at; which values they take is the library's business. `own` are
# the arguments of the function that was called.
more_options <- function(given, services = names(engines), own = names(formals(catena_sample))) {
  if (!length(given)) return(list())
  arguments <- names(given)
  if (is.null(arguments) || any(!nzchar(arguments))) stop("'...': expected options by name, got one without", call. = FALSE)
  known <- options_of(services)
  for (argument in arguments) {
    if (argument == "communicator") {
      # The processes that the call is spread over; not an option of the library's.
      value <- given[[argument]]
      if (!is.character(value) || length(value) != 1L || is.na(value)) not_this(argument, '"mpi" or the path of a library', value)
      next
    }
    option <- option_of(argument)
    if (argument %in% renamed && argument %in% known) {
      stop(sprintf("'%s' is called '%s' here", argument, argument_of(argument)), call. = FALSE)
    }
    if (!option %in% known) unknown_option(argument, union(own, argument_of(known)))
    if (sum(arguments == argument) > 1L) stop(sprintf("'%s': given twice", argument), call. = FALSE)
    value <- given[[argument]]
    if (!is.character(value)) as_number(value, argument, "a number, TRUE or FALSE, or a name")
    else if (!length(value) || anyNA(value)) not_this(argument, "a number, TRUE or FALSE, or a name", value)
    else given[[argument]] <- paste(value, collapse = ",")
  }
  given
}

# Gradients that were written by hand are looked at where chains begin, unless the call says otherwise.
looked_at <- function(given, model) {
  if (model$kind == by_hand && is.null(given$check_gradient)) given$check_gradient <- TRUE
  given
}

# The one of the names in `known` that `name` was likely meant to be; NULL where none is near.
near_name <- function(name, known) {
  if (!length(known)) return(NULL)
  distance <- drop(utils::adist(name, known))
  if (3 * min(distance) <= nchar(name) + 2) known[[which.min(distance)]]
}

unknown_option <- function(name, known) {
  table <- .Call(C_options)
  taken_by <- table$services[table$option == option_of(name)]
  if (length(taken_by)) stop(sprintf("'%s': not an option here; it is one of %s", name, taken_by), call. = FALSE)
  known <- setdiff(known, c("model", "..."))
  near <- near_name(name, known)
  instead <- if (!is.null(near)) sprintf("did you mean '%s'?", near) else paste("there are", toString(sort(known)))
  stop(sprintf("'%s': not an option; %s", name, instead), call. = FALSE)
}
