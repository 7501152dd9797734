// Borrowed matrices. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_ROWS_HPP
#define CATENA_ROWS_HPP

#include <catena/task.hpp>

namespace catena {

// A borrowed matrix of one particle, model or other thing per row, column by column. Valid only as long as the call that gave it.
template <class T>
class Rows {
 public:
  Rows(T *data, std::size_t rows, std::size_t columns) noexcept : data_(data), rows_(rows), columns_(columns) {}
  // Rows<double> are Rows<const double> too.
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T>>>
  Rows(const Rows<U> &other) noexcept : Rows(other.data(), other.rows(), other.columns()) {}

  T *data() const noexcept { return data_; }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t columns() const noexcept { return columns_; }
  // Number `column` of row `row`.
  T &operator()(std::size_t row, std::size_t column) const noexcept { return data_[column * rows_ + row]; }
  // Number `column` of all rows.
  View<T> column(std::size_t column) const noexcept { return View<T>(data_ + column * rows_, rows_); }
  // All numbers, column by column.
  View<T> all() const noexcept { return View<T>(data_, rows_ * columns_); }
  // Whether there are none: the states before time 0.
  bool none() const noexcept { return !data_; }

 private:
  T *data_;
  std::size_t rows_, columns_;
};

// Matrices to be filled, and as they are.
using Matrix = Rows<double>;
using ConstMatrix = Rows<const double>;

}  // namespace catena

#endif
