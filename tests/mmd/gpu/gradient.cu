// Gradients on the GPU against the CPU: product and other metrics, channels, weights, accumulation, what is not wanted.
#include "dispar/mmd/gradient.hpp"

#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/laplacian.hpp"
#include "mmd/gpu/device_rows.hpp"
#include "mmd/gpu/maximum_kernel.hpp"

namespace {

using namespace dispar;
using gpu_tests::close;
using gpu_tests::device_result;
using gpu_tests::device_rows;
using mmd::estimator;

const gpu g = gpu_tests::device();

/// Both samples' gradients and the kernel's, with a factor, on top of what is there; the same bits twice.
template<class T, class K>
void check(dispar::index n, dispar::index m, dispar::index d, const K& k, double tolerance, mmd::options o = {}) {
  CAPTURE(n);
  CAPTURE(m);
  CAPTURE(d);
  const device_rows<T> x(n, d, 1), y(m, d, 2, 0.3);
  for (const bool accumulate : {false, true}) {
    device_result<T> gx(n, d, T(3)), gy(m, d, T(5)), again(n, d, T(3));
    std::vector<T> hx(x.numbers.size(), T(3)), hy(y.numbers.size(), T(5));
    std::vector<double> gp(1, 7), hp(1, 7);
    const double value = mmd::value_and_gradient(
        g, x.view(), y.view(), k,
        {.x = {gx.view()}, .y = {gy.view()}, .parameters = view_of(gp), .factor = -2, .accumulate = accumulate}, o);
    const double expected = mmd::value_and_gradient(cpu{}, x.host(), y.host(), k,
                                                    {.x = {as_matrix(hx, n, d)},
                                                     .y = {as_matrix(hy, m, d)},
                                                     .parameters = view_of(hp),
                                                     .factor = -2,
                                                     .accumulate = accumulate},
                                                    o);
    CHECK(std::fabs(value - expected) <= tolerance);
    CHECK(close(gx.on_host(), hx, tolerance));
    CHECK(close(gy.on_host(), hy, tolerance));
    CHECK(close(gp, hp, tolerance));
    (void)mmd::value_and_gradient(g, x.view(), y.view(), k, {.x = {again.view()}, .factor = -2, .accumulate = accumulate}, o);
    CHECK(again.on_host() == gx.on_host());
  }
}

}  // namespace

TEST_CASE("gpu, gradient: sizes around a tile, features around a slice and a tile, float") {
  for (const dispar::index d : {1, 3, 16, 64, 65})
    for (const auto& [n, m] : {std::array<dispar::index, 2>{1, 65}, {63, 64}, {129, 2}})
      check<float>(n, m, d, gaussian{std::sqrt(static_cast<double>(d))}, 1e-5, {.form = estimator::biased});
  check<float>(66, 66, 5, gaussian{2}, 1e-5, {.xx = 0.7, .yy = 1.1, .xy = 1.9, .form = estimator::one_sample});
}

TEST_CASE("gpu, gradient: double") {
  for (const auto& [n, m] : {std::array<dispar::index, 2>{33, 31}, {32, 65}}) check<double>(n, m, 33, gaussian{5}, 1e-12);
}

TEST_CASE("gpu, gradient: metrics that are no product") {
  check<float>(65, 40, 3, laplacian_l1{4}, 1e-5);
  check<float>(65, 40, 67, laplacian_l1{70}, 1e-5);
  check<float>(65, 40, 5, gpu_tests::maximum_kernel{}, 1e-5);
}

TEST_CASE("gpu, gradient: two channels, of which one may not be wanted; row weights") {
  const dispar::index n = 66, m = 61;
  const device_rows<double> x(n, 3, 1), y(m, 3, 2, 0.3), raw_x(n, 40, 3), raw_y(m, 40, 4, 0.1);
  std::vector<double> u, v;
  for (int i = 0; i < n; ++i) u.push_back(0.25 * (1 + i % 5));
  for (int i = 0; i < m; ++i) v.push_back(0.5 * (i % 3));
  const auto gu = to(g, u), gv = to(g, v);
  const auto k = deep_kernel<>::from(60, 4, 0.1);
  device_result<double> by_x(n, 3, 0), by_raw_x(n, 40, 0), by_raw_y(m, 40, 0);
  std::vector<double> hx(x.numbers.size()), hrx(raw_x.numbers.size()), hry(raw_y.numbers.size()), gp(3), hp(3);
  const double value = mmd::value_and_gradient(
      g, weighted(channels(x.view(), raw_x.view()), gu), weighted(channels(y.view(), raw_y.view()), gv), k,
      {.x = {by_x.view(), by_raw_x.view()}, .y = {matrix_view<double, device>{}, by_raw_y.view()}, .parameters = view_of(gp)});
  const double expected = mmd::value_and_gradient(cpu{}, weighted(channels(x.host(), raw_x.host()), u),
                                                  weighted(channels(y.host(), raw_y.host()), v), k,
                                                  {.x = {as_matrix(hx, n, 3), as_matrix(hrx, n, 40)},
                                                   .y = {matrix_view<double>{}, as_matrix(hry, m, 40)},
                                                   .parameters = view_of(hp)});
  CHECK(value == doctest::Approx(expected).epsilon(1e-12));
  CHECK(close(by_x.on_host(), hx, 1e-12));
  CHECK(close(by_raw_x.on_host(), hrx, 1e-12));
  CHECK(close(by_raw_y.on_host(), hry, 1e-12));
  CHECK(close(gp, hp, 1e-12));
}

TEST_CASE("gpu, gradient: bad input") {
  const device_rows<float> x(9, 2, 1), y(8, 2, 2);
  device_result<float> wrong(4, 2, 0);
  CHECK_THROWS_AS((void)mmd::value_and_gradient(g, x.view(), y.view(), gaussian{1}, {.x = {wrong.view()}}), invalid_argument);
  auto bad = x.numbers;
  bad[5] = std::nanf("");
  const auto gx = to(g, as_matrix(bad, 9, 2));
  device_result<float> out(9, 2, 0);
  CHECK_THROWS_WITH_AS((void)mmd::value_and_gradient(g, gx, y.view(), gaussian{1}, {.x = {out.view()}}),
                       "dispar: sample 0: element (2, 1) is NaN or infinite", invalid_argument);
}
