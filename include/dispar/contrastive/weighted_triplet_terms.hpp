#pragma once
/// \file
/// What the weighted regularisation triplet is made of: options, and its steps on pairs and rows.

#include "dispar/contrastive/triplet_terms.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// How the weighted triplet loss is made.
template<memory_space S = host>
struct weighted_triplet_options {
  /// As the released code: 1e-6 is added to the sums of weights, and those of negatives are relative to distance 0, so that all
  /// negatives count nothing where they are farther than about 14. Else the sums are 1 whatever the distances.
  bool released_floor = true;
  reduction reduce = reduction::mean;  ///< over the rows
  vector_view<double, S> losses{};     ///< where to write the loss of every row; not wanted by default
  index band_rows = 0;                 ///< rows worked on at a time; 0: as many as `band_bytes` hold. Changes last bits
};

/// Where `weighted_triplet_weights` writes; null views are not wanted. All are rows x rows.
template<memory_space S = host>
struct weighted_triplet_matrices {
  matrix_view<double, S> distances{};  ///< d_ij
  matrix_view<double, S> positives{};  ///< the weights of rows of the same class, 0 elsewhere
  matrix_view<double, S> negatives{};  ///< the weights of rows of other classes, 0 elsewhere
};

namespace detail {

/// Squared distances below it are taken for it, that of a row to itself too; and what is added to sums of weights.
inline constexpr double least_square = 1e-12, self_distance = 1e-6, weight_floor = 1e-6;

/// d and whether it may change.
template<class V, class T>
struct floored_distance {
  V d;
  typename V::mask_type moves;
  DISPAR_FN explicit floored_distance(V square) {
    const V least(static_cast<T>(least_square)), most(largest_finite<T> / 16);
    moves = square > least;
    d = sqrt(select(moves, select(square > most, most, square), least));
  }
};

/// Numbers whose log-sum-exps over a row give its weights and its weighted distances: for rows of one class d and d + log d, for
/// others -d and -d + log d.
template<class T>
struct weight_exponents {
  static constexpr int channels = 1, outputs = 4, operands = 1;
  template<class V, class At>
  DISPAR_FN vec<V, 4> operator()(const vec<V, 1>& square, const At& at) const {
    const V d = floored_distance<V, T>(square[0]).d, factor = log(d), none(-largest_finite<T>);
    const auto same = at.row[0] == at.col[0];
    return {{select(same, d, none), select(same, d + factor, none), select(same, none, -d), select(same, none, factor - d)}};
  }
};

/// log of what the weights of positives, and of negatives, are divided by, from the log-sum-exps of d and of -d.
///@{
[[nodiscard]] DISPAR_FN double log_divisor_of_positives(const log_sum_exp_state& positives, bool floor) {
  return positives.maximum + std::log(positives.sum + (floor ? weight_floor : 0));
}
[[nodiscard]] DISPAR_FN double log_divisor_of_negatives(const log_sum_exp_state& negatives, bool floor) {
  const double all = negatives.sum > 0 ? folds::log_sum_exp<double>::finalize(negatives) : -1e300;
  if (floor) return std::log(weight_floor) + softplus(all - std::log(weight_floor));
  return negatives.sum > 0 ? all : 0;
}
///@}

/// Per-row numbers of the slopes, one after the other.
enum weight_operand { class_of_row, log_of_positives, log_of_negatives, far_distance, near_distance, row_slope, weight_operands };

/// Loss of row i, and what the slopes read of it.
template<class T>
struct weighted_triplet_rows {
  const log_sum_exp_state* states;        ///< 4 x rows, of `weight_exponents`
  const folds::ranked<double>* farthest;  ///< of its class
  index rows;
  bool floor;
  double each;
  double* terms;
  strided_vector<double> by_row;
  T* operands;  ///< (weight_operands - 1) x rows, those behind the class
  hardest_rows* pulled;
  double* slopes;  ///< rows x 2
  DISPAR_FN void operator()(index i) const {
    using fold = folds::log_sum_exp<double>;
    log_sum_exp_state positives = states[i], far = states[rows + i], negatives = states[2 * rows + i];
    fold::lane(positives, self_distance);
    fold::lane(far, self_distance + std::log(self_distance));
    const double log_positives = log_divisor_of_positives(positives, floor);
    const double log_negatives = log_divisor_of_negatives(negatives, floor);
    const double to_positives = std::exp(fold::finalize(far) - log_positives);
    const log_sum_exp_state& near = states[3 * rows + i];
    const double to_negatives = near.sum > 0 ? std::exp(fold::finalize(near) - log_negatives) : 0;
    const double gap = to_positives - to_negatives, slope = each * sigmoid(gap);
    terms[i] = softplus(gap);
    if (by_row.data) by_row(i) = terms[i];
    const double numbers[] = {0, log_positives, log_negatives, to_positives, to_negatives, slope};
    for (int o = log_of_positives; o < weight_operands; ++o) operands[(o - 1) * rows + i] = static_cast<T>(numbers[o]);
    // The floor is added to sums relative to the farthest positive: they depend on that distance beyond its own weight.
    const folds::ranked<double>& farther = farthest[i];
    const bool pulls = floor && farther.at >= 0 && farther.value > self_distance;
    pulled[i] = {pulls ? farther.at : i, i, pulls ? farther.value : 0, 0};
    slopes[2 * i] = pulls ? -slope * to_positives * weight_floor / (positives.sum + weight_floor) / farther.value : 0;
    slopes[2 * i + 1] = 0;
  }
};

/// The derivative of the loss by the squared distance of a pair, either row an anchor,
///
///     dL / dd = c_i wp_ij (1 + d - Sp_i)    or    -c_i wn_ij (1 - d + Sn_i),
///
/// S the weighted distances of the anchor, c the derivative of its loss.
template<class T>
struct weighted_triplet_slopes {
  static constexpr int channels = 1, outputs = 1, operands = weight_operands;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& square, const At& at) const {
    const floored_distance<V, T> distance(square[0]);
    const V d = distance.d;
    const auto same = at.row[class_of_row] == at.col[class_of_row];
    const auto of_anchor = [&](const vec<V, weight_operands>& a) {
      const V exponent = select(same, d - a[log_of_positives], -d - a[log_of_negatives]);
      const V change = select(same, V(1) + d - a[far_distance], d - V(1) - a[near_distance]);
      return a[row_slope] * exp(exponent) * change;
    };
    const V slope = (of_anchor(at.row) + of_anchor(at.col)) / (V(2) * d);
    return {{select(distance.moves, slope, V(0))}};
  }
};

