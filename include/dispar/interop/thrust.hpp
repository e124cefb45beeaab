#pragma once
/// \file
/// Thrust vectors as arguments of dispar, without a copy. Include it where Thrust is installed.
///
///     thrust::device_vector<float> x(n * d), y(m * d);
///     double v = dispar::mmd::estimate(backend, dispar::as_matrix(x, n, d), dispar::as_matrix(y, m, d), kernel);
///
/// host_vector is host memory. device_vector is device memory when Thrust's device system is CUDA and host memory when it is
/// C++, OpenMP or TBB. universal_vector is managed memory under CUDA.

#include <thrust/detail/raw_pointer_cast.h>
#include <thrust/device_vector.h>
#include <thrust/host_vector.h>
#include <thrust/universal_vector.h>

#include <type_traits>

#include "dispar/core/view_traits.hpp"

DISPAR_NAMESPACE_BEGIN

#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
/// The space of Thrust's device and universal vectors.
///@{
using thrust_device_space = device;
using thrust_universal_space = managed;
///@}
#else
using thrust_device_space = host;
using thrust_universal_space = host;
#endif

namespace detail {

template<class Space, class X>
auto thrust_view(X& x) {
  auto* const data = ::thrust::raw_pointer_cast(x.data());
  return vector_view<std::remove_pointer_t<decltype(data)>, Space>(data, static_cast<index>(x.size()));
}

template<class X>
struct thrust_vector_space;
template<class T, class A>
struct thrust_vector_space<::thrust::host_vector<T, A>> {
  using type = host;
};
template<class T, class A>
struct thrust_vector_space<::thrust::device_vector<T, A>> {
  using type = thrust_device_space;
};
template<class T>
struct thrust_vector_space<::thrust::universal_vector<T>> {
  using type = thrust_universal_space;
};

}  // namespace detail

/// A Thrust vector is a vector of its elements, in the space of Thrust's device system.
template<class X>
requires requires { typename detail::thrust_vector_space<std::remove_cv_t<X>>::type; }
struct view_traits<X> {
  /// The view; no copy.
  static auto view(X& x) { return detail::thrust_view<typename detail::thrust_vector_space<std::remove_cv_t<X>>::type>(x); }
};

DISPAR_NAMESPACE_END
