# Initial values as one entry per chain: a list of named double arrays, a vector on the unconstrained scale, or NULL.

as_inits <- function(init, model, chain_ids) {
  if (is.function(init)) {
    takes_id <- length(formals(args(init))) > 0L
    init <- lapply(chain_ids, function(id) if (takes_id) init(id) else init())
  } else if (is.list(init) && !is.null(names(init))) {
    init <- rep(list(init), length(chain_ids))
  } else if (is.list(init) && length(init) != length(chain_ids)) {
    not_this("init", sprintf("one entry per chain (%d)", length(chain_ids)), init)
  } else if (!is.list(init)) {
    not_this("init", "a radius, a list, or a function of the chain's id", init)
  }
  lapply(init, as_init, model = model)
}

as_init <- function(values, model) {
  if (is.null(values)) return(NULL)
  if (is.list(values)) {
    if (length(values) && (is.null(names(values)) || !all(nzchar(names(values))))) not_this("init", "lists with names", values)
    if (is.null(model$unconstrain)) return(named_arrays(values))
    values <- model$unconstrain(values)
  }
  if (!is.numeric(values) || length(values) != length(model$names)) {
    not_this("init", sprintf("named lists or vectors of %d unconstrained values", length(model$names)), values)
  }
  as.double(values)
}

named_arrays <- function(values) {
  bad <- !vapply(values, function(value) is.numeric(value) || is.logical(value), NA)
  if (any(bad)) not_this(paste0("init$", names(values)[bad][[1L]]), "numbers", values[bad][[1L]])
  names(values) <- names_to_library(names(values))
  lapply(values, function(value) {
    storage.mode(value) <- "double"
    value
  })
}
