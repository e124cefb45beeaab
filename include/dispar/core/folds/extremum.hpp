#pragma once

#include "dispar/core/folds/ranked.hpp"

DISPAR_NAMESPACE_BEGIN
namespace folds {

/// The first element in an order and its position: the smallest position among equals, NaN if there is one, position -1 and
/// value 0 without elements. The result depends on the elements only, not on how they were split.
template<std::floating_point T, class Order>
struct extremum {
  using value_type = T;
  using state = ranked<T>;

  [[nodiscard]] DISPAR_FN static constexpr state identity() { return {T(0), -1}; }

  DISPAR_FN static void lane(state& s, T value, index at) { merge(s, {value, static_cast<position<T>>(at)}); }

  [[nodiscard]] DISPAR_FN static state block(const T* values, index count, index first) {
    state s = identity();
    for (index i = 0; i < count; ++i) lane(s, values[i], first + i);
    return s;
  }

  DISPAR_FN static void merge(state& into, const state& from) {
    if (comes_before<Order>(from, into)) into = from;
  }

  [[nodiscard]] DISPAR_FN static state finalize(const state& s) { return s; }
};

/// The largest element and its position: `auto [value, at] = reduce(folds::maximum<float>{}, logits);`
template<std::floating_point T>
using maximum = extremum<T, largest_first>;
/// The smallest element and its position.
template<std::floating_point T>
using minimum = extremum<T, smallest_first>;

}  // namespace folds
DISPAR_NAMESPACE_END
