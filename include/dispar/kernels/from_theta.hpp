#pragma once

#include <utility>

#include "dispar/kernels/pair_function.hpp"

DISPAR_NAMESPACE_BEGIN

namespace detail {

template<class K, std::size_t... I>
[[nodiscard]] K braced_kernel(const vec<double, K::parameters>& theta, std::index_sequence<I...>) {
  return K{theta[static_cast<int>(I)]...};
}

}  // namespace detail

/// The kernel whose `theta()` is `theta`: what an optimizer of parameters needs. Members that are the parameters in the order of
/// `theta()` are set by braces; any other kernel brings `static K from_theta(vec<double, parameters>)`.
///
///     auto k = from_theta<gaussian>({{2.0}});
///
/// Throws `invalid_argument` where the kernel made has another `theta()`: its members are in another order.
template<pair_function K>
[[nodiscard]] K from_theta(const vec<double, K::parameters>& theta) {
  if constexpr (requires { K::from_theta(theta); }) {
    return K::from_theta(theta);
  } else {
    const K k = detail::braced_kernel<K>(theta, std::make_index_sequence<static_cast<std::size_t>(K::parameters)>());
    const auto made = k.theta();
    for (int p = 0; p < K::parameters; ++p)
      require(made[p] == theta[p] || is_special(theta[p]), "from_theta: kernel",
              "must have its parameters as members in the order of theta(), or a static from_theta; it has another parameter",
              made[p]);
    return k;
  }
}

DISPAR_NAMESPACE_END
