if (requireNamespace("testthat", quietly = TRUE)) {
  library(testthat)
  library(catena)
  test_check("catena")
}
