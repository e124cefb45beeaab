// Memory of the device that others own: raw pointers and DLPack tensors, used where it lies.
#include <doctest/doctest.h>

#include <array>

#include "dispar/backend/gpu.hpp"
#include "dispar/interop/dlpack.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/estimate.hpp"
#include "interop/dlpack_tensor.hpp"
#include "normal_rows.hpp"

namespace interop_tests {

using namespace dispar;

constexpr int kdl_cuda = 2, kdl_cuda_host = 3, kdl_cuda_managed = 13;

/// Two samples of the host, their estimate on the device, and the copies there.
struct two_samples {
  cuda_context context;
  gpu b{&context};
  std::vector<float> a = normal_rows<float>(70, 4, 1), c = normal_rows<float>(35, 4, 2, 0.3);
  array<float, 2, gpu> x = to(b, as_matrix(a, 70, 4)), y = to(b, as_matrix(c, 35, 4));
  gaussian k{2};
  double expected = mmd::estimate(b, x, y, k);
};

some_tensor tensor_of(void* data, int device_type, std::array<std::int64_t, 2>& shape, std::int64_t* strides = nullptr) {
  return {data, {device_type, 0}, 2, {2, 32, 1}, shape.data(), strides, 0};
}

TEST_CASE("raw pointers of the device") {
  two_samples s;
  float* const x = s.x.data();
  const float* const y = s.y.data();
  static_assert(std::is_same_v<decltype(as_matrix<device>(y, 35, 4)), matrix_view<const float, device>>);
  CHECK(mmd::estimate(s.b, as_matrix<device>(x, 70, 4), as_matrix<device>(y, 35, 4), s.k) == s.expected);
  const matrix_view<const float, device> every_second(x, {35, 4}, {8, 1});
  std::vector<float> same;
  for (std::size_t i = 0; i < 70; i += 2)
    for (std::size_t j = 0; j < 4; ++j) same.push_back(s.a[4 * i + j]);
  CHECK(mmd::estimate(s.b, every_second, s.y, s.k) == mmd::estimate(s.b, to(s.b, as_matrix(same, 35, 4)), s.y, s.k));
}

TEST_CASE("DLPack tensors of the device, also of its strided memory") {
  two_samples s;
  std::array<std::int64_t, 2> shape_x{70, 4}, shape_y{35, 4}, strides{4, 1};
  const auto x = tensor_of(s.x.data(), kdl_cuda, shape_x), y = tensor_of(s.y.data(), kdl_cuda, shape_y, strides.data());
  CHECK(mmd::estimate(s.b, from_dlpack<const float, 2, device>(x), from_dlpack<const float, 2, device>(y), s.k) == s.expected);
  CHECK_THROWS_WITH_AS(
      (void)(from_dlpack<const float, 2>(x)),
      "dispar: from_dlpack: device.device_type must be kDLCPU (1), or pinned (3, 11) or managed (13) memory, got 2",
      invalid_argument);
}

template<class Memory>
void check_reached_by_both(int device_type) {
  using S = typename Memory::space;
  two_samples s;
  const Memory memory{&s.context};
  auto x = to(memory, as_matrix(s.a, 70, 4)), y = to(memory, as_matrix(s.c, 35, 4));
  std::array<std::int64_t, 2> shape_x{70, 4}, shape_y{35, 4};
  const auto tx = tensor_of(x.data(), device_type, shape_x), ty = tensor_of(y.data(), device_type, shape_y);
  CHECK(mmd::estimate(s.b, from_dlpack<const float, 2, S>(tx), from_dlpack<const float, 2, S>(ty), s.k) == s.expected);
  CHECK(mmd::estimate(s.b, as_matrix<S>(x.data(), 70, 4), as_matrix<S>(y.data(), 35, 4), s.k) == s.expected);
  // The host reads it as its own.
  CHECK(mmd::estimate(cpu{}, from_dlpack<const float, 2>(tx), from_dlpack<const float, 2>(ty), s.k) ==
        mmd::estimate(cpu{}, as_matrix(s.a, 70, 4), as_matrix(s.c, 35, 4), s.k));
}

TEST_CASE("DLPack tensors and pointers of managed and pinned memory, on the device and on the host") {
  check_reached_by_both<managed_memory>(kdl_cuda_managed);
  check_reached_by_both<pinned_memory>(kdl_cuda_host);
}

}  // namespace interop_tests
