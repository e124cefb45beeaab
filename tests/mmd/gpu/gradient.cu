// Gradients on the GPU against the CPU: sizes, bad input.
#include "dispar/kernels/gaussian.hpp"
#include "mmd/gpu/gradient_checks.hpp"

namespace {

using namespace dispar;
using gpu_tests::check_gradients;
using gpu_tests::device_result;
using gpu_tests::device_rows;
using mmd::estimator;

const gpu g = gpu_tests::device();

}  // namespace

TEST_CASE("gpu, gradient: sizes around a tile, features around a slice and a tile, float") {
  for (const auto& [n, m, d] :
       {std::array<dispar::index, 3>{1, 65, 1}, {63, 64, 3}, {129, 2, 16}, {64, 66, 17}, {40, 2, 64}, {2, 65, 65}})
    check_gradients<float>(n, m, d, gaussian{std::sqrt(static_cast<double>(d))}, 1e-5, {.form = estimator::biased});
  check_gradients<float>(66, 66, 5, gaussian{2}, 1e-5, {.xx = 0.7, .yy = 1.1, .xy = 1.9, .form = estimator::one_sample});
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
