catena_model.character <- function(x, data = NULL, seed = 0, ...) {
  no_more(...)
  if (length(x) != 1L || !file.exists(x)) not_this("x", "the path of a BridgeStan library", x)
  if (is.list(data)) {
    data <- stan_json(data)
  } else if (!is.null(data) && !(is.character(data) && length(data) == 1L && !is.na(data))) {
    not_this("data", "a named list, a JSON text, the path of a .json file or NULL", data)
  }
  seed <- as_count(seed, "seed")
  if (seed >= 2^32) not_this("seed", "a whole number below 2^32", seed)
  new_model(.Call(C_model_bridgestan, normalizePath(x), if (!is.null(data)) enc2utf8(data), seed), "a BridgeStan library")
}

# A named list as JSON in Stan's conventions: arrays row by row, one number without dimensions as a scalar.
stan_json <- function(data) {
  if (length(data) && (is.null(names(data)) || !all(nzchar(names(data))))) not_this("data", "a list with names", data)
  values <- mapply(function(name, value) paste0("\"", name, "\": ", json_value(value, name)), names(data), data)
  paste0("{", paste(values, collapse = ", "), "}")
}

json_value <- function(value, name) {
  if (is.data.frame(value)) value <- data.matrix(value)
  if (is.list(value)) {
    return(paste0("[", paste(vapply(value, json_value, "", name = name), collapse = ", "), "]"))
  }
  if (is.factor(value)) value <- as.integer(value)
  if (!(is.numeric(value) || is.logical(value))) not_this(paste0("data$", name), "numbers", value)
  if (anyNA(value) && any(is.na(value) & !is.nan(value))) not_this(paste0("data$", name), "no missing values", value)
  if (is.null(dim(value)) && length(value) == 1L) return(json_numbers(value))
  json_array(json_numbers(value), if (is.null(dim(value))) length(value) else dim(value))
}

json_numbers <- function(value) {
  if (is.logical(value)) value <- as.integer(value)
  # Counts are written as integers, which Stan takes for real numbers too.
  text <- ifelse(is.finite(value) & value == floor(value) & abs(value) < 1e15, sprintf("%.0f", value), sprintf("%.17g", value))
  text[is.nan(value)] <- "\"NaN\""
  text[is.infinite(value)] <- ifelse(value[is.infinite(value)] > 0, "\"Inf\"", "\"-Inf\"")
  text
}

# Nested arrays from numbers in R's order, first index fastest.
json_array <- function(text, shape) {
  if (length(shape) == 1L) return(paste0("[", paste(text, collapse = ", "), "]"))
  rows <- if (prod(shape)) split(text, slice.index(array(0, shape), 1L)) else rep(list(character()), shape[[1L]])
  paste0("[", paste(vapply(rows, json_array, "", shape = shape[-1L]), collapse = ", "), "]")
}
