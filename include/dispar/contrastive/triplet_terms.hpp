#pragma once
/// \file
/// What the batch-hard triplet loss is made of: margins, options, and its steps on pairs, anchors and rows.

#include <cmath>
#include <concepts>
#include <type_traits>

#include "dispar/backend/sort.hpp"
#include "dispar/contrastive/matched_softmax.hpp"
#include "dispar/contrastive/row_extrema.hpp"
#include "dispar/core/logistic.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// Loss of an anchor by its gap, the distance to its positive minus that to its negative: max(gap + margin, 0). Default 0.3, as
/// is usual for the identification of persons.
struct hinge_margin {
  double margin = 0.3;  ///< by how much the negative shall be farther; finite
  /// The loss, its derivative (0 where the loss is 0), and a check of the margin.
  ///@{
  [[nodiscard]] DISPAR_FN double loss(double gap) const { return gap + margin > 0 ? gap + margin : 0; }
  [[nodiscard]] DISPAR_FN double slope(double gap) const { return gap + margin > 0 ? 1 : 0; }
  void check() const { require(!is_special(margin), "hinge_margin: margin", "must be finite", margin); }
  ///@}
};

/// The same without a margin to choose, log(1 + exp(gap)).
struct soft_margin {
  /// See `hinge_margin`.
  ///@{
  [[nodiscard]] DISPAR_FN double loss(double gap) const { return softplus(gap); }
  [[nodiscard]] DISPAR_FN double slope(double gap) const { return sigmoid(gap); }
  void check() const {}
  ///@}
};

/// How a gap of distances becomes a loss: a user's own looks like `hinge_margin`.
template<class M>
concept triplet_margin = std::is_trivially_copyable_v<M> && requires(const M m, double gap) {
  { m.loss(gap) } -> std::convertible_to<double>;
  { m.slope(gap) } -> std::convertible_to<double>;
  m.check();
};

/// The loss and how many rows it is made of.
struct triplet_loss {
  double value;    ///< the loss; 0 without anchors
  double anchors;  ///< rows that have a row of their class and one of another
  double nonzero;  ///< those of them with a loss above 0
};

/// What an anchor was compared with.
struct hardest_rows {
  index positive;      ///< the farthest row of its class; -1 for a row that is no anchor
  index negative;      ///< the nearest row of another class; -1 for a row that is no anchor
  double to_positive;  ///< the distance of `positive`; 0 for a row that is no anchor
  double to_negative;  ///< the distance of `negative`; 0 for a row that is no anchor
};

/// How the triplet loss is made.
template<memory_space S = host>
struct triplet_options {
  reduction reduce = reduction::mean;    ///< over the anchors
  bool nonzero_only = false;             ///< the mean is over anchors with a loss above 0 only
  vector_view<double, S> losses{};       ///< where to write the loss of every row, 0 for no anchor; not wanted by default
  vector_view<hardest_rows, S> mined{};  ///< where to write what every row was compared with; not wanted by default
  index band_rows = 0;                   ///< rows worked on at a time; 0: as many as `band_bytes` hold
};

