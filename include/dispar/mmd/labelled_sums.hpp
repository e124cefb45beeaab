#pragma once

#include "dispar/mmd/estimate.hpp"
#include "dispar/mmd/labels.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd::detail {

/// Kernel sums under every labelling, for labels that give each sample its size: ordered pairs i != j within X, within Y, pairs
/// across, and the diagonals of X and Y.
struct labelled_sums {
  std::vector<double> xx, yy, xy, diagonal_x, diagonal_y;
};

/// All labellings in one pass over the tiles. With labels w = +-1, R the row sums of K without its diagonal and S their total:
///
///     w'K w = 2 q,   w'R = S_xx - S_yy   give   S_xx + S_yy = (S + 2 q) / 2,   2 S_xy = S - (S_xx + S_yy).
///
/// Time (d + labels) (n + m)^2 / 2 products; memory 1 bit per row and label.
template<backend B, class Samples, pair_function K>
[[nodiscard]] labelled_sums sum_by_label(const B& b, const Samples& samples, const K& k, const label_view& labels) {
  using T = typename decltype(samples.data)::value_type;
  const index rows = samples.n() + samples.m();
  const kernel_value<K, T> operation(k);
  const std::array<pair_block, 3> blocks{{{0, 0, true}, {1, 1, true}, {0, 1, false}}};
  std::vector<double> row(static_cast<std::size_t>(rows)), form(static_cast<std::size_t>(labels.labels)),
      diagonal(static_cast<std::size_t>(rows));
  pairwise(b, samples.data, operation, blocks, std::span<const vector_view<const T>>(),
           row_sums<0>{matrix_view<double>(row.data(), rows, 1)},
           quadratic_forms<0, label_view>{labels, vector_view<double>(form.data(), labels.labels)});
  pair_list(
      b, samples.data, operation, rows,
      [n = samples.n()](index p) {
        return row_pair{p, p, p < n ? 0 : 1};
      },
      std::span<const vector_view<const T>>(), matrix_view<double>(diagonal.data(), rows, 1));

  double total = 0, trace = 0;
  for (double r : row) total += r;
  for (double d : diagonal) trace += d;
  const auto each = host_executor(b, static_cast<double>(rows) * static_cast<double>(labels.labels));
  const auto difference = label_products(each, labels, row);
  labelled_sums s;
  s.diagonal_x = label_products(each, labels, diagonal);
  for (std::size_t p = 0; p < form.size(); ++p) {
    const double within = (total + 2 * form[p]) / 2;
    s.xx.push_back((within + difference[p]) / 2);
    s.yy.push_back((within - difference[p]) / 2);
    s.xy.push_back((total - within) / 2);
    s.diagonal_x[p] = (trace + s.diagonal_x[p]) / 2;
    s.diagonal_y.push_back(trace - s.diagonal_x[p]);
  }
  return s;
}

}  // namespace mmd::detail

DISPAR_NAMESPACE_END
