#pragma once

#include <array>
#include <span>
#include <vector>

#include "dispar/mmd/two_samples.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// Two different rows of X and two different rows of Y, each counted within its sample: what one term is made of.
struct term_rows {
  index x;        ///< a row of X
  index other_x;  ///< another one
  index y;        ///< a row of Y
  index other_y;  ///< another one
};

namespace detail {

/// h = k(x, x') + k(y, y') - k(x, y') - k(x', y) for `count` terms, each an unbiased estimate of MMD^2 (Gretton et al. 2012,
/// eq. 4). `rows_of(t)` gives the `term_rows` of term t.
template<backend B, class Samples, pair_function K, class RowsOf>
[[nodiscard]] std::vector<double> pair_terms(const B& b, const Samples& samples, const K& k, index count, const RowsOf& rows_of) {
  using T = typename decltype(samples.data)::value_type;
  constexpr index most = 16384;  // terms at a time: the values of their four pairs stay in cache
  const kernel_value<K, T> operation(k);
  const index n = samples.n();
  std::vector<double> terms(static_cast<std::size_t>(count)), values(static_cast<std::size_t>(4 * (count < most ? count : most)));
  for (index first = 0; first < count; first += most) {
    const index now = count - first < most ? count - first : most;
    // Of a given matrix only the half above the diagonal is read.
    const auto pair_of = [&rows_of, first, n](index p) {
      const term_rows t = rows_of(first + p / 4);
      switch (p % 4) {
        case 0:
          return t.x < t.other_x ? row_pair{t.x, t.other_x, 0} : row_pair{t.other_x, t.x, 0};
        case 1:
          return t.y < t.other_y ? row_pair{n + t.y, n + t.other_y, 1} : row_pair{n + t.other_y, n + t.y, 1};
        case 2:
          return row_pair{t.x, n + t.other_y, 2};
        default:
          return row_pair{t.other_x, n + t.y, 2};
      }
    };
    pair_list(b, samples.data, operation, 4 * now, pair_of, std::span<const vector_view<const T>>(),
              matrix_view<double>(values.data(), 4 * now, 1));
    for (index t = 0; t < now; ++t) {
      const double* const v = values.data() + 4 * t;
      terms[static_cast<std::size_t>(first + t)] = (v[0] + v[1]) - (v[2] + v[3]);
    }
  }
  return terms;
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
