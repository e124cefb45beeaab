#pragma once

#include <cstdint>

#include "dispar/core/view.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// The bytes that a matrix spans.
struct memory_span {
  std::uintptr_t first = 0, last = 0;
};
template<class View>
[[nodiscard]] memory_span memory_of(const View& x) {
  if (x.size() == 0) return {};
  index low = 0, high = 0;
  for (int axis = 0; axis < 2; ++axis) {
    const index reach = (x.extent(axis) - 1) * x.stride(axis);
    (reach < 0 ? low : high) += reach;
  }
  return {reinterpret_cast<std::uintptr_t>(x.data() + low), reinterpret_cast<std::uintptr_t>(x.data() + high + 1)};
}
[[nodiscard]] inline bool overlap(memory_span a, memory_span b) { return a.first < b.last && b.first < a.last; }

}  // namespace detail

DISPAR_NAMESPACE_END
