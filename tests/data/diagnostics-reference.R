# Writes diagnostics-reference.csv: diagnostics of some made-up draws by the R package `posterior`, for tests/diagnostics/statistics.rs.
# The draws come from a small integer generator that the test repeats. Run: Rscript tests/data/diagnostics-reference.R
library(posterior)
options(digits = 17)

# A Lehmer generator, exact in doubles; uniform on (0, 1).
state <- 12345
uniform <- function() {
  state <<- (state * 48271) %% 2147483647
  state / 2147483647
}

# Chains of AR(1) type from centred uniforms; `shape` bends them, `shift` moves one chain, `levels` rounds for ties.
draws_of <- function(chains, n, rho, shape, shift, levels) {
  x <- matrix(0, n, chains)
  for (c in seq_len(chains)) {
    previous <- 0
    for (i in seq_len(n)) {
      previous <- rho * previous + uniform() - 0.5
      value <- previous
      if (shape == "heavy") value <- value / (0.01 + abs(0.3 - abs(value)))
      if (shape == "stuck" && c == 1) value <- 0.25 + 1e-3 * value
      if (c == 1) value <- value + shift
      if (levels > 0) value <- floor(value * levels)
      x[i, c] <- value
    }
  }
  x
}

cases <- list(
  list("independent", 4, 200, 0, "plain", 0, 0),
  list("correlated", 4, 500, 0.9, "plain", 0, 0),
  list("antithetic", 4, 300, -0.6, "plain", 0, 0),
  list("shifted", 4, 200, 0.3, "plain", 1, 0),
  list("stuck", 4, 250, 0.5, "stuck", 0, 0),
  list("heavy", 3, 400, 0.2, "heavy", 0, 0),
  list("ties", 4, 200, 0.5, "plain", 0, 5),
  list("odd", 2, 101, 0.4, "plain", 0, 0),
  list("single", 1, 300, 0.5, "plain", 0, 0),
  list("few", 2, 12, 0, "plain", 0, 0)
)
rows <- lapply(cases, function(case) {
  x <- do.call(draws_of, case[-1])
  values <- c(rhat(x), ess_bulk(x), ess_tail(x), ess_mean(x), ess_sd(x), ess_quantile(x, 0.3), mcse_mean(x), mcse_sd(x),
              mcse_quantile(x, 0.3), quantile(x, 0.05), quantile(x, 0.95))
  paste(c(unlist(case), format(values, digits = 17, trim = TRUE)), collapse = ",")
})
header <- paste("case,chains,draws,rho,shape,shift,levels,rhat,ess_bulk,ess_tail,ess_mean,ess_sd,ess_quantile30",
                "mcse_mean,mcse_sd,mcse_quantile30,q5,q95", sep = ",")
writeLines(c(header, unlist(rows)), "tests/data/diagnostics-reference.csv")
