// Gradients on the GPU against the CPU: two channels, row weights, double.
#include "dispar/kernels/deep.hpp"
#include "dispar/mmd/gradient.hpp"
#include "mmd/gpu/device_rows.hpp"

namespace {

using namespace dispar;
using gpu_tests::close;
using gpu_tests::device_result;
using gpu_tests::device_rows;

const gpu g = gpu_tests::device();

}  // namespace

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