namespace detail {

/// |a - b|^2 added up from differences: exactly 0 for equal rows, and as accurate for near ones. Of rows that are not centred it
/// is exact between points of a grid, so that ties are ties; gradients want them centred.
template<bool Centred>
struct squared_differences {
  static constexpr bool product = false, translation_invariant = Centred, linear_slope = true;
  static constexpr double own = 2, other = -2;
  template<class V>
  DISPAR_FN static V row_term(V acc, V a) {
    return fma(a, a, acc);
  }
  template<class V>
  DISPAR_FN static V step(V acc, V a, V b) {
    const V gap = a - b;
    return fma(gap, gap, acc);
  }
  template<class V>
  DISPAR_FN static V finish(V acc, V, V) {
    return acc;
  }
  template<class V>
  DISPAR_FN static V slope(V a, V b, V) {
    return V(2) * (a - b);
  }
};

/// The squared distance of rows of one class, and of two; the operand is the class.
template<class T>
struct squares_by_class {
  static constexpr int channels = 1, outputs = 2, operands = 1;
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(const vec<V, 1>& square, const At& at) const {
    constexpr T farther = largest_finite<T> / 16;  // than which all are alike, and still count
    const V d = select(square[0] > V(farther), V(farther), square[0]);
    const auto same = at.row[0] == at.col[0];
    return {{select(same, d, V(-largest_finite<T>)), select(same, V(largest_finite<T>), d)}};
  }
};

/// |u_i - u_j|^2 of scaled rows, in double.
template<class E, similarity Similarity>
[[nodiscard]] DISPAR_FN double square_between(const strided<const E>& x, index features, const double* norm,
                                              const Similarity& how, index i, index j) {
  const double fi = how.row_factor(norm[i], 0), fj = how.row_factor(norm[j], 0);
  return feature_sum(features, [&](index k) {
    const double gap = fi * in_double(x(i, k)) - fj * in_double(x(j, k));
    return gap * gap;
  });
}

/// Of row i: what it is compared with, its loss, and the derivatives by the two distances, each over that distance.
template<class E, similarity Similarity, triplet_margin Margin>
struct triplet_terms {
  strided<const E> x;
  index features;
  const double* norm;
  Similarity how;
  Margin margin;
  const folds::ranked<double>* positives;
  const folds::ranked<double>* negatives;
  hardest_rows* mined;
  double* terms;   ///< rows x 3: loss, whether it is an anchor, whether its loss is above 0
  double* slopes;  ///< rows x 2
  strided_vector<double> by_row;
  strided_vector<hardest_rows> mined_by_row;

  DISPAR_FN void operator()(index i) const {
    hardest_rows met{-1, -1, 0, 0};
    double loss = 0, slope = 0;
    const bool anchor = positives[i].at >= 0 && negatives[i].at >= 0;
    if (anchor) {
      met.positive = positives[i].at;
      met.negative = negatives[i].at;
      met.to_positive = std::sqrt(square_between(x, features, norm, how, i, met.positive));
      met.to_negative = std::sqrt(square_between(x, features, norm, how, i, met.negative));
      const double gap = met.to_positive - met.to_negative;
      loss = margin.loss(gap);
      slope = margin.slope(gap);
    }
    mined[i] = met;
    terms[3 * i] = loss;
    terms[3 * i + 1] = anchor ? 1 : 0;
    terms[3 * i + 2] = loss > 0 ? 1 : 0;
    slopes[2 * i] = met.to_positive > 0 ? slope / met.to_positive : 0;
    slopes[2 * i + 1] = met.to_negative > 0 ? -slope / met.to_negative : 0;
    if (by_row.data) by_row(i) = loss;
    if (mined_by_row.data) mined_by_row(i) = met;
  }
};

/// What an anchor counts.
struct triplet_weight {
  const double* sums;  ///< losses, anchors, anchors with a loss
  bool mean, nonzero_only;
  [[nodiscard]] DISPAR_FN double operator()() const {
    if (!mean) return 1;
    const double count = nonzero_only ? sums[2] : sums[1];
    return count > 0 ? 1 / count : 0;
  }
};
struct finish_triplet {
  triplet_weight each;
  triplet_loss* out;
  DISPAR_FN void operator()() const { *out = {each() * each.sums[0], each.sums[1], each.sums[2]}; }
};

/// Whom anchor a chose as positive (number a) and as negative (number rows + a); `rows` for those that are no anchors.
struct choices {
  const hardest_rows* mined;
  index rows;
  index* chosen;
  index* anchors;
  DISPAR_FN void operator()(index at) const {
    const hardest_rows& met = mined[at < rows ? at : at - rows];
    const index row = at < rows ? met.positive : met.negative;
    chosen[at] = row < 0 ? rows : row;
    anchors[at] = at;
  }
};
/// Where the choices of row i begin among the sorted ones.
struct first_choices {
  const index* chosen;
  index count;
  index* first;
  DISPAR_FN void operator()(index i) const {
    index low = 0, high = count;
    while (low < high) {
      const index middle = (low + high) / 2;
      if (chosen[middle] < i)
        low = middle + 1;
      else
        high = middle;
    }
    first[i] = low;
  }
};

/// Features of one row that a step adds up at a time: what many anchors chose is shared out.
inline constexpr int features_per_piece = 8;

/// The gradient by a scaled row: of d(i, j) by u_i it is (u_i - u_j) / d(i, j), whichever of the two is the anchor.
template<class E, class T, similarity Similarity>
struct triplet_gradient {
  strided<const E> x;
  index features;
  const double* norm;
  Similarity how;
  const hardest_rows* mined;
  const double* slopes;
  const index* anchors;
  const index* first;
  index rows, pieces;
  triplet_weight each;
  strided<T> out;

