#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "dispar/core/view.hpp"
#include "fixture.hpp"

namespace golden {
inline namespace DISPAR_ABI {  // the cores of different backends, compiled with different flags, meet in one program

struct host_memory {
  using space = dispar::host;
  template<class T>
  using allocator = std::allocator<T>;
};

/// A matrix of a fixture in the precision under test, in memory that both the host and the backend under test can reach.
template<class T, class Memory>
class matrix_in {
  template<class U>
  using view_of = dispar::matrix_view<U, typename Memory::space>;

public:
  matrix_in(dispar::index rows, dispar::index cols) : data_(static_cast<std::size_t>(rows * cols)), rows_(rows), cols_(cols) {}
  matrix_in(const fixture& c, const std::string& name) {
    const array a = c.input(name);
    if (a.shape.size() != 2) throw std::runtime_error("input '" + name + "' is no matrix");
    rows_ = a.shape[0];
    cols_ = a.shape[1];
    data_.reserve(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) data_.push_back(static_cast<T>(a.at(i)));
  }

  [[nodiscard]] view_of<T> view() { return {data_.data(), rows_, cols_}; }
  [[nodiscard]] view_of<const T> view() const { return {data_.data(), rows_, cols_}; }
  /// The first n rows, and the others: fixtures stack X and Y.
  [[nodiscard]] auto x(dispar::index n) { return view().slice(0, n); }
  [[nodiscard]] auto x(dispar::index n) const { return view().slice(0, n); }
  [[nodiscard]] auto y(dispar::index n) { return view().slice(n, rows_ - n); }
  [[nodiscard]] auto y(dispar::index n) const { return view().slice(n, rows_ - n); }

  [[nodiscard]] dispar::index rows() const { return rows_; }
  [[nodiscard]] const auto& data() const { return data_; }

private:
  std::vector<T, typename Memory::template allocator<T>> data_;
  dispar::index rows_ = 0, cols_ = 0;
};

/// A vector of a fixture in the precision under test.
template<class T>
[[nodiscard]] std::vector<T> vector(const fixture& c, const std::string& name) {
  const array a = c.input(name);
  if (a.shape.size() != 1) throw std::runtime_error("input '" + name + "' is no vector");
  std::vector<T> values;
  for (std::size_t i = 0; i < a.size(); ++i) values.push_back(static_cast<T>(a.at(i)));
  return values;
}

/// Integers in rows: permutations, signs.
class integer_matrix {
public:
  integer_matrix(const fixture& c, const std::string& name) : array_(c.input(name)) {
    if (array_.shape.size() != 2 || !array_.integral) throw std::runtime_error("input '" + name + "' is no matrix of integers");
  }
  [[nodiscard]] dispar::index rows() const { return array_.shape[0]; }
  [[nodiscard]] dispar::index cols() const { return array_.shape[1]; }
  [[nodiscard]] dispar::matrix_view<const std::int64_t> view() const {
    return {array_.integer.data(), array_.shape[0], array_.shape[1]};
  }

private:
  array array_;
};

}  // namespace DISPAR_ABI
}  // namespace golden
