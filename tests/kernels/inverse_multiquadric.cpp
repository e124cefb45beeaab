#include "dispar/kernels/inverse_multiquadric.hpp"

#include "dispar/kernels/rational_quadratic.hpp"
#include "kernels/kernel_checks.hpp"

TEST_CASE("inverse_multiquadric: 1 / sqrt(1 + d / scale^2)") {
  for (double scale : {0.3, 1.0, 7.0})
    for (double d : {0.0, 0.5, 3.0, 1e6})
      CHECK(dispar::evaluate(dispar::inverse_multiquadric{scale}, {{d}}) ==
            doctest::Approx(1 / std::sqrt(1 + d / (scale * scale))).epsilon(1e-14));
}

TEST_CASE("inverse_multiquadric: derivatives and packs") {
  for (double scale : {0.5, 1.0, 4.0}) kernel_tests::check_kernel(dispar::inverse_multiquadric{scale});
}

TEST_CASE("inverse_multiquadric: the rational quadratic with alpha = 1/2 and the same scale") {
  for (double d : {0.0, 0.7, 12.0})
    CHECK(dispar::evaluate(dispar::inverse_multiquadric{1.7}, {{d}}) ==
          doctest::Approx(dispar::evaluate(dispar::rational_quadratic{1.7, 0.5}, {{d}})).epsilon(1e-14));
}

TEST_CASE("inverse_multiquadric: a scale that is not positive is named") {
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::inverse_multiquadric{0}, {{1.0}}),
                    "dispar: inverse_multiquadric: scale must be positive, got 0");
}
