# Checks of arguments. Ranges are the library's business; here is what C could not be told.

not_this <- function(argument, expected, value) {
  got <- if (is.null(value)) "NULL" else paste(utils::capture.output(utils::str(value, give.head = TRUE)), collapse = " ")
  stop(sprintf("'%s': expected %s, got %s", argument, expected, trimws(got)), call. = FALSE)
}

as_number <- function(value, argument, expected = "a number") {
  if (!(is.numeric(value) || is.logical(value)) || length(value) != 1L || is.na(value)) not_this(argument, expected, value)
  as.double(value)
}

largest_whole <- 2^53

as_count <- function(value, argument, from = 0) {
  expected <- sprintf("a whole number from %d to 2^53", from)
  value <- as_number(value, argument, expected)
  if (value < from || value > largest_whole || value != floor(value)) not_this(argument, expected, value)
  value
}

as_flag <- function(value, argument) {
  if (!is.logical(value) || length(value) != 1L || is.na(value)) not_this(argument, "TRUE or FALSE", value)
  value
}
