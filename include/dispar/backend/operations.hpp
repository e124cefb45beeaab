#pragma once
/// \file
/// Operations on pairs that several concepts use: the values of one or several kernels, their squares, weights.

#include <span>

#include "dispar/backend/pairwise.hpp"
#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {
template<class V, class T, int N>
DISPAR_FN vec<V, N> broadcast(const vec<T, N>& values) {
  vec<V, N> result;
  DISPAR_UNROLL
  for (int i = 0; i < N; ++i) result[i] = V(values[i]);
  return result;
}
}  // namespace detail

/// Output 0: k(d); with `Weighted`, times operand 0 of both rows.
template<pair_function K, class T, bool Weighted = false>
struct kernel_value {
  static constexpr int channels = K::channels, outputs = 1, operands = Weighted ? 1 : 0;
  vec<T, constants_of<K>> constants;

  explicit kernel_value(const K& k) : constants(narrowed_constants<K, T>(k)) {}

  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(vec<V, channels> d, const At& at) const {
    V value = K::value(d, detail::broadcast<V>(constants));
    if constexpr (Weighted) value = value * at.row[0] * at.col[0];
    return {{value}};
  }
};

/// How many kernels of a list share a pass over the pairs. With more, the distances are no longer what costs, and the sinks'
/// partial sums grow.
inline constexpr int kernels_per_pass = 5;

/// A family of operations: `kernel_value` of up to `kernels_per_pass` kernels of one type.
template<pair_function K, class T, bool Weighted = false>
struct kernel_values {
  static constexpr int channels = K::channels, outputs = 1, operands = Weighted ? 1 : 0;
  static constexpr int most_members = kernels_per_pass;        ///< what makes it a family
  vec<vec<T, constants_of<K>>, kernels_per_pass> constants{};  ///< by member
  int count;                                                   ///< of members

  /// Throws `invalid_argument` for none, for too many, and for parameters that a kernel refuses.
  explicit kernel_values(std::span<const K> kernels) : count(static_cast<int>(kernels.size())) {
    require(count >= 1 && count <= kernels_per_pass, "kernel_values: kernels", "must be 1 to kernels_per_pass", count);
    for (int f = 0; f < count; ++f) constants[f] = narrowed_constants<K, T>(kernels[static_cast<std::size_t>(f)]);
  }
  /// How many there are.
  [[nodiscard]] DISPAR_FN int members() const { return count; }

  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(vec<V, channels> d, const At& at) const {
    V value = K::value(d, detail::broadcast<V>(constants[at.member]));
    if constexpr (Weighted) value = value * at.row[0] * at.col[0];
    return {{value}};
  }
};

/// pass(kernels) for at most `kernels_per_pass` kernels of a list at a time, in order. All are checked before the first pass.
template<class T, pair_function K, class Pass>
void for_each_pass(std::span<const K> kernels, const Pass& pass) {
  constexpr auto most = static_cast<std::size_t>(kernels_per_pass);
  for (const K& k : kernels) (void)narrowed_constants<K, T>(k);
  for (; !kernels.empty(); kernels = kernels.subspan(kernels.size() < most ? kernels.size() : most))
    pass(kernels.first(kernels.size() < most ? kernels.size() : most));
}

/// Output 0: k(d) of a kernel or a family, and 0 for the matched pairs (x_i, y_i).
template<class Kernel>
struct unmatched {
  static constexpr int channels = Kernel::channels, outputs = 1, operands = Kernel::operands;
  static constexpr int most_members = most_members_of<Kernel>;  ///< those of `Kernel`
  Kernel kernel;                                                ///< a `kernel_value` or `kernel_values`

  /// Those of `kernel`.
  [[nodiscard]] DISPAR_FN int members() const { return members_of(kernel); }
  template<class V, class At>
  DISPAR_FN vec<V, 1> operator()(vec<V, channels> d, const At& at) const {
    return {{select(at.matched, V(0), kernel(d, at)[0])}};
  }
};

/// Outputs 0 and 1: k(d) of a kernel or a family, and its square.
template<class Kernel>
struct with_square {
  static constexpr int channels = Kernel::channels, outputs = 2, operands = Kernel::operands;
  static constexpr int most_members = most_members_of<Kernel>;  ///< those of `Kernel`
  Kernel kernel;                                                ///< a `kernel_value` or `kernel_values`

  /// Those of `kernel`.
  [[nodiscard]] DISPAR_FN int members() const { return members_of(kernel); }
  template<class V, class At>
  DISPAR_FN vec<V, 2> operator()(vec<V, channels> d, const At& at) const {
    const V value = kernel(d, at)[0];
    return {{value, value * value}};
  }
};

DISPAR_NAMESPACE_END
