// Arrays that host and GPU share: the same data in every space gives the same bits.
#include <doctest/doctest.h>

#include <utility>

#include "dispar/backend/gpu.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/gradient.hpp"
#include "normal_rows.hpp"

namespace {

using namespace dispar;

template<class Memory>
void check_memory(const gpu& b, const Memory& memory) {
  using S = typename Memory::space;
  static_assert(backend<Memory> && !has_pairwise<Memory>);
  const auto a = normal_rows<float>(70, 3, 1), c = normal_rows<float>(33, 3, 2, 0.2);
  const auto on_host = as_matrix(a, 70, 3), other = as_matrix(c, 33, 3);
  const auto x = to(memory, on_host), y = to(memory, other);
  static_assert(std::is_same_v<decltype(x.view()), matrix_view<const float, S>>);
  for (dispar::index i = 0; i < 70; ++i) CHECK(x.view()(i, 2) == on_host(i, 2));  // read by the host

  const gaussian k{1.5};
  CHECK(mmd::estimate(b, x, y, k) == mmd::estimate(b, to(b, on_host), to(b, other), k));
  CHECK(mmd::estimate(cpu{}, x, y, k) == mmd::estimate(cpu{}, on_host, other, k));

  // Results are written in place, and read without a copy.
  array<float, 2, Memory> gradient(memory, {70, 3});
  (void)mmd::value_and_gradient(b, x, y, k, {.x = {gradient.view()}});
  array<float, 2, gpu> on_device(b, {70, 3});
  (void)mmd::value_and_gradient(b, to(b, on_host), to(b, other), k, {.x = {on_device.view()}});
  memory.wait();
  const auto expected = to_host(b, on_device);
  for (dispar::index i = 0; i < 70 * 3; ++i) CHECK(std::as_const(gradient).data()[i] == expected.data()[i]);

  // The CPU writes there too.
  array<float, 2, tiled_host<serial>> by_cpu({}, {70, 3});
  (void)mmd::value_and_gradient(cpu{}, x, y, k, {.x = {gradient.view()}});
  (void)mmd::value_and_gradient(cpu{}, on_host, other, k, {.x = {by_cpu.view()}});
  for (dispar::index i = 0; i < 70 * 3; ++i) CHECK(std::as_const(gradient).data()[i] == by_cpu.data()[i]);
}

}  // namespace

TEST_CASE("managed and pinned arrays: the host fills them, the GPU and the CPU compute on them, the GPU writes to them") {
  cuda_context context;
  check_memory(gpu{&context}, managed_memory{&context});
  check_memory(gpu{&context}, pinned_memory{&context});
  const array<double, 1, pinned_memory> empty(pinned_memory{&context}, {0});
  CHECK_FALSE(empty.view());
}
