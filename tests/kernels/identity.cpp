#include "dispar/kernels/identity.hpp"

#include "kernels/kernel_checks.hpp"

TEST_CASE("identity: the distance or the inner product itself") {
  for (double d : {-3.0, 0.0, 0.25}) CHECK(dispar::evaluate(dispar::identity<>{}, {{d}}) == d);
  CHECK(dispar::evaluate(dispar::identity<dispar::l1>{}, {{4.0}}) == 4);
  static_assert(dispar::identity<>::parameters == 0);
  kernel_tests::check_kernel(dispar::identity<dispar::sq_euclidean>{});
}

TEST_CASE("polynomial: (scale x.y + offset)^Degree, negative inner products included") {
  for (double d : {-3.0, 0.0, 0.25, 5.0}) {
    CHECK(dispar::evaluate(dispar::polynomial<1>{2, 0.5}, {{d}}) == doctest::Approx(2 * d + 0.5).epsilon(1e-15));
    CHECK(dispar::evaluate(dispar::polynomial<3>{0.5, -1}, {{d}}) == doctest::Approx(std::pow(0.5 * d - 1, 3)).epsilon(1e-14));
  }
}

TEST_CASE("polynomial: derivatives by the inner product, scale and offset; packs") {
  for (double d : {-2.0, 0.3, 1.5}) {
    kernel_tests::check_derivatives(dispar::polynomial<1>{2, 0.5}, {{d}});
    kernel_tests::check_derivatives(dispar::polynomial<3>{0.7, 1}, {{d}});
    kernel_tests::check_packs<float>(dispar::polynomial<3>{0.7, 1}, {{d}}, 4e-6);
    kernel_tests::check_packs<double>(dispar::polynomial<3>{0.7, 1}, {{d}}, 1e-14);
  }
}
