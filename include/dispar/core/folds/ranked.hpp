#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "dispar/core/special_values.hpp"
#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN
namespace folds {

/// The position that goes with a value, as wide as the value so that states have no padding: rows of float are indexed up to
/// 2^31 - 1.
template<std::floating_point T>
using position = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// An element with its position in the row; position -1 means that there is none.
template<std::floating_point T>
struct ranked {
  T value;         ///< the element
  position<T> at;  ///< its position
};

/// Orders: which of two values comes first.
struct largest_first {
  /// Whether a comes before b; of packs, a mask.
  template<class T>
  [[nodiscard]] DISPAR_FN static auto better(T a, T b) {
    return a > b;
  }
};
/// The other way round.
struct smallest_first {
  /// Whether a comes before b; of packs, a mask.
  template<class T>
  [[nodiscard]] DISPAR_FN static auto better(T a, T b) {
    return a < b;
  }
};

/// A strict total order of elements at different positions: by value, equal values by position (-0 equals 0). NaN comes before
/// every number, so that it shows in the result instead of vanishing; missing elements come last.
template<class Order, std::floating_point T>
[[nodiscard]] DISPAR_FN bool comes_before(const ranked<T>& a, const ranked<T>& b) {
  if (a.at < 0 || b.at < 0) return b.at < 0 && a.at >= 0;
  const bool a_nan = is_nan(a.value), b_nan = is_nan(b.value);
  if (a_nan || b_nan) return a_nan && (!b_nan || a.at < b.at);
  if (Order::better(a.value, b.value)) return true;
  if (Order::better(b.value, a.value)) return false;
  return a.at < b.at;
}

}  // namespace folds
DISPAR_NAMESPACE_END
