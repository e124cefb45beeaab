#pragma once

#include <span>

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

/// The four pairs of one term after the other, from term `first` on. Of a given matrix only the half above the diagonal is read.
template<class RowsOf>
struct term_pairs {
  static constexpr bool on_device = RowsOf::on_device;
  RowsOf rows_of;
  index first, n;

  DISPAR_FN row_pair operator()(index p) const {
    const term_rows t = rows_of(first + p / 4);
    switch (p % 4) {
      case 0:
        return t.x < t.other_x ? row_pair{t.x, t.other_x, 0} : row_pair{t.other_x, t.x, 0};
      case 1:
        return t.y < t.other_y ? row_pair{n + t.y, n + t.other_y, 1} : row_pair{n + t.other_y, n + t.y, 1};
      case 2:
        return {t.x, n + t.other_y, 2};
      default:
        return {t.other_x, n + t.y, 2};
    }
  }
};

struct write_terms {
  const double* values;
  double* terms;
  DISPAR_FN void operator()(index t) const {
    const double* const v = values + 4 * t;
    terms[t] = (v[0] + v[1]) - (v[2] + v[3]);
  }
};

/// h = k(x, x') + k(y, y') - k(x, y') - k(x', y) for all of `terms`, each an unbiased estimate of MMD^2 (Gretton et al. 2012,
/// eq. 4). `rows_of(t)` gives the `term_rows` of term t, where the kernel runs if it says `on_device`.
template<backend B, class Samples, pair_function K, class RowsOf>
void pair_terms(const B& b, const Samples& samples, const K& k, const RowsOf& rows_of, array<double, 1, B>& terms) {
  using T = typename decltype(samples.data)::value_type;
  using space = typename B::space;
  // Terms at a time: on the host the values of their pairs stay in cache, a GPU wants a thread for each.
  constexpr index most = std::is_same_v<space, host> ? 16384 : 262144;
  const index count = terms.extents()[0];
  array<double, 2, B> values(b, {4 * (count < most ? count : most), 1});
  for (index first = 0; first < count; first += most) {
    const index now = count - first < most ? count - first : most;
    pair_list(b, samples.data, kernel_value<K, T>(k), 4 * now, term_pairs<RowsOf>{rows_of, first, samples.n()},
              std::span<const vector_view<const T, space>>(), values.view().slice(0, 4 * now));
    for_each_index(b, now, write_terms{values.data(), terms.data() + first});
  }
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
