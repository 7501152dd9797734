# What an evaluation of an R function costs in a run, against the same function in a plain loop of R code, each the least of
# several rounds that alternate.   Rscript bindings/R/bench/closures.R
library(catena)

rounds <- 3
chains <- 4
# A vectorized function pays with many chains.
many <- 64
seconds <- function(expression) system.time(expression, gcFirst = FALSE)[["elapsed"]]

normal <- function(x) list(log_density = -sum(x^2) / 2, gradient = -x)
normal_rows <- function(x) list(log_density = -rowSums(x^2) / 2, gradient = -x)

measure <- function(dimension) {
  x <- rnorm(dimension)
  rows <- matrix(x, many, dimension, byrow = TRUE)
  model <- catena_model(normal, dimension = dimension)
  together <- catena_model(normal_rows, dimension = dimension, vectorized = TRUE)
  # Microseconds for each evaluation.
  in_run <- function(model, chains, draws) {
    fit <- NULL
    # Draws are thinned: what it takes to write many large ones has nothing to do with R functions.
    time <- seconds(fit <- catena_sample(model, chains = chains, iter_sampling = draws, thin = 100, seed = 1, progress = FALSE))
    1e6 * time / sum(fit$chains$warmup_gradients, fit$chains$gradients)
  }
  in_loop <- function(f, x, points = 1) {
    count <- 1e5 / points
    1e6 * seconds(for (i in seq_len(count)) f(x)) / (count * points)
  }
  times <- replicate(rounds, c(
    loop = in_loop(normal, x), run = in_run(model, chains, 4000),
    loop_rows = in_loop(normal_rows, rows, many), run_rows = in_run(together, many, 500)
  ))
  apply(times, 1, min)
}

invisible(measure(1))
cat("Microseconds for each evaluation of a normal's log density and gradient:", chains, "chains,", many, "where vectorized\n")
cat(sprintf("%6s  %-10s  %7s  %7s  %7s  %6s\n", "d", "function", "loop", "run", "added", "ratio"))
for (dimension in c(1, 10, 100, 1000)) {
  best <- measure(dimension)
  line <- function(kind, loop, run) cat(sprintf("%6d  %-10s  %7.2f  %7.2f  %7.2f  %6.2f\n", dimension, kind, loop, run, run - loop, run / loop))
  line("plain", best[["loop"]], best[["run"]])
  line("vectorized", best[["loop_rows"]], best[["run_rows"]])
}
