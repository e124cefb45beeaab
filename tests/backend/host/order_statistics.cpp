#include "dispar/backend/host/order_statistics.hpp"

#include <doctest/doctest.h>

#include "../sort_checks.hpp"
#include "any_order.hpp"

using namespace sort_workload;

TEST_CASE_TEMPLATE("order_statistics: the elements of the sorted vector", T, float, double, std::int32_t, std::int64_t) {
  for (const dispar::index size : sizes)
    for (const std::uint32_t spread : {1u, 300u, 4000000000u})
      for (const any_order& each : orders_of_tasks)
        if (size > 0 && (size < 100000 || (spread > 300 && each.backwards)))
          check_order_statistics<T>(dispar::tiled_host<any_order>{each}, size, spread);
}

TEST_CASE("order_statistics: bad input names the argument") {
  const std::vector<double> x{3, 1, 2};
  std::vector<double> one(1);
  const std::array<dispar::index, 1> three{3}, negative{-1};
  const std::array<dispar::index, 2> two{0, 1};
  const dispar::cpu b;
  CHECK_THROWS_WITH_AS(dispar::order_statistics(b, view_of(x), three, view_of(one)),
                       "dispar: order_statistics: rank must lie in [0, number of keys), got 3", dispar::invalid_argument);
  CHECK_THROWS_AS(dispar::order_statistics(b, view_of(x), negative, view_of(one)), dispar::invalid_argument);
  CHECK_THROWS_AS(dispar::order_statistics(b, view_of(x), two, view_of(one)), dispar::invalid_argument);
}
