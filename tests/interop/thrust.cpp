#include "dispar/interop/thrust.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "same_elements.hpp"

namespace interop_tests {

using dispar::index;  // in a namespace: POSIX has a global index()
using dispar::view_of;

TEST_CASE_TEMPLATE("host vectors", T, float, double) {
  thrust::host_vector<T> v(12);
  const auto element = [&](index i) -> T& { return v[static_cast<std::size_t>(i)]; };
  check_same_elements(view_of(v), {12}, element);
  check_same_elements(view_of(std::as_const(v)), {12}, element);
  check_same_elements(dispar::as_matrix(v, 3, 4), {3, 4}, [&](index i, index j) -> T& { return element(4 * i + j); });
  check_same_elements(dispar::as_matrix(std::as_const(v), 4, 3), {4, 3},
                      [&](index i, index j) -> T& { return element(3 * i + j); });
  static_assert(std::is_same_v<decltype(view_of(v)), dispar::vector_view<T>>);
  static_assert(std::is_same_v<decltype(view_of(std::as_const(v))), dispar::vector_view<const T>>);
  static_assert(dispar::vector_like<thrust::host_vector<T>>);
  CHECK_THROWS_AS((void)dispar::as_matrix(v, 5, 3), dispar::invalid_argument);
}

TEST_CASE_TEMPLATE("device vectors lie where the device system computes", T, float, double) {
#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
  using space = dispar::device;
#else
  using space = dispar::host;
#endif
  thrust::device_vector<T> v(12);
  static_assert(std::is_same_v<decltype(view_of(v)), dispar::vector_view<T, space>>);
  static_assert(std::is_same_v<decltype(view_of(std::as_const(v))), dispar::vector_view<const T, space>>);
  static_assert(std::is_same_v<dispar::space_of<thrust::device_vector<T>>, space>);
  CHECK(view_of(v).data() == thrust::raw_pointer_cast(v.data()));
  CHECK(view_of(std::as_const(v)).size() == 12);
  const auto matrix = dispar::as_matrix(v, 3, 4);
  static_assert(std::is_same_v<decltype(matrix), const dispar::matrix_view<T, space>>);
  CHECK(matrix.data() == thrust::raw_pointer_cast(v.data()));
  CHECK(matrix.strides() == std::array<index, 2>{4, 1});
  if constexpr (std::is_same_v<space, dispar::host>) {
    v[7] = T(3);
    CHECK(matrix(1, 3) == T(3));
  }
}

TEST_CASE("universal vectors are managed under CUDA") {
#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
  using space = dispar::managed;
#else
  using space = dispar::host;
#endif
  thrust::universal_vector<float> v(6);
  static_assert(std::is_same_v<decltype(view_of(v)), dispar::vector_view<float, space>>);
  CHECK(view_of(v).data() == thrust::raw_pointer_cast(v.data()));
}

}  // namespace interop_tests
