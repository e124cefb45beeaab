#include "dispar/backend/host/register_tile.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "backend/host/integer_samples.hpp"

namespace engine_tests {

namespace {

/// Accumulated distances of the rows first .. of a panel to all of them, against the definition.
template<class Metric, class T, class Element>
void check_sums(const std::vector<T>& panels, index first, index depth, const Element& element) {
  using R = dispar::detail::register_tile<T>;
  typename R::V acc[R::rows][R::vectors];
  dispar::detail::accumulate_distances<Metric, T>(panels.data() + first, panels.data(), depth, acc);
  for (index r = 0; r < R::rows; ++r)
    for (index j = 0; j < R::width; ++j) {
      double expected = 0;
      for (index k = 0; k < depth; ++k) expected = add_feature(Metric(), expected, element(first + r, k), element(j, k));
      CHECK(static_cast<double>(acc[r][j / R::lanes][static_cast<int>(j % R::lanes)]) == expected);
    }
}

}  // namespace

TEST_CASE_TEMPLATE("the tile fits panels and registers", T, float, double) {
  using R = dispar::detail::register_tile<T>;
  CHECK(R::panel % R::rows == 0);
  CHECK(R::panel % R::lanes == 0);
  CHECK(R::width % R::panel == 0);
  CHECK(R::width == R::vectors * R::lanes);
  CHECK(R::vectors == R::width / R::panel * R::panel_vectors);
  CHECK((R::rows == 1 || R::rows * R::vectors + R::vectors + 1 <= dispar::vector_registers));
}

TEST_CASE_TEMPLATE("accumulated distances are sums over the features, for every row of a panel", T, float, double) {
  using R = dispar::detail::register_tile<T>;
  for (index depth : {1, 2, 3, 16, 100, 1024, 1025, 3000}) {
    // Panels of small integers: element k of row i.
    const auto element = [](index i, index k) { return static_cast<double>((i * 5 + k * 3) % 7 - 3); };
    std::vector<T> panels(static_cast<std::size_t>(R::width * depth));
    for (index i = 0; i < R::width; ++i)
      for (index k = 0; k < depth; ++k)
        panels[static_cast<std::size_t>(i / R::panel * R::panel * depth + k * R::panel + i % R::panel)] =
            static_cast<T>(element(i, k));
    for (index first = 0; first < R::panel; first += R::rows) {
      check_sums<dispar::l1, T>(panels, first, depth, element);
      check_sums<dispar::dot, T>(panels, first, depth, element);
    }
  }
}

}  // namespace engine_tests
