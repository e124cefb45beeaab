// The criterion J, the variances and their gradients on the GPU against the CPU.
#include "dispar/mmd/criterion.hpp"

#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "mmd/gpu/device_rows.hpp"

namespace {

using namespace dispar;
using gpu_tests::close;
using gpu_tests::device_result;
using gpu_tests::device_rows;

const gpu g = gpu_tests::device();

}  // namespace

TEST_CASE("gpu, criterion and variances: sizes around a tile, kernel matrices") {
  for (const dispar::index n : {2, 31, 32, 33, 70}) {
    CAPTURE(n);
    const device_rows<double> x(n, 5, 1), y(n, 5, 2, 0.4);
    const gaussian k{2};
    const auto a = mmd::criterion(g, x.view(), y.view(), k, {.yy = 0.5}),
               b = mmd::criterion(cpu{}, x.host(), y.host(), k, {.yy = 0.5});
    CHECK(a.statistic == doctest::Approx(b.statistic).epsilon(1e-12));
    CHECK(a.variance == doctest::Approx(b.variance).epsilon(1e-11));
    CHECK(a.value == mmd::criterion(g, x.view(), y.view(), k, {.yy = 0.5}).value);
    CHECK(mmd::variance_unbiased(g, x.view(), y.view(), k) ==
          doctest::Approx(mmd::variance_unbiased(cpu{}, x.host(), y.host(), k)).epsilon(1e-9));

    const device_rows<double> gram(2 * n, 2 * n, 3);
    CHECK(mmd::variance_h1(g, mmd::given(gram.view(), n)) ==
          doctest::Approx(mmd::variance_h1(cpu{}, mmd::given(gram.host(), n))).epsilon(1e-11));
  }
}

TEST_CASE("gpu, gradients of the criterion and of the variance: two channels, float") {
  const dispar::index n = 67;
  const device_rows<float> x(n, 3, 1), y(n, 3, 2, 0.6), raw_x(n, 20, 3), raw_y(n, 20, 4, 0.2);
  const auto k = deep_kernel<>::from(40, 4, 0.1);
  device_result<float> gx(n, 3, 0), grx(n, 20, 0), gy(n, 3, 0), gry(n, 20, 0);
  std::vector<float> hx(x.numbers.size()), hrx(raw_x.numbers.size()), hy(hx), hry(hrx);
  std::vector<double> gp(3), hp(3);
  const mmd::gradients<float, 2, device> on_device{
      .x = {gx.view(), grx.view()}, .y = {gy.view(), gry.view()}, .parameters = view_of(gp), .factor = -1};
  const mmd::gradients<float, 2> on_host{.x = {as_matrix(hx, n, 3), as_matrix(hrx, n, 20)},
                                         .y = {as_matrix(hy, n, 3), as_matrix(hry, n, 20)},
                                         .parameters = view_of(hp),
                                         .factor = -1};
  const auto both = [&](const auto& b, const auto& p, const auto& q, const auto& out, bool variance) {
    return variance ? mmd::variance_and_gradient(b, p, q, k, out) : mmd::criterion_and_gradient(b, p, q, k, out, {.yy = 0}).value;
  };
  for (const bool variance : {false, true}) {
    CAPTURE(variance);
    const double value = both(g, channels(x.view(), raw_x.view()), channels(y.view(), raw_y.view()), on_device, variance);
    const double expected = both(cpu{}, channels(x.host(), raw_x.host()), channels(y.host(), raw_y.host()), on_host, variance);
    CHECK(value == doctest::Approx(expected).epsilon(1e-5));
    CHECK(close(gx.on_host(), hx, 1e-4));
    CHECK(close(gy.on_host(), hy, 1e-4));
    CHECK(close(grx.on_host(), hrx, 1e-4));
    CHECK(close(gry.on_host(), hry, 1e-4));
    CHECK(close(gp, hp, 1e-4));
  }
}
