# A progress bar: by cli where it is installed, else by utils. Functions update(done) and close(whole), which says whether all was
# done: else the bar stays where it is.

progress_bar <- function(total, chains) {
  if (requireNamespace("cli", quietly = TRUE)) cli_bar(total, chains) else text_bar(total)
}

text_bar <- function(total) {
  bar <- utils::txtProgressBar(0, max(total, 1), style = 3)
  list(update = function(done, divergences) utils::setTxtProgressBar(bar, done), close = function(whole) close(bar))
}

cli_bar <- function(total, chains) {
  # cli ties a bar to an environment; this one lives until close().
  environment <- new.env()
  bar <- cli::cli_progress_bar(
    name = sprintf("Sampling %d chains", chains), total = max(total, 1), clear = FALSE, .auto_close = FALSE, .envir = environment,
    format = "{cli::pb_name} {cli::pb_bar} {cli::pb_percent} {cli::pb_eta_str} {cli::pb_status}"
  )
  list(
    update = function(done, divergences) {
      status <- if (divergences > 0) sprintf("%d divergent", as.integer(divergences)) else ""
      cli::cli_progress_update(set = done, id = bar, status = status, .envir = environment)
    },
    close = function(whole) cli::cli_progress_done(id = bar, .envir = environment, result = if (whole) "done" else "failed")
  )
}
