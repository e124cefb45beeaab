#pragma once

#include "dispar/core/config.hpp"

DISPAR_NAMESPACE_BEGIN

/// `N` values of a functor: distances by channel, kernel parameters, outputs. An aggregate, trivially copyable when `T` is.
template<class T, int N>
struct vec {
  /// The values; one unused place for N = 0.
  T data[N > 0 ? N : 1];  // NOLINT(bugprone-branch-clone)

  /// As in std::array; unchecked.
  ///@{
  DISPAR_FN constexpr T& operator[](int i) { return data[i]; }
  DISPAR_FN constexpr const T& operator[](int i) const { return data[i]; }
  [[nodiscard]] static constexpr int size() { return N; }
  ///@}
};

DISPAR_NAMESPACE_END
