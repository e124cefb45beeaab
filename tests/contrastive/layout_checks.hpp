#pragma once
/// \file
/// Losses of embeddings from any layout and element: what lies in columns, in every other place or from the last row to the
/// first, and what half and bfloat16 hold, must give what dense rows of the same numbers in float give: to the rounding of sums,
/// which a compiler may order by strides.

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"
#include "oracle.hpp"

namespace contrastive_tests {

/// Two matrices of one shape, what is known of their rows, and where results go.
template<class E>
struct laid_out {
  dispar::matrix_view<const E> x, y;
  dispar::vector_view<const std::int64_t> labels;  ///< four rows of each, in turns
  dispar::vector_view<const float> scores;
  dispar::matrix_view<float> gx, gy;
  dispar::vector_view<double> by_row;
};

/// How a matrix lies in its memory.
enum class layout { rows, columns, every_other, backwards };

template<class T>
class laid_out_matrix {
public:
  laid_out_matrix(dispar::index rows, dispar::index cols, layout how, T fill)
      : rows_(rows), cols_(cols), how_(how), memory_(static_cast<std::size_t>(2 * rows * cols), fill) {}
  [[nodiscard]] dispar::matrix_view<T> view() {
    T* const p = memory_.data();
    switch (how_) {
      case layout::columns:
        return {p, {rows_, cols_}, {1, rows_}};
      case layout::every_other:
        return {p, {rows_, cols_}, {2 * cols_, 2}};
      case layout::backwards:
        return {p + (rows_ - 1) * cols_, {rows_, cols_}, {-cols_, 1}};
      default:
        return {p, {rows_, cols_}, {cols_, 1}};
    }
  }
  /// The elements in order of rows.
  [[nodiscard]] std::vector<T> elements() {
    std::vector<T> all;
    for (dispar::index i = 0; i < rows_; ++i)
      for (dispar::index k = 0; k < cols_; ++k) all.push_back(view()(i, k));
    return all;
  }
  /// Whether only elements were written.
  [[nodiscard]] bool kept(T fill) {
    for (dispar::index i = 0; i < rows_; ++i)
      for (dispar::index k = 0; k < cols_; ++k) view()(i, k) = fill;
    for (const T& v : memory_)
      if (v != fill) return false;
    return true;
  }

private:
  dispar::index rows_, cols_;
  layout how_;
  std::vector<T> memory_;
};

struct laid_out_results {
  double value;
  std::vector<float> gx, gy;
  std::vector<double> by_row;
};

/// loss(laid_out<E>) with the matrices as said; numbers are multiples of 1/16 below 4, which every type holds.
template<class E, class Loss>
[[nodiscard]] laid_out_results results_of(const Loss& loss, layout in, layout other, layout out, dispar::index step) {
  constexpr dispar::index n = 24, d = 7;
  laid_out_matrix<E> x(n, d, in, E(0.0f)), y(n, d, other, E(0.0f));
  const auto fill = [&](laid_out_matrix<E>& to, std::uint64_t seed) {
    const auto from = normal_rows<float>(n, d, seed);
    for (dispar::index i = 0; i < n; ++i)
      for (dispar::index k = 0; k < d; ++k)
        to.view()(i, k) =
            static_cast<E>(std::round(16 * std::fmin(std::fmax(from[static_cast<std::size_t>(i * d + k)], -3.9f), 3.9f)) / 16);
  };
  fill(x, 1);
  fill(y, 2);
  laid_out_matrix<float> gx(n, d, out, 9.0f), gy(n, d, out, 9.0f);
  std::vector<std::int64_t> labels(static_cast<std::size_t>(n * step), 99);
  std::vector<float> scores(labels.size(), 99.0f);
  std::vector<double> by_row(labels.size(), 9.0);
  for (dispar::index i = 0; i < n; ++i) {
    labels[static_cast<std::size_t>(i * step)] = i % (n / 4);
    scores[static_cast<std::size_t>(i * step)] = static_cast<float>(i * 5 % 7);
  }
  laid_out_results r;
  r.value = loss(laid_out<E>{x.view(),
                             y.view(),
                             {labels.data(), {n}, {step}},
                             {scores.data(), {n}, {step}},
                             gx.view(),
                             gy.view(),
                             {by_row.data(), {n}, {step}}});
  r.gx = gx.elements();
  r.gy = gy.elements();
  for (dispar::index i = 0; i < n; ++i) r.by_row.push_back(by_row[static_cast<std::size_t>(i * step)]);
  CHECK(gx.kept(9.0f));
  CHECK(gy.kept(9.0f));
  for (std::size_t i = 0; i < by_row.size(); ++i)
    if (i % static_cast<std::size_t>(step) != 0) CHECK(by_row[i] == 9.0);
  return r;
}

/// The check; a loss writes the gradients that it has.
template<class Loss>
void check_layouts(const Loss& loss) {
  const auto expected = results_of<float>(loss, layout::rows, layout::rows, layout::rows, 1);
  CHECK(std::isfinite(expected.value));
  const auto in_double = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  const auto same = [&](const laid_out_results& r) {
    CHECK(r.value == doctest::Approx(expected.value).epsilon(1e-12));
    CHECK(oracle::apart(r.gx, in_double(expected.gx)) < 1e-6);
    CHECK(oracle::apart(r.gy, in_double(expected.gy)) < 1e-6);
    CHECK(oracle::apart(r.by_row, expected.by_row) < 1e-12);
  };
  same(results_of<float>(loss, layout::columns, layout::every_other, layout::every_other, 3));
  same(results_of<float>(loss, layout::every_other, layout::backwards, layout::columns, 2));
  same(results_of<dispar::half>(loss, layout::rows, layout::columns, layout::backwards, 1));
  same(results_of<dispar::bfloat16>(loss, layout::columns, layout::rows, layout::rows, 2));
}

}  // namespace contrastive_tests
