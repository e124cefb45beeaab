// Search for persons: by hand, ties, pictures not seen, queries without an answer.
#include "dispar/metrics/reidentification.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

TEST_CASE("reidentification: two queries by hand, one without an answer, ties by number, hidden pictures, identities once") {
  using dispar::index;
  // Gallery in order of distance for query 0: persons 5 5 7 3 7 (a tie between the first two of number 1 and 3).
  const std::vector<double> d{3, 1, 2, 1, 5, /**/ 1, 2, 3, 4, 5, /**/ 1, 2, 3, 4, 5};
  const std::vector<std::int64_t> gallery{3, 5, 7, 5, 7}, queries{7, 3, 9};
  const auto distances = dispar::as_matrix(d, 3, 5);
  const auto all = dispar::metrics::reidentification(distances, queries, gallery, {.max_rank = 4});
  CHECK(all.queries == 2);
  CHECK(all.cmc == std::vector<double>{0.5, 0.5, 1, 1});
  CHECK(all.map == doctest::Approx(((1.0 / 3 + 2.0 / 5) / 2 + 1) / 2));
  CHECK(all.minp == doctest::Approx((2.0 / 5 + 1) / 2));
  const auto once = dispar::metrics::reidentification(distances, queries, gallery, {.max_rank = 7, .by_identity = true});
  CHECK(once.cmc == std::vector<double>{0.5, 1, 1, 1, 1, 1, 1});
  CHECK(once.map == all.map);
  const auto hidden = dispar::metrics::reidentification(distances, queries, gallery, {.max_rank = 9},
                                                        [](index i, index j) { return i == 0 && (j == 1 || j == 3); });
  CHECK(hidden.cmc == std::vector<double>{1, 1, 1, 1, 1});
}

TEST_CASE("reidentification: what is refused, and nobody to be found") {
  std::vector<double> d{1, 2};
  const std::vector<std::int64_t> one{1}, two{2, 3};
  CHECK(dispar::metrics::reidentification(dispar::as_matrix(d, 1, 2), one, two).queries == 0);
  CHECK(dispar::metrics::reidentification(dispar::as_matrix(d, 1, 2), one, two).map == 0);
  CHECK_THROWS_AS((void)dispar::metrics::reidentification(dispar::as_matrix(d, 2, 1), one, two), dispar::invalid_argument);
  CHECK_THROWS_AS((void)dispar::metrics::reidentification(dispar::as_matrix(d, 1, 2), one, two, {.max_rank = 0}),
                  dispar::invalid_argument);
  d[1] = std::nan("");
  CHECK_THROWS_AS((void)dispar::metrics::reidentification(dispar::as_matrix(d, 1, 2), one, two), dispar::invalid_argument);
}
