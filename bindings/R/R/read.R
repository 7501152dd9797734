# Files of draws, read back.

# The library's numbers of a stage, in its order.
stage_columns <- c("way", "ess", "ancestors", "log_evidence", "acceptance", "step_size")

catena_read <- function(files) {
  if (!is.character(files) || !length(files) || anyNA(files)) not_this("files", "names of files, one per chain or set", files)
  missing <- files[!file.exists(files)]
  if (length(missing)) stop(sprintf("'files': there is no file '%s'", missing[[1L]]), call. = FALSE)
  found <- .Call(C_files_read, path.expand(files))
  found$chains <- as.data.frame(found$chains)
  for (i in which(found$chains$cut_off > 0)) {
    line <- found$chains$cut_off[[i]]
    warning(sprintf("'%s' was cut off at line (of an Arrow file: row) %.0f, which was left out", files[[i]], line), call. = FALSE)
  }
  # The first of a name, where several groups of options have one.
  options <- as.list(found$values[!duplicated(found$names)])
  names(options) <- unique(found$names)
  if ("log_weight__" %in% found$columns) sets_of_files(found, options) else fit_of_files(found, options)
}

# An option that is a number; NA where the files do not tell it.
whole_option <- function(options, name) {
  text <- options[[name]]
  if (is.null(text) || !grepl("^[0-9]+$", text)) NA_real_ else as.double(text)
}

fit_of_files <- function(found, options) {
  draws <- found$draws
  size <- dim(draws)
  lengths <- found$chains$rows
  if (length(unique(lengths)) > 1L) {
    warning(sprintf("the files have %s draws: each was cut to the first %d", paste(lengths, collapse = ", "), size[[1L]]), call. = FALSE)
  }
  hidden <- endsWith(found$columns, "__")
  own <- found$columns[cumsum(!hidden) == 0]
  dimnames(draws) <- list(iteration = NULL, chain = seq_len(size[[2L]]), variable = names_from_library(found$columns))
  or <- function(value, other) if (is.na(value)) other else value
  # No tree is deeper than this where files don't say how deep they may be.
  depth <- or(whole_option(options, "max_depth"), 0)
  count <- function(name, holds) {
    if (!name %in% own) return(rep(0, size[[2L]]))
    unname(colSums(holds(matrix(draws[, , name], ncol = size[[2L]]))))
  }
  chains <- data.frame(
    chain_id = seq_len(size[[2L]]), status = status_ok, iterations = lengths, rows = lengths, step_size = found$chains$step_size,
    warmup_gradients = NA_real_, gradients = NA_real_, divergences = count("divergent__", function(x) x != 0),
    max_treedepth_hits = if (depth > 0) count("treedepth__", function(x) x >= depth) else 0,
    warmup_seconds = found$chains$warmup_seconds, sampling_seconds = found$chains$sampling_seconds,
    stop_reason = NA_character_, delta = NA_real_
  )
  metric <- found$inv_metric[[1L]]
  dimension <- unique(found$chains$dimension)
  if (length(dimension) > 1L) dimension <- 0
  structure(
    list(
      draws = draws, sampler_columns = setdiff(own, "lp__"), warmup_rows = 0, chains = chains, inv_metric = found$inv_metric,
      algorithm = "files", metric = if (is.matrix(metric)) "dense_e" else if (!length(metric)) "unknown" else if (length(metric) == dimension) "diag_e" else "low_rank",
      settings = list(
        chains = size[[2L]], first_chain_id = 1, seed = whole_option(options, "seed"),
        iter_warmup = or(whole_option(options, "num_warmup"), 0), iter_sampling = size[[1L]],
        thin = or(whole_option(options, "thin"), 1), save_warmup = FALSE, max_treedepth = depth
      ),
      options = options, messages = rep("", size[[2L]]), seconds = NA_real_, dimension = dimension,
      warmup_step_sizes = found$warmup_step_sizes
    ),
    class = "catena_fit"
  )
}

sets_of_files <- function(found, options) {
  draws <- found$draws
  size <- dim(draws)
  if (!identical(found$columns[seq_along(smc_columns)], smc_columns)) {
    not_this("files", paste("columns that begin with", paste(smc_columns, collapse = ", ")), found$columns)
  }
  dimnames(draws) <- list(particle = NULL, set = NULL, variable = names_from_library(found$columns))
  ids <- draws[1L, , "set__"]
  dimnames(draws)$set <- format_id(ids)
  draws[, , "ancestor__"] <- draws[, , "ancestor__"] + 1
  # The mean of exp(log weight) over the particles of a set is its evidence.
  log_mean <- function(x) if ((top <- max(x)) == -Inf) -Inf else top + log(mean(exp(x - top)))
  evidences <- unname(apply(matrix(draws[, , "log_weight__"], ncol = size[[2L]]), 2L, log_mean))
  # The delta method: the standard error of the mean over the mean.
  shares <- exp(evidences - max(evidences))
  error <- if (size[[2L]] > 1L) sqrt(sum((shares / mean(shares) - 1)^2) / (size[[2L]] - 1) / size[[2L]]) else NA_real_
  stages <- do.call(rbind, lapply(seq_along(ids), function(i) {
    table <- as.data.frame(found$stages[[i]])
    names(table) <- stage_columns
    cbind(set = rep(ids[[i]], nrow(table)), stage = seq_len(nrow(table)), table)
  }))
  sets <- data.frame(
    set = ids, outcome = set_outcomes[[1L]], log_evidence = evidences, standard_error = NA_real_, rows = size[[1L]],
    refused = NA_real_, seconds = NA_real_, message = ""
  )
  structure(
    list(
      log_evidence = log_mean(evidences), standard_error = error, draws = draws, sets = sets, stages = stages,
      settings = list(num_sets = size[[2L]], num_particles = size[[1L]], seed = whole_option(options, "seed")),
      options = options, seconds = NA_real_
    ),
    class = "catena_smc"
  )
}
