#include "dispar/backend/host/scan.hpp"

#include <doctest/doctest.h>

#include "../sort_checks.hpp"
#include "any_order.hpp"
#include "dispar/backend/host/select.hpp"

using namespace sort_workload;

TEST_CASE("scan: integers are exact, in the type of the sums") {
  for (const any_order& each : orders_of_tasks)
    for (const dispar::index size : sizes) {
      const dispar::tiled_host<any_order> b{each};
      check_integer_scan<std::uint8_t, std::int64_t>(b, size);
      check_integer_scan<std::int32_t, std::int32_t>(b, size);
      check_integer_scan<std::int32_t, std::int16_t>(b, size);  // wraps around
    }
}

TEST_CASE_TEMPLATE("scan: numbers, the same bits for any number of threads and order of tasks", T, float, double) {
  for (const dispar::index size : sizes) {
    const auto expected = check_real_scan<T>(dispar::tiled_host<dispar::serial>{}, size);
    for (const any_order& each : orders_of_tasks)
      CHECK(check_real_scan<T>(dispar::tiled_host<any_order>{each}, size) == expected);
  }
}

TEST_CASE("scan: NaN spreads to what follows") {
  const std::vector<double> x{1, dispar::quiet_nan<double>(), 2};
  std::vector<double> out(3);
  dispar::exclusive_scan(dispar::cpu{}, view_of(x), view_of(out), 5);
  CHECK(out[0] == 5);
  CHECK(out[1] == 6);
  CHECK(dispar::is_nan(out[2]));
  std::vector<double> two(2);
  CHECK_THROWS_WITH_AS(dispar::inclusive_scan(dispar::cpu{}, view_of(x), view_of(two)),
                       "dispar: scan: out must have the length of x, got 2", dispar::invalid_argument);
}

TEST_CASE("select_if: what is kept, in its order") {
  for (const any_order& each : orders_of_tasks)
    for (const dispar::index size : sizes) {
      check_select<float>(dispar::tiled_host<any_order>{each}, size);
      check_select<std::int64_t>(dispar::tiled_host<any_order>{each}, size);
    }
  const std::vector<float> x(3);
  std::vector<float> two(2), three(3);
  dispar::index count = 0;
  CHECK_THROWS_AS(dispar::select_if(dispar::cpu{}, view_of(x), odd{}, view_of(two), dispar::scalar_view<dispar::index>(&count)),
                  dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(dispar::select_if(dispar::cpu{}, view_of(x), odd{}, view_of(three), dispar::scalar_view<dispar::index>()),
                       "dispar: select_if: count must not be the null view", dispar::invalid_argument);
}
