#include "dispar/backend/host/sort.hpp"

#include <doctest/doctest.h>

#include "../sort_checks.hpp"
#include "any_order.hpp"

namespace {

using namespace sort_workload;

template<class T>
void check_sorts() {
  for (const dispar::index size : sizes)
    for (const std::uint32_t spread : {1u, 300u, 4000000000u})
      for (const any_order& each : orders_of_tasks)
        if (size < 100000 || (spread > 300 && each.backwards))
          check_sort<T>(dispar::tiled_host<any_order>{each}, size, spread,
                        size % 2 == 0 ? sort_order::ascending : sort_order::descending);
}

}  // namespace

TEST_CASE("sort: the stable order, float") { check_sorts<float>(); }
TEST_CASE("sort: the stable order, double") { check_sorts<double>(); }
TEST_CASE("sort: the stable order, 32-bit integers") { check_sorts<std::int32_t>(); }
TEST_CASE("sort: the stable order, 64-bit integers") { check_sorts<std::int64_t>(); }

TEST_CASE("sort: the order of special values; zeros and NaNs keep theirs") {
  const float inf = dispar::positive_infinity<float>(), nan = dispar::quiet_nan<float>();
  const std::vector<float> x{nan, 0.0f, 1, -inf, -0.0f, -1, -nan, inf, 0.0f};
  std::vector<int> at(x.size());
  dispar::sort_indices(dispar::cpu{}, view_of(x), view_of(at));
  CHECK(at == std::vector{3, 5, 1, 4, 8, 2, 7, 0, 6});
  dispar::sort_indices(dispar::cpu{}, view_of(x), view_of(at), sort_order::descending);
  CHECK(at == std::vector{7, 2, 1, 4, 8, 5, 3, 0, 6});
}

TEST_CASE("sort: lengths that differ are refused") {
  const std::vector<float> x(3);
  std::vector<float> two(2), three(3);
  std::vector<std::int64_t> at(2);
  const dispar::cpu b;
  CHECK_THROWS_WITH_AS(dispar::sort_keys(b, view_of(x), view_of(two)),
                       "dispar: sort_keys: sorted must have the length of the keys, got 2", dispar::invalid_argument);
  CHECK_THROWS_AS(dispar::sort_indices(b, view_of(x), view_of(at)), dispar::invalid_argument);
  CHECK_THROWS_AS(dispar::sort_pairs(b, view_of(x), view_of(at), view_of(three), view_of(at)), dispar::invalid_argument);
  // More than 32-bit indices count: refused before an element is read (there are none).
  CHECK_THROWS_WITH_AS(dispar::sort_indices(b, vector_view<const float>(x.data(), {dispar::index{1} << 31}, {0}),
                                            vector_view<std::int32_t>(nullptr, {dispar::index{1} << 31}, {0})),
                       doctest::Contains("fewer than 2^31"), dispar::invalid_argument);
}
