#pragma once

#include "dispar/mmd/median_heuristic.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How a bandwidth is found.
struct bandwidth_options {
  double fraction = 1;  ///< of the median, positive
  index most_rows = 0;  ///< as in `median_options`; 0: every row
};

/// A bandwidth for `gaussian` from the rows themselves: `fraction` times the median Euclidean distance over all pairs of
/// different rows, of an even number the mean of the two in the middle.
///
///     const gaussian kernel{contrastive::median_bandwidth(cpu{}, x, {.fraction = 0.8})};
///
/// It is a number: gradients do not flow through it. Time O(n^2 d); memory n^2 elements, so give `.most_rows` with many. Throws
/// `invalid_argument` for fewer than two rows, a fraction that is not positive and finite, a median of 0, NaN and infinity.
/// Kornblith, Norouzi, Lee & Hinton, ICML 2019, section 3.
template<backend B, sample_matrix X>
[[nodiscard]] double median_bandwidth(const B& b, const X& x, const bandwidth_options& o = {}) {
  const auto rows = view_of(x);
  require(rows.rows() >= 2, "median_bandwidth: rows of x", "must be at least 2", static_cast<double>(rows.rows()));
  require(o.fraction > 0 && o.fraction < 1e30, "median_bandwidth: fraction", "must be positive and finite", o.fraction);
  // The pairs within a sample of one row, within the rest, and between them are those of the whole.
  return o.fraction * median_distance<sq_euclidean>(b, rows.slice(0, 1), rows.slice(1, rows.rows() - 1),
                                                    {.most_rows = o.most_rows == 0 ? rows.rows() : o.most_rows});
}

}  // namespace contrastive

DISPAR_NAMESPACE_END
