#pragma once
/// \file
/// Logits for tests of merges, and merges as plain loops.

#include <cmath>
#include <cstring>
#include <vector>

#include "dispar/core/special_values.hpp"
#include "dispar/core/view_traits.hpp"
#include "normal_rows.hpp"

namespace decoding_tests {

using dispar::as_matrix;
using dispar::index;
using dispar::is_nan;
using dispar::matrix_view;

template<class T>
inline const T none = dispar::negative_infinity<T>();

/// Rows of `streams` models that agree more or less.
template<class T>
struct logits {
  index rows, cols;
  std::vector<std::vector<T>> x;
  logits(int streams, index n, index v) : rows(n), cols(v) {
    const auto common = normal_rows<T>(n, v, 100);
    for (int k = 0; k < streams; ++k) {
      x.push_back(normal_rows<T>(n, v, static_cast<std::uint64_t>(k + 1)));
      for (std::size_t i = 0; i < common.size(); ++i) x.back()[i] += T(2) * common[i];
    }
  }
  [[nodiscard]] matrix_view<const T> operator()(int k) const { return as_matrix(x[static_cast<std::size_t>(k)], rows, cols); }
  [[nodiscard]] matrix_view<T> operator()(int k) { return as_matrix(x[static_cast<std::size_t>(k)], rows, cols); }
};

/// What a merge writes, in the form m(matrix).
template<class T, class Merge>
[[nodiscard]] std::vector<T> merged_by(index rows, index cols, const Merge& m) {
  std::vector<T> out(static_cast<std::size_t>(rows * cols), T(77));
  m(as_matrix(out, rows, cols));
  return out;
}

template<class T>
[[nodiscard]] bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// log softmax of a row, in double.
template<class T>
[[nodiscard]] std::vector<double> log_softmax(const matrix_view<const T>& x, index row) {
  double most = -HUGE_VAL, sum = 0;
  for (index j = 0; j < x.cols(); ++j) most = std::fmax(most, static_cast<double>(x(row, j)));
  for (index j = 0; j < x.cols(); ++j) sum += std::exp(static_cast<double>(x(row, j)) - most);
  std::vector<double> l;
  for (index j = 0; j < x.cols(); ++j) l.push_back(static_cast<double>(x(row, j)) - most - std::log(sum));
  return l;
}

/// The greatest difference of two rows of numbers; minus infinity agrees with itself alone.
template<class A, class B>
[[nodiscard]] double worst(const std::vector<A>& a, const std::vector<B>& b) {
  double most = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const double p = static_cast<double>(a[i]), q = static_cast<double>(b[i]);
    if (p == q) continue;
    const double apart = std::fabs(p - q);
    most = std::fmax(most, is_nan(apart) ? HUGE_VAL : apart);
  }
  return most;
}

}  // namespace decoding_tests
