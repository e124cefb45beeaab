#pragma once

#include "dispar/core/folds/load_double.hpp"
#include "dispar/core/special_values.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN
namespace folds {

/// The sum with its rounding errors carried along in double (Neumaier, ZAMM 54, 1974; the branch-free form with Knuth's
/// TwoSum): relative error about 1e-16 whatever the order, unless the terms cancel by more than 16 digits. Correct under
/// -ffast-math. Infinity where the sum is infinite, NaN for NaN. About 6 additions per element.
template<std::floating_point T>
struct sum {
  using value_type = T;
  /// What a reduction carries along.
  struct state {
    double total;  ///< the rounded sum
    double error;  ///< what rounding took from it
  };

  [[nodiscard]] DISPAR_FN static constexpr state identity() { return {0, 0}; }

  DISPAR_FN static void lane(state& s, T value, index = 0) { add(s, static_cast<double>(value)); }

  [[nodiscard]] DISPAR_FN static state block(const T* values, index count, index = 0) {
    using V = native_pack<double>;
    constexpr int width = V::width, chains = 2;  // two chains of dependent additions hide half of their latency
    V total[chains] = {V(0), V(0)}, error[chains] = {V(0), V(0)};
    index i = 0;
    for (; i + chains * width <= count; i += chains * width) {
      for (int c = 0; c < chains; ++c) {
        const auto s = two_sum(total[c], detail::load_double(values + i + c * width));
        total[c] = s.rounded;
        error[c] = rounding_fence(error[c] + s.error);
      }
    }
    state result = identity();
    for (int c = 0; c < chains; ++c) {
      double totals[width], errors[width];
      total[c].store(totals);
      error[c].store(errors);
      for (int k = 0; k < width; ++k) merge(result, {totals[k], errors[k]});
    }
    for (; i < count; ++i) lane(result, values[i]);
    return result;
  }

  DISPAR_FN static void merge(state& into, const state& from) {
    add(into, from.total);
    into.error = rounding_fence(into.error + from.error);
  }

  [[nodiscard]] DISPAR_FN static double finalize(const state& s) {
    // Beyond an infinite partial sum the error is infinity minus infinity.
    return is_special(s.total) ? s.total : s.total + s.error;
  }

private:
  DISPAR_FN static void add(state& s, double term) {
    const auto exact = two_sum(s.total, term);
    s.total = exact.rounded;
    s.error = rounding_fence(s.error + exact.error);
  }
};

}  // namespace folds
DISPAR_NAMESPACE_END
