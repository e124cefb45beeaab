#pragma once

#include "dispar/mmd/gradient.hpp"
#include "mmd/gpu/device_rows.hpp"

namespace gpu_tests {

namespace mmd = dispar::mmd;

/// Both samples' gradients and the kernel's, with a factor, on top of what is there; the same bits twice.
template<class T, class K>
void check_gradients(index n, index m, index d, const K& k, double tolerance, mmd::options o = {}) {
  CAPTURE(n);
  CAPTURE(m);
  CAPTURE(d);
  const auto g = device();
  const device_rows<T> x(n, d, 1), y(m, d, 2, 0.3);
  for (const bool accumulate : {false, true}) {
    device_result<T> gx(n, d, T(3)), gy(m, d, T(5)), again(n, d, T(3));
    std::vector<T> hx(x.numbers.size(), T(3)), hy(y.numbers.size(), T(5));
    std::vector<double> gp(1, 7), hp(1, 7);
    const double value = mmd::value_and_gradient(
        g, x.view(), y.view(), k,
        {.x = {gx.view()}, .y = {gy.view()}, .parameters = dispar::view_of(gp), .factor = -2, .accumulate = accumulate}, o);
    const double expected = mmd::value_and_gradient(dispar::cpu{}, x.host(), y.host(), k,
                                                    {.x = {dispar::as_matrix(hx, n, d)},
                                                     .y = {dispar::as_matrix(hy, m, d)},
                                                     .parameters = dispar::view_of(hp),
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

}  // namespace gpu_tests
