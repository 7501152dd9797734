catena_model <- function(x, ...) UseMethod("catena_model")

catena_model.default <- function(x, ...) {
  not_this("x", "an R function, an external pointer or native symbol, or the path of a BridgeStan library", x)
}

# The kind of a model whose functions, gradients among them, are R's.
by_hand <- "R functions"

new_model <- function(pointer, kind, unconstrain = NULL, vectorized = FALSE) {
  about <- .Call(C_model_describe, pointer)
  structure(
    list(
      pointer = pointer, kind = kind, names = names_from_library(about$names), outputs = names_from_library(about$outputs),
      unconstrain = unconstrain, vectorized = vectorized
    ),
    class = "catena_model"
  )
}

# The names of the coordinates from what the user gave of `names` and `dimension`.
coordinate_names <- function(names, dimension) {
  if (is.null(names)) {
    if (is.null(dimension)) stop("give 'names' or 'dimension'", call. = FALSE)
    return(sprintf("x.%d", seq_len(as_count(dimension, "dimension"))))
  }
  if (!is.character(names) || anyNA(names)) not_this("names", "names of the unconstrained coordinates", names)
  if (!is.null(dimension) && as_count(dimension, "dimension") != length(names)) {
    not_this("names", sprintf("%d names", dimension), names)
  }
  names_to_library(names)
}

as_function <- function(value, argument) {
  if (!is.null(value) && !is.function(value)) not_this(argument, "a function or NULL", value)
  value
}

# How C code calls a model's functions, in the order that it knows them.
model_calls <- list(
  log_density_gradient = quote(log_density_gradient(x)), log_density = quote(log_density(x)), gradient = quote(gradient(x)),
  constrain = quote(constrain(x)), log_density_parts = quote(log_density_parts(x)), sample_prior = quote(sample_prior()),
  log_density_data = quote(log_density_data(x, count))
)

catena_model.function <- function(x, gradient = NULL, dimension = NULL, names = NULL, vectorized = FALSE, constrain = NULL,
                                  outputs = NULL, unconstrain = NULL, log_density_parts = NULL, sample_prior = NULL,
                                  log_density_data = NULL, data_count = 0, ...) {
  no_more(...)
  names <- coordinate_names(names, dimension)
  as_flag(vectorized, "vectorized")
  as_function(gradient, "gradient")
  as_function(constrain, "constrain")
  as_function(unconstrain, "unconstrain")
  functions <- if (is.null(gradient)) list(log_density_gradient = x) else list(log_density = x, gradient = gradient)
  if (!is.null(constrain)) {
    if (is.null(outputs)) outputs <- output_names(constrain, length(names))
    functions$constrain <- function(x) {
      value <- constrain(x)
      if (is.list(value)) unlist(value, use.names = FALSE) else value
    }
  } else if (!is.null(outputs)) {
    stop("'outputs' are the names of what 'constrain' returns, and that is missing", call. = FALSE)
  }
  functions$log_density_parts <- as_function(log_density_parts, "log_density_parts")
  functions$sample_prior <- as_function(sample_prior, "sample_prior")
  functions$log_density_data <- as_function(log_density_data, "log_density_data")
  data_count <- as_count(data_count, "data_count")
  calls <- lapply(names(model_calls), function(name) if (!is.null(functions[[name]])) model_calls[[name]])
  environment <- list2env(functions, parent = emptyenv())
  outputs <- if (!is.null(outputs)) names_to_library(outputs)
  pointer <- .Call(C_model_closures, calls, environment, vectorized, names, outputs, data_count)
  new_model(pointer, by_hand, unconstrain, vectorized)
}

# What constrain's value is called, from its value at the origin.
output_names <- function(constrain, dimension) {
  value <- constrain(numeric(dimension))
  if (is.list(value)) {
    if (is.null(names(value)) || !all(nzchar(names(value)))) not_this("constrain", "a function that names the elements of its list", value)
    return(unlist(Map(element_names, names(value), value), use.names = FALSE))
  }
  if (!is.numeric(value)) not_this("constrain", "a function that returns numbers or a list of them", value)
  if (is.null(names(value))) paste0("y.", seq_along(value)) else names(value)
}

