// Samples of half and bfloat16 on the GPU against the CPU, which sees the same numbers as floats.
#include "dispar/kernels/gaussian.hpp"
#include "dispar/mmd/gradient.hpp"
#include "dispar/mmd/permutation_test.hpp"
#include "mmd/gpu/device_rows.hpp"

namespace {

using namespace dispar;
using gpu_tests::close;
using gpu_tests::device_result;

const gpu g = gpu_tests::device();

template<class H>
struct rounded_rows {
  dispar::index count, features;
  std::vector<H> numbers;
  std::vector<float> as_float;
  array<H, 2, gpu> copy;

  rounded_rows(dispar::index n, dispar::index d, std::uint64_t stream, double mean) : count(n), features(d) {
    for (const float x : normal_rows<float>(n, d, stream, mean)) {
      numbers.push_back(H(x));
      as_float.push_back(static_cast<float>(numbers.back()));
    }
    copy = to(g, as_matrix(numbers, n, d));
  }
  [[nodiscard]] auto view() const { return copy.view(); }
  [[nodiscard]] auto host() const { return as_matrix(as_float, count, features); }
};

}  // namespace

TEST_CASE("gpu, half: estimates, weights, gradients, permutations") {
  const rounded_rows<half> x(70, 11, 1, 0), y(60, 11, 2, 0.3);
  const gaussian k{3};
  CHECK(std::fabs(mmd::estimate(g, x.view(), y.view(), k) - mmd::estimate(cpu{}, x.host(), y.host(), k)) <= 2e-7);

  std::vector<float> u, v;
  for (int i = 0; i < 70; ++i) u.push_back(static_cast<float>(1 + i % 5));
  for (int i = 0; i < 60; ++i) v.push_back(static_cast<float>(i % 3));
  const auto gu = to(g, u), gv = to(g, v);
  CHECK(std::fabs(mmd::estimate(g, weighted(x.view(), gu), weighted(y.view(), gv), k) -
                  mmd::estimate(cpu{}, weighted(x.host(), u), weighted(y.host(), v), k)) <= 2e-7);

  device_result<float> gx(70, 11, 0);
  std::vector<float> hx(70 * 11);
  (void)mmd::value_and_gradient(g, x.view(), y.view(), k, {.x = {gx.view()}});
  (void)mmd::value_and_gradient(cpu{}, x.host(), y.host(), k, {.x = {as_matrix(hx, 70, 11)}});
  CHECK(close(gx.on_host(), hx, 1e-4));

  const auto t = mmd::permutation_test(g, x.view(), y.view(), k, {.permutations = 50}),
             s = mmd::permutation_test(cpu{}, x.host(), y.host(), k, {.permutations = 50});
  CHECK(t.statistic == doctest::Approx(s.statistic).epsilon(1e-4));
  CHECK(t.null_deviation == doctest::Approx(s.null_deviation).epsilon(1e-4));
}

TEST_CASE("gpu, bfloat16: estimates; bad elements are named") {
  const rounded_rows<bfloat16> x(70, 4, 1, 0), y(60, 4, 2, 0.3);
  CHECK(std::fabs(mmd::estimate(g, x.view(), y.view(), gaussian{2}) - mmd::estimate(cpu{}, x.host(), y.host(), gaussian{2})) <=
        2e-7);
  for (const float value : {std::nanf(""), HUGE_VALF}) {
    auto bad = y.numbers;
    bad[41 * 4 + 3] = bfloat16(value);
    const auto gy = to(g, as_matrix(bad, 60, 4));
    CHECK_THROWS_WITH_AS((void)mmd::estimate(g, x.view(), gy, gaussian{2}),
                         "dispar: sample 1: element (41, 3) is NaN or infinite", invalid_argument);
  }
}
