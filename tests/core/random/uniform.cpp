#include "dispar/core/random/uniform.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "core/chi_square.hpp"

using dispar::random_key;

TEST_CASE_TEMPLATE("uniform: the documented bits of the documented words", T, float, double) {
  const random_key key{5, 9};
  for (dispar::index i = 0; i < 40; ++i) {
    const auto block = key.block(static_cast<std::uint64_t>(sizeof(T) == 4 ? i / 4 : i / 2));
    double expected = 0;
    if (sizeof(T) == 4) {
      expected = static_cast<double>(block[static_cast<int>(i % 4)] >> 8) / 16777216.0;
    } else {
      const int w = static_cast<int>(i % 2) * 2;
      expected = static_cast<double>((block[w] | std::uint64_t{block[w + 1]} << 32) >> 11) / 9007199254740992.0;
    }
    CHECK(static_cast<double>(dispar::uniform<T>(key, i)) == expected);
    const double step = sizeof(T) == 4 ? 0x1p-24 : 0x1p-53;
    CHECK(static_cast<double>(dispar::open_uniform<T>(key, i)) == expected + step);
  }
}

TEST_CASE_TEMPLATE("uniform: the ends of the interval", T, float, double) {
  constexpr dispar::vec<std::uint32_t, 4> zeros{{0, 0, 0, 0}}, ones{{~0u, ~0u, ~0u, ~0u}};
  CHECK(dispar::detail::unit_interval<T>(zeros, 0)[0] == T(0));
  CHECK(dispar::detail::unit_interval<T>(ones, 0)[0] < T(1));
  CHECK(dispar::detail::unit_interval<T>(zeros, 1)[0] > T(0));
  CHECK(dispar::detail::unit_interval<T>(ones, 1)[0] == T(1));
}

TEST_CASE_TEMPLATE("uniform: equally likely cells, and pairs of neighbours too", T, float, double) {
  const random_key key{1};
  std::vector<long> cells(64), pairs(16 * 16);
  for (dispar::index i = 0; i < 64000; ++i) {
    const T u = dispar::uniform<T>(key, i), v = dispar::uniform<T>(key, i + 1);
    ++cells[static_cast<std::size_t>(u * 64)];
    if (i % 2 == 0) ++pairs[static_cast<std::size_t>(u * 16) * 16 + static_cast<std::size_t>(v * 16)];
  }
  CHECK(chi_square(cells) < chi_square_limit(63));
  CHECK(chi_square(pairs) < chi_square_limit(255));
}

TEST_CASE_TEMPLATE("fill_uniform: any shard of the sequence has the sequence's bits", T, float, double) {
  const random_key key{3};
  for (dispar::index first : {0, 1, 2, 3, 4, 1001}) {
    for (std::size_t count : {0u, 1u, 2u, 3u, 5u, 64u}) {
      std::vector<T> out(count);
      dispar::fill_uniform(key, first, std::span(out));
      for (std::size_t i = 0; i < count; ++i) CHECK(out[i] == dispar::uniform<T>(key, first + static_cast<dispar::index>(i)));
    }
  }
}
