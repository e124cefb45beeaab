#include "dispar/contrastive/distillation.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "dispar/backend/cpu.hpp"
#include "normal_rows.hpp"

namespace contrastive_tests {

using dispar::as_matrix;
using dispar::cpu;
using dispar::index;

TEST_CASE_TEMPLATE("distillation: the mean square and its gradient, strided, weighted, added", T, float, double) {
  const index n = 9, d = 5;
  const auto wide = normal_rows<T>(n, 2 * d, 1), target = normal_rows<T>(n, d, 2);
  const auto x = as_matrix(wide, n, 2 * d);
  const dispar::matrix_view<const T> every_other(wide.data(), {n, d}, {2 * d, 2});
  std::vector<T> g(target.size(), T(1));
  const double loss = dispar::contrastive::distillation(cpu{}, every_other, as_matrix(target, n, d),
                                                        {.x = as_matrix(g, n, d), .factor = 0.3, .accumulate = true});
  double expected = 0;
  for (index i = 0; i < n; ++i)
    for (index k = 0; k < d; ++k) {
      const double gap = static_cast<double>(x(i, 2 * k)) - static_cast<double>(target[static_cast<std::size_t>(i * d + k)]);
      expected += gap * gap / static_cast<double>(n * d);
      CHECK(static_cast<double>(g[static_cast<std::size_t>(i * d + k)]) ==
            doctest::Approx(1 + 0.3 * 2 * gap / static_cast<double>(n * d)).epsilon(1e-6));
    }
  CHECK(loss == doctest::Approx(expected).epsilon(1e-12));
  CHECK(dispar::contrastive::distillation(cpu{}, as_matrix(target, n, d), as_matrix(target, n, d)) == 0.0);
}

TEST_CASE("distillation: what is refused") {
  const std::vector<double> x(6, 1.0);
  CHECK_THROWS_AS((void)dispar::contrastive::distillation(cpu{}, as_matrix(x, 2, 3), as_matrix(x, 3, 2)),
                  dispar::invalid_argument);
  CHECK_THROWS_AS((void)dispar::contrastive::distillation(cpu{}, as_matrix(x, 0, 3), as_matrix(x, 0, 3)),
                  dispar::invalid_argument);
}

}  // namespace contrastive_tests
