#pragma once

#include <cstring>

#include "dispar/core/pack.hpp"
#include "dispar/core/special_values.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

/// Remembers whether any of the packs it saw held a NaN.
template<class V>
struct nan_watch;
template<class T>
struct nan_watch<lane<T>> {
  bool seen = false;
  DISPAR_FN void look(lane<T> x) { seen = seen || is_nan(x.value); }
  [[nodiscard]] DISPAR_FN bool any() const { return seen; }
};
#if !defined(__CUDACC__)
template<class T, int W>
struct nan_watch<pack<T, W>> {
  using native = typename mask<T, W>::native;
  native seen{};
  DISPAR_FN void look(pack<T, W> x) {
    native bits;
    std::memcpy(&bits, &x.value, sizeof bits);
    seen |= (bits & static_cast<bits_of<T>>(ieee<T>::magnitude)) > static_cast<bits_of<T>>(ieee<T>::infinity);
  }
  [[nodiscard]] DISPAR_FN bool any() const {
    bits_of<T> all = 0;
    for (int i = 0; i < W; ++i) all |= seen[i];
    return all != 0;
  }
};
#endif

}  // namespace detail

DISPAR_NAMESPACE_END
