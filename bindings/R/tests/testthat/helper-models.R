# Tests may use two threads, as repositories of packages ask.
threads <- 2

draw <- function(model, ..., seed = 7, iter_warmup = 300, iter_sampling = 300, progress = FALSE) {
  catena_sample(model, ..., seed = seed, iter_warmup = iter_warmup, iter_sampling = iter_sampling, threads = threads, progress = progress)
}

normal <- function(x) list(log_density = -sum(x^2) / 2, gradient = -x)
normal_rows <- function(x) list(log_density = -rowSums(x^2) / 2, gradient = -x)

# Compiles models.c once and loads it.
compiled <- local({
  dll <- NULL
  function() {
    if (is.null(dll)) {
      folder <- tempfile("models")
      dir.create(folder)
      file.copy(test_path("models.c"), folder)
      library <- file.path(folder, paste0("models", .Platform$dynlib.ext))
      include <- system.file("include", package = "catena")
      old <- Sys.getenv("PKG_CPPFLAGS", NA)
      Sys.setenv(PKG_CPPFLAGS = paste0("-I", shQuote(include)))
      on.exit(if (is.na(old)) Sys.unsetenv("PKG_CPPFLAGS") else Sys.setenv(PKG_CPPFLAGS = old))
      arguments <- c("CMD", "SHLIB", "-o", shQuote(library), shQuote(file.path(folder, "models.c")))
      output <- suppressWarnings(system2(file.path(R.home("bin"), "R"), arguments, stdout = TRUE, stderr = TRUE))
      if (!file.exists(library)) stop(paste(output, collapse = "\n"))
      dll <<- dyn.load(library)
    }
    dll
  }
})

symbol <- function(name) getNativeSymbolInfo(name, compiled())
counts <- function(interrupt_at = 0L, fail_at = 0L) .Call(symbol("counts_new")$address, interrupt_at, fail_at)
# Evaluations, live workers, releases, evaluations on other threads than R's.
count <- function(user) .Call(symbol("counts_get")$address, user)

normal_c <- function(user = NULL, ...) {
  catena_model(symbol("normal_gradient"), names = c("a", "b[1]", "b[2]"), user = user, ...)
}
