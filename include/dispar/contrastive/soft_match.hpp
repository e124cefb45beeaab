#pragma once
/// \file
/// How distances of embeddings become probabilities that items match, and the steps of the soft contrastive loss on blocks of
/// embeddings: what items with one embedding and with several have in common.

#include <cmath>

#include "dispar/contrastive/unit_rows.hpp"
#include "dispar/core/error.hpp"
#include "dispar/core/lane.hpp"
#include "dispar/core/logistic.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/vec.hpp"

DISPAR_NAMESPACE_BEGIN

namespace contrastive {

/// The logit that two embeddings match, s = -scale d + shift with d = sqrt(|u - v|^2 + epsilon); the probability is sigmoid(2 s).
/// Both numbers are learnt; defaults of the released code of PCME and CreamFL.
struct distance_logit {
  double scale = 15;      ///< the negative scale a; finite
  double shift = 15;      ///< the shift b; finite
  double epsilon = 1e-6;  ///< keeps distances of equal rows from 0; at 0 those have the gradient 0; not negative
  /// Throws unless all are as said.
  void check() const {
    require(!is_special(scale), "distance_logit: scale", "must be finite", scale);
    require(!is_special(shift), "distance_logit: shift", "must be finite", shift);
    require(epsilon >= 0 && !is_special(epsilon), "distance_logit: epsilon", "must be finite and not negative", epsilon);
  }
};

namespace detail {

/// Distance, logit, and the derivative of the logit by the squared distance, -a / (2 d), of two embeddings.
template<class T>
struct embedding_logits {
  T scale, shift, epsilon;
  explicit embedding_logits(const distance_logit& of)
      : scale(static_cast<T>(of.scale)), shift(static_cast<T>(of.shift)), epsilon(static_cast<T>(of.epsilon)) {}
  template<class V>
  [[nodiscard]] DISPAR_FN V distance(V square) const {
    const V most(largest_finite<T> / 16);  // than which all are alike: what is multiplied with a distance stays finite
    return sqrt(select(square > most, most, square) + V(epsilon));
  }
  template<class V>
  [[nodiscard]] DISPAR_FN V logit(V distance) const {
    return V(shift) - V(scale) * distance;
  }
  template<class V>
  [[nodiscard]] DISPAR_FN V by_square(V distance) const {
    return select(distance > V(0), V(scale) / (V(-2) * select(distance > V(0), distance, V(1))), V(0));
  }
};

/// Sums over pairs of items: their losses, dL / ds, d dL / ds.
struct soft_terms {
  double loss, by_logit, by_logit_times_distance;
};

/// Two items with `pairs` pairs of embeddings: their loss, -log mean_k sigmoid(2 m s_k), and its derivatives. square(k) is the
/// squared distance of a pair; slope(k, x) takes the derivative of the loss by it. m: 1 where the items match, else -1.
template<class Square, class Slope>
[[nodiscard]] DISPAR_FN soft_terms terms_of_items(const embedding_logits<double>& logits, double m, index pairs,
                                                  const Square& square, const Slope& slope) {
  const auto distance = [&](index k) { return logits.distance(lane<double>(square(k))).value; };
  const auto failure = [&](double d) { return -2 * m * logits.logit(lane<double>(d)).value; };  // z: p = sigmoid(-z)
  double least = failure(distance(0));
  for (index k = 1; k < pairs; ++k) {
    const double z = failure(distance(k));
    least = z < least ? z : least;
  }
  // Probabilities relative to the largest: none underflows that counts.
  const double base = softplus(least), count = static_cast<double>(pairs);
  double sum = 0, missed = 0;
  for (index k = 0; k < pairs; ++k) {
    const double z = failure(distance(k));
    sum += std::exp(base - softplus(z));
    missed += sigmoid(z);
  }
  missed /= count;
  // Near 1 the mean probability loses the digits that its complement has.
  soft_terms all{missed < 0.5 ? -std::log1p(-missed) : base - std::log(sum / count), 0, 0};
  for (index k = 0; k < pairs; ++k) {
    const double d = distance(k), z = failure(d);
    const double by_logit = -2 * m * sigmoid(z) * (std::exp(base - softplus(z)) / sum);
    all.by_logit += by_logit;
    all.by_logit_times_distance += d * by_logit;
    slope(k, by_logit * logits.by_square(lane<double>(d)).value);
  }
  return all;
}

/// |u_i - v_j|^2 of rows of two matrices, scaled, in double.
template<class E, similarity Similarity>
struct squares_across {
  strided<const E> x, y;
  index features;
  const double* norm_x;
  const double* norm_y;
  Similarity how;
  [[nodiscard]] DISPAR_FN double operator()(index i, index j) const {
    const double fx = how.row_factor(norm_x[i], 0), fy = how.row_factor(norm_y[j], 1);
    return feature_sum(features, [&](index k) {
      const double gap = fx * in_double(x(i, k)) - fy * in_double(y(j, k));
      return gap * gap;
    });
  }
};

/// Pairs of embeddings of different items, one embedding each: dL / d square, and the terms.
template<class T>
struct unmatched_embeddings {
  static constexpr int channels = 1, outputs = 4, operands = 0;
  embedding_logits<T> logits;
  T each;
  bool without_matched;
  template<class V, class At>
  DISPAR_FN vec<V, 4> operator()(const vec<V, 1>& square, const At& at) const {
    const V d = logits.distance(square[0]), z = V(2) * logits.logit(d);
    const auto counts = [&](V x) { return without_matched ? select(at.matched, V(0), x) : x; };
    const V by_logit = counts(V(2) * sigmoid(z));
    return {{V(each) * by_logit * logits.by_square(d), counts(softplus(z)), by_logit, d * by_logit}};
  }
};
/// The loss alone.
template<class T>
struct unmatched_embedding_losses {
  static constexpr int channels = 1, outputs = 1, operands = 0;
  embedding_logits<T> logits;
  bool without_matched;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& square, const At& at) const {
    const V loss = softplus(V(2) * logits.logit(logits.distance(square[0])));
    return {{without_matched ? select(at.matched, V(0), loss) : loss}};
  }
};

/// The squared distances as they are.
template<class T>
struct unscaled_squares {
  static constexpr int channels = 1, outputs = 1, operands = 0;
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(const vec<V, 1>& square, const At&) const {
    return {{square[0]}};
  }
};

/// A pair of items of two bands with several embeddings each: squared distances become derivatives by them, in place.
template<class T>
struct unmatched_items {
  embedding_logits<double> logits;
  strided<T> squares;   ///< rows of the bands
  index samples, cols;  ///< embeddings of an item, items of the second band
  bool without_matched;
  double each;
  soft_terms* terms;  ///< items x items
  DISPAR_FN void operator()(index at) const {
    const index i = at / cols, j = at % cols;
    const auto place = [&](index k) -> T& { return squares(i * samples + k / samples, j * samples + k % samples); };
    if (without_matched && i == j) {
      for (index k = 0; k < samples * samples; ++k) place(k) = T(0);
      terms[at] = {0, 0, 0};
      return;
    }
    terms[at] = terms_of_items(
        logits, -1, samples * samples, [&](index k) { return static_cast<double>(place(k)); },
        [&](index k, double slope) { place(k) = static_cast<T>(each * slope); });
  }
};

/// Item i of both matrices, which match: from the rows, in double.
template<class E, similarity Similarity>
struct matched_items {
  squares_across<E, Similarity> square;
  embedding_logits<double> logits;
  index samples;
  double each;
  soft_terms* terms;
  double* slopes;  ///< items x samples x samples
  DISPAR_FN void operator()(index i) const {
    const index pairs = samples * samples;
    double* const own = slopes + i * pairs;
    for (index k = 0; k < pairs; ++k) own[k] = square(i * samples + k / samples, i * samples + k % samples);
    terms[i] = terms_of_items(
        logits, 1, pairs, [&](index k) { return own[k]; }, [&](index k, double slope) { own[k] = each * slope; });
  }
};

/// to_r += 2 sum_j slope_rj (u_r - v_j) for a row and some of its features; v are the rows of another band.
template<class E, class T, similarity Similarity>
struct add_gaps {
  static constexpr index width = 16;  ///< features at a time
  strided<const E> own, other;
  const double* norm_own;
  const double* norm_other;
  index features, others;
  Similarity how;
  int side;
  strided<const T> slopes;
  strided<T> to;
  [[nodiscard]] static constexpr index parts(index features) { return (features + width - 1) / width; }
  DISPAR_FN void operator()(index at) const {
    const index all = parts(features), r = at / all, first = at % all * width;
    const index count = features - first < width ? features - first : width;
    const double f = how.row_factor(norm_own[r], side);
    double row[width], sum[width];
    for (index k = 0; k < count; ++k) {
      row[k] = f * in_double(own(r, first + k));
      sum[k] = 0;
    }
    for (index j = 0; j < others; ++j) {
      const double slope = 2 * static_cast<double>(slopes(r, j));
      if (slope == 0) continue;
      const double h = how.row_factor(norm_other[j], 1 - side);
      for (index k = 0; k < count; ++k) sum[k] += slope * (row[k] - h * in_double(other(j, first + k)));
    }
    for (index k = 0; k < count; ++k) to(r, first + k) = static_cast<T>(static_cast<double>(to(r, first + k)) + sum[k]);
  }
};

/// The same for a row and the rows of its own item.
template<class E, class T, similarity Similarity>
struct add_matched_gaps {
  strided<const E> own, other;
  const double* norm_own;
  const double* norm_other;
  index features, samples;
  Similarity how;
  int side;
  const double* slopes;  ///< items x samples x samples
  strided<T> to;
  DISPAR_FN void operator()(index r) const {
    const index item = r / samples, e = r % samples;
    const double f = how.row_factor(norm_own[r], side);
    for (index j = 0; j < samples; ++j) {
      const double slope = 2 * slopes[item * samples * samples + (side == 0 ? e * samples + j : j * samples + e)];
      const index met = item * samples + j;
      const double h = how.row_factor(norm_other[met], 1 - side);
      for (index k = 0; k < features; ++k)
        to(r, k) =
            static_cast<T>(static_cast<double>(to(r, k)) + slope * (f * in_double(own(r, k)) - h * in_double(other(met, k))));
    }
  }
};

/// Mean over the pairs of embeddings of two items of sigmoid(2 s).
template<class E, similarity Similarity>
struct write_probability {
  squares_across<E, Similarity> square;
  embedding_logits<double> logits;
  index samples, cols;
  strided<double> out;
  DISPAR_FN void operator()(index at) const {
    const index i = at / cols, j = at % cols;
    double sum = 0;
    for (index k = 0; k < samples * samples; ++k) {
      const lane<double> d = logits.distance(lane<double>(square(i * samples + k / samples, j * samples + k % samples)));
      sum += sigmoid(2 * logits.logit(d).value);
    }
    out(i, j) = sum / static_cast<double>(samples * samples);
  }
};

}  // namespace detail

}  // namespace contrastive

DISPAR_NAMESPACE_END
