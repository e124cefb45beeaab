#include "dispar/backend/host/gather.hpp"

#include <doctest/doctest.h>

#include "../sort_checks.hpp"
#include "any_order.hpp"

using namespace sort_workload;

TEST_CASE("gather and scatter: rows and elements by index") {
  for (const any_order& each : orders_of_tasks) {
    const dispar::tiled_host<any_order> b{each};
    check_gather(b, 1, 1, 1);
    check_gather(b, 11, 3, 5);
    check_gather(b, 11, 1, 40);  // indices that repeat
    check_gather(b, 5, 4, 0);
    check_gather(b, 997, 70, 20000);
  }
}

TEST_CASE("scatter: of indices that repeat the last one counts") {
  const std::vector<int> x{1, 2, 3}, at{1, 0, 1};
  std::vector<int> out{7, 7, 7};
  dispar::scatter(dispar::cpu{}, view_of(x), view_of(at), view_of(out));
  CHECK(out == std::vector{2, 3, 7});
}

TEST_CASE("gather and scatter: bad input names the argument and moves nothing") {
  const std::vector<float> x{1, 2, 3};
  const std::vector<int> at{0, 3}, below{-1, 0};
  std::vector<float> out{7, 7};
  const dispar::cpu b;
  CHECK_THROWS_WITH_AS(dispar::gather(b, view_of(x), view_of(at), view_of(out)),
                       "dispar: gather: at must be numbers of rows, got 3", dispar::invalid_argument);
  CHECK_THROWS_AS(dispar::gather(b, view_of(x), view_of(below), view_of(out)), dispar::invalid_argument);
  CHECK_THROWS_AS(dispar::scatter(b, view_of(x).slice(0, 2), view_of(at), view_of(out)), dispar::invalid_argument);
  CHECK_THROWS_AS(dispar::gather(b, view_of(x), view_of(at).slice(0, 1), view_of(out)), dispar::invalid_argument);
  CHECK_THROWS_AS(dispar::gather(b, dispar::as_matrix(x, 1, 3), view_of(at).slice(0, 1), dispar::as_matrix(out, 1, 2)),
                  dispar::invalid_argument);
  CHECK(out == std::vector<float>{7, 7});
}
