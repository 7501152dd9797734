# A model's gradient against finite differences.

catena_diagnose <- function(model, seed = NULL, init = 2, chain_id = 1, epsilon = 1e-6, error = 1e-6, show_messages = TRUE) {
  as_model(model)
  as_flag(show_messages, "show_messages")
  chain_id <- as_count(chain_id, "chain_id", 1)
  radius <- 2
  if (is.numeric(init) && length(init) == 1L) {
    radius <- as_number(init, "init")
    init <- NULL
  }
  if (!is.null(init)) init <- as_inits(init, model, chain_id)[[1L]]
  # The library calls it `threshold`.
  error <- as_number(error, "error")
  if (!(error > 0 && is.finite(error))) not_this("error", "a finite number above 0", error)
  result <- .Call(
    C_diagnose_gradient, model$pointer, call_settings(seed, chain_id, 1, 1), init, radius, as_number(epsilon, "epsilon"),
    error
  )
  if (show_messages) tell(result$log)
  warn_unused(names(init)[result$unused], model)
  gradients <- data.frame(
    variable = model$names, value = result$value, model = result$model, finite_diff = result$finite_diff, error = result$error
  )
  structure(
    list(log_density = result$log_density, gradients = gradients, failures = result$failures, text = result$text),
    class = "catena_gradient_check"
  )
}

print.catena_gradient_check <- function(x, ...) {
  cat(x$text)
  cat(sprintf("%.0f of %d derivatives differ by more than allowed\n", x$failures, nrow(x$gradients)))
  invisible(x)
}
