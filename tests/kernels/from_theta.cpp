#include "dispar/kernels/from_theta.hpp"

#include <doctest/doctest.h>

#include "dispar/kernels.hpp"

namespace kernel_tests {
namespace {

struct swapped {  // theta() in another order than the members
  double a, b;
  using metric = dispar::sq_euclidean;
  static constexpr int channels = 1, parameters = 2;
  [[nodiscard]] dispar::vec<double, 2> theta() const { return {{b, a}}; }
  template<class V>
  DISPAR_FN static V value(dispar::vec<V, 1> d, dispar::vec<V, 2> p) {
    return d[0] * p[0] + p[1];
  }
};

}  // namespace

TEST_CASE_TEMPLATE("a kernel is made again of its parameters", K, dispar::gaussian, dispar::gaussian_ladder<3>,
                   dispar::laplacian_l1, dispar::rational_quadratic, dispar::deep_kernel<>,
                   dispar::deep_kernel<dispar::logistic_parameters>,
                   dispar::mixture<dispar::gaussian, dispar::rational_quadratic>,
                   dispar::mixture<dispar::mixture<dispar::gaussian, dispar::gaussian>, dispar::gaussian_ladder<2>>) {
  dispar::vec<double, K::parameters> theta{};
  for (int p = 0; p < K::parameters; ++p) theta[p] = 1.5 + 0.25 * p;
  const auto made = dispar::from_theta<K>(theta).theta();
  for (int p = 0; p < K::parameters; ++p) CHECK(made[p] == theta[p]);
}

TEST_CASE("a kernel whose members are in another order is refused") {
  CHECK_THROWS_WITH_AS((void)dispar::from_theta<swapped>({{1, 2}}),
                       "dispar: from_theta: kernel must have its parameters as members in the order of theta(), or a static "
                       "from_theta; it has another parameter, got 2",
                       dispar::invalid_argument);
  CHECK(dispar::from_theta<swapped>({{3, 3}}).a == 3);
}

}  // namespace kernel_tests
