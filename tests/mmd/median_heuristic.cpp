#include "dispar/mmd/median_heuristic.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "dispar/core/random/normal.hpp"

namespace {

template<class T>
std::vector<T> normal_rows(dispar::index n, dispar::index d, std::uint64_t stream, double offset = 0) {
  std::vector<T> x(static_cast<std::size_t>(n * d));
  dispar::fill_normal(dispar::random_key{5, stream}, 0, std::span(x));
  for (T& v : x) v += static_cast<T>(offset);
  return x;
}

enum class norm { euclidean, manhattan, maximum };

/// The definition, on every `step`-th row of x and of y.
template<class T>
double median(const std::vector<T>& x, const std::vector<T>& y, std::size_t d, norm which, std::size_t step = 1) {
  std::vector<std::vector<double>> rows;
  for (const auto* v : {&x, &y})
    for (std::size_t i = 0; i < v->size(); i += step * d)
      rows.emplace_back(v->begin() + static_cast<long>(i), v->begin() + static_cast<long>(i + d));
  std::vector<double> distances;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double square = 0, sum = 0, most = 0;
      for (std::size_t k = 0; k < d; ++k) {
        const double gap = std::abs(rows[i][k] - rows[j][k]);
        square += gap * gap;
        sum += gap;
        most = std::max(most, gap);
      }
      distances.push_back(which == norm::euclidean ? std::sqrt(square) : which == norm::manhattan ? sum : most);
    }
  std::sort(distances.begin(), distances.end());
  const std::size_t count = distances.size();
  return count % 2 == 1 ? distances[count / 2] : (distances[count / 2 - 1] + distances[count / 2]) / 2;
}

}  // namespace

TEST_CASE_TEMPLATE("median_heuristic: the median of all pairwise distances", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (auto [n, m, d] : {std::array<dispar::index, 3>{1, 1, 1}, {1, 2, 3}, {2, 2, 1}, {37, 20, 5}, {130, 71, 33}, {3, 200, 2}}) {
    const auto xs = normal_rows<T>(n, d, 1, 3), ys = normal_rows<T>(m, d, 2, 3.5);
    const auto x = dispar::as_matrix(xs, n, d), y = dispar::as_matrix(ys, m, d);
    const auto du = static_cast<std::size_t>(d);
    CHECK(dispar::median_heuristic(dispar::cpu{}, x, y) ==
          doctest::Approx(median(xs, ys, du, norm::euclidean)).epsilon(tolerance));
    CHECK(dispar::median_distance<dispar::l1>(dispar::cpu{}, x, y) ==
          doctest::Approx(median(xs, ys, du, norm::manhattan)).epsilon(tolerance));
    CHECK(dispar::median_distance<dispar::linf>(dispar::cpu{}, x, y) ==
          doctest::Approx(median(xs, ys, du, norm::maximum)).epsilon(tolerance));
    CHECK(dispar::median_heuristic(x, y) == dispar::median_heuristic(dispar::cpu{}, x, y));
  }
}

TEST_CASE("median_heuristic: beyond most_rows every s-th row of each sample is used") {
  constexpr dispar::index n = 103, m = 58, d = 4;
  const auto xs = normal_rows<double>(n, d, 3), ys = normal_rows<double>(m, d, 4);
  const auto x = dispar::as_matrix(xs, n, d), y = dispar::as_matrix(ys, m, d);
  // 161 rows; 81 would be 52 + 29 = 81 at step 2, 80 needs step 3: 35 + 20.
  const auto at_most = [&](dispar::index rows) { return dispar::median_heuristic(dispar::cpu{}, x, y, {.most_rows = rows}); };
  CHECK(at_most(161) == doctest::Approx(median(xs, ys, d, norm::euclidean, 1)).epsilon(1e-13));
  CHECK(at_most(160) == doctest::Approx(median(xs, ys, d, norm::euclidean, 2)).epsilon(1e-13));
  CHECK(at_most(81) == doctest::Approx(median(xs, ys, d, norm::euclidean, 2)).epsilon(1e-13));
  CHECK(at_most(80) == doctest::Approx(median(xs, ys, d, norm::euclidean, 3)).epsilon(1e-13));
  CHECK(at_most(2) == doctest::Approx(median(xs, ys, d, norm::euclidean, 103)).epsilon(1e-13));
}

TEST_CASE("median_heuristic: strided samples, an offset of 1000 in float") {
  constexpr dispar::index n = 40, d = 6;
  const auto xs = normal_rows<float>(n, d, 5, 1000), ys = normal_rows<float>(n, d, 6, 1000);
  std::vector<float> turned(xs.size());
  for (dispar::index i = 0; i < n; ++i)
    for (dispar::index k = 0; k < d; ++k) turned[static_cast<std::size_t>(k * n + i)] = xs[static_cast<std::size_t>(i * d + k)];
  const auto x = dispar::as_matrix(turned, d, n).transposed();
  CHECK(dispar::median_heuristic(dispar::cpu{}, x, dispar::as_matrix(ys, n, d)) ==
        doctest::Approx(median(xs, ys, d, norm::euclidean)).epsilon(2e-6));
}

TEST_CASE("median_heuristic: bad input names the argument") {
  const std::vector<double> same(12, 1.5), none;
  const auto x = dispar::as_matrix(same, 6, 2);
  CHECK_THROWS_WITH_AS((void)dispar::median_heuristic(dispar::cpu{}, x, x), doctest::Contains("duplicates"),
                       dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)dispar::median_heuristic(dispar::cpu{}, x, dispar::as_matrix(none, 0, 2)),
                       doctest::Contains("rows of y"), dispar::invalid_argument);
  CHECK_THROWS_WITH_AS((void)dispar::median_heuristic(dispar::cpu{}, x, x, {.most_rows = 1}),
                       doctest::Contains("most_rows must be at least 2, got 1"), dispar::invalid_argument);
  CHECK_THROWS_AS((void)dispar::median_heuristic(dispar::cpu{}, x, dispar::as_matrix(same, 4, 3)), dispar::invalid_argument);
  auto broken = normal_rows<double>(6, 2, 7);
  broken[5] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS((void)dispar::median_heuristic(dispar::cpu{}, x, dispar::as_matrix(broken, 6, 2)),
                       doctest::Contains("element (2, 1)"), dispar::invalid_argument);
}
