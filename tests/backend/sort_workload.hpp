#pragma once
/// \file
/// Keys with ties, zeros of both signs, infinities and NaNs, and the order by its definition.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "dispar/backend/sort_key.hpp"
#include "dispar/core/random/bounded.hpp"
#include "dispar/core/view_traits.hpp"

namespace sort_workload {

using dispar::sort_order;

/// `spread`: from how many values integers are drawn; numbers are quarters of them, with special values in between.
template<class T>
std::vector<T> keys(dispar::index size, std::uint32_t spread, std::uint64_t stream) {
  std::vector<T> x(static_cast<std::size_t>(size));
  for (dispar::index i = 0; i < size; ++i) {
    const auto draw = static_cast<std::int64_t>(dispar::bounded({3, stream}, i, spread)) - spread / 2;
    T& key = x[static_cast<std::size_t>(i)];
    if constexpr (std::is_integral_v<T>) {
      key = static_cast<T>(draw);
      if (draw % 17 == 3) key = draw > 0 ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
    } else {
      key = static_cast<T>(draw) / 4;
      if (draw % 17 == 3) key = draw > 0 ? dispar::positive_infinity<T>() : dispar::negative_infinity<T>();
      if (draw % 17 == 4) key = i % 2 == 0 ? T(0) : -T(0);
      if (draw % 17 == 5) key = i % 2 == 0 ? dispar::quiet_nan<T>() : -dispar::quiet_nan<T>();
      if (draw % 17 == 6) key = std::numeric_limits<T>::denorm_min() * static_cast<T>(i % 3 - 1);
    }
  }
  return x;
}

template<class T>
bool nan(T x) {
  if constexpr (std::is_integral_v<T>)
    return false;
  else
    return dispar::is_nan(x);
}

/// Indices in the order of the keys, by the definition.
template<class T>
std::vector<std::int64_t> sorted_indices(const std::vector<T>& x, sort_order order) {
  std::vector<std::int64_t> at(x.size());
  std::iota(at.begin(), at.end(), 0);
  std::stable_sort(at.begin(), at.end(), [&](std::int64_t i, std::int64_t j) {
    const T a = x[static_cast<std::size_t>(i)], b = x[static_cast<std::size_t>(j)];
    if (nan(a) || nan(b)) return !nan(a) && nan(b);
    return order == sort_order::ascending ? a < b : a > b;
  });
  return at;
}

template<class T>
std::vector<T> taken(const std::vector<T>& x, const std::vector<std::int64_t>& at) {
  std::vector<T> y;
  for (std::int64_t i : at) y.push_back(x[static_cast<std::size_t>(i)]);
  return y;
}

/// Equal bits, and any NaN for a NaN.
template<class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](T x, T y) { return (nan(x) && nan(y)) || std::memcmp(&x, &y, sizeof(T)) == 0; });
}

}  // namespace sort_workload
