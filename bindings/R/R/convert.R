# Methods for generics of packages that may or may not be there, registered when these are loaded.

as_draws_array.catena_fit <- function(x, ...) posterior::as_draws_array(as.array(x))

as_draws.catena_fit <- function(x, ...) as_draws_array.catena_fit(x)

as.mcmc.list.catena_fit <- function(x, ...) {
  draws <- as.array(x)
  thin <- x$settings$thin
  # coda counts iterations from the first of warm-up.
  start <- x$settings$iter_warmup + 1
  # Filled by hand: indexing drops what coda needs of a single draw or variable.
  chain <- function(c) {
    values <- matrix(draws[, c, ], ncol = dim(draws)[[3L]], dimnames = list(NULL, dimnames(draws)[[3L]]))
    coda::mcmc(values, start = start, thin = thin)
  }
  coda::mcmc.list(lapply(seq_len(dim(draws)[[2L]]), chain))
}

# As in coda, a single chain alone.
as.mcmc.catena_fit <- function(x, ...) {
  chains <- as.mcmc.list.catena_fit(x)
  if (length(chains) > 1L) {
    stop(sprintf("expected a fit of one chain, got one of %d; as.mcmc.list has them all", length(chains)), call. = FALSE)
  }
  chains[[1L]]
}

nuts_params.catena_fit <- function(object, pars = NULL, ...) {
  values <- sampler_diagnostics(object)
  if (!is.null(pars)) values <- values[, , pars, drop = FALSE]
  long_frame(values, "Parameter")
}

log_posterior.catena_fit <- function(object, ...) {
  frame <- long_frame(as.array(object)[, , "lp__", drop = FALSE], "Parameter")
  frame[c("Chain", "Iteration", "Value")]
}

# One row per number, as bayesplot wants it.
long_frame <- function(values, variable) {
  size <- dim(values)
  frame <- data.frame(
    Chain = rep(rep(seq_len(size[[2L]]), each = size[[1L]]), size[[3L]]),
    Iteration = rep(seq_len(size[[1L]]), size[[2L]] * size[[3L]]),
    Parameter = factor(rep(dimnames(values)[[3L]], each = size[[1L]] * size[[2L]]), levels = dimnames(values)[[3L]]),
    Value = as.vector(values)
  )
  names(frame)[[3L]] <- variable
  frame
}

.onLoad <- function(libname, pkgname) {
  register_when_loaded("posterior", "as_draws", as_draws.catena_fit)
  register_when_loaded("posterior", "as_draws_array", as_draws_array.catena_fit)
  register_when_loaded("coda", "as.mcmc", as.mcmc.catena_fit)
  register_when_loaded("coda", "as.mcmc.list", as.mcmc.list.catena_fit)
  register_when_loaded("bayesplot", "nuts_params", nuts_params.catena_fit)
  register_when_loaded("bayesplot", "log_posterior", log_posterior.catena_fit)
}

register_when_loaded <- function(package, generic, method) {
  register <- function(...) registerS3method(generic, "catena_fit", method, envir = asNamespace(package))
  if (isNamespaceLoaded(package)) register()
  setHook(packageEvent(package, "onLoad"), register)
}

.onUnload <- function(libpath) library.dynam.unload("catena", libpath)
