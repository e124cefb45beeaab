#include "dispar/kernels/rational_quadratic.hpp"

#include "dispar/kernels/gaussian.hpp"
#include "kernels/kernel_checks.hpp"

TEST_CASE("rational_quadratic: (1 + d / (2 alpha scale^2))^-alpha") {
  for (double scale : {0.3, 2.0})
    for (double alpha : {0.5, 1.0, 3.7})
      for (double d : {0.0, 0.5, 3.0, 1e4})
        CHECK(dispar::evaluate(dispar::rational_quadratic{scale, alpha}, {{d}}) ==
              doctest::Approx(std::pow(1 + d / (2 * alpha * scale * scale), -alpha)).epsilon(1e-13));
}

TEST_CASE("rational_quadratic: derivatives by distance, scale and alpha; packs") {
  for (double alpha : {0.5, 1.0, 3.7}) kernel_tests::check_kernel(dispar::rational_quadratic{1.3, alpha}, 4e-6);
}

TEST_CASE("rational_quadratic: the Gaussian as alpha grows") {
  for (double d : {0.1, 1.0, 5.0})
    CHECK(dispar::evaluate(dispar::rational_quadratic{1.5, 1e7}, {{d}}) ==
          doctest::Approx(dispar::evaluate(dispar::gaussian{1.5}, {{d}})).epsilon(1e-6));
}

TEST_CASE("rational_quadratic: parameters that are not positive are named") {
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::rational_quadratic{-1, 1}, {{1.0}}),
                    "dispar: rational_quadratic: scale must be positive, got -1");
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::rational_quadratic{1, 0}, {{1.0}}),
                    "dispar: rational_quadratic: alpha must be positive, got 0");
}
