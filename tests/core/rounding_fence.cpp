#include "dispar/core/rounding_fence.hpp"

#include <doctest/doctest.h>

namespace {

template<class T>
void check_two_sum(T a, T b, T rounded, T error) {
  const auto s = dispar::two_sum(a, b);
  CHECK(s.rounded == rounded);
  CHECK(s.error == error);
}

}  // namespace

TEST_CASE("two_sum: the rounding error exactly, in either order of magnitude, under any flag") {
  check_two_sum<double>(1, 0x1p-60, 1, 0x1p-60);
  check_two_sum<double>(0x1p-60, 1, 1, 0x1p-60);
  check_two_sum<double>(1e16, 1, 1e16, 1);
  check_two_sum<double>(-1e16, -1, -1e16, -1);
  check_two_sum<double>(1e100, -1e100, 0, 0);
  check_two_sum<float>(1, 0x1p-30f, 1, 0x1p-30f);
  check_two_sum<float>(16777216.0f, 1.0f, 16777216.0f, 1.0f);
}

#if !defined(__CUDACC__)
TEST_CASE_TEMPLATE("two_sum: packs of every width agree with numbers", V, dispar::native_pack<float>, dispar::native_pack<double>,
                   dispar::pack<double, 2>, dispar::pack<float, 4>) {
  using T = typename V::scalar;
  T a[V::width], b[V::width];
  for (int i = 0; i < V::width; ++i) {
    a[i] = T(1) / static_cast<T>(i + 3);
    b[i] = static_cast<T>(i % 2 ? 1000 * i : -7e-6 * i);
  }
  const auto s = dispar::two_sum(V::load(a), V::load(b));
  for (int i = 0; i < V::width; ++i) {
    const auto one = dispar::two_sum(a[i], b[i]);
    CHECK(s.rounded[i] == one.rounded);
    CHECK(s.error[i] == one.error);
    const long double exact = static_cast<long double>(a[i]) + static_cast<long double>(b[i]);
    CHECK(static_cast<double>(exact - static_cast<long double>(one.rounded)) == doctest::Approx(one.error).epsilon(1e-3));
  }
}
#endif
