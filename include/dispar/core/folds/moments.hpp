#pragma once

#include <concepts>

#include "dispar/core/folds/load_double.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN
namespace folds {

/// Count, mean and variance in one pass, stable for any offset: deviations are taken from the mean of each tile, and states
/// merge by Chan, Golub and LeVeque's formula (Am. Statistician 37, 1983). NaN or infinity in gives NaN variances out.
template<std::floating_point T>
struct moments {
  using value_type = T;
  /// What a reduction carries along.
  struct state {
    double count;      ///< how many elements
    double mean;       ///< theirs
    double deviation;  ///< sum of (x - mean)^2
  };
  /// What a reduction gives.
  struct result {
    double count;                ///< how many elements
    double mean;                 ///< NaN without elements
    double variance;             ///< divided by count - 1; NaN below two elements
    double population_variance;  ///< divided by count; NaN without elements
  };

  [[nodiscard]] DISPAR_FN static constexpr state identity() { return {0, 0, 0}; }

  DISPAR_FN static void lane(state& s, T value, index = 0) {
    const double x = static_cast<double>(value), distance = x - s.mean;
    s.count += 1;
    s.mean += distance / s.count;
    s.deviation += distance * (x - s.mean);
  }

  [[nodiscard]] DISPAR_FN static state block(const T* values, index count, index = 0) {
    if (count == 0) return identity();
    using V = native_pack<double>;
    constexpr int width = V::width;
    const index whole = count - count % width;
    V totals(0);
    for (index i = 0; i < whole; i += width) totals = rounding_fence(totals + detail::load_double(values + i));
    double total = detail::add_places(totals);
    for (index i = whole; i < count; ++i) total = rounding_fence(total + static_cast<double>(values[i]));
    const double n = static_cast<double>(count), center = rounding_fence(total / n);

    V left(0), squares(0);
    for (index i = 0; i < whole; i += width) {
      const V distance = detail::load_double(values + i) - V(center);
      left = rounding_fence(left + distance);
      squares = rounding_fence(fma(distance, distance, squares));
    }
    double first_order = detail::add_places(left), second_order = detail::add_places(squares);
    for (index i = whole; i < count; ++i) {
      const double distance = rounding_fence(static_cast<double>(values[i]) - center);
      first_order = rounding_fence(first_order + distance);
      second_order = rounding_fence(second_order + distance * distance);
    }
    // What rounding left in the center is corrected: exactly, the first-order sum would be zero.
    const double correction = rounding_fence(first_order / n);
    return {n, center + correction, second_order - rounding_fence(n * correction) * correction};
  }

  DISPAR_FN static void merge(state& into, const state& from) {
    if (from.count == 0) return;
    if (into.count == 0) {
      into = from;
      return;
    }
    const double n = into.count + from.count, distance = from.mean - into.mean, share = from.count / n;
    into.mean += distance * share;
    into.deviation += from.deviation + distance * distance * (into.count * share);
    into.count = n;
  }

  [[nodiscard]] DISPAR_FN static result finalize(const state& s) {
    const double deviation = is_nan(s.deviation) || s.deviation > 0 ? s.deviation : 0;
    return {s.count, s.count > 0 ? s.mean : quiet_nan<double>(), s.count > 1 ? deviation / (s.count - 1) : quiet_nan<double>(),
            s.count > 0 ? deviation / s.count : quiet_nan<double>()};
  }
};

}  // namespace folds
DISPAR_NAMESPACE_END
