#pragma once
/// \file
/// Sums over matched pairs (x_i, y_i) under many labellings, which the one-sample form leaves out.

#include <cstdint>
#include <limits>

#include "dispar/backend/operations.hpp"
#include "dispar/backend/step.hpp"
#include "dispar/mmd/labels.hpp"

DISPAR_NAMESPACE_BEGIN

namespace mmd {

/// How the one-sample form pairs the rows of a permuted split.
enum class pairing {
  sorted,   ///< both index sets ascending (MMD-MP `mmd2_permutations`)
  ordered,  ///< in the order of the permutation (the older `TST_MMD_u_old`); needs given permutations
};

namespace detail {

/// A pair is taken from above the diagonal: only that half of a given matrix is read.
[[nodiscard]] DISPAR_FN row_pair upper_pair(index i, index j) { return i < j ? row_pair{i, j, 2} : row_pair{j, i, 2}; }

/// Row numbers of a pair.
struct matched_rows {
  std::int32_t x, y;
};

/// The i-th row of X and the i-th of Y of labelling `first` + p, to list[i][p].
template<class Labels>
struct list_matched_rows {
  Labels labels;
  index first, count;
  matched_rows* list;
  DISPAR_FN void operator()(index p) const {
    index next_x = p, next_y = p;
    for (index i = 0; i < labels.rows; ++i) {
      const bool of_x = labels.member(i, first + p);
      const auto row = static_cast<std::int32_t>(i);
      if (of_x)
        list[next_x].x = row;
      else
        list[next_y].y = row;
      (of_x ? next_x : next_y) += count;
    }
  }
};
struct listed_rows {
  static constexpr bool on_device = true;
  const matched_rows* list;
  DISPAR_FN row_pair operator()(index at) const { return upper_pair(list[at].x, list[at].y); }
};

/// sum_i k(X_i, Y_i) of every labelling to `out`, labelling 0 being the observed one, the others those of `given` where the pairs
/// are `ordered`. Labellings are taken together while their pairs fit a cache, or 32 MB of a GPU.
template<backend B, class Samples, pair_function K, class Labels>
void matched_sums(const B& b, const Samples& samples, const K& k, const Labels& labels, pairing pairs,
                  const matrix_view<const std::int64_t>& given, double* out) {
  using T = typename decltype(samples.data)::value_type;
  using space = typename B::space;
  constexpr index most_pairs = index{1} << (std::is_same_v<space, host> ? 14 : 21);
  const index n = samples.n(), most = n < most_pairs ? most_pairs / n : 1;
  require(n <= std::numeric_limits<std::int32_t>::max() / 2, "permutation_test: rows",
          "must be below 2^30 in the one-sample form", static_cast<double>(n));
  const auto run = [&](index first, index count, const auto& pair_of) {
    array<double, 2, B> values(b, {n, count});
    pair_list(b, samples.data, kernel_value<K, T>(k), n * count, pair_of, std::span<const vector_view<const T, space>>(),
              matrix_view<double, space>(values.data(), n * count, 1));
    column_sums(b, std::as_const(values).view(), vector_view<double, space>(out + first, count));
  };
  for (index first = 0; first < labels.labels; first += most) {
    const index count = labels.labels - first < most ? labels.labels - first : most;
    if (pairs == pairing::ordered) {
      run(first, count, [n, first, count, given](index at) {
        const index p = first + at % count, i = at / count;
        return p == 0 ? upper_pair(i, n + i)
                      : upper_pair(static_cast<index>(given(p - 1, i)), static_cast<index>(given(p - 1, n + i)));
      });
    } else {
      array<matched_rows, 2, B> list(b, {n, count});
      for_each_index(b, count, list_matched_rows<Labels>{labels, first, count, list.data()});
      run(first, count, listed_rows{list.data()});
    }
  }
}

}  // namespace detail

}  // namespace mmd

DISPAR_NAMESPACE_END
