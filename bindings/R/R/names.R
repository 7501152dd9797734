# Names of array elements: theta.1.2 in the library, theta[1,2] in R.

names_from_library <- function(names) {
  array <- grepl("^[^.].*?(\\.[0-9]+)+$", names, perl = TRUE)
  index <- sub("^.*?((\\.[0-9]+)+)$", "\\1", names[array], perl = TRUE)
  base <- substr(names[array], 1L, nchar(names[array]) - nchar(index))
  names[array] <- paste0(base, "[", gsub(".", ",", substring(index, 2L), fixed = TRUE), "]")
  names
}

names_to_library <- function(names) {
  array <- grepl("^[^][]+\\[[0-9]+(, *[0-9]+)*\\]$", names)
  index <- gsub(" ", "", sub("^.*\\[(.*)\\]$", "\\1", names[array]), fixed = TRUE)
  base <- sub("\\[.*$", "", names[array])
  names[array] <- paste0(base, ".", gsub(",", ".", index, fixed = TRUE))
  names
}

# Names of the elements of one value, first index fastest.
element_names <- function(name, value) {
  shape <- dim(value)
  if (is.null(shape)) {
    if (length(value) == 1L) return(name)
    shape <- length(value)
  }
  if (prod(shape) == 0) return(character())
  paste0(name, "[", apply(arrayInd(seq_len(prod(shape)), shape), 1L, paste, collapse = ","), "]")
}
