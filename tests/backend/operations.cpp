#include "dispar/backend/operations.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/identity.hpp"

namespace backend_tests {

namespace {

using V = dispar::native_pack<double>;
constexpr int lanes = V::width;

/// Distances, operands and a mask that differ from lane to lane.
V ramp(double first) {
  double values[lanes];
  for (int l = 0; l < lanes; ++l) values[l] = first + l;
  return V::load(values);
}
template<int Operands>
dispar::pair_at<V, Operands> pair_with_matched_lane(int lane) {
  dispar::pair_at<V, Operands> at{};
  at.matched = ramp(0) == V(lane);
  return at;
}

}  // namespace

TEST_CASE("the value of a kernel, its square, and zero for matched pairs") {
  const dispar::gaussian k{1.5};
  using kernel = dispar::kernel_value<dispar::gaussian, double>;
  const kernel value(k);
  const dispar::with_square<kernel> square{value};
  const dispar::unmatched<kernel> unmatched{value};
  static_assert(value.operands == 0 && square.operands == 0 && unmatched.operands == 0 && value.outputs == 1);
  static_assert(square.outputs == 2 && square.most_members == 1 && unmatched.most_members == 1);
  const dispar::vec<V, 1> d{{ramp(0.25)}};
  for (int lane = 0; lane < lanes; ++lane) {
    const auto at = pair_with_matched_lane<0>(lane);
    for (int l = 0; l < lanes; ++l) {
      const double expected = std::exp(-(0.25 + l) / (2 * 1.5 * 1.5));
      CHECK(value(d, at)[0][l] == doctest::Approx(expected).epsilon(1e-14));
      CHECK(square(d, at)[0][l] == value(d, at)[0][l]);
      CHECK(square(d, at)[1][l] == doctest::Approx(expected * expected).epsilon(1e-14));
      if (l == lane)
        CHECK(unmatched(d, at)[0][l] == 0);
      else
        CHECK(unmatched(d, at)[0][l] == value(d, at)[0][l]);
    }
  }
}

TEST_CASE("a family of kernels: each member as if it were alone, in passes of a few") {
  std::vector<dispar::gaussian> kernels;
  for (int i = 0; i < dispar::kernels_per_pass + 2; ++i) kernels.push_back({1.0 + i});
  const dispar::vec<V, 1> d{{ramp(0.25)}};
  std::vector<int> sizes;
  std::size_t next = 0;
  dispar::for_each_pass<double>(std::span<const dispar::gaussian>(kernels), [&](std::span<const dispar::gaussian> together) {
    using family = dispar::kernel_values<dispar::gaussian, double>;
    const family values(together);
    const dispar::unmatched<family> unmatched{values};
    CHECK(dispar::members_of(unmatched) == dispar::members_of(values));
    sizes.push_back(dispar::members_of(values));
    auto at = pair_with_matched_lane<0>(0);
    for (at.member = 0; at.member < sizes.back(); ++at.member, ++next) {
      const dispar::kernel_value<dispar::gaussian, double> alone(kernels[next]);
      CHECK(values(d, at)[0][lanes - 1] == alone(d, at)[0][lanes - 1]);
      CHECK(unmatched(d, at)[0][0] == 0);
    }
  });
  CHECK(sizes == std::vector<int>{dispar::kernels_per_pass, 2});
  kernels.back().sigma = 0;
  CHECK_THROWS_AS(
      dispar::for_each_pass<double>(std::span<const dispar::gaussian>(kernels), [](auto) { FAIL("a pass before the checks"); }),
      dispar::invalid_argument);
  CHECK_THROWS_AS((dispar::kernel_values<dispar::gaussian, double>(kernels)), dispar::invalid_argument);  // too many at once
}

TEST_CASE("weights multiply from both sides") {
  const dispar::kernel_value<dispar::identity<dispar::l1>, double, true> weighted(dispar::identity<dispar::l1>{});
  static_assert(weighted.operands == 1);
  auto at = pair_with_matched_lane<1>(0);
  at.row[0] = V(3);
  at.col[0] = ramp(10);
  const auto out = weighted(dispar::vec<V, 1>{{ramp(2)}}, at);
  for (int l = 0; l < lanes; ++l) CHECK(out[0][l] == 3 * (10 + l) * (2 + l));
}

TEST_CASE("constants are checked once, when the operation is made") {
  using in_float = dispar::kernel_value<dispar::gaussian, float>;
  CHECK_THROWS_AS(in_float(dispar::gaussian{-1}), dispar::invalid_argument);
  CHECK_THROWS_AS(in_float(dispar::gaussian{1e-30}), dispar::invalid_argument);
  CHECK_NOTHROW(dispar::kernel_value<dispar::gaussian, double>(dispar::gaussian{1e-30}));
}

}  // namespace backend_tests