/// A loss from its sum over rows.
struct scaled_sum {
  const double* sum;
  double each;
  double* out;
  DISPAR_FN void operator()() const { *out = each * *sum; }
};

/// Row i of the matrices.
template<class E, similarity Similarity>
struct write_weights {
  strided<const E> x;
  index rows, features;
  const double* norm;
  Similarity how;
  const index* class_of;
  bool floor;
  strided<double> distances, positives, negatives;
  DISPAR_FN void operator()(index i) const {
    using fold = folds::log_sum_exp<double>;
    auto same = fold::identity(), other = fold::identity();
    for (index j = 0; j < rows; ++j) {
      const double d = distance(i, j);
      class_of[i] == class_of[j] ? fold::lane(same, d) : fold::lane(other, -d);
    }
    const double log_same = log_divisor_of_positives(same, floor);
    const double log_other = log_divisor_of_negatives(other, floor);
    for (index j = 0; j < rows; ++j) {
      const double d = distance(i, j);
      const bool positive = class_of[i] == class_of[j];
      if (distances.data) distances(i, j) = d;
      if (positives.data) positives(i, j) = positive ? std::exp(d - log_same) : 0;
      if (negatives.data) negatives(i, j) = positive ? 0 : std::exp(-d - log_other);
    }
  }

private:
  [[nodiscard]] DISPAR_FN double distance(index i, index j) const {
    if (i == j) return self_distance;
    const double square = square_between(x, features, norm, how, i, j);
    return std::sqrt(square > least_square ? square : least_square);
  }
};

}  // namespace detail

}  // namespace contrastive

DISPAR_NAMESPACE_END
