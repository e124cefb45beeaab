#pragma once
/// \file
/// What the merges of logits share: a token that is contrasted, the plausibility cut, and the call of the row engine.
///
/// A *merge* makes one row of logits of several, element by element, with weights that are found by passes over the rows:
///
///     decoding::cad(backend, with_context, without_context, merged, {.alpha = 0.5});
///     decoding::adacad(backend, with_context, without_context, merged, {.floor = 0.3, .alpha = weights});
///
/// Matrices are rows x vocabulary, one row per sequence, of one shape and type, with any strides; rows are independent. `merged`
/// may be one of the inputs. Nothing waits on a GPU, and a second call of the same shape allocates nothing there. On the host no
/// heap is needed, but where fewer rows than twice the threads hold more than a million tokens together: then some numbers per
/// 8192 of them.
///
/// **Tokens that cannot occur.** Minus infinity in the first row (with context, expert, clean, full) is minus infinity in the
/// merged one, whatever the others say. Minus infinity in a row that is subtracted, where the first row has a number, is what the
/// formula says: plus infinity, which a sampler refuses. A weight of 0 gives the first row, bit for bit.
///
/// **NaN.** NaN in an element gives NaN there or in the whole row, as each merge says; nothing is scanned for it.

#include <utility>

#include "dispar/backend/rows.hpp"
#include "dispar/decoding/row_parameter.hpp"

DISPAR_NAMESPACE_BEGIN

namespace decoding {

namespace detail {

/// Minus infinity, but NaN for NaN: a compiler that counts on finite numbers may turn comparisons round.
template<class V>
[[nodiscard]] DISPAR_FN V excluded(V x) {
  return x + V(negative_infinity<typename V::scalar>());
}
template<class V>
[[nodiscard]] DISPAR_FN auto is_excluded(V x) {
  return x <= V(row_nothing<typename V::scalar>);
}

/// (1 + weight) with - weight without, as the sum of `with` and what it gains: equal logits stay what they are.
template<class V>
[[nodiscard]] DISPAR_FN V contrasted(V with, V without, V weight) {
  const V merged = fma(weight, with - without, with);
  return select(is_excluded(with), excluded(with), select(weight == V(0), with, merged));
}

/// A number of a row that nobody checked.
[[nodiscard]] DISPAR_FN double finite_or_nan(double x) { return is_special(x) ? quiet_nan<double>() : x; }

/// The plausibility cut of contrastive decoding: v stays where p(v) >= ratio max p, that is x_v >= max x + log ratio.
struct plausibility {
  double log_ratio;  ///< minus infinity: no cut

  explicit plausibility(double ratio, const char* argument)
      : log_ratio(ratio > 0 ? std::log(ratio) : negative_infinity<double>()) {
    require(ratio >= 0 && ratio <= 1, argument, "must lie in [0, 1]", ratio);
  }
  /// The least logit that stays, of a row with this maximum.
  [[nodiscard]] DISPAR_FN double least(double maximum) const { return maximum + log_ratio; }
};

/// What is merged where x is plausible; a NaN of x is not cut.
template<class V>
[[nodiscard]] DISPAR_FN V cut(V x, double least, V merged) {
  return select(x < V(least), excluded(x), merged);
}

/// The maximum of the first of N rows.
template<int N>
struct maximum_pass {
  static constexpr int maxima = 1, sums = 0;
  template<class V, class Row>
  DISPAR_FN static vec<V, 1> shifts(const vec<V, N>& x, const Row&) {
    return {{x[0]}};
  }
  template<class V, class Row>
  DISPAR_FN static vec<V, 0> terms(const vec<V, N>&, const vec<V, 1>&, const Row&) {
    return {};
  }
  DISPAR_FN static void rescale(vec<double, 0>&, const vec<double, 1>&) {}
};

/// Inputs of one type and space, or a sentence.
template<class First, class... Others>
[[nodiscard]] auto merge_inputs(const First& first, const Others&... others) {
  using T = value_type_of<First>;
  using S = space_of<First>;
  static_assert((std::same_as<T, value_type_of<Others>> && ...) && (std::same_as<S, space_of<Others>> && ...),
                "dispar: the rows that are merged must have the same element type and memory space");
  return std::array<matrix_view<const T, S>, 1 + sizeof...(Others)>{view_of(first), view_of(others)...};
}

/// A merged matrix that can be written, of the type of the inputs.
template<class First, class Out>
[[nodiscard]] auto merge_output(const First& first, Out&& merged) {
  const auto y = view_of(merged);
  static_assert(std::same_as<typename decltype(y)::element_type, value_type_of<First>>,
                "dispar: merged must be a matrix of the inputs' element type that is not const");
  require(static_cast<bool>(y) || view_of(first).rows() == 0, "decoding: merged", "must not be the null view");
  return y;
}

}  // namespace detail

}  // namespace decoding

DISPAR_NAMESPACE_END
