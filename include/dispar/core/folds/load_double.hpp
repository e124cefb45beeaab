#pragma once

#include "dispar/core/rounding_fence.hpp"

DISPAR_NAMESPACE_BEGIN
namespace detail {

/// The next elements of a row as a register of double.
template<class T>
DISPAR_FN native_pack<double> load_double(const T* values) {
  constexpr int width = native_pack<double>::width;
  double wide[width];
  for (int k = 0; k < width; ++k) wide[k] = static_cast<double>(values[k]);
  return native_pack<double>::load(wide);
}

/// The sum of the places in order; fenced, so that every call site rounds alike under -ffast-math.
DISPAR_FN double add_places(native_pack<double> x) {
  constexpr int width = native_pack<double>::width;
  double places[width], total = 0;
  x.store(places);
  for (double place : places) total = rounding_fence(total + place);
  return total;
}

}  // namespace detail
DISPAR_NAMESPACE_END
