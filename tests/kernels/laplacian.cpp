#include "dispar/kernels/laplacian.hpp"

#include "kernels/kernel_checks.hpp"

TEST_CASE("laplacian_l1: exp(-d / scale) of the L1 distance; laplacian_l2: of the square root of the squared one") {
  for (double scale : {0.3, 1.0, 7.0})
    for (double d : {0.0, 0.5, 3.0, 20.0}) {
      CHECK(dispar::evaluate(dispar::laplacian_l1{scale}, {{d}}) == doctest::Approx(std::exp(-d / scale)).epsilon(1e-14));
      CHECK(dispar::evaluate(dispar::laplacian_l2{scale}, {{d * d}}) == doctest::Approx(std::exp(-d / scale)).epsilon(1e-14));
    }
}

TEST_CASE("laplacian: derivatives and packs") {
  for (double scale : {1.0, 5.0}) kernel_tests::check_kernel(dispar::laplacian_l1{scale}, 4e-6);
  for (double d : {0.3, 1.0, 9.0, 40.0}) {
    kernel_tests::check_derivatives(dispar::laplacian_l2{1.5}, {{d}});
    kernel_tests::check_packs<float>(dispar::laplacian_l2{1.5}, {{d}}, 4e-6);
    kernel_tests::check_packs<double>(dispar::laplacian_l2{1.5}, {{d}}, 1e-14);
  }
}

TEST_CASE("laplacian_l2: value 1 and derivative 0 at coincident points, the stated convention") {
  using D = dispar::dual<kernel_tests::real, 1>;
  const auto c = dispar::detail::checked_constants(dispar::laplacian_l2{2});
  const D k = dispar::laplacian_l2::value<D>({{D::variable(kernel_tests::real(0.0), 0)}}, {{D(c[0])}});
  CHECK(k.value.value == 1);
  CHECK(k.d[0].value == 0);
}

TEST_CASE("laplacian: scales that are not positive are named") {
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::laplacian_l1{0}, {{1.0}}),
                    "dispar: laplacian_l1: scale must be positive, got 0");
  CHECK_THROWS_WITH((void)dispar::evaluate(dispar::laplacian_l2{-0.5}, {{1.0}}),
                    "dispar: laplacian_l2: scale must be positive, got -0.5");
}
