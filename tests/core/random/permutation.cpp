#include "dispar/core/random/permutation.hpp"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <vector>

#include "core/chi_square.hpp"

using dispar::permutation;
using dispar::random_key;

TEST_CASE("permutation: every number once, reproducible, different for different keys") {
  for (std::size_t n : {0u, 1u, 2u, 3u, 64u, 1000u}) {
    std::vector<std::int64_t> first(n), again(n), other(n);
    permutation(random_key{1}.fork(3), first);
    permutation(random_key{1}.fork(3), again);
    permutation(random_key{1}.fork(4), other);
    CHECK(first == again);
    if (n >= 64) CHECK(first != other);
    std::vector<int> seen(n);
    for (std::int64_t i : first) ++seen.at(static_cast<std::size_t>(i));
    for (int count : seen) CHECK(count == 1);
  }
}

TEST_CASE("permutation: all orders of four are equally likely") {
  std::map<std::array<std::int64_t, 4>, long> orders;
  for (std::uint64_t row = 0; row < 24000; ++row) {
    std::array<std::int64_t, 4> p{};
    permutation(random_key{1}.fork(row), p);
    ++orders[p];
  }
  std::vector<long> counts;
  for (const auto& [order, count] : orders) counts.push_back(count);
  REQUIRE(counts.size() == 24);
  CHECK(chi_square(counts) < chi_square_limit(23));
}

TEST_CASE("permutation: every element reaches every place of a longer one equally often") {
  constexpr std::size_t n = 40;
  std::vector<long> places(n * n);
  for (std::uint64_t row = 0; row < 8000; ++row) {
    std::array<std::int64_t, n> p{};
    permutation(random_key{2}.fork(row), p);
    for (std::size_t i = 0; i < n; ++i) ++places[i * n + static_cast<std::size_t>(p[i])];
  }
  // Rows and columns of the table add up to the number of trials: (n - 1)^2 degrees of freedom, scaled by n / (n - 1).
  CHECK(chi_square(places) * (n - 1) / n < chi_square_limit((n - 1) * (n - 1)));
}
