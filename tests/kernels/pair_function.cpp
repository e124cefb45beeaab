#include "dispar/kernels/pair_function.hpp"

#include "dispar/kernels/deep.hpp"
#include "dispar/kernels/gaussian.hpp"
#include "dispar/kernels/rational_quadratic.hpp"
#include "kernels/kernel_checks.hpp"

namespace {

/// What a user writes, word for word from the documentation: no `prepare`, no `validate`.
struct cauchy {
  double scale;
  using metric = dispar::sq_euclidean;
  static constexpr int channels = 1, parameters = 1;
  dispar::vec<double, 1> theta() const { return {{scale}}; }
  template<class V>
  DISPAR_FN static V value(dispar::vec<V, 1> d, dispar::vec<V, 1> p) {
    return V(1) / (V(1) + d[0] / p[0]);
  }
};

struct without_value {
  using metric = dispar::sq_euclidean;
  static constexpr int channels = 1, parameters = 1;
  dispar::vec<double, 1> theta() const { return {{1.0}}; }
};

}  // namespace

TEST_CASE("a kernel of five lines has value, derivatives and packs") {
  static_assert(dispar::pair_function<cauchy>);
  static_assert(dispar::constants_of<cauchy> == 1);
  CHECK(dispar::evaluate(cauchy{2}, {{3.0}}) == doctest::Approx(0.4).epsilon(1e-15));
  kernel_tests::check_kernel(cauchy{2});
}

TEST_CASE("pair_function tells kernels from other things") {
  static_assert(!dispar::pair_function<without_value>);
  static_assert(!dispar::pair_function<int>);
  static_assert(dispar::pair_function<dispar::deep_kernel<>>);
}

TEST_CASE("constants_jacobian: d constants / d parameters by central differences") {
  const dispar::rational_quadratic k{1.3, 2.2};
  const auto jacobian = dispar::detail::constants_jacobian(k);
  const double step = 1e-6;
  const dispar::rational_quadratic above[] = {{1.3 + step, 2.2}, {1.3, 2.2 + step}};
  const dispar::rational_quadratic below[] = {{1.3 - step, 2.2}, {1.3, 2.2 - step}};
  for (int p = 0; p < 2; ++p) {
    const auto high = dispar::detail::checked_constants(above[p]), low = dispar::detail::checked_constants(below[p]);
    for (int c = 0; c < 2; ++c) CHECK(jacobian[c][p] == doctest::Approx((high[c] - low[c]) / (2 * step)).epsilon(1e-7));
  }
}

TEST_CASE("narrowed_constants: those of double, rounded; refused where they become infinite") {
  const auto narrow = dispar::narrowed_constants<dispar::gaussian, float>(dispar::gaussian{3});
  CHECK(narrow[0] == static_cast<float>(dispar::detail::checked_constants(dispar::gaussian{3})[0]));
  CHECK_THROWS_AS((void)(dispar::narrowed_constants<dispar::gaussian, float>(dispar::gaussian{1e-25})), dispar::invalid_argument);
  CHECK_NOTHROW((void)(dispar::narrowed_constants<dispar::gaussian, double>(dispar::gaussian{1e-25})));
}
