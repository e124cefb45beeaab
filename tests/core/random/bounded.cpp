#include "dispar/core/random/bounded.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "core/chi_square.hpp"

using dispar::bounded;
using dispar::random_key;

TEST_CASE("multiply_wide: 64-bit products") {
  using u64 = std::uint64_t;
  constexpr auto check = [](u64 a, u64 b, u64 high, u64 low) {
    const auto p = dispar::detail::multiply_wide(a, b);
    return p.high == high && p.low == low;
  };
  static_assert(check(~u64{0}, ~u64{0}, ~u64{0} - 1, 1));
  static_assert(check(u64{1} << 63, 6, 3, 0));
  static_assert(check(0x123456789abcdef0u, 0xfedcba9876543210u, 0x121fa00ad77d7422u, 0x236d88fe5618cf00u));
  CHECK(check(0xFFFFFFFFu, 0xFFFFFFFFu, 0, 0xFFFFFFFE00000001u));
  CHECK(check(0x1FFFFFFFFu, 0x1FFFFFFFFu, 3, 0xFFFFFFFC00000001u));
}

TEST_CASE("bounded: lies in the range and is uniform on it") {
  for (std::uint64_t bound : {1u, 2u, 3u, 7u, 64u, 100u}) {
    std::vector<long> counts(bound);
    for (dispar::index i = 0; i < 50000; ++i) ++counts.at(bounded(random_key{1}, i, bound));
    if (bound > 1) CHECK(chi_square(counts) < chi_square_limit(static_cast<double>(bound - 1)));
  }
}

TEST_CASE("bounded: no bias where plain scaling would have much, with 32 and with 64-bit words") {
  // Thirds of a bound of 3/4 of the range: scaling without rejection would hit one third twice as often as the others.
  for (std::uint64_t third : {std::uint64_t{1} << 30, std::uint64_t{1} << 62}) {
    std::vector<long> residues(3), thirds(3);
    for (dispar::index i = 0; i < 60000; ++i) {
      const std::uint64_t draw = bounded(random_key{1}, i, 3 * third);
      REQUIRE(draw < 3 * third);
      ++thirds[draw / third];
      ++residues[draw % 3];
    }
    CHECK(chi_square(thirds) < chi_square_limit(2));
    CHECK(chi_square(residues) < chi_square_limit(2));
  }
}

TEST_CASE("bounded: after four rejected words the retry blocks decide") {
  // A bound just above half the range rejects nearly every second word: 1 draw in 16 needs retries.
  const std::uint64_t bound = (std::uint64_t{1} << 31) + 1;
  std::vector<long> halves(2);
  int retried = 0;
  for (dispar::index i = 0; i < 20000; ++i) {
    const auto words = random_key{1}.block(static_cast<std::uint64_t>(i));
    bool any = false;
    for (int k = 0; k < 4; ++k) {
      std::uint32_t ignored = 0;
      any = any || dispar::detail::scale_to_bound(words[k], static_cast<std::uint32_t>(bound), ignored);
    }
    if (any) continue;
    ++retried;
    const std::uint64_t draw = bounded(random_key{1}, i, bound);
    REQUIRE(draw < bound);
    CHECK(draw == bounded(random_key{1}, i, bound));
    ++halves[draw >= bound / 2];
  }
  CHECK(retried > 1000);
  CHECK(retried < 1500);
  CHECK(chi_square(halves) < chi_square_limit(1));
}

TEST_CASE("random_sequence: consecutive words of consecutive blocks, and integers as uniform as bounded's") {
  dispar::random_sequence sequence(random_key{1}, 5);
  for (std::uint64_t block = 5; block < 9; ++block)
    for (int i = 0; i < 4; ++i) CHECK(sequence.word() == random_key{1}.block(block)[i]);
  for (std::uint64_t third : {std::uint64_t{1} << 30, std::uint64_t{1} << 62}) {
    std::vector<long> thirds(3);
    for (int i = 0; i < 30000; ++i) ++thirds.at(sequence.below(3 * third) / third);
    CHECK(chi_square(thirds) < chi_square_limit(2));
  }
}
