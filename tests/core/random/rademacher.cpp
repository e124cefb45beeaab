#include "dispar/core/random/rademacher.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "core/chi_square.hpp"

TEST_CASE("rademacher: the documented bit, in every type") {
  const dispar::random_key key{4, 1};
  for (dispar::index i = 0; i < 300; ++i) {
    const std::uint32_t word = key.block(static_cast<std::uint64_t>(i / 128))[static_cast<int>(i % 128 / 32)];
    const int sign = (word >> (i % 32)) & 1 ? 1 : -1;
    CHECK(dispar::rademacher<int>(key, i) == sign);
    CHECK(dispar::rademacher<float>(key, i) == static_cast<float>(sign));
    CHECK(dispar::rademacher<double>(key, i) == static_cast<double>(sign));
  }
}

TEST_CASE("rademacher: runs of eight signs are equally likely") {
  const dispar::random_key key{1};
  std::vector<long> runs(256);
  for (dispar::index i = 0; i < 25600; ++i) {
    std::size_t run = 0;
    for (dispar::index k = 0; k < 8; ++k) run = run * 2 + (dispar::rademacher<int>(key, i * 8 + k) > 0);
    ++runs[run];
  }
  CHECK(chi_square(runs) < chi_square_limit(255));
}
