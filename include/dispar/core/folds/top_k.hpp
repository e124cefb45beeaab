#pragma once

#include "dispar/core/folds/ranked.hpp"

DISPAR_NAMESPACE_BEGIN
namespace folds {

/// The first K elements in an order, best first, with their positions: equal values by position, NaN before every number. The
/// result depends on the elements only, not on how they were split. Places beyond the number of elements have position -1.
///
/// One comparison for an element that does not enter, K / 2 moves for one that does. K up to 64: more is selection's work.
///
///     auto best = reduce(folds::top_k<float, 8>{}, logits);    // best.elements[0].value, best.elements[0].at
template<std::floating_point T, int K, class Order = largest_first>
requires(K >= 1 && K <= 64) struct top_k {
  using value_type = T;
  /// What a reduction carries along.
  struct state {
    ranked<T> elements[K];  ///< best first
  };

  [[nodiscard]] DISPAR_FN static constexpr state identity() {
    state s{};
    for (auto& element : s.elements) element = {T(0), -1};
    return s;
  }

  DISPAR_FN static void lane(state& s, T value, index at) { insert(s, {value, static_cast<position<T>>(at)}); }

  [[nodiscard]] DISPAR_FN static state block(const T* values, index count, index first) {
    state s = identity();
    for (index i = 0; i < count; ++i) lane(s, values[i], first + i);
    return s;
  }

  DISPAR_FN static void merge(state& into, const state& from) {
    // Both are sorted: once an element does not enter, none behind it does.
    for (const auto& element : from.elements)
      if (!insert(into, element)) return;
  }

  [[nodiscard]] DISPAR_FN static const state& finalize(const state& s) { return s; }

private:
  DISPAR_FN static bool insert(state& s, ranked<T> element) {
    if (!comes_before<Order>(element, s.elements[K - 1])) return false;
    int place = K - 1;
    for (; place > 0 && comes_before<Order>(element, s.elements[place - 1]); --place) s.elements[place] = s.elements[place - 1];
    s.elements[place] = element;
    return true;
  }
};

}  // namespace folds
DISPAR_NAMESPACE_END
