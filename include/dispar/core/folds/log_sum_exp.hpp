#pragma once

#include <cmath>
#include <limits>

#include "dispar/core/nan_watch.hpp"
#include "dispar/core/pack_math.hpp"
#include "dispar/core/rounding_fence.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace folds {

/// log(sum of exp(x)) without overflow: the maximum first, then one rescale. Natural logarithm.
///
/// Elements of minus infinity count nothing, and a row of nothing else (or no elements) gives minus infinity; plus infinity
/// gives plus infinity; NaN gives NaN; all of that under -ffast-math too. Elements below a quarter of the lowest finite
/// number count as minus infinity: that number is the sentinel which keeps infinity out of the arithmetic.
/// Relative error of the sum about 2e-7 (float) or 1e-15 (double), hence absolute error of the result. One exp per element.
///
/// `Accumulator` is the type of the state: double, or float where a GPU has few double units.
template<std::floating_point T, std::floating_point Accumulator = double>
struct log_sum_exp {
  using value_type = T;
  /// What a reduction carries along.
  struct state {
    Accumulator maximum;  ///< the largest element
    Accumulator sum;      ///< sum of exp(x - maximum)
  };

  [[nodiscard]] DISPAR_FN static constexpr state identity() { return {nothing<Accumulator>, 0}; }

  DISPAR_FN static void lane(state& s, T value, index = 0) {
    if (is_nan(value))
      s = not_a_number();
    else if (value > nothing<T>)
      merge(s, {static_cast<Accumulator>(value), 1});
  }

  [[nodiscard]] DISPAR_FN static state block(const T* values, index count, index = 0) {
    using V = native_pack<T>;
    constexpr int width = V::width;
    const index whole = count - count % width;
    T rest[width];
    for (int k = 0; k < width; ++k) rest[k] = whole + k < count ? values[whole + k] : nothing<T>;
    const V last = V::load(rest);

    V greatest(nothing<T>);
    detail::nan_watch<V> watch;
    for (index i = 0; i < whole; i += width) {
      const V x = V::load(values + i);
      watch.look(x);
      greatest = select(x > greatest, x, greatest);
    }
    watch.look(last);
    greatest = select(last > greatest, last, greatest);
    if (watch.any()) return not_a_number();

    T places[width], maximum = nothing<T>;
    greatest.store(places);
    for (int k = 0; k < width; ++k) maximum = places[k] > maximum ? places[k] : maximum;
    if (is_positive_infinity(maximum)) return {positive_infinity<Accumulator>(), 1};
    if (!(maximum > nothing<T>)) return identity();

    const V shift(maximum);
    V sum[2] = {exp(last - shift), V(0)};
    index i = 0;
    for (; i + 2 * width <= whole; i += 2 * width)
      for (int c = 0; c < 2; ++c) sum[c] = rounding_fence(sum[c] + exp(V::load(values + i + c * width) - shift));
    if (i < whole) sum[1] = sum[1] + exp(V::load(values + i) - shift);
    (sum[0] + sum[1]).store(places);
    Accumulator total = 0;
    for (int k = 0; k < width; ++k) total = rounding_fence(total + static_cast<Accumulator>(places[k]));
    return {static_cast<Accumulator>(maximum), total};
  }

  DISPAR_FN static void merge(state& into, const state& from) {
    if (is_nan(into.maximum) || is_nan(from.maximum)) {
      into = not_a_number();
    } else if (is_positive_infinity(into.maximum) || is_positive_infinity(from.maximum)) {
      into = {positive_infinity<Accumulator>(), 1};
    } else if (from.maximum > into.maximum) {
      into.sum = into.sum * std::exp(into.maximum - from.maximum) + from.sum;
      into.maximum = from.maximum;
    } else {
      into.sum += from.sum * std::exp(from.maximum - into.maximum);
    }
  }

  [[nodiscard]] DISPAR_FN static Accumulator finalize(const state& s) {
    if (is_special(s.maximum)) return s.maximum;
    if (!(s.sum > 0)) return negative_infinity<Accumulator>();
    return s.maximum + std::log(s.sum);
  }

private:
  template<class U>
  static constexpr U nothing = -(std::numeric_limits<U>::max() / 4);

  DISPAR_FN static state not_a_number() { return {quiet_nan<Accumulator>(), quiet_nan<Accumulator>()}; }
};

}  // namespace folds
DISPAR_NAMESPACE_END
