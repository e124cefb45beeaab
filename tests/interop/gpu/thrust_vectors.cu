// Thrust's vectors under its CUDA system.
#include "dispar/interop/thrust.hpp"

#include <doctest/doctest.h>

#include "dispar/backend/gpu.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/estimate.hpp"
#include "normal_rows.hpp"

namespace interop_tests {

using namespace dispar;

// What needs no device: the space of each view, and who reaches it.
template<class Vector>
using view_in = decltype(as_matrix(std::declval<Vector&>(), 1, 1));
static_assert(std::is_same_v<view_in<thrust::device_vector<float>>, matrix_view<float, device>>);
static_assert(std::is_same_v<view_in<const thrust::device_vector<double>>, matrix_view<const double, device>>);
static_assert(std::is_same_v<view_in<thrust::universal_vector<float>>, matrix_view<float, managed>>);
static_assert(std::is_same_v<view_in<const thrust::host_vector<float>>, matrix_view<const float>>);
static_assert(!reachable<space_of<thrust::device_vector<float>>, host> &&
              reachable<space_of<thrust::universal_vector<float>>, host>);

TEST_CASE("device and universal vectors, on the device and, where it reaches them, on the host") {
  const auto a = normal_rows<float>(70, 4, 1), c = normal_rows<float>(35, 4, 2, 0.3);
  cuda_context context;
  const gpu b{&context};
  const gaussian k{2};
  const double expected = mmd::estimate(b, to(b, as_matrix(a, 70, 4)), to(b, as_matrix(c, 35, 4)), k);
  {
    const thrust::device_vector<float> x(a.begin(), a.end()), y(c.begin(), c.end());
    CHECK(mmd::estimate(b, as_matrix(x, 70, 4), as_matrix(y, 35, 4), k) == expected);
  }
  {
    const thrust::universal_vector<float> x(a.begin(), a.end()), y(c.begin(), c.end());
    CHECK(mmd::estimate(b, as_matrix(x, 70, 4), as_matrix(y, 35, 4), k) == expected);
    CHECK(mmd::estimate(cpu{}, as_matrix(x, 70, 4), as_matrix(y, 35, 4), k) ==
          mmd::estimate(cpu{}, as_matrix(a, 70, 4), as_matrix(c, 35, 4), k));
  }
}

}  // namespace interop_tests
