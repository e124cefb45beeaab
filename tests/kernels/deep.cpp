#include "dispar/kernels/deep.hpp"

#include <limits>

#include "dispar/kernels/gaussian.hpp"
#include "kernels/kernel_checks.hpp"

namespace {

using squared = dispar::deep_kernel<>;
using logistic = dispar::deep_kernel<dispar::logistic_parameters>;

/// The kernel as the papers write it.
double definition(double epsilon, double sigma, double sigma0, double features, double raw) {
  return ((1 - epsilon) * std::exp(-features / sigma0) + epsilon) * std::exp(-raw / sigma);
}

}  // namespace

TEST_CASE("deep_kernel: ((1 - epsilon) exp(-D_phi / sigma0) + epsilon) exp(-D_raw / sigma), both parametrizations") {
  for (double features : {0.0, 0.3, 4.0})
    for (double raw : {0.0, 1.0, 7.0}) {
      CHECK(dispar::evaluate(squared{1.5, -0.7, 0.4}, {{features, raw}}) ==
            doctest::Approx(definition(0.16, 2.25, 0.49, features, raw)).epsilon(1e-13));
      CHECK(dispar::evaluate(squared::from(2.25, 0.49, 0.16), {{features, raw}}) ==
            doctest::Approx(definition(0.16, 2.25, 0.49, features, raw)).epsilon(1e-13));
      CHECK(dispar::evaluate(logistic{1.5, -0.7, 0.4}, {{features, raw}}) ==
            doctest::Approx(definition(1 / (1 + std::exp(-0.4)), 2.25, 0.49, features, raw)).epsilon(1e-13));
    }
}

TEST_CASE("deep_kernel: derivatives by both distances and by s, s0 and e; packs") {
  for (double features : {0.3, 4.0})
    for (double raw : {0.1, 1.0, 7.0}) {
      kernel_tests::check_derivatives(squared{1.5, -0.7, 0.4}, {{features, raw}});
      kernel_tests::check_derivatives(logistic{-1.5, 2.0, -3.0}, {{features, raw}});
      kernel_tests::check_packs<float>(squared{1.5, 0.7, 0.4}, {{features, raw}}, 4e-6);
      kernel_tests::check_packs<double>(logistic{1.5, 0.7, 0.4}, {{features, raw}}, 1e-14);
    }
}

TEST_CASE("deep_kernel: epsilon = 1 is the Gaussian on the raw channel, whatever the features") {
  const double sigma = 1.3;  // of the Gaussian; the deep kernel has no factor 2
  for (double features : {0.0, 3.0, 500.0})
    for (double raw : {0.0, 0.8, 6.0})
      CHECK(dispar::evaluate(squared::from(2 * sigma * sigma, 0.5, 1), {{features, raw}}) ==
            doctest::Approx(dispar::evaluate(dispar::gaussian{sigma}, {{raw}})).epsilon(1e-14));
}

TEST_CASE("feature_kernel: exp(-D / width), the deep kernel without smoothing") {
  for (double d : {0.0, 0.4, 5.0})
    CHECK(dispar::evaluate(dispar::feature_kernel{1.7}, {{d}}) == doctest::Approx(std::exp(-d / 1.7)).epsilon(1e-14));
  kernel_tests::check_kernel(dispar::feature_kernel{3.0}, 4e-6);
}

TEST_CASE("deep kernels: bad parameters are named") {
  CHECK_THROWS_WITH((void)squared::from(-1, 1, 0.5), "dispar: deep_kernel: sigma must be positive, got -1");
  CHECK_THROWS_WITH((void)squared::from(1, 0, 0.5), "dispar: deep_kernel: sigma0 must be positive, got 0");
  CHECK_THROWS_WITH((void)squared::from(1, 1, 1.5), "dispar: deep_kernel: epsilon must lie in [0, 1], got 1.5");
  CHECK_THROWS_WITH((void)dispar::evaluate(squared{0, 1, 0}, {{1.0, 1.0}}), "dispar: deep_kernel: s must not be 0, got 0");
  CHECK_THROWS_WITH((void)dispar::evaluate(logistic{1, 0, 0}, {{1.0, 1.0}}), "dispar: deep_kernel: s0 must not be 0, got 0");
  CHECK_THROWS_AS((void)dispar::evaluate(logistic{1, 1, std::numeric_limits<double>::infinity()}, {{1.0, 1.0}}),
                  dispar::invalid_argument);
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::feature_kernel{0}, {{1.0}}),
                    "dispar: feature_kernel: width must be positive, got 0");
}
