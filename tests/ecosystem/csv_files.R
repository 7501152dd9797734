# Reads the files that `cargo test --all-features --test cli` leaves in target/tmp/csv_files with cmdstanr, and hands the
# draws to posterior. CmdStan itself is not needed.
#
# Rscript csv_files.R FOLDER

suppressPackageStartupMessages(library(cmdstanr))

folder <- commandArgs(trailingOnly = TRUE)[1]
tolerance <- 1e-12 # both sides add up the same numbers, in another order
means <- read.csv(file.path(folder, "means.csv"),
                  header = FALSE, col.names = c("run", "chain", "draws", "column", "mean"))
# mu.1 is mu[1] and m.1.2 is m[1,2] here.
bracket <- function(column) {
  parts <- strsplit(column, ".", fixed = TRUE)
  vapply(parts, function(p) if (length(p) == 1) p else paste0(p[1], "[", paste(p[-1], collapse = ","), "]"), "")
}

for (run in unique(means$run)) {
  expected <- means[means$run == run, ]
  chains <- max(expected$chain)
  # cmdstanr's own checks look for NUTS's columns in every file.
  fit <- as_cmdstan_fit(file.path(folder, sprintf("%s_%d.csv", run, seq_len(chains))),
                        check_diagnostics = !run %in% c("static", "fixed"))
  draws <- fit$draws(format = "draws_array")
  stopifnot(dim(draws)[1:2] == c(expected$draws[1], chains), fit$metadata()$id == seq_len(chains))
  for (i in seq_len(nrow(expected))) {
    column <- expected$column[i]
    variable <- bracket(column)
    if (run == "fixed" && grepl("__$", column)) next # cmdstanr gives none of them
    if (grepl("__$", column) && column != "lp__") {
      values <- fit$sampler_diagnostics(format = "draws_array")
      found <- mean(values[, expected$chain[i], column])
    } else {
      stopifnot(variable %in% posterior::variables(draws))
      found <- mean(draws[, expected$chain[i], variable])
    }
    if (abs(found - expected$mean[i]) > tolerance * max(1, abs(found))) {
      stop(sprintf("%s, chain %d, %s: %.17g instead of %.17g", run, expected$chain[i], column, found, expected$mean[i]))
    }
  }
}
nuts <- as_cmdstan_fit(file.path(folder, sprintf("nuts_%d.csv", 1:4)))
stan <- as_cmdstan_fit(file.path(folder, sprintf("stan_%d.csv", 1:2)))
stopifnot(vapply(stan$inv_metric(matrix = FALSE), length, 1L) == 10, nuts$time()$chains$total >= 0)
dense <- as_cmdstan_fit(file.path(folder, sprintf("dense_%d.csv", 1:2)))
stopifnot(dim(dense$inv_metric()[[1]]) == c(10, 10))
summary <- posterior::summarise_draws(nuts$draws("mu"))
stopifnot(nrow(summary) == 2, all(summary$rhat < 1.1))
cat(sprintf("cmdstanr %s and posterior %s read the files of %d runs\n",
            packageVersion("cmdstanr"), packageVersion("posterior"), length(unique(means$run))))