no_more <- function(...) {
  if (...length()) {
    given <- names(list(...))
    stop("unknown argument", if (!is.null(given)) paste0(" '", given[[1L]], "'"), call. = FALSE)
  }
}

# The external pointer of a compiled function.
as_native <- function(value, argument) {
  if (is.null(value)) return(NULL)
  if (inherits(value, "NativeSymbolInfo")) value <- value$address
  if (inherits(value, "RegisteredNativeSymbol")) {
    stop(sprintf("'%s': expected a function's address, got a registered routine; pass an external pointer made by R_MakeExternalPtrFn", argument),
      call. = FALSE
    )
  }
  if (typeof(value) != "externalptr") not_this(argument, "an external pointer, a native symbol or NULL", value)
  value
}

# Numbers of the library's catena_threading.
threadings <- c(any = 0L, one = 1L, caller = 2L)

catena_model.externalptr <- function(x, dimension = NULL, names = NULL, user = NULL, log_density = NULL, batch = NULL,
                                     constrain = NULL, outputs = NULL, initialize = NULL, worker_new = NULL,
                                     worker_free = NULL, threading = c("any", "one", "caller"), table = FALSE, parameter_outputs = 0,
                                     transformed_outputs = 0, log_density_parts = NULL, parts_batch = NULL,
                                     sample_prior = NULL, log_density_data = NULL, data_count = 0, ...) {
  no_more(...)
  if (as_flag(table, "table")) return(new_model(.Call(C_model_table, x, user), "a catena_density table"))
  functions <- list(
    as_native(x, "x"), as_native(log_density, "log_density"), as_native(batch, "batch"), as_native(constrain, "constrain"),
    as_native(initialize, "initialize"), as_native(worker_new, "worker_new"), as_native(worker_free, "worker_free"),
    as_native(log_density_parts, "log_density_parts"), as_native(parts_batch, "parts_batch"),
    as_native(sample_prior, "sample_prior"), as_native(log_density_data, "log_density_data")
  )
  if (!is.null(user) && typeof(user) != "externalptr") not_this("user", "an external pointer or NULL", user)
  if (is.null(constrain) != is.null(outputs)) stop("'constrain' and 'outputs' go together", call. = FALSE)
  threading <- threadings[[match.arg(threading)]]
  names <- coordinate_names(names, dimension)
  outputs <- if (!is.null(outputs)) names_to_library(outputs)
  kinds <- c(
    as_count(parameter_outputs, "parameter_outputs"), as_count(transformed_outputs, "transformed_outputs"),
    as_count(data_count, "data_count")
  )
  new_model(.Call(C_model_pointers, functions, user, threading, names, outputs, as.double(kinds)), "compiled functions")
}

catena_model.NativeSymbolInfo <- function(x, ...) catena_model.externalptr(as_native(x, "x"), ...)

print.catena_model <- function(x, ...) {
  shown <- function(names) paste0(paste(utils::head(names, 10L), collapse = ", "), if (length(names) > 10L) ", ...")
  cat("Model of ", x$kind, "\n", sep = "")
  cat("  ", length(x$names), " unconstrained coordinates: ", shown(x$names), "\n", sep = "")
  if (!identical(x$names, x$outputs)) cat("  ", length(x$outputs), " outputs: ", shown(x$outputs), "\n", sep = "")
  invisible(x)
}

catena_log_density <- function(model, x, gradient = TRUE) {
  as_model(model)
  dimension <- length(model$names)
  points <- if (is.matrix(x)) x else matrix(x, nrow = 1L)
  if (!is.numeric(points) || ncol(points) != dimension) {
    not_this("x", sprintf("a vector of %d numbers or a matrix of %d columns", dimension, dimension), x)
  }
  points <- t(points)
  storage.mode(points) <- "double"
  value <- .Call(C_model_log_density, model$pointer, points, as_flag(gradient, "gradient"))
  if (gradient) {
    value$gradient <- if (is.matrix(x)) t(value$gradient) else drop(value$gradient)
    dimnames(value$gradient) <- if (is.matrix(x)) list(NULL, model$names)
    if (!is.matrix(x)) names(value$gradient) <- model$names
  } else {
    value$gradient <- NULL
  }
  value
}

as_model <- function(model) {
  if (!inherits(model, "catena_model")) not_this("model", "a model made by catena_model()", model)
  model
}
