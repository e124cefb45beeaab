#include "dispar/kernels/mixture.hpp"

#include "dispar/kernels/inverse_multiquadric.hpp"
#include "dispar/kernels/rational_quadratic.hpp"
#include "kernels/kernel_checks.hpp"

TEST_CASE("gaussian_ladder: the explicit sum of Gaussians with bandwidths sigma / sqrt(2)^l") {
  for (double sigma : {0.7, 3.0})
    for (double d : {0.0, 0.01, 1.0, 8.0, 300.0}) {
      const dispar::gaussian_ladder<5> equal{sigma};
      const dispar::gaussian_ladder<5> weighted{sigma, {{0.1, 2.0, 0.0, 0.4, 1.5}}};
      double mean = 0, sum = 0;
      for (int l = 0; l < 5; ++l) {
        const double k = dispar::evaluate(dispar::gaussian{sigma / std::pow(std::sqrt(2.0), l)}, {{d}});
        mean += k / 5;
        sum += weighted.weights[l] * k;
      }
      CHECK(std::abs(dispar::evaluate(equal, {{d}}) - mean) <= 1e-14);
      CHECK(std::abs(dispar::evaluate(weighted, {{d}}) - sum) <= 1e-14);
    }
  CHECK(dispar::evaluate(dispar::gaussian_ladder<1>{2.5}, {{3.0}}) == dispar::evaluate(dispar::gaussian{2.5}, {{3.0}}));
}

TEST_CASE("gaussian_ladder: derivatives by distance, sigma and weights; packs") {
  kernel_tests::check_kernel(dispar::gaussian_ladder<1>{1.5}, 4e-6);
  kernel_tests::check_kernel(dispar::gaussian_ladder<5>{2.5, {{0.1, 2.0, 0.3, 0.4, 1.5}}}, 8e-6);
}

TEST_CASE("mixture: weight_a a + weight_b b, nested too") {
  const dispar::mixture<dispar::gaussian, dispar::inverse_multiquadric> two{{1.5}, {0.6}, 0.25, 2.0};
  const dispar::mixture<decltype(two), dispar::rational_quadratic> three{two, {1.1, 2.0}, 3.0, 0.5};
  for (double d : {0.0, 0.4, 6.0}) {
    const double a = dispar::evaluate(two.a, {{d}}), b = dispar::evaluate(two.b, {{d}}), c = dispar::evaluate(three.b, {{d}});
    CHECK(dispar::evaluate(two, {{d}}) == doctest::Approx(0.25 * a + 2 * b).epsilon(1e-14));
    CHECK(dispar::evaluate(three, {{d}}) == doctest::Approx(3 * (0.25 * a + 2 * b) + 0.5 * c).epsilon(1e-14));
  }
  kernel_tests::check_kernel(two, 4e-6);
  kernel_tests::check_kernel(three, 4e-6);
}

TEST_CASE("mixtures: negative weights and bad parameters of the parts are named") {
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::gaussian_ladder<2>{1, {{1, -3}}}, {{1.0}}),
                    "dispar: gaussian_ladder: weights must not be negative, got -3");
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::gaussian_ladder<2>{0}, {{1.0}}),
                    "dispar: gaussian_ladder: sigma must be positive, got 0");
  using pair = dispar::mixture<dispar::gaussian, dispar::gaussian>;
  CHECK_THROWS_WITH((void)dispar::evaluate(pair{{1}, {1}, -1, 1}, {{1.0}}),
                    "dispar: mixture: weight_a must not be negative, got -1");
  CHECK_THROWS_WITH((void)dispar::evaluate(pair{{1}, {1}, 1, -4}, {{1.0}}),
                    "dispar: mixture: weight_b must not be negative, got -4");
  CHECK_THROWS_WITH((void)dispar::evaluate(pair{{1}, {-7}}, {{1.0}}), "dispar: gaussian: sigma must be positive, got -7");
}