  DISPAR_FN void operator()(index at) const {
    const index row = at / pieces, begin = at % pieces * features_per_piece;
    const index left = features - begin;
    const int count = static_cast<int>(left < features_per_piece ? left : features_per_piece);
    double own[features_per_piece], sum[features_per_piece] = {};
    const double factor = how.row_factor(norm[row], 0);
    for (int k = 0; k < count; ++k) own[k] = factor * in_double(x(row, begin + k));
    const auto add = [&](index other, double slope) {
      if (slope == 0) return;
      const double f = how.row_factor(norm[other], 0);
      for (int k = 0; k < count; ++k) sum[k] += slope * (own[k] - f * in_double(x(other, begin + k)));
    };
    const hardest_rows& met = mined[row];
    if (met.positive >= 0) {
      add(met.positive, slopes[2 * row]);
      add(met.negative, slopes[2 * row + 1]);
    }
    for (index a = first[row]; a < first[row + 1]; ++a) {
      const index number = anchors[a];
      number < rows ? add(number, slopes[2 * number]) : add(number - rows, slopes[2 * (number - rows) + 1]);
    }
    for (int k = 0; k < count; ++k) out(row, begin + k) = static_cast<T>(each() * sum[k]);
  }
};

/// What rows that are chosen and those that choose them pull at one another, written to `out`: the gradient by the scaled rows of
/// the sum over anchors i of each() (slopes(i, 0) d(i, p_i)^2 / 2 + slopes(i, 1) d(i, n_i)^2 / 2). Who pulls at a row is sorted
/// by row: nothing is added atomically.
template<backend B, class E, similarity Similarity, class T>
void pull_chosen_rows(const B& b, const embeddings<E, B>& x, const Similarity& how, const hardest_rows* mined,
                      const double* slopes, const triplet_weight& each, const matrix_view<T, typename B::space>& out) {
  const index n = x.count(), features = x.rows.cols();
  array<index, 1, B> chosen(b, {2 * n}), anchors(b, {2 * n}), first(b, {n + 1});
  for_each_index(b, 2 * n, choices{mined, n, chosen.data(), anchors.data()});
  sort_pairs(b, std::as_const(chosen).view(), std::as_const(anchors).view(), chosen.view(), anchors.view());
  for_each_index(b, n + 1, first_choices{chosen.data(), 2 * n, first.data()});
  const index pieces = (features + features_per_piece - 1) / features_per_piece;
  for_each_index(
      b, n * pieces, 6 * static_cast<double>(x.rows.size()),
      triplet_gradient<E, T, Similarity>{dispar::detail::strided_of(x.rows), features, x.norm.data(), how, mined, slopes,
                                         anchors.data(), first.data(), n, pieces, each, dispar::detail::strided_of(out)});
}

}  // namespace detail

}  // namespace contrastive

DISPAR_NAMESPACE_END
