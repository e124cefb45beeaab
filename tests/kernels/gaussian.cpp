#include "dispar/kernels/gaussian.hpp"

#include <limits>

#include "kernels/kernel_checks.hpp"

TEST_CASE("gaussian: exp(-d / (2 sigma^2)) of the squared distance") {
  for (double sigma : {0.3, 1.0, 7.0})
    for (double d : {0.0, 1e-8, 0.5, 3.0, 60.0})
      CHECK(dispar::evaluate(dispar::gaussian{sigma}, {{d}}) ==
            doctest::Approx(std::exp(-d / (2 * sigma * sigma))).epsilon(1e-14));
  CHECK(dispar::evaluate(dispar::gaussian{}, {{0.0}}) == 1);
}

TEST_CASE("gaussian: derivatives and packs") {
  for (double sigma : {0.8, 1.0, 7.0}) kernel_tests::check_kernel(dispar::gaussian{sigma});
}

TEST_CASE("gaussian: bandwidths that are not positive are named") {
  for (double sigma : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_AS((void)dispar::evaluate(dispar::gaussian{sigma}, {{1.0}}), dispar::invalid_argument);
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::gaussian{-2}, {{1.0}}), "dispar: gaussian: sigma must be positive, got -2");
}

TEST_CASE("gaussian: a bandwidth that float cannot express is refused in float and right in double") {
  const dispar::gaussian k{1e-30};
  CHECK_THROWS_AS((void)(dispar::narrowed_constants<dispar::gaussian, float>(k)), dispar::invalid_argument);
  CHECK(dispar::evaluate(k, {{0.0}}) == 1);
  CHECK(dispar::evaluate(k, {{1e-60}}) == doctest::Approx(std::exp(-0.5)).epsilon(1e-14));
}
